// One queue that sees every customer and every agent, as late as `link` and at no other cost.
//
// With link = 0 it is the perfect pooled floor that no mesh can beat, with a link of 50 ms a
// central dispatcher one link away from everybody: it hears of a customer, and of an agent who got
// free, one link later, and what it decides arrives one link after that.
//
// `isolated` gives each site a queue of its own; `local_first` pools, but an agent who gets free
// takes the own site's oldest before anybody else's, and a customer an own agent before others.
//
// When a site is cut off, what its agents have of others and others of it either goes on to its
// end as if nothing had happened, or goes back to the queue when its lease runs out, as it must
// where nobody can know whether the other side still works on it.
#pragma once

#include "tools/bench/routing/outcome.h"

namespace crossfloor::bench {

enum class Sharing { pooled, local_first, isolated };

enum class AcrossCut { goes_on, goes_back };

Outcome central_queue(const Cell& cell, const Workload& workload, Sharing sharing, Duration link,
                      AcrossCut across = AcrossCut::goes_on);

// What a perfect queue would have made of the cut from where the mesh stood when it began: the same
// customers wait, and the same agents have the same work, here and elsewhere.
Outcome queue_after_cut(const Cell& cell, const Workload& workload, const Outcome& mesh,
                        AcrossCut across);

}  // namespace crossfloor::bench
