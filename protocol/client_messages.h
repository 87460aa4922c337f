// What a node says to an agent's client: exactly one answer to each command (with the command's
// `id`), and pushes (with a `seq` of their own, 1, 2, 3 … in a session).
//
// The binary form of both directions is protocol/client.capnp. On the WebSocket they are JSON.
#pragma once

#include "protocol/client_commands.h"

namespace crossfloor::client {

// ---- answers ----

struct Welcome {
  static constexpr const char* name = "welcome";
  std::string id;
  std::string agent;
  std::string display_name;
  std::string signature;
  std::string team;
  std::string site;
  std::vector<std::string> brands;
  std::string token;
  bool resumed = false;
  std::uint64_t seq = 0;
  std::int64_t now_ms = 0;
  std::int64_t idle_ms = 0;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("agent", self.agent);
    visit("display_name", self.display_name);
    visit("signature", self.signature, Rule{.doc = "shown to customers under replies"});
    visit("team", self.team);
    visit("site", self.site);
    visit("brands", self.brands, Rule{.doc = "whose customers this agent may see"});
    visit("token", self.token, Rule{.doc = "keep it secret; it goes on with this session"});
    visit("resumed", self.resumed,
          Rule{.doc = "true: the pushes after `last_seq` follow. false: a `snapshot` follows, "
                      "forget what was known"});
    visit("seq", self.seq, Rule{.doc = "of the latest push so far"});
    visit("now_ms", self.now_ms, Rule{.doc = "the node's clock"});
    visit("idle_ms", self.idle_ms, Rule{.doc = "the session ends when unused for so long"});
  }
};

// The command is done, and safe on disks as the node promises.
struct Done {
  static constexpr const char* name = "done";
  std::string id;
  std::optional<ConversationId> conversation;
  std::optional<Epoch> epoch;
  std::optional<ReplyId> reply;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("conversation", self.conversation);
    visit("epoch", self.epoch, Rule{.doc = "an epoch: in force now, for the next command"});
    visit("reply", self.reply, Rule{.doc = "of a reply: its id; its outcome comes as `changed`"});
  }
};

struct Refused {
  static constexpr const char* name = "error";
  std::string id;
  std::string code;
  std::string field;
  std::string what;
  std::string mend;
  std::string holder;
  std::optional<Epoch> epoch;
  std::string site;
  std::vector<std::string> addresses;
  std::int64_t retry_after_ms = 0;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id, Rule{.doc = "empty if the command's own id could not be read"});
    visit("code", self.code,
          Rule{.doc = "malformed, too_large, unauthenticated, forbidden, not_found, conflict, "
                      "stale, full, unavailable, corrupt or io"});
    visit("field", self.field, Rule{.doc = "of the command, dotted; empty: none in particular"});
    visit("what", self.what, Rule{.doc = "what was wrong, for people"});
    visit("mend", self.mend, Rule{.doc = "what to do about it, for people"});
    visit("holder", self.holder, Rule{.doc = "stale: who has the conversation now"});
    visit("epoch", self.epoch, Rule{.doc = "an epoch: in force now"});
    visit("site", self.site, Rule{.doc = "log-in: where this agent belongs"});
    visit("addresses", self.addresses, Rule{.doc = "log-in: of that agent's node"});
    visit("retry_after_ms", self.retry_after_ms, Rule{.doc = "not before"});
  }
};

struct LogOffQuestion {
  static constexpr const char* name = "log_off_question";
  std::string id;
  std::vector<ConversationView> open;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("open", self.open, Rule{.doc = "conversation views: what this agent works on"});
  }
};

struct SlotsAnswer {
  static constexpr const char* name = "slots";
  std::string id;
  SlotsView slots;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("slots", self.slots, Rule{.doc = "a slots view"});
  }
};

struct Opened {
  static constexpr const char* name = "conversation";
  std::string id;
  ConversationView view;
  CustomerView customer;
  HistoryPage history;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("view", self.view, Rule{.doc = "a conversation view"});
    visit("customer", self.customer, Rule{.doc = "a customer view"});
    visit("history", self.history, Rule{.doc = "a page: of the customer, over all linked handles"});
  }
};

struct HistoryAnswer {
  static constexpr const char* name = "history";
  std::string id;
  HistoryPage page;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("page", self.page, Rule{.doc = "a page"});
  }
};

struct CustomerAnswer {
  static constexpr const char* name = "customer";
  std::string id;
  CustomerView customer;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("customer", self.customer, Rule{.doc = "a customer view"});
  }
};

struct Pong {
  static constexpr const char* name = "pong";
  std::string id;
  std::int64_t now_ms = 0;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("now_ms", self.now_ms);
  }
};

// ---- pushes ----

// All that is with this agent: after each log-in, and when pushes were lost.
struct Snapshot {
  static constexpr const char* name = "snapshot";
  std::uint64_t seq = 0;
  SlotsView slots;
  std::vector<ConversationView> conversations;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("seq", self.seq);
    visit("slots", self.slots, Rule{.doc = "a slots view"});
    visit("conversations", self.conversations,
          Rule{.doc = "conversation views: ringing, active, pending, wrapping up with this agent"});
  }
};

struct Ring {
  static constexpr const char* name = "ring";
  std::uint64_t seq = 0;
  ConversationId conversation;
  Epoch epoch;
  std::int64_t ring_ms = 0;
  std::int64_t until_ms = 0;
  bool complete = true;
  std::optional<ConversationView> view;
  std::vector<HistoryItem> items;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("seq", self.seq);
    visit("conversation", self.conversation);
    visit("epoch", self.epoch, Rule{.doc = "an epoch, for accept or decline"});
    visit("ring_ms", self.ring_ms, Rule{.doc = "how long it rings, from when this was sent first"});
    visit("until_ms", self.until_ms, Rule{.doc = "when it ends, by the node's clock"});
    visit("complete", self.complete,
          Rule{.doc = "false: part of the history has not arrived at this site yet"});
    visit("view", self.view, Rule{.doc = "a conversation view"});
    visit("items", self.items,
          Rule{.doc = "history items: the latest of the conversation, newest first"});
  }
};

struct RingOver {
  static constexpr const char* name = "ring_over";
  std::uint64_t seq = 0;
  ConversationId conversation;
  Epoch epoch;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("seq", self.seq);
    visit("conversation", self.conversation);
    visit("epoch", self.epoch);
    visit("reason", self.reason,
          Rule{.doc = "missed, declined, lease over …; the conversation is no longer yours"});
  }
};

struct Changed {
  static constexpr const char* name = "changed";
  std::uint64_t seq = 0;
  std::string reason;
  bool yours = false;
  ConversationView view;
  std::vector<HistoryItem> items;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("seq", self.seq);
    visit("reason", self.reason);
    visit("yours", self.yours, Rule{.doc = "false: it is with somebody else or nobody now"});
    visit("view", self.view, Rule{.doc = "a conversation view"});
    visit("items", self.items,
          Rule{.doc = "history items: what is new or changed, newest first, at most 20"});
  }
};

struct SlotsChanged {
  static constexpr const char* name = "slots_changed";
  std::uint64_t seq = 0;
  SlotsView slots;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("seq", self.seq);
    visit("slots", self.slots, Rule{.doc = "a slots view"});
  }
};

// The last of a session; the node closes the connection behind it.
struct SessionOver {
  static constexpr const char* name = "session_over";
  std::uint64_t seq = 0;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("seq", self.seq);
    visit("reason", self.reason,
          Rule{.doc = "`logged in elsewhere`, `disabled`, `logged off` or `unused for too long`"});
  }
};

using Message = std::variant<Welcome, Done, Refused, LogOffQuestion, SlotsAnswer, Opened,
                             HistoryAnswer, CustomerAnswer, Pong, Snapshot, Ring, RingOver, Changed,
                             SlotsChanged, SessionOver>;

// 0 for answers.
std::uint64_t seq_of(const Message& message);
// "" for pushes.
const std::string& id_of(const Message& message);
const std::string& id_of(const Command& command);

// JSON, as on the WebSocket. Errors of reading: malformed, too_large, with the dotted field.
std::string to_text(const Message& message);
std::string to_text(const Command& command);
Result<Command> read_command(std::string_view text);
Result<Message> read_message(std::string_view text);
// The `id` of a command that could not be understood as a whole; empty if not even that.
std::string readable_id(std::string_view text);

}  // namespace crossfloor::client
