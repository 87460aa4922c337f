// One queue that sees every customer and every agent, as late as `link` and at no other cost.
//
// With link = 0 it is the perfect pooled floor that no mesh can beat, with a link of 50 ms a
// central dispatcher one link away from everybody: it hears of a customer, and of an agent who got
// free, one link later, and what it decides arrives one link after that.
//
// `isolated` gives each site a queue of its own; `local_first` pools, but an agent who gets free
// takes the own site's oldest before anybody else's, and a customer an own agent before others.
#pragma once

#include "tools/bench/routing/outcome.h"

namespace crossfloor::bench {

enum class Sharing { pooled, local_first, isolated };

Outcome central_queue(const Cell& cell, const Workload& workload, Sharing sharing, Duration link);

}  // namespace crossfloor::bench
