// The three links of each pair of nodes, kept apart so that a long history never delays a probe.
#pragma once

#include <array>
#include <cstdint>

namespace crossfloor {

enum class LinkKind : std::uint8_t {
  pulse,  // membership, load, offers, leases: frames of up to 4 KiB
  live,   // entries just written, commands, questions of operators
  bulk,   // catch-up; opened when needed
};
constexpr auto names_of(LinkKind) {
  return std::array{"pulse", "live", "bulk"};
}

}  // namespace crossfloor
