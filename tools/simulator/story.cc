// What nodes say to each other, as lines of the trace; apart, because describing every message
// takes a compiler long.
#include "protocol/json_codec.h"
#include "tools/simulator/world.h"

namespace crossfloor::simulator {

void World::tell_message(const Node& from, const Node& to, const PeerMessage& message) {
  // Membership and loads are said all the time and are about no conversation.
  if (std::holds_alternative<MembershipFrame>(message)) return;
  if (std::holds_alternative<LoadFrame>(message)) return;
  trace_.tell(now(), [&] {
    return from.site + " -> " + to.site + " " +
           std::visit(
               [](const auto& frame) { return std::string(frame.name) + " " + json_text(frame); },
               message);
  });
}

}  // namespace crossfloor::simulator
