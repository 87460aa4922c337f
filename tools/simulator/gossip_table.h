// The table of docs/gossip.md: detection times and false alarms over sizes, losses and slow nodes.
#pragma once

#include <iosfwd>

#include "tools/simulator/gossip.h"

namespace crossfloor::simulator {

struct GossipTable {
  std::vector<int> nodes{8, 64, 256, 1'000};
  int runs = 8;  // seeds a cell; of 256 nodes a quarter of them, of 1,000 nodes one
  int jobs = 1;
  bool lan = true;
  bool wan = true;
};

// Writes one row as soon as it is known.
void write_gossip_table(const GossipTable& table, std::ostream& out);

// What hashicorp's memberlist states for its own presets: an expected time to the first failed
// probe of e / (e - 1) intervals, and then the least suspicion timeout, that of an accusation which
// others confirm: mult * max(1, log10(n)) * interval.
Duration memberlist_detects(bool wan, int nodes);

// The upper end of the 95 % interval of a Poisson rate of which `count` were seen.
double poisson_upper(int count);

}  // namespace crossfloor::simulator
