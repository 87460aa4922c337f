#include "protocol/round_trips.h"

#include <algorithm>

namespace crossfloor {

void RoundTrips::add(const NodeId& peer, Duration round_trip) {
  auto& known = peers_[peer];
  const auto ms = std::clamp<std::int64_t>(round_trip.count(), 0, UINT32_MAX);
  known.ms[known.count++ % kept] = static_cast<std::uint32_t>(ms);
}

Duration RoundTrips::nearly_worst(const NodeId& peer) const {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return Duration{0};
  auto ms = found->second.ms;
  const std::size_t count = std::min(found->second.count, kept);
  // The nearest rank: with fewer than 100 it is the longest.
  const std::size_t rank = (count * 99 + 99) / 100;
  std::nth_element(ms.begin(), ms.begin() + (rank - 1), ms.begin() + count);
  return Duration{ms[rank - 1]};
}

}  // namespace crossfloor
