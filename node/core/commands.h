// What the agents and operators connected here want done: carried to the conversation's home,
// wherever that is now, until it is answered. While home is out of reach a command waits here,
// visibly, and goes to whoever is home next.
#pragma once

#include <map>
#include <set>

#include "node/core/agent_desk.h"
#include "node/core/desk.h"
#include "node/core/home.h"
#include "node/core/receipts.h"

namespace crossfloor {

class Commands {
 public:
  struct Options {
    Duration repeat_every{1'000};
    std::size_t max_waiting = 10'000;
  };
  Commands(Scribe& scribe, Home& home, Desk& desk, Receipts& receipts, const MeshView& mesh,
           const NodeSettings& settings, Outlet& outlet, Options options)
      : scribe_(scribe),
        home_(home),
        desk_(desk),
        receipts_(receipts),
        mesh_(mesh),
        settings_(settings),
        outlet_(outlet),
        options_(options) {}

  // From a client connected here. False: refused, and said so.
  bool submit(RequestId request, const DeskCommand& command, Now now);
  // Written by this node itself: what handles are one customer is no part of a conversation.
  void link(RequestId request, const CustomerLink& link, Now now);
  // From an agent's node, to this home.
  void receive(const NodeId& from, const DeskCommand& command, Now now);
  // Home's answer. Returns the command that it answers, for those who must act on it here.
  std::optional<DeskCommand> receive(const NodeId& from, const CommandAnswer& answer, Now now);
  void tick(Now now);
  std::optional<Instant> deadline() const;

  struct Waiting {
    DeskCommand command;
    NodeId home;
    Instant since;
  };
  std::vector<Waiting> waiting() const;

 private:
  struct Pending {
    DeskCommand command;
    std::vector<RequestId> requests;
    Instant since;
    Instant next;
    std::set<NodeId> asked;  // homes that it was sent to: nobody else can answer it
  };
  void forward(Pending& pending, Now now);
  std::optional<NodeId> home_of(const ConversationId& conversation) const;
  bool may_act(const NodeId& node, const ConversationId& conversation, Now now) const;
  void carry_out(const NodeId& asker, const DeskCommand& command, Now now);

  Scribe& scribe_;
  Home& home_;
  Desk& desk_;
  Receipts& receipts_;
  const MeshView& mesh_;
  const NodeSettings& settings_;
  Outlet& outlet_;
  Options options_;
  std::map<CommandId, Pending> pending_;
};

}  // namespace crossfloor
