// The three links between each pair of nodes. They differ in what may wait behind what: gossip and
// leases never stand behind a page of history.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace crossfloor {

enum class LinkKind : std::uint8_t {  // numbers on the wire
  pulse = 1,                          // membership, load, offers, leases
  live = 2,                           // entries of streams without a gap
  bulk = 3,                           // catch-up and pages; opened when needed
};
inline constexpr std::array<LinkKind, 3> all_link_kinds{LinkKind::pulse, LinkKind::live,
                                                        LinkKind::bulk};

constexpr const char* name_of(LinkKind kind) {
  return kind == LinkKind::pulse ? "pulse" : kind == LinkKind::live ? "live" : "bulk";
}

// The largest frame in bytes. A receiver refuses what is larger.
constexpr std::size_t max_frame(LinkKind kind) {
  return kind == LinkKind::pulse ? 4 * 1024 : 2 * 1024 * 1024;
}

// How many frames wait on each end before a send is refused.
constexpr int high_water(LinkKind kind) {
  return kind == LinkKind::bulk ? 16 : 1000;
}

// Every frame begins with two bytes: format, and kind of link.
inline constexpr std::uint8_t frame_format = 1;
inline constexpr std::size_t frame_prefix = 2;

}  // namespace crossfloor
