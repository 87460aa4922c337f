// Agents and conversations for tests of the desk.
#pragma once

#include "node/desk/waiting_line.h"

namespace crossfloor {

using namespace std::chrono_literals;

inline Now at(Duration since_start) {
  return {Instant{} + since_start, wall_from_ms(1'700'000'000'000) + since_start};
}

template <typename IdType>
IdType id_of(std::uint64_t number) {
  IdType id;
  for (std::size_t i = 0; i < 8 && i < IdType::size; ++i) {
    id.raw[i] = static_cast<unsigned char>(number >> (56 - 8 * i));
  }
  return id;
}
inline NodeId node_of(std::uint64_t number) {
  return id_of<NodeId>(number);
}
inline ConversationId talk(std::uint64_t number) {
  return id_of<ConversationId>(number);
}

inline ServiceClass chat_class(std::vector<std::string> skills = {}) {
  return {"acme", ChannelKind::chat, std::move(skills), "en"};
}
inline ServiceClass email_class() {
  return {"acme", ChannelKind::email, {}, "en"};
}

// Serves acme's chats (3 at once) as primary and e-mails (6) as helper, in English.
inline AgentRecord agent_named(const std::string& name, const NodeId& node = node_of(1)) {
  AgentRecord record;
  record.name = name;
  record.node = node;
  record.brands = {"acme"};
  record.languages = {"en"};
  record.channels = {{ChannelKind::chat, Duty::primary, 3, 0},
                     {ChannelKind::email, Duty::helper, 6, 0}};
  return record;
}

inline Need need_of(const ConversationId& conversation, ServiceClass service = chat_class()) {
  Need need;
  need.conversation = conversation;
  need.service = std::move(service);
  return need;
}

inline Epoch epoch_of(std::uint64_t number, const NodeId& node = node_of(1)) {
  return {1, {number}, node};
}

}  // namespace crossfloor
