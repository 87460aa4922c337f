// The desk of agents' sessions over the node's core.
#pragma once

#include <functional>

#include "node/core/agent_desk.h"
#include "node/core/node_core.h"

namespace crossfloor {

class NodeAgentDesk final : public AgentDesk {
 public:
  // `next_request` numbers all questions from outside, so that answers find whoever asked.
  NodeAgentDesk(NodeCore& core, std::function<RequestId()> next_request)
      : core_(core), next_request_(std::move(next_request)) {}

  NodeId self() const override { return core_.mesh().self(); }
  Place place_of(const NodeId& node) const override;
  std::optional<AgentRecord> record(const std::string& agent) const override {
    return core_.desk().record(agent);
  }
  bool has_team(const std::string& team) const override;
  std::optional<AgentView> view(const std::string& agent) const override {
    return core_.desk().floor().view(agent);
  }
  std::vector<ConversationId> conversations_of(const std::string& agent) const override;
  std::vector<HandleId> handles(const std::string& brand, const std::string& channel,
                                const std::string& external_id) const override;
  CommandId command_id(const std::string& agent, const std::string& client_id) const override;

  Status log_in(const std::string& agent, Now now) override { return core_.log_in(agent, now); }
  Status log_out(const std::string& agent, Now now) override { return core_.log_out(agent, now); }
  Status presence(const std::string& agent, Presence presence, const std::string& reason,
                  Now now) override {
    return core_.presence(agent, presence, reason, now);
  }
  void connection(const std::string& agent, bool up, Now now) override {
    core_.connection(agent, up, now);
  }
  RequestId command(const DeskCommand& command, Now now) override {
    const RequestId request = next_request_();
    core_.command(request, command, now);
    return request;
  }
  RequestId link(const CustomerLink& link, Now now) override {
    const RequestId request = next_request_();
    core_.link(request, link, now);
    return request;
  }
  void draft(const std::string& agent, const ConversationId& conversation,
             const std::string& text) override {
    core_.draft(agent, conversation, text);
  }

 private:
  NodeCore& core_;
  std::function<RequestId()> next_request_;
};

}  // namespace crossfloor
