#include "protocol/peer_clocks.h"

#include <algorithm>
#include <vector>

namespace crossfloor {
namespace {

Duration size_of(Duration difference) {
  return difference < Duration{0} ? -difference : difference;
}

}  // namespace

void PeerClocks::measured(const NodeId& peer, Duration ahead, Instant now) {
  peers_[peer] = {ahead, now};
  std::erase_if(peers_, [&](const auto& one) { return one.second.at + forgotten_after <= now; });
  std::vector<Duration> all;
  for (const auto& [node, measure] : peers_) all.push_back(measure.ahead);
  std::sort(all.begin(), all.end());
  const Duration upper = all[all.size() / 2];
  const Duration lower = all[(all.size() - 1) / 2];
  ahead_ = size_of(lower) < size_of(upper) ? lower : upper;
  if (size_of(*ahead_) <= shown_over) {
    wrong_ = false;
  } else if (size_of(*ahead_) > wrong_over && all.size() >= enough_peers) {
    wrong_ = true;
  }
}

bool PeerClocks::worth_showing() const {
  return ahead_ && size_of(*ahead_) > shown_over;
}

}  // namespace crossfloor
