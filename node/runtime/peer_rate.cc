#include "node/runtime/peer_rate.h"

#include <algorithm>

namespace crossfloor {

bool PeerRate::admit(std::size_t bytes, Instant now) {
  if (refilled_ && now > *refilled_) {
    const double seconds = std::chrono::duration<double>(now - *refilled_).count();
    frames_ = std::min(limit_.frames * burst, frames_ + limit_.frames * seconds);
    bytes_ = std::min(limit_.bytes * burst, bytes_ + limit_.bytes * seconds);
  }
  if (!refilled_ || now > *refilled_) refilled_ = now;
  const auto wanted = static_cast<double>(bytes);
  if (frames_ < 1 || bytes_ < wanted) return false;
  frames_ -= 1;
  bytes_ -= wanted;
  return true;
}

}  // namespace crossfloor
