// How fast one peer may speak on one kind of link. Whoever hears it counts frames and bytes in two
// buckets that refill at a steady rate; what comes beyond them is let fall unread. The protocols
// repeat what matters, so a node that floods slows itself down and nobody else.
#pragma once

#include <optional>

#include "node/runtime/link_limits.h"
#include "protocol/time.h"

namespace crossfloor {

class PeerRate {
 public:
  explicit PeerRate(const RateLimit& limit)
      : limit_(limit), frames_(limit.frames * burst), bytes_(limit.bytes * burst) {}

  // Whether this frame is within the limit; then it is counted.
  bool admit(std::size_t bytes, Instant now);

 private:
  static constexpr double burst = 2;  // seconds' worth that may come at once

  RateLimit limit_;
  double frames_;
  double bytes_;
  std::optional<Instant> refilled_;
};

}  // namespace crossfloor
