// The table of docs/gossip.md: detection times and false alarms over sizes, losses and slow nodes.
// Which cells there are, and what their runs gave; gossip_report.h writes it down.
#pragma once

#include <functional>
#include <vector>

#include "tools/simulator/gossip.h"

namespace crossfloor::simulator {

struct GossipTable {
  std::vector<int> nodes{8, 64, 256, 1'000};
  std::vector<double> losses{0, 0.1, 0.25, 0.4};  // each without slow nodes
  std::vector<int> slow{1, 4, 16};                // each without losses; fewer than the nodes
  bool lan = true;
  bool wan = true;
  int runs = 0;  // of each cell; 0: as many as its size allows
  std::uint64_t first_seed = 1;
  Duration watch{120'000};
  int jobs = 1;
};

struct GossipCell {
  int nodes = 0;
  bool wan = false;
  double loss = 0;
  int slow = 0;
  int runs = 0;
};
std::vector<GossipCell> cells_of(const GossipTable& table);

// Of all runs of a cell.
struct GossipSums {
  int runs = 0;
  int undetected = 0;  // a death that not every healthy node saw within the time given
  int not_whole = 0;   // not all knew all when the watch began
  double first = 0;    // seconds, added up
  double all = 0;
  double worst = 0;
  std::int64_t false_deaths = 0;  // as those of GossipFigures
  std::int64_t believers = 0;
  std::int64_t deaths_at_slow = 0;
  std::int64_t deaths_of_slow = 0;
  std::int64_t suspicions = 0;
  double messages = 0;
  double bytes = 0;
  double lasted = 0;  // virtual seconds
};
void add(const GossipFigures& figures, GossipSums& sums);

// Calls `told` after each run.
GossipSums measure(const GossipTable& table, const GossipCell& cell,
                   const std::function<void(int runs_done)>& told);

// What hashicorp's memberlist states for its own presets: an expected time to the first failed
// probe of e / (e - 1) intervals, and then the least suspicion timeout, that of an accusation which
// others confirm: mult * max(1, log10(n)) * interval.
Duration memberlist_detects(bool wan, int nodes);

// The 95 % interval of a Poisson mean of which `count` were seen.
struct Interval {
  double low = 0;
  double high = 0;
};
Interval poisson_interval(std::int64_t count);

}  // namespace crossfloor::simulator
