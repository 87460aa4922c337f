#include "node/core/node_agent_desk.h"

#include <algorithm>

namespace crossfloor {

AgentDesk::Place NodeAgentDesk::place_of(const NodeId& node) const {
  Place place;
  place.site = core_.mesh().site_of(node);
  if (const Certificate* certificate = core_.mesh().roster().certificate(node)) {
    place.addresses = certificate->addresses_of("https");
    for (auto& address : certificate->addresses_of("http")) {
      place.addresses.push_back(std::move(address));
    }
  }
  return place;
}

bool NodeAgentDesk::has_team(const std::string& team) const {
  const auto records = core_.desk().records();
  return std::any_of(records.begin(), records.end(), [&](const AgentRecord& record) {
    return record.team == team && !record.disabled;
  });
}

std::vector<ConversationId> NodeAgentDesk::conversations_of(const std::string& agent) const {
  std::vector<ConversationId> out;
  for (const auto& [id, conversation] : core_.home().conversations()) {
    if (conversation.agent_node == self() && conversation.agent == agent) out.push_back(id);
  }
  return out;
}

std::vector<HandleId> NodeAgentDesk::handles(const std::string& brand, const std::string& channel,
                                             const std::string& external_id) const {
  std::vector<HandleId> out;
  for (const auto& [region, secret] : core_.settings().region_secrets) {
    if (const Subjects* subjects = core_.scribe().subjects(region)) {
      out.push_back(subjects->handle(brand, channel, external_id));
    }
  }
  return out;
}

CommandId NodeAgentDesk::command_id(const std::string& agent, const std::string& client_id) const {
  return core_.scribe().subjects(core_.settings().home_region)->command(agent, client_id);
}

}  // namespace crossfloor
