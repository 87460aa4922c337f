#include "protocol/broadcast_queue.h"

#include <algorithm>

namespace crossfloor {

void BroadcastQueue::add(const NodeId& node) {
  remove(node);
  const Entry entry{0, round_, next_order_++};
  entries_[node] = entry;
  ranked_.insert(rank_of(node, entry));
  by_order_[entry.order] = node;
}

void BroadcastQueue::remove(const NodeId& node) {
  const auto at = entries_.find(node);
  if (at == entries_.end()) return;
  ranked_.erase(rank_of(node, at->second));
  by_order_.erase(at->second.order);
  entries_.erase(at);
}

bool BroadcastQueue::any_for(const NodeId& listener) const {
  return entries_.size() > (entries_.contains(listener) ? 1u : 0u);
}

void BroadcastQueue::end_round(int limit) {
  ++round_;
  const auto rounds = static_cast<std::uint64_t>(std::max(limit, 0));
  while (!by_order_.empty()) {
    const NodeId oldest = by_order_.begin()->second;
    if (round_ - entries_.at(oldest).round < rounds) return;
    remove(oldest);
  }
}

std::vector<NodeId> BroadcastQueue::take(std::size_t count, int limit, const NodeId& listener) {
  std::vector<NodeId> taken;
  for (auto at = ranked_.begin(); at != ranked_.end() && taken.size() < count; ++at) {
    const NodeId& node = std::get<NodeId>(*at);
    if (node != listener) taken.push_back(node);
  }
  for (const NodeId& node : taken) {
    Entry& entry = entries_.at(node);
    if (entry.told + 1 >= limit) {
      remove(node);
      continue;
    }
    ranked_.erase(rank_of(node, entry));
    ++entry.told;
    ranked_.insert(rank_of(node, entry));
  }
  return taken;
}

}  // namespace crossfloor
