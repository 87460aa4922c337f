// What the desk wants done, in this order: decisions written durably, then messages, then notices.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "node/desk/floor.h"
#include "protocol/routing_messages.h"
#include "protocol/trace.h"

namespace crossfloor {

// Home gives a conversation to an agent. Written with a new epoch; when that is durable the router
// wants committed(), if it cannot be written refused().
struct Decision {
  ConversationId conversation;
  std::string agent;
  NodeId node;  // the agent's
  Nonce nonce = 0;
  Duration lease{0};
  Trace trace;
};

// -- events: for the node's other cores

// At home: the conversation leaves its agent and must wait again: a new epoch, then enqueue() with
// the age it had. Without effect if `epoch` is no longer the conversation's newest.
struct Requeue {
  ConversationId conversation;
  Epoch epoch;
  BackReason reason = BackReason::declined;
  std::string agent;
  NodeId node;
};
// At home: something that a supervisor should see (changed sites too often).
struct Alarm {
  ConversationId conversation;
  std::string what;
};
// At the lessee: for the lease ledger. `since` is where the lessee's term counts from.
struct LeaseTaken {
  NodeId home;
  ConversationId conversation;
  Epoch epoch;
  std::string agent;
  Duration term{0};
  Instant since;
};
struct LeaseDropped {
  NodeId home;
  ConversationId conversation;
  Epoch epoch;
};
using DeskEvent = std::variant<Requeue, Alarm, LeaseTaken, LeaseDropped, WrapUpOver>;

// -- notices: to the sessions of agents

struct RingNotice {
  std::string agent;
  ConversationId conversation;
  Epoch epoch;
  NodeId home;
  ServiceClass service;
  Duration age{0};           // of the customer's first unanswered message
  Instant deadline;          // then it counts as missed
  bool auto_accept = false;  // the client (or the node for it) accepts at once
  std::vector<Position> needed;
};
// The conversation is no longer with this agent.
struct WorkEnded {
  std::string agent;
  ConversationId conversation;
  Epoch epoch;
  BackReason reason = BackReason::missed;
};
using DeskNotice = std::variant<RingNotice, WorkEnded, PresenceChanged>;

struct DeskOutbox {
  std::vector<Decision> decisions;
  std::vector<std::pair<NodeId, RoutingMessage>> messages;  // also to this node itself
  std::vector<DeskEvent> events;
  std::vector<DeskNotice> notices;

  void send(const NodeId& to, RoutingMessage message) {
    messages.emplace_back(to, std::move(message));
  }
};

}  // namespace crossfloor
