// When a node's core is woken, and whether its process stood still until just now. The same for the
// event loop of crossfloord and for the simulator.
//
// A core that wakes more than a second late was stopped, or starved of its processor. From the
// first thing on that it is told it acts as home no more; what peers sent meanwhile is read for
// 50 ms; then its clocks hear of the gap.
#pragma once

#include "node/core/node_core.h"

namespace crossfloor {

class Waker {
 public:
  // `core` is open, and outlives this.
  explicit Waker(NodeCore& core) : core_(core) {}

  // Before whatever the core is told: the length of a standstill that ended just now.
  std::optional<Duration> look(Now now);
  // After whatever it was told. True if due() is new or earlier than it was. Who is to be woken
  // earlier than needed is not put off, so that it sees how late it is.
  bool set(Now now);
  // When wake() is to be called; nothing before the first set().
  std::optional<Instant> due() const { return due_; }
  // Ticks the core. False, and nothing is done, before due().
  bool wake(Now now);

 private:
  void put_at_deadline(Now now);

  NodeCore& core_;
  std::optional<Instant> due_;
  std::optional<Duration> gap_;  // it stood still so long; what arrived is being read
};

}  // namespace crossfloor
