// The one gate of a node: what leaves waits until every write queued before it, by whatever event,
// is durable. Only probes and the own live stream pass freely. So a duplicate that comes while the
// first is being synced is not answered before the first is safe.
#pragma once

#include <deque>

#include "node/core/effects.h"

namespace crossfloor {

class Gate {
 public:
  // Leaves once write number `after` is durable.
  void hold(std::uint64_t after, Effect effect) {
    if (after <= durable_ && held_.empty()) {
      open_.push_back(std::move(effect));
    } else {
      held_.push_back({after, std::move(effect)});
    }
  }
  void pass(Effect effect) { open_.push_back(std::move(effect)); }

  // Every write up to `number` is durable.
  void durable(std::uint64_t number) {
    durable_ = number;
    while (!held_.empty() && held_.front().after <= durable_) {
      open_.push_back(std::move(held_.front().effect));
      held_.pop_front();
    }
  }
  std::uint64_t durable() const { return durable_; }

  std::vector<Effect> take() { return std::exchange(open_, {}); }
  std::size_t held() const { return held_.size(); }

 private:
  struct Held {
    std::uint64_t after;
    Effect effect;
  };
  std::uint64_t durable_ = 0;
  std::deque<Held> held_;  // `after` never falls
  std::vector<Effect> open_;
};

}  // namespace crossfloor
