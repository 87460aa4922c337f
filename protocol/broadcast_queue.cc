#include "protocol/broadcast_queue.h"

#include <algorithm>

namespace crossfloor {

void BroadcastQueue::add(const NodeId& node) {
  const auto [at, inserted] = entries_.try_emplace(node);
  Entry& entry = at->second;
  const Entry fresh{0, next_order_++};
  if (inserted) {
    ranked_.emplace(rank_of(fresh), &*at);
  } else {
    auto moved = ranked_.extract(rank_of(entry));
    moved.key() = rank_of(fresh);
    ranked_.insert(std::move(moved));
  }
  entry = fresh;
  arrivals_.push_back({round_, fresh.order, node});
}

void BroadcastQueue::remove(const NodeId& node) {
  const auto at = entries_.find(node);
  if (at == entries_.end()) return;
  ranked_.erase(rank_of(at->second));
  entries_.erase(at);
  if (entries_.empty()) arrivals_.clear();
}

bool BroadcastQueue::any_for(const NodeId& listener) const {
  return entries_.size() > (entries_.contains(listener) ? 1u : 0u);
}

void BroadcastQueue::end_round(int limit) {
  ++round_;
  const auto rounds = static_cast<std::uint64_t>(std::max(limit, 0));
  while (!arrivals_.empty() && round_ - arrivals_.front().round >= rounds) {
    const Arrival oldest = arrivals_.front();
    arrivals_.pop_front();
    const auto at = entries_.find(oldest.node);
    if (at != entries_.end() && at->second.order == oldest.order) remove(oldest.node);
  }
}

std::vector<NodeId> BroadcastQueue::take(std::size_t count, int limit, const NodeId& listener) {
  std::vector<NodeId> taken;
  taken.reserve(std::min(count, entries_.size()));
  std::vector<decltype(ranked_)::node_type> told;
  told.reserve(taken.capacity());
  for (auto at = ranked_.begin(); at != ranked_.end() && taken.size() < count;) {
    if (at->second->first == listener) {
      ++at;
      continue;
    }
    taken.push_back(at->second->first);
    told.push_back(ranked_.extract(at++));
  }
  // Only now: a piece that goes back must not be met again.
  for (auto& piece : told) {
    auto& [times, order] = piece.key();
    if (++times >= limit) {
      entries_.erase(entries_.find(piece.mapped()->first));
      continue;
    }
    piece.mapped()->second.told = times;
    ranked_.insert(std::move(piece));
  }
  if (entries_.empty()) arrivals_.clear();
  return taken;
}

}  // namespace crossfloor
