// Messages that no conversation holds yet, in the order in which conversations will hold them.
// Placed in that order, each comes behind all that was placed before it, and nothing has to be
// folded again.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "protocol/position.h"

namespace crossfloor {

class UnplacedMessages {
 public:
  using Place = std::pair<Position, MessageId>;

  // `at` is its first copy's place as far as it is known.
  void put(const MessageId& id, const Position& at) {
    erase(id);
    at_.emplace(id, at);
    in_order_.emplace(at, id);
  }
  void erase(const MessageId& id) {
    const auto known = at_.find(id);
    if (known == at_.end()) return;
    in_order_.erase({known->second, id});
    at_.erase(known);
  }
  std::size_t size() const { return at_.size(); }
  // The first behind `place`, or of all; nothing: there are no more.
  std::optional<Place> next(const std::optional<Place>& place) const {
    const auto at = place ? in_order_.upper_bound(*place) : in_order_.begin();
    return at == in_order_.end() ? std::nullopt : std::optional(*at);
  }

 private:
  std::map<MessageId, Position> at_;
  std::set<Place> in_order_;
};

}  // namespace crossfloor
