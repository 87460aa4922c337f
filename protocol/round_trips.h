// How long the way to each peer and back takes, as the answers to pings told lately.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "protocol/ids.h"
#include "protocol/time.h"

namespace crossfloor {

class RoundTrips {
 public:
  static constexpr std::size_t kept = 100;  // of each peer; older ones are forgotten

  void add(const NodeId& peer, Duration round_trip);
  void forget(const NodeId& peer) { peers_.erase(peer); }
  // The 99th percentile of what is kept; zero if nothing is known.
  Duration nearly_worst(const NodeId& peer) const;

 private:
  struct Peer {
    std::array<std::uint32_t, kept> ms{};
    std::size_t count = 0;  // ever
  };
  std::map<NodeId, Peer> peers_;
};

}  // namespace crossfloor
