// What the sessions of agents need of their node. NodeCore is behind it (node_agent_desk.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/core/effects.h"
#include "node/desk/floor.h"

namespace crossfloor {

// An agent says that a conversation's customer is known by another handle, too, or is not.
struct CustomerLink {
  CommandId id;
  ConversationId conversation;
  std::string channel;
  std::string external_id;
  bool linked = true;
  std::string agent;
  std::string reason;
};

class AgentDesk {
 public:
  virtual ~AgentDesk() = default;

  virtual NodeId self() const = 0;
  struct Place {
    std::string site;
    std::vector<std::string> addresses;  // of its HTTP server
  };
  virtual Place place_of(const NodeId& node) const = 0;
  // Of any agent of the regions held.
  virtual std::optional<AgentRecord> record(const std::string& agent) const = 0;
  virtual bool has_team(const std::string& team) const = 0;  // any agent of it, at any node
  virtual std::optional<AgentView> view(const std::string& agent) const = 0;
  // Open ones that are with this agent of this node, in any state.
  virtual std::vector<ConversationId> conversations_of(const std::string& agent) const = 0;
  // One for each region held: the same words are another handle in another region.
  virtual std::vector<HandleId> handles(const std::string& brand, const std::string& channel,
                                        const std::string& external_id) const = 0;
  virtual CommandId command_id(const std::string& agent, const std::string& client_id) const = 0;

  virtual Status log_in(const std::string& agent, Now now) = 0;
  virtual Status log_out(const std::string& agent, Now now) = 0;
  virtual Status presence(const std::string& agent, Presence presence, const std::string& reason,
                          Now now) = 0;
  virtual void connection(const std::string& agent, bool up, Now now) = 0;
  // Answered by AnswerCommand, which comes with this number.
  virtual RequestId command(const DeskCommand& command, Now now) = 0;
  virtual RequestId link(const CustomerLink& link, Now now) = 0;  // answered likewise
  // Kept in memory, for when the conversation leaves an agent who is gone.
  virtual void draft(const std::string& agent, const ConversationId& conversation,
                     const std::string& text) = 0;
};

}  // namespace crossfloor
