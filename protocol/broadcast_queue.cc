#include "protocol/broadcast_queue.h"

#include <algorithm>
#include <tuple>

namespace crossfloor {

void BroadcastQueue::add(const NodeId& node) {
  entries_[node] = Entry{0, 0, next_order_++};
}

bool BroadcastQueue::any_for(const NodeId& listener) const {
  return entries_.size() > (entries_.contains(listener) ? 1u : 0u);
}

void BroadcastQueue::end_round(int limit) {
  for (auto at = entries_.begin(); at != entries_.end();) {
    at = ++at->second.rounds >= limit ? entries_.erase(at) : std::next(at);
  }
}

std::vector<NodeId> BroadcastQueue::take(std::size_t count, int limit, const NodeId& listener) {
  std::vector<std::tuple<int, std::uint64_t, NodeId>> ranked;
  for (const auto& [node, entry] : entries_) {
    if (node != listener) ranked.emplace_back(entry.told, UINT64_MAX - entry.order, node);
  }
  count = std::min(count, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(count),
                    ranked.end());
  std::vector<NodeId> taken;
  for (std::size_t i = 0; i < count; ++i) {
    const NodeId& node = std::get<NodeId>(ranked[i]);
    taken.push_back(node);
    if (++entries_[node].told >= limit) entries_.erase(node);
  }
  return taken;
}

}  // namespace crossfloor
