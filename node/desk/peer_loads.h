// What gossip says of the other nodes' floors and lines. Always a little old: it decides only whom
// to ask, never who gets a conversation.
#pragma once

#include <vector>

#include "protocol/load_record.h"
#include "protocol/time.h"

namespace crossfloor {

struct PeerLoad {
  const LoadRecord* record = nullptr;
  Duration age{0};  // since the record's ages were true
  bool same_site = false;
};

class PeerLoads {
 public:
  virtual ~PeerLoads() = default;
  // Records of nodes that are alive, not suspect, and of whom no newer version is known; this node
  // is not among them. In order of node id. Valid until the next call of anything else.
  virtual std::vector<PeerLoad> usable(Now now) const = 0;
  // The 99th percentile of the round trip to that node; zero if not known.
  virtual Duration round_trip(const NodeId&) const { return Duration{0}; }
  // Whether that node's agents may work on customers' data of this region.
  virtual bool may_see(const NodeId& node, const Region& region) const = 0;
};

}  // namespace crossfloor
