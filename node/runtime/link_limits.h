// What may travel on each kind of link (protocol/link_kind.h says what they are for).
#pragma once

#include <array>
#include <cstddef>

#include "protocol/fields.h"
#include "protocol/link_kind.h"

namespace crossfloor {

inline constexpr std::array<LinkKind, 3> all_link_kinds{LinkKind::pulse, LinkKind::live,
                                                        LinkKind::bulk};
inline const char* name_of(LinkKind kind) {
  return word_of(kind);
}

// The largest frame in bytes. A receiver refuses what is larger.
constexpr std::size_t max_frame(LinkKind kind) {
  return kind == LinkKind::pulse ? 4 * 1024 : 2 * 1024 * 1024;
}

// How many frames wait at the sender before a send is refused.
constexpr int high_water(LinkKind kind) {
  return kind == LinkKind::bulk ? 16 : 1000;
}

// What one peer may say in a second; a receiver lets the rest fall (PeerRate). Honest nodes stay
// far below: a pulse carries some ten frames for each conversation that finds an agent, live the
// entries of one node as it writes them, bulk one page after another on request.
struct RateLimit {
  double frames = 0;
  double bytes = 0;
};
constexpr RateLimit rate_limit(LinkKind kind) {
  constexpr double mib = 1024 * 1024;
  switch (kind) {
    case LinkKind::pulse:
      return {20'000, 16 * mib};
    case LinkKind::live:
      return {20'000, 64 * mib};
    case LinkKind::bulk:
      return {2'000, 128 * mib};
  }
  return {};
}

using RateLimits = std::array<RateLimit, all_link_kinds.size()>;  // in order of the kinds
constexpr RateLimits rate_limits() {
  return {rate_limit(LinkKind::pulse), rate_limit(LinkKind::live), rate_limit(LinkKind::bulk)};
}

// Every frame begins with two bytes: format, and kind of link (the number of its enumerator).
inline constexpr std::uint8_t frame_format = 1;
inline constexpr std::size_t frame_prefix = 2;

}  // namespace crossfloor
