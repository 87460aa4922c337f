// Hybrid logical clock (Kulkarni et al., 2014): wall time where clocks agree, causality where they
// do not. 48 bits of milliseconds since the Unix epoch, 16 bits of counter, in one integer, so that
// comparing integers compares times.
#pragma once

#include <compare>
#include <cstdint>

#include "protocol/time.h"

namespace crossfloor {

struct HybridTime {
  std::uint64_t value = 0;

  static HybridTime of(WallTime wall, std::uint16_t counter = 0) {
    return {static_cast<std::uint64_t>(ms_of(wall)) << 16 | counter};
  }
  WallTime wall() const { return wall_from_ms(static_cast<std::int64_t>(value >> 16)); }
  std::uint16_t counter() const { return static_cast<std::uint16_t>(value); }
  auto operator<=>(const HybridTime&) const = default;
};

class HybridClock {
 public:
  // A peer's time is followed at most this far ahead of the own wall clock.
  static constexpr Duration max_lead{60'000};

  // The next time, later than every one given or followed before.
  HybridTime next(WallTime wall);

  // Takes notice of a time seen in a peer's entry. False if it lies more than `max_lead` ahead: the
  // entry is kept and flagged, and this clock does not follow.
  bool follow(HybridTime seen, WallTime wall);

  HybridTime latest() const { return latest_; }

 private:
  HybridTime latest_;
};

}  // namespace crossfloor
