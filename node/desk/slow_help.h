// Whose conversations must wait longer for a slot here, because they are slow work here or may be.
//
// Brings together what this takes: how full the mesh is, how long everybody's customers wait
// (long_waits.h), and what all nodes measured of their handling times (handling_guard.h).
#pragma once

#include <array>

#include "node/desk/floor.h"
#include "node/desk/handling_guard.h"
#include "node/desk/long_waits.h"
#include "node/desk/peer_loads.h"
#include "node/desk/waiting_line.h"

namespace crossfloor {

class SlowHelp {
 public:
  struct Options {
    Duration weigh_every{10'000};  // what all nodes tell of handling times and free slots
    Duration fullness_over{5 * 60'000};
    int full_percent = 97;  // of agents at work on average: then slow help is held back
    // Who waits longer on average over so long is not held back on suspicion. In less time lines
    // differ by chance.
    Duration fair_over{6 * 3'600'000};
  };
  SlowHelp(NodeId self, const Options& options, const Floor& floor, const PeerLoads& peers,
           const WaitingLine& line)
      : self_(self),
        options_(options),
        floor_(floor),
        peers_(peers),
        line_(line),
        long_waits_(self) {}

  // An agent's handling time of a conversation.
  void handled(const NodeId& home, ChannelKind kind, Duration handling);
  // What this node measured before it started anew.
  void remember(ChannelKind kind, const HandlingTimes& times) { guard_.remember(kind, times); }
  // What it measured, for the load record, and to be remembered.
  HandlingTimes told(ChannelKind kind) const { return guard_.told(kind); }

  // There are news of loads; looks at them if the last look is `weigh_every` ago.
  void weigh(Now now);
  // That node is heard again after a cut.
  void came_back(const NodeId& node) { long_waits_.came_back(node); }

  // So many agents are at work, on average, that help gains little.
  bool mesh_full(ChannelKind kind) const;
  // How much longer a conversation of that home must have waited because it is slow work here.
  Duration reserve(const NodeId& home, ChannelKind kind) const;

 private:
  double share_at_work(ChannelKind kind, const std::vector<PeerLoad>& peers) const;
  LongWaits::Heads heads_now(const std::vector<PeerLoad>& peers, Now now) const;
  std::vector<UnderWay> under_way(Now now) const;
  void weigh_told(const std::vector<PeerLoad>& peers);

  NodeId self_;
  Options options_;
  const Floor& floor_;
  const PeerLoads& peers_;
  const WaitingLine& line_;
  HandlingGuard guard_{{}};
  LongWaits long_waits_;
  Instant weigh_at_{};
  std::int64_t weighed_ = 0;  // how often, at most as often as the average reaches back
  std::array<double, channel_kinds> fullness_{};
};

}  // namespace crossfloor
