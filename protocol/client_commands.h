// What an agent's client says to its node, as JSON over the WebSocket /v1/agent. docs/agents.md
// tells the rest; its tables are made from these descriptions.
//
// `id` is the client's own name of a command. For commands that change a conversation it must be
// new each time, for ever: the same id again does nothing and gets the first answer. So a client
// that did not hear the answer repeats the command as it was.
#pragma once

#include <array>
#include <optional>
#include <variant>

#include "protocol/client_views.h"

namespace crossfloor::client {

inline constexpr std::uint32_t protocol_version = 1;
inline constexpr std::size_t max_command_id = 64;    // bytes
inline constexpr std::size_t max_text = 64 * 1024;   // bytes of a reply or note
inline constexpr std::size_t max_reason = 500;       // bytes
inline constexpr std::size_t max_seen = 200;         // messages in one `seen`
inline constexpr std::size_t max_platform_id = 256;  // bytes

namespace rules {
inline constexpr Rule id{.required = true,
                         .max_bytes = max_command_id,
                         .doc = "the client's own id of the command",
                         .example = "\"7f3a-1\""};
inline constexpr Rule conversation{
    .required = true, .doc = "", .example = "\"5f0c1b2a9d8e7f60112233445566778f\""};
inline constexpr Rule epoch{.required = true,
                            .doc = "an epoch, as the last push or answer about it said"};
inline constexpr Rule seen{
    .max_items = max_seen,
    .doc = "ids of the customer's messages that were on the screen: these are answered by it"};
inline constexpr Rule page{.min = 1, .max = max_page, .doc = "items wanted"};
inline constexpr Rule before{.max_bytes = 112, .doc = "`next` of the page before; empty: newest"};
inline constexpr Rule handle_channel{.required = true,
                                     .max_bytes = 16,
                                     .doc = "chat, social, email, call or other",
                                     .example = "\"email\""};
inline constexpr Rule handle_external_id{.required = true,
                                         .max_bytes = max_platform_id,
                                         .doc = "the platform's id of the customer there",
                                         .example = "\"ada@example.com\""};
inline constexpr Rule link_reason{
    .required = true, .max_bytes = max_reason, .doc = "why", .example = "\"said so\""};
}  // namespace rules

struct LogIn {
  static constexpr const char* name = "log_in";
  std::string id;
  std::uint32_t version = protocol_version;
  std::string agent;
  std::string password;
  std::string token;
  std::uint64_t last_seq = 0;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("version", self.version, Rule{.min = 1, .doc = "of this protocol"});
    visit("agent", self.agent,
          Rule{.required = true, .max_bytes = 64, .doc = "log-in name", .example = "\"anna\""});
    visit("password", self.password, Rule{.max_bytes = 1024, .doc = "this, or a token"});
    visit("token", self.token,
          Rule{.max_bytes = 64, .doc = "of `welcome`: goes on with that session"});
    visit("last_seq", self.last_seq,
          Rule{.doc = "with a token: the highest `seq` that the client has seen"});
  }
};

// Only ready or not_ready; leaving is log_off.
struct SetPresence {
  static constexpr const char* name = "presence";
  std::string id;
  Presence presence = Presence::not_ready;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("presence", self.presence, Rule{.required = true, .doc = "`ready` or `not_ready`"});
    visit("reason", self.reason, Rule{.max_bytes = max_reason, .example = "\"lunch\""});
  }
};

struct AskSlots {
  static constexpr const char* name = "slots";
  std::string id;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
  }
};

struct Accept {
  static constexpr const char* name = "accept";
  std::string id;
  ConversationId conversation;
  Epoch epoch;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("conversation", self.conversation, rules::conversation);
    visit("epoch", self.epoch, Rule{.required = true, .doc = "an epoch: that of the ring"});
  }
};

struct Decline {
  static constexpr const char* name = "decline";
  std::string id;
  ConversationId conversation;
  Epoch epoch;
  std::string reason;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("conversation", self.conversation, rules::conversation);
    visit("epoch", self.epoch, Rule{.required = true, .doc = "an epoch: that of the ring"});
    visit("reason", self.reason, Rule{.max_bytes = max_reason});
  }
};

struct Open {
  static constexpr const char* name = "open";
  std::string id;
  ConversationId conversation;
  std::uint32_t items = 20;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("conversation", self.conversation, rules::conversation);
    visit("items", self.items, rules::page);
  }
};

// The customer's history over all linked handles.
struct AskHistory {
  static constexpr const char* name = "history";
  std::string id;
  ConversationId conversation;
  std::string before;
  std::uint32_t items = 20;
  bool only_this = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("conversation", self.conversation, rules::conversation);
    visit("before", self.before, rules::before);
    visit("items", self.items, rules::page);
    visit("only_this", self.only_this,
          Rule{.doc = "only this conversation, not all of the customer's"});
  }
};

struct FindCustomer {
  static constexpr const char* name = "customer";
  std::string id;
  std::string brand;
  std::string channel;
  std::string external_id;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("brand", self.brand, Rule{.required = true, .max_bytes = 64, .example = "\"acme\""});
    visit("channel", self.channel,
          Rule{.required = true,
               .max_bytes = 16,
               .doc = "chat, social, email, call or other",
               .example = "\"social\""});
    visit("external_id", self.external_id,
          Rule{.required = true, .max_bytes = max_platform_id, .doc = "the platform's id of them"});
  }
};

struct Reply {
  static constexpr const char* name = "reply";
  std::string id;
  ConversationId conversation;
  Epoch epoch;
  std::string text;
  bool is_public = false;
  std::string language;
  std::vector<MessageId> seen;
  bool keep = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("conversation", self.conversation, rules::conversation);
    visit("epoch", self.epoch, rules::epoch);
    visit("text", self.text, Rule{.required = true, .max_bytes = max_text});
    visit("public", self.is_public, Rule{.doc = "everybody may read it"});
    visit("language", self.language,
          Rule{.max_bytes = 32, .doc = "BCP 47", .example = "\"en-GB\""});
    visit("seen", self.seen, rules::seen);
    visit("keep", self.keep,
          Rule{.doc = "stay active; otherwise all but chats become pending with it"});
  }
};

struct Note {
  static constexpr const char* name = "note";
  std::string id;
  ConversationId conversation;
  std::string text;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("conversation", self.conversation, rules::conversation);
    visit("text", self.text, Rule{.required = true, .max_bytes = max_text});
  }
};

struct SetPending {
  static constexpr const char* name = "pending";
  std::string id;
  ConversationId conversation;
  Epoch epoch;
  std::int64_t until_ms = 0;
  std::vector<MessageId> seen;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("conversation", self.conversation, rules::conversation);
    visit("epoch", self.epoch, rules::epoch);
    visit("until_ms", self.until_ms,
          Rule{.min = 0, .doc = "0: until the customer writes. A message ends it in any case"});
    visit("seen", self.seen, rules::seen);
  }
};

// To an agent of any site, to a team, or back to the queue with other skills.
struct Transfer {
  static constexpr const char* name = "transfer";
  std::string id;
  ConversationId conversation;
  Epoch epoch;
  std::string to_agent;
  std::string team;
  std::vector<std::string> skills;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("conversation", self.conversation, rules::conversation);
    visit("epoch", self.epoch, rules::epoch);
    visit("to_agent", self.to_agent,
          Rule{.max_bytes = max_agent_name, .doc = "this, or a team, or skills, or none of them"});
    visit("team", self.team, Rule{.max_bytes = max_team});
    visit("skills", self.skills,
          Rule{.max_bytes = max_word,
               .max_items = max_agent_skills,
               .doc = "that the next agent must have; empty: as before"});
  }
};

struct WrapUp {
  static constexpr const char* name = "wrap_up";
  std::string id;
  ConversationId conversation;
  Epoch epoch;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("conversation", self.conversation, rules::conversation);
    visit("epoch", self.epoch, rules::epoch);
  }
};

struct Close {
  static constexpr const char* name = "close";
  std::string id;
  ConversationId conversation;
  Epoch epoch;
  std::string reason;
  std::vector<MessageId> seen;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("conversation", self.conversation, rules::conversation);
    visit("epoch", self.epoch, rules::epoch);
    visit("reason", self.reason,
          Rule{.required = true, .max_bytes = max_reason, .example = "\"solved\""});
    visit("seen", self.seen, rules::seen);
  }
};

// The conversation's customer is also known by that handle, or is not.
struct Link {
  static constexpr const char* name = "link";
  std::string id;
  ConversationId conversation;
  std::string channel;
  std::string external_id;
  std::string reason;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("conversation", self.conversation, rules::conversation);
    visit("channel", self.channel, rules::handle_channel);
    visit("external_id", self.external_id, rules::handle_external_id);
    visit("reason", self.reason, rules::link_reason);
  }
};

struct Unlink {
  static constexpr const char* name = "unlink";
  std::string id;
  ConversationId conversation;
  std::string channel;
  std::string external_id;
  std::string reason;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("conversation", self.conversation, rules::conversation);
    visit("channel", self.channel, rules::handle_channel);
    visit("external_id", self.external_id, rules::handle_external_id);
    visit("reason", self.reason, rules::link_reason);
  }
};

// What is being typed, so that it is not lost with the client.
struct Draft {
  static constexpr const char* name = "draft";
  std::string id;
  ConversationId conversation;
  std::string text;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("conversation", self.conversation, rules::conversation);
    visit("text", self.text,
          Rule{.max_bytes = max_text, .doc = "all of it; replaces the last one; empty: none"});
  }
};

enum class LogOffHow : std::uint8_t { ask, hand_over, keep_pending };
constexpr auto names_of(LogOffHow) {
  return std::array{"ask", "hand_over", "keep_pending"};
}

struct LogOff {
  static constexpr const char* name = "log_off";
  std::string id;
  LogOffHow how = LogOffHow::ask;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
    visit("how", self.how,
          Rule{.doc = "with open work: `ask` is answered by `log_off_question`; `hand_over` gives "
                      "it back to the queue; `keep_pending` makes it pending, still yours"});
  }
};

struct Ping {
  static constexpr const char* name = "ping";
  std::string id;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, rules::id);
  }
};

using Command = std::variant<LogIn, SetPresence, AskSlots, Accept, Decline, Open, AskHistory,
                             FindCustomer, Reply, Note, SetPending, Transfer, WrapUp, Close, LogOff,
                             Ping, Link, Unlink, Draft>;

}  // namespace crossfloor::client
