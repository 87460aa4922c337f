// Two kinds of time, kept apart by type.
//
// Leases, offers and suspicion run on steady time, which never jumps and counts suspension.
// Hybrid time, calendars and certificates run on wall time, which people and other machines share.
// Neither clock has a now() on purpose: a core that looks at the machine's clock does not compile.
#pragma once

#include <chrono>
#include <cstdint>

namespace crossfloor {

using Duration = std::chrono::milliseconds;

struct MeshClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MeshClock>;
  static constexpr bool is_steady = true;
};
using Instant = MeshClock::time_point;

struct CalendarClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<CalendarClock>;
  static constexpr bool is_steady = false;
};
using WallTime = CalendarClock::time_point;  // since the Unix epoch, UTC

struct Now {
  Instant steady{};
  WallTime wall{};
};

constexpr std::int64_t ms_of(WallTime time) {
  return time.time_since_epoch().count();
}
constexpr WallTime wall_from_ms(std::int64_t ms) {
  return WallTime{Duration{ms}};
}

}  // namespace crossfloor
