// How the gossip table is written down, row by row as they become known: for a document, or for a
// program.
#pragma once

#include <iosfwd>

#include "tools/simulator/gossip_table.h"

namespace crossfloor::simulator {

class GossipReport {
 public:
  GossipReport(std::ostream& out, bool json) : out_(out), json_(json) {}
  void row(const GossipTable& table, const GossipCell& cell, const GossipSums& sums);
  void end();

 private:
  void head(bool wan);
  void markdown(const GossipCell& cell, const GossipSums& sums, double minutes);
  void object(const GossipTable& table, const GossipCell& cell, const GossipSums& sums,
              double minutes);

  std::ostream& out_;
  bool json_;
  int rows_ = 0;
  bool wan_ = false;
};

// Makes the whole table, and tells on `progress` how far it is, and at the end how many rows and
// runs there were and how much faster than real time.
void write_gossip_table(const GossipTable& table, bool json, std::ostream& out,
                        std::ostream& progress);

}  // namespace crossfloor::simulator
