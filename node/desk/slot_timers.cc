#include "node/desk/slot_timers.h"

#include <algorithm>

namespace crossfloor {

void SlotTimers::add(Instant until, Nonce nonce, bool announced) {
  ends_.insert({until, nonce});
  if (announced) soon_.insert({until - soon_before_, nonce});
}

void SlotTimers::remove(Instant until, Nonce nonce) {
  ends_.erase({until, nonce});
  soon_.erase({until - soon_before_, nonce});
}

std::optional<Nonce> SlotTimers::due(Instant now) const {
  if (ends_.empty() || ends_.begin()->first > now) return std::nullopt;
  return ends_.begin()->second;
}

std::vector<Nonce> SlotTimers::take_soon(Instant now) {
  std::vector<Nonce> out;
  while (!soon_.empty() && soon_.begin()->first <= now) {
    out.push_back(soon_.begin()->second);
    soon_.erase(soon_.begin());
  }
  return out;
}

std::optional<Instant> SlotTimers::deadline() const {
  if (ends_.empty()) return std::nullopt;
  const Instant next = ends_.begin()->first;
  return soon_.empty() ? next : std::min(next, soon_.begin()->first);
}

}  // namespace crossfloor
