// What nodes say to each other about conversations beside finding an agent: what an agent does
// travels to home, which alone writes it; and who may take a conversation over.
#pragma once

#include <array>
#include <variant>
#include <vector>

#include "protocol/bodies.h"
#include "protocol/epoch.h"
#include "protocol/fields.h"

namespace crossfloor {

enum class Verb : std::uint8_t {
  accept,  // the agent takes what rings
  decline,
  reply,
  note,
  pending,   // until a time or the customer's answer
  transfer,  // to an agent, a team, or the queue with other skills
  wrap_up,
  close,     // with a reason
  requeue,   // operator: back to the queue
  assign,    // operator: to this agent; jumps the queue, never the capacity
  takeover,  // operator: this node becomes home
};
constexpr auto names_of(Verb) {
  return std::array{"accept",  "decline", "reply",   "note",   "pending", "transfer",
                    "wrap-up", "close",   "requeue", "assign", "takeover"};
}

// What a person wants done with a conversation. Known by its id for ever: sent again it does
// nothing and gets the same answer.
struct DeskCommand {
  static constexpr const char* name = "command";
  CommandId id;
  Verb verb = Verb::accept;
  ConversationId conversation;
  Epoch epoch;        // as the person saw it; ignored for an operator's verbs
  std::string agent;  // who acts; an operator's name for an operator's verbs
  NodeId agent_node;
  bool by_operator = false;
  std::string text;  // of a reply or note
  bool is_public = false;
  std::string language;
  std::vector<MessageId> seen;
  bool keep = false;                // reply: stay active instead of pending
  std::int64_t until_ms = 0;        // pending
  std::string to_agent;             // transfer, assign
  NodeId to_node;                   // transfer, assign
  std::string team;                 // transfer
  std::vector<std::string> skills;  // transfer
  std::string reason;               // close, decline, operator's verbs
  std::string signature;            // reply: the agent's, shown to the customer
  std::string site;                 // of the agent

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("verb", self.verb);
    visit("conversation", self.conversation);
    visit("epoch", self.epoch);
    visit("agent", self.agent);
    visit("agent_node", self.agent_node);
    visit("by_operator", self.by_operator);
    visit("text", self.text);
    visit("is_public", self.is_public);
    visit("language", self.language);
    visit("seen", self.seen);
    visit("keep", self.keep);
    visit("until_ms", self.until_ms);
    visit("to_agent", self.to_agent);
    visit("to_node", self.to_node);
    visit("team", self.team);
    visit("skills", self.skills);
    visit("reason", self.reason);
    visit("signature", self.signature);
    visit("site", self.site);
  }
};

struct CommandAnswer {
  static constexpr const char* name = "command_answer";
  CommandId id;
  bool ok = false;
  std::string code;  // of the error: stale, not_found, conflict, malformed …
  std::string what;
  std::string mend;
  ConversationId conversation;
  Epoch epoch;         // in force now
  std::string holder;  // stale: who holds it now
  ReplyId reply;       // of a reply

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("ok", self.ok);
    visit("code", self.code);
    visit("what", self.what);
    visit("mend", self.mend);
    visit("conversation", self.conversation);
    visit("epoch", self.epoch);
    visit("holder", self.holder);
    visit("reply", self.reply);
  }
};

// "Have you heard this node within so long?" Asked before its conversations are taken over.
struct SeenQuestion {
  static constexpr const char* name = "seen_question";
  NodeId node;
  std::uint64_t within_ms = 0;
  std::uint64_t number = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("within_ms", self.within_ms);
    visit("number", self.number);
  }
};

struct SeenAnswer {
  static constexpr const char* name = "seen_answer";
  NodeId node;
  bool seen = false;
  std::uint64_t number = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("seen", self.seen);
    visit("number", self.number);
  }
};

// An operator's question to another node, and what it says: JSON text, as the CLI prints it.
struct InspectQuestion {
  static constexpr const char* name = "inspect_question";
  std::uint64_t number = 0;
  std::string what;       // status, queue, agents, verify …
  std::string arguments;  // JSON
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number);
    visit("what", self.what);
    visit("arguments", self.arguments);
  }
};

struct InspectAnswer {
  static constexpr const char* name = "inspect_answer";
  std::uint64_t number = 0;
  std::string json;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number);
    visit("json", self.json);
  }
};

using DeskMessage = std::variant<DeskCommand, CommandAnswer, SeenQuestion, SeenAnswer,
                                 InspectQuestion, InspectAnswer>;

}  // namespace crossfloor
