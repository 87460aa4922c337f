// The machine's clocks. Only node/runtime reads them; cores are given what they say.
#pragma once

#include <chrono>

#include "protocol/time.h"

namespace crossfloor {

// steady: CLOCK_BOOTTIME, which goes on while the machine is suspended, so that a lease that ran
// out during a standby is over. wall: CLOCK_REALTIME.
Now machine_now();

// For measuring short spans on the loop.
std::chrono::nanoseconds monotonic_now();

}  // namespace crossfloor
