// The messages that were decoded last: one that comes in is folded, placed, and folded into its
// conversation within a moment. An entry never changes, so a position names it for good.
#pragma once

#include <array>
#include <memory>

#include "protocol/bodies.h"
#include "protocol/position.h"

namespace crossfloor {

class RecentMessages {
 public:
  using Known = std::shared_ptr<const MessageBody>;

  // Null if it is not among the last ones.
  Known find(const Position& at) const {
    for (const auto& one : kept_) {
      if (one.body != nullptr && one.at == at) return one.body;
    }
    return nullptr;
  }
  void keep(const Position& at, Known body) {
    kept_[next_] = {at, std::move(body)};
    next_ = (next_ + 1) % kept_.size();
  }

 private:
  struct Kept {
    Position at;
    Known body;
  };
  std::array<Kept, 8> kept_;
  std::size_t next_ = 0;
};

}  // namespace crossfloor
