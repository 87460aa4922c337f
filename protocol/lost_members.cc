#include "protocol/lost_members.h"

#include <algorithm>
#include <vector>

namespace crossfloor {

void LostMembers::add(const NodeId& node, Instant first_try) {
  remove(node);
  turns_[node] = Turn{first_try, 0};
  order_.emplace(first_try, node);
}

void LostMembers::remove(const NodeId& node) {
  const auto found = turns_.find(node);
  if (found == turns_.end()) return;
  order_.erase({found->second.at, node});
  turns_.erase(found);
}

void LostMembers::set_turn(const NodeId& node, Turn& turn, Instant at) {
  order_.erase({turn.at, node});
  turn.at = at;
  order_.emplace(at, node);
}

void LostMembers::hurry(Instant latest) {
  while (!order_.empty() && order_.rbegin()->first > latest) {
    const NodeId node = order_.rbegin()->second;
    set_turn(node, turns_[node], latest);
  }
}

std::optional<NodeId> LostMembers::take(Instant now) {
  if (order_.empty() || now < not_before_ || order_.begin()->first > now) return std::nullopt;
  const NodeId node = order_.begin()->second;
  Turn& turn = turns_[node];
  set_turn(node, turn, now + lost_retry(options_, turn.tries));
  turn.tries = std::min(turn.tries + 1, 16);
  not_before_ = now + options_.lost_spacing;
  return node;
}

std::optional<Instant> LostMembers::deadline() const {
  if (order_.empty()) return std::nullopt;
  return std::max(order_.begin()->first, not_before_);
}

}  // namespace crossfloor
