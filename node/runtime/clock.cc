#include "node/runtime/clock.h"

#include <ctime>

#include "protocol/check.h"

namespace crossfloor {
namespace {

std::chrono::nanoseconds read_clock(clockid_t clock) {
  timespec time{};
  XF_CHECK(::clock_gettime(clock, &time) == 0);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Now machine_now() {
  return Now{Instant{std::chrono::floor<Duration>(read_clock(CLOCK_BOOTTIME))},
             WallTime{std::chrono::floor<Duration>(read_clock(CLOCK_REALTIME))}};
}

std::chrono::nanoseconds monotonic_now() {
  return read_clock(CLOCK_MONOTONIC);
}

}  // namespace crossfloor
