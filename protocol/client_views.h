// What people see of a conversation, its customer and an agent's slots: shown by agents' clients
// and by the operators' CLI, made by node/core/history.h.
//
// Times are milliseconds since 1970, UTC; 0 says "none".
#pragma once

#include <array>
#include <optional>

#include "protocol/agent_record.h"
#include "protocol/bodies.h"
#include "protocol/fields.h"

namespace crossfloor::client {

inline constexpr std::size_t max_page = 50;  // items of one page of history

enum class HistoryKind : std::uint8_t { message, reply, note };
constexpr auto names_of(HistoryKind) {
  return std::array{"message", "reply", "note"};
}
enum class HistoryDirection : std::uint8_t { in, out, internal };
constexpr auto names_of(HistoryDirection) {
  return std::array{"in", "out", "internal"};
}
enum class Revision : std::uint8_t { first, edited, deleted };
constexpr auto names_of(Revision) {
  return std::array{"first", "edited", "deleted"};
}

struct HistoryItem {
  std::string cursor;
  ConversationId conversation;
  HistoryKind kind = HistoryKind::message;
  HistoryDirection direction = HistoryDirection::in;
  bool is_public = false;
  std::string author;
  std::int64_t time_ms = 0;
  std::string text;
  std::string account;
  std::string channel;
  std::string language;
  std::int64_t provider_time_ms = 0;
  std::vector<Attachment> attachments;
  std::optional<MessageId> message;
  std::string external_id;
  std::string parent_external_id;
  Revision revision = Revision::first;
  bool unanswered = false;
  std::optional<ReplyId> reply;
  std::vector<MessageId> answers;
  std::string outcome;
  std::string outcome_detail;
  bool handled_twice = false;

  bool operator==(const HistoryItem&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("cursor", self.cursor, Rule{.doc = "place of the item, for `before`"});
    visit("conversation", self.conversation, Rule{.doc = "which of the customer's"});
    visit("kind", self.kind);
    visit("direction", self.direction, Rule{.doc = "`internal`: a note, the customer never sees"});
    visit("public", self.is_public, Rule{.doc = "everybody could read it on the channel"});
    visit(
        "author", self.author,
        Rule{.doc = "the customer's name or id; the agent's log-in name; empty: written outside"});
    visit("time_ms", self.time_ms, Rule{.doc = "when it was taken in or written"});
    visit("text", self.text, Rule{.doc = "empty if it was erased"});
    visit("account", self.account, Rule{.doc = "channel account"});
    visit("channel", self.channel, Rule{.doc = "chat, social, email, call or other"});
    visit("language", self.language, Rule{.doc = "BCP 47; empty if not known"});
    visit("provider_time_ms", self.provider_time_ms, Rule{.doc = "as the channel says"});
    visit("attachments", self.attachments,
          Rule{.doc = "references only: name, type, size, digest, url"});
    visit("message", self.message, Rule{.doc = "of a message: its id, for `seen`"});
    visit("external_id", self.external_id, Rule{.doc = "of a message: the platform's id"});
    visit("parent_external_id", self.parent_external_id,
          Rule{.doc = "the platform's id of what it answers"});
    visit("revision", self.revision,
          Rule{.doc = "a message that came again with another text, or was deleted"});
    visit("unanswered", self.unanswered, Rule{.doc = "a customer's message that nobody answered"});
    visit("reply", self.reply, Rule{.doc = "of a reply: its id"});
    visit("answers", self.answers, Rule{.doc = "of a reply: the messages its author had seen"});
    visit("outcome", self.outcome,
          Rule{.doc = "of a reply: waiting, attempted, accepted, refused, retry-later, unknown or "
                      "voided"});
    visit("outcome_detail", self.outcome_detail, Rule{.doc = "what the channel answered"});
    visit("handled_twice", self.handled_twice,
          Rule{.doc = "a reply written on the other side of a cut"});
  }
};

// Newest first.
struct HistoryPage {
  std::vector<HistoryItem> items;
  std::string next;

  bool operator==(const HistoryPage&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("items", self.items, Rule{.doc = "history items, newest first"});
    visit("next", self.next,
          Rule{.doc = "`before` of the next page; empty: there is no older one"});
  }
};

struct ConversationView {
  ConversationId conversation;
  Epoch epoch;
  CourseState state = CourseState::waiting;
  std::string reason;
  std::string agent;
  std::string last_agent;
  std::string account;
  std::string brand;
  std::string channel;
  bool is_public = false;
  std::string customer;
  HandleId handle;
  std::string thread_id;
  std::string topic;
  std::string language;
  std::vector<std::string> skills;
  std::string team;
  std::uint32_t priority = 0;
  std::int64_t waiting_since_ms = 0;
  std::int64_t since_ms = 0;
  std::int64_t pending_until_ms = 0;
  std::int64_t first_ms = 0;
  std::int64_t last_ms = 0;
  std::vector<MessageId> unanswered;
  std::uint32_t messages_in = 0;
  std::uint32_t messages_out = 0;
  std::uint32_t replies_open = 0;
  std::uint32_t handled_twice = 0;

  bool operator==(const ConversationView&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("conversation", self.conversation);
    visit("epoch", self.epoch, Rule{.doc = "an epoch; give it back with each command"});
    visit("state", self.state);
    visit("reason", self.reason, Rule{.doc = "why it is in this state"});
    visit("agent", self.agent, Rule{.doc = "who has it; empty: nobody"});
    visit("last_agent", self.last_agent);
    visit("account", self.account, Rule{.doc = "channel account"});
    visit("brand", self.brand);
    visit("channel", self.channel, Rule{.doc = "chat, social, email, call or other"});
    visit("public", self.is_public, Rule{.doc = "it began where everybody can read"});
    visit("customer", self.customer, Rule{.doc = "the platform's id of the customer"});
    visit("handle", self.handle, Rule{.doc = "the customer's handle, as an id"});
    visit("thread_id", self.thread_id);
    visit("topic", self.topic);
    visit("language", self.language);
    visit("skills", self.skills, Rule{.doc = "that its agent must have"});
    visit("team", self.team);
    visit("priority", self.priority);
    visit("waiting_since_ms", self.waiting_since_ms,
          Rule{.doc = "the customer's first unanswered message"});
    visit("since_ms", self.since_ms, Rule{.doc = "when it came into this state"});
    visit("pending_until_ms", self.pending_until_ms, Rule{.doc = "0: until the customer writes"});
    visit("first_ms", self.first_ms, Rule{.doc = "the customer's first message"});
    visit("last_ms", self.last_ms, Rule{.doc = "latest message or reply"});
    visit("unanswered", self.unanswered, Rule{.doc = "the customer's unanswered messages"});
    visit("messages_in", self.messages_in);
    visit("messages_out", self.messages_out);
    visit("replies_open", self.replies_open, Rule{.doc = "replies not yet known to be accepted"});
    visit("handled_twice", self.handled_twice,
          Rule{.doc = "replies written on both sides of a cut"});
  }
};

struct HandleView {
  HandleId handle;
  std::string channel;
  std::string external_id;

  bool operator==(const HandleView&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("handle", self.handle);
    visit("channel", self.channel);
    visit("external_id", self.external_id, Rule{.doc = "empty: known by a link only"});
  }
};

// A customer is all handles that are linked, of one brand.
struct CustomerView {
  std::string brand;
  std::vector<HandleView> handles;
  std::vector<ConversationView> conversations;
  bool more = false;

  bool operator==(const CustomerView&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("brand", self.brand);
    visit("handles", self.handles, Rule{.doc = "what the customer is known by: handles"});
    visit("conversations", self.conversations,
          Rule{.doc = "conversation views, newest first, at most 50"});
    visit("more", self.more, Rule{.doc = "there are older conversations"});
  }
};

enum class Presence : std::uint8_t { logged_out, ready, not_ready };
constexpr auto names_of(Presence) {
  return std::array{"logged_out", "ready", "not_ready"};
}
enum class WorkState : std::uint8_t { held, ringing, busy, wrapping_up, ending };
constexpr auto names_of(WorkState) {
  return std::array{"held", "ringing", "busy", "wrapping_up", "ending"};
}

struct WorkView {
  std::optional<ConversationId> conversation;
  WorkState state = WorkState::held;

  bool operator==(const WorkView&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("conversation", self.conversation, Rule{.doc = "none while a slot is only reserved"});
    visit("state", self.state);
  }
};

struct ChannelSlots {
  ChannelKind kind = ChannelKind::chat;
  Duty duty = Duty::off;
  std::uint32_t used = 0;
  std::uint32_t maximum = 0;
  std::uint32_t free = 0;

  bool operator==(const ChannelSlots&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("kind", self.kind);
    visit("duty", self.duty);
    visit("used", self.used);
    visit("maximum", self.maximum);
    visit("free", self.free, Rule{.doc = "how many more of this kind, if nothing else came"});
  }
};

struct SlotsView {
  Presence presence = Presence::logged_out;
  std::string reason;
  std::uint32_t units_used = 0;
  std::uint32_t units_total = 0;
  std::vector<ChannelSlots> channels;
  std::vector<WorkView> work;

  bool operator==(const SlotsView&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("presence", self.presence);
    visit("reason", self.reason, Rule{.doc = "`missed` after an offer that nobody took"});
    visit("units_used", self.units_used);
    visit("units_total", self.units_total);
    visit("channels", self.channels, Rule{.doc = "channel slots"});
    visit("work", self.work, Rule{.doc = "works: what takes a slot"});
  }
};

}  // namespace crossfloor::client
