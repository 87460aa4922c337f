// What may travel on each kind of link (protocol/link_kind.h says what they are for).
#pragma once

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

// Every frame begins with two bytes: format, and kind of link (the number of its enumerator).
inline constexpr std::uint8_t frame_format = 1;
inline constexpr std::size_t frame_prefix = 2;

}  // namespace crossfloor
