// Agents of the routing's tests.
#pragma once

#include "tests/desk/desk_world.h"

namespace crossfloor {

inline AgentRecord chatter(const std::string& name, std::uint32_t chats = 1,
                           Duty duty = Duty::primary) {
  auto record = agent_named(name);
  record.channels = {{ChannelKind::chat, duty, chats, 0}};
  return record;
}

inline AgentRecord skilled(const std::string& name, std::vector<std::string> skills,
                           std::uint32_t chats = 1) {
  auto record = chatter(name, chats);
  record.skills = std::move(skills);
  return record;
}

inline AgentRecord helper(const std::string& name) {
  return chatter(name, 1, Duty::helper);
}

}  // namespace crossfloor
