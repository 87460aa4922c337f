// What is told of a cell: waits, fairness and costs, each as a mean over seeds with its interval.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/routing/outcome.h"

namespace crossfloor::bench {

struct Estimate {
  double mean = 0;
  double half = 0;  // of the 95 % interval, by Student's t over the seeds; 0 with one seed
};

// Waits in seconds, of those who came after the warm-up. Who left waited as long as their patience.
struct Waits {
  double mean = 0;
  double p95 = 0;
  double within_20 = 0;           // share
  double within_300 = 0;          // share
  double gone = 0;                // share of those who left
  double late_mean = 0;           // of the last tenth of the run
  double same_agent = 0;          // of those who returned, how many met the agent they knew
  double remote = 0;              // share handled at another site than asked
  std::vector<double> site_sums;  // of waits, by the site that was asked
  std::vector<double> site_counts;
};
Waits waits_of(const Cell& cell, const Workload& workload, const Outcome& outcome);

// The busiest site's mean wait / the best-off site's, over all seeds together. A pooled floor is
// fair by construction, but in a run of some hours luck is not: so each site is charged with what
// its customers waited beyond the same customers of the pooled floor, on top of the pooled mean.
// The interval leaves out one seed at a time.
struct Fairness {
  Estimate ratio;
  double apart_s = 0;  // the difference of the two
};
Fairness fairness(const std::vector<Waits>& mesh, const std::vector<Waits>& pooled);

// Waits of those who came to the span's site within it.
std::vector<double> waits_within(const Cell& cell, const Workload& workload, const Outcome& outcome,
                                 const Span& span);
// How long after the span's end the first conversation crossed the cut site's border again.
Duration sharing_again(const Cell& cell, const Workload& workload, const Outcome& outcome);
// Whether a floor that is perfectly one again at the span's end shares so much that the mesh can be
// seen to share again: of those who waited, three cross the border within three seconds.
bool much_to_share(const Cell& cell, const Workload& workload, const Outcome& perfect);
// How long after the span's end its site had no more waiting than its share of all who wait.
Duration backlog_gone(const Cell& cell, const Workload& workload, const Outcome& outcome);

Estimate estimate(const std::vector<double>& by_seed);

// Of sums that differ by seed: sum(one) / sum(other) - 1, its interval by leaving out one seed at a
// time (jackknife).
Estimate excess(const std::vector<double>& one, const std::vector<double>& other);

// From what the whole gives, and what it gives without each seed in turn.
Estimate jackknife(double all, const std::vector<double>& without);

double quantile(std::vector<double> values, double share);

// The mean wait of M/M/c with a first-come-first-served queue, in units of the handling time.
double erlang_c_wait(int servers, double load);

}  // namespace crossfloor::bench
