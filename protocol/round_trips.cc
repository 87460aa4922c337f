#include "protocol/round_trips.h"

#include <algorithm>

namespace crossfloor {

void RoundTrips::add(const NodeId& peer, Duration round_trip) {
  auto& known = peers_[peer];
  const auto ms = std::clamp<std::int64_t>(round_trip.count(), 0, UINT32_MAX);
  const std::size_t place = known.count++ % kept;
  if (place == known.ms.size()) {
    known.ms.push_back(static_cast<std::uint32_t>(ms));
  } else {
    known.ms[place] = static_cast<std::uint32_t>(ms);
  }
}

Duration RoundTrips::nearly_worst(const NodeId& peer) const {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return Duration{0};
  auto ms = found->second.ms;
  // The nearest rank: with fewer than 100 it is the longest.
  const std::size_t rank = (ms.size() * 99 + 99) / 100;
  std::nth_element(ms.begin(), ms.begin() + static_cast<std::ptrdiff_t>(rank - 1), ms.end());
  return Duration{ms[rank - 1]};
}

}  // namespace crossfloor
