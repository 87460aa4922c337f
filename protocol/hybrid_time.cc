#include "protocol/hybrid_time.h"

#include <algorithm>

namespace crossfloor {

HybridTime HybridClock::next(WallTime wall) {
  // +1 carries from the counter into the milliseconds when 65,536 events share one of them.
  latest_ = std::max(HybridTime::of(wall), HybridTime{latest_.value + 1});
  return latest_;
}

bool HybridClock::follow(HybridTime seen, WallTime wall) {
  if (seen.wall() > wall + max_lead) return false;
  latest_ = std::max(latest_, seen);
  return true;
}

}  // namespace crossfloor
