// Answers operators: questions go to whom they concern, acts are carried to the node that can do
// them. So one log-in, at any node, sees and mends all.
//
// An act is refused with the cause when it cannot be done; when it was done it is written as an
// entry with who and why, by the node that did it. Acts on conversations go to home as any
// command does (node/core/commands.h), so they are not here.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "node/core/inspect_fanout.h"
#include "node/core/outlet.h"
#include "protocol/agent_record.h"

namespace crossfloor {

class NodeCore;

class Operators {
 public:
  using Json = nlohmann::ordered_json;

  // Both outlive this.
  Operators(NodeCore& core, Outlet& outlet);

  // A question (Inspector::questions()) or an act (acts()), answered by AnswerInspection: JSON,
  // {"error": …} if there is no answer. Acts need `by` and `reason`.
  void ask(RequestId request, const std::string& what, const std::string& arguments, Now now);
  void receive(const NodeId& from, const InspectQuestion& question, Now now);
  void receive(const NodeId& from, const InspectAnswer& answer, Now now);
  void tick(Now now);
  std::optional<Instant> deadline() const { return fanout_.deadline(); }

  static bool knows(const std::string& what);
  static bool writes(const std::string& what);  // an act, as against a question

 private:
  struct Act;
  static const std::map<std::string, Act>& acts();

  std::vector<InspectFanout::Peer> peers(Now now) const;
  InspectFanout::Peer peer(const NodeId& node, Now now) const;
  void answer_done();

  // Checks the arguments, does the act and writes it down. `elsewhere`: it is for that node.
  Result<Json> act(const std::string& what, const std::string& arguments,
                   std::optional<NodeId>& elsewhere, Now now);
  struct Did;
  Result<NodeId> node_named(const std::string& name) const;
  Result<ReplyId> reply_named(const std::string& id, std::optional<NodeId>& sender) const;
  struct Handle {
    Region region;
    std::string brand;
    HandleId id;
  };
  Result<Handle> handle_named(const std::string& text, const char* field) const;

  Result<Did> drain(const Json& arguments, std::optional<NodeId>& elsewhere, Now now);
  Result<Did> takeover(const Json& arguments, std::optional<NodeId>& elsewhere, Now now);
  Result<Did> outbox_retry(const Json& arguments, std::optional<NodeId>& elsewhere, Now now);
  Result<Did> outbox_resolve(const Json& arguments, std::optional<NodeId>& elsewhere, Now now);
  Result<Did> customer_link(const Json& arguments, std::optional<NodeId>& elsewhere, Now now);
  Result<Did> customer_unlink(const Json& arguments, std::optional<NodeId>& elsewhere, Now now);
  Result<Did> agent_add(const Json& arguments, std::optional<NodeId>& elsewhere, Now now);
  Result<Did> agent_set(const Json& arguments, std::optional<NodeId>& elsewhere, Now now);
  Result<Did> agent_logout(const Json& arguments, std::optional<NodeId>& elsewhere, Now now);
  Result<Did> mesh_apply(const Json& arguments, std::optional<NodeId>& elsewhere, Now now);
  Result<Did> link_handles(const Json& arguments, bool linked, Now now);
  Result<Did> write_agent(AgentRecord base, const Json& arguments, Now now);

  NodeCore& core_;
  Outlet& outlet_;
  InspectFanout fanout_;
};

}  // namespace crossfloor
