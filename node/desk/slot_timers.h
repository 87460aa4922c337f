// When slots end by themselves: holds, rings, wrap-ups, and work whose agent is gone.
#pragma once

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "protocol/routing_messages.h"
#include "protocol/time.h"

namespace crossfloor {

class SlotTimers {
 public:
  // An end that is announced is named by take_soon() this long before.
  explicit SlotTimers(Duration soon) : soon_before_(soon) {}

  void add(Instant until, Nonce nonce, bool announced);
  void remove(Instant until, Nonce nonce);

  std::optional<Nonce> due(Instant now) const;  // the first one; remove() it
  std::vector<Nonce> take_soon(Instant now);    // each is named once
  std::optional<Instant> deadline() const;

 private:
  Duration soon_before_;
  std::set<std::pair<Instant, Nonce>> ends_;
  std::set<std::pair<Instant, Nonce>> soon_;
};

}  // namespace crossfloor
