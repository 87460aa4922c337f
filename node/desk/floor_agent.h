// An agent of this node as the floor knows the agent, and how much room the agent has.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>

#include "protocol/agent_record.h"
#include "protocol/routing_messages.h"
#include "protocol/time.h"

namespace crossfloor {

enum class Presence : std::uint8_t { logged_out, ready, not_ready };
constexpr auto names_of(Presence) {
  return std::array{"logged_out", "ready", "not_ready"};
}

struct FloorAgent {
  AgentRecord record;
  Abilities abilities;
  Presence presence = Presence::logged_out;
  std::string reason;
  bool connected = false;
  Instant lost_at;
  Instant idle_since;
  std::set<Nonce> works;
  std::uint32_t units = 0;  // taken by works, as `used` by kind
  std::array<std::uint32_t, channel_kinds> used{};

  const ChannelDuty* channel(ChannelKind kind) const;  // null if the agent has no duty there
  std::uint32_t free(ChannelKind kind) const;          // slots, by both limits
  std::uint32_t cost(ChannelKind kind) const;          // units of one conversation
  bool serving() const { return presence == Presence::ready && connected; }
  bool on_duty() const { return presence != Presence::logged_out && connected; }
};

}  // namespace crossfloor
