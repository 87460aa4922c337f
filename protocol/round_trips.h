// How long the way to each peer and back takes, as the answers to pings told lately.
#pragma once

#include <cstdint>
#include <vector>

#include "protocol/node_hash.h"
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
    std::vector<std::uint32_t> ms;  // a ring, once it is full
    std::size_t count = 0;          // ever
  };
  ByNode<Peer> peers_;
};

}  // namespace crossfloor
