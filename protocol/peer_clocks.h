// Whether the own wall clock can be trusted: it is compared with those of the peers.
//
// A wrong clock does no harm to who is home or holds a lease, for those count steady time; but it
// stamps entries so that they sort wrongly for ever. So a node that finds itself over a minute off
// the median of its peers stamps with that median, until somebody has set its clock. With a single
// peer nobody knows whose clock is wrong: that is only shown.
#pragma once

#include <map>
#include <optional>

#include "protocol/ids.h"
#include "protocol/time.h"

namespace crossfloor {

class PeerClocks {
 public:
  static constexpr Duration shown_over{2'000};
  static constexpr Duration wrong_over{60'000};
  static constexpr Duration forgotten_after{600'000};  // what was measured, while others still are
  static constexpr std::size_t enough_peers = 2;

  // The peer's clock is so far ahead of the own one.
  void measured(const NodeId& peer, Duration ahead, Instant now);

  // How far the median of the peers' clocks is ahead of the own one; of two middle ones the nearer.
  // Nothing before the first answer.
  std::optional<Duration> ahead() const { return ahead_; }
  bool worth_showing() const;
  // What to add to the own clock before it may stamp anything; not zero from the time that it is
  // found wrong until it is right again, as against merely less wrong.
  Duration correction() const { return wrong_ ? *ahead_ : Duration{0}; }
  bool wrong() const { return wrong_; }

 private:
  struct Measure {
    Duration ahead;
    Instant at;
  };
  std::map<NodeId, Measure> peers_;
  std::optional<Duration> ahead_;
  bool wrong_ = false;
};

}  // namespace crossfloor
