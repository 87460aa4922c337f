// What the log's entries say: one struct for each kind of protocol/entry.h. A body on the disk is
// 16 random bytes, then the struct in Cap'n Proto (protocol/bodies.capnp; fields are only added).
#pragma once

#include <array>

#include "protocol/entry.h"
#include "protocol/epoch.h"
#include "protocol/incoming_message.h"

namespace crossfloor {

// First entry of each stream: who writes here, and since when.
struct GenerationBody {
  NodeId node;
  std::string site;
  std::int64_t started_ms = 0;
  std::string version;  // of the software, for people

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("site", self.site);
    visit("started_ms", self.started_ms);
    visit("version", self.version);
  }
};

// A message taken in. Subject: its message id.
struct MessageBody {
  std::string account;
  std::string brand;
  std::string channel;  // kind of the account: chat, social, email, call, other
  std::int64_t taken_ms = 0;
  bool trusted_ref = false;  // customer_ref may join handles
  IncomingMessage message;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("account", self.account);
    visit("brand", self.brand);
    visit("channel", self.channel);
    visit("taken_ms", self.taken_ms);
    visit("trusted_ref", self.trusted_ref);
    visit("message", self.message);
  }
};

// Message M belongs to the conversation that is the subject. The first one opens it.
struct PlacedBody {
  MessageId message;
  Epoch epoch;
  bool opens = false;    // then the subject is the message's own id, and epoch.term is 1
  bool reopens = false;  // it was closed
  bool inbound = true;   // false: an answer given elsewhere, which makes no work
  std::string account;   // of an opened conversation, as are the ones below
  std::string brand;
  std::string channel;
  HandleId handle;
  std::string thread_id;
  bool is_public = false;
  std::string reason;  // which rule placed it, for `explain`

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("message", self.message);
    visit("epoch", self.epoch);
    visit("opens", self.opens);
    visit("reopens", self.reopens);
    visit("inbound", self.inbound);
    visit("account", self.account);
    visit("brand", self.brand);
    visit("channel", self.channel);
    visit("handle", self.handle);
    visit("thread_id", self.thread_id);
    visit("is_public", self.is_public);
    visit("reason", self.reason);
  }
};

enum class CourseState : std::uint8_t { waiting, ringing, active, pending, wrap_up, closed };
constexpr auto names_of(CourseState) {
  return std::array{"waiting", "ringing", "active", "pending", "wrap-up", "closed"};
}

// Home: from here on the conversation stands so, in this epoch.
struct CourseBody {
  Epoch epoch;
  CourseState state = CourseState::waiting;
  std::string agent;   // login name of the assignee; empty while waiting or closed
  NodeId agent_node;   // the assignee's node
  std::string reason;  // a word: accepted, declined, missed, lease-ended, transfer, closed …
  std::string by;      // who asked for it: an agent, an operator, or empty for the node itself
  CommandId command;   // of the person's command; zero if none
  std::int64_t pending_until_ms = 0;
  std::vector<MessageId> seen;      // answered without a reply (close with a reason)
  std::vector<std::string> skills;  // of a transfer to the queue; replaces those of the message
  std::string team;                 // of a transfer to a team
  std::string prefer_agent;         // who should get it next
  NodeId prefer_node;
  bool changes_site = false;
  std::string trace;  // the decision's trace, as JSON text, for `explain`

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("epoch", self.epoch);
    visit("state", self.state);
    visit("agent", self.agent);
    visit("agent_node", self.agent_node);
    visit("reason", self.reason);
    visit("by", self.by);
    visit("command", self.command);
    visit("pending_until_ms", self.pending_until_ms);
    visit("seen", self.seen);
    visit("skills", self.skills);
    visit("team", self.team);
    visit("prefer_agent", self.prefer_agent);
    visit("prefer_node", self.prefer_node);
    visit("changes_site", self.changes_site);
    visit("trace", self.trace);
  }
};

// The node in `epoch` is home from this term on.
struct TookHomeBody {
  Epoch epoch;
  std::string reason;  // handed-on, takeover, forced
  std::string by;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("epoch", self.epoch);
    visit("reason", self.reason);
    visit("by", self.by);
  }
};

struct ReplyBody {
  ReplyId reply;
  Epoch epoch;
  CommandId command;
  std::string agent;
  NodeId agent_node;
  std::string signature;  // the agent's, shown to the customer
  std::string text;
  bool is_public = false;
  std::string language;
  std::vector<MessageId> seen;  // the customer's messages on the screen when the agent acted
  MessageId parent;             // which of them it answers
  std::string account;
  std::string to;  // customer's external id
  std::string thread_id;
  std::string parent_id;                    // the platform's
  NodeId sender;                            // who alone may send it; zero: no host is there
  CourseState then = CourseState::pending;  // what the reply makes of the conversation
  // How many earlier replies home knew, plus one; 0: it did not say. Who answers without knowing of
  // an answer answers a second time, which the log alone could not tell.
  std::uint32_t known_replies = 0;
  // Which of them, of the latest that are not of this term: by the first four bytes of their ids.
  std::vector<std::uint32_t> known;
  static constexpr std::size_t max_known = 8;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("reply", self.reply);
    visit("epoch", self.epoch);
    visit("command", self.command);
    visit("agent", self.agent);
    visit("agent_node", self.agent_node);
    visit("signature", self.signature);
    visit("text", self.text);
    visit("is_public", self.is_public);
    visit("language", self.language);
    visit("seen", self.seen);
    visit("parent", self.parent);
    visit("account", self.account);
    visit("to", self.to);
    visit("thread_id", self.thread_id);
    visit("parent_id", self.parent_id);
    visit("sender", self.sender);
    visit("then", self.then);
    visit("known_replies", self.known_replies);
    visit("known", self.known);
  }
};

struct NoteBody {
  Epoch epoch;
  CommandId command;
  std::string agent;
  std::string text;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("epoch", self.epoch);
    visit("command", self.command);
    visit("agent", self.agent);
    visit("text", self.text);
  }
};

// Sender: about to hand the reply to the provider. Durable before the first byte leaves.
struct AttemptBody {
  ReplyId reply;
  std::uint32_t number = 0;  // from 1

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("reply", self.reply);
    visit("number", self.number);
  }
};

// `needs_person`: answered, but not in a way that a machine may act upon.
enum class ReplyOutcome : std::uint8_t {
  accepted,
  refused,
  retry_later,
  unknown,
  voided,
  needs_person
};
constexpr auto names_of(ReplyOutcome) {
  return std::array{"accepted", "refused", "retry-later", "unknown", "voided", "needs-person"};
}

struct OutcomeBody {
  ReplyId reply;
  ReplyOutcome outcome = ReplyOutcome::unknown;
  std::string external_id;  // the provider's, when accepted
  std::string detail;       // status or cause, for people
  std::string by;           // an operator who resolved it; empty: the sender
  std::string account;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("reply", self.reply);
    visit("outcome", self.outcome);
    visit("external_id", self.external_id);
    visit("detail", self.detail);
    visit("by", self.by);
    visit("account", self.account);
  }
};

// Two handles of one brand are one customer, or are no longer. The later entry counts.
struct LinkBody {
  HandleId first;
  HandleId second;
  bool linked = true;
  std::string by;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("first", self.first);
    visit("second", self.second);
    visit("linked", self.linked);
    visit("by", self.by);
    visit("reason", self.reason);
  }
};

// A channel account as its hosts are configured: so that every node of the region knows who
// receives and sends there, and what was promised.
struct AccountBody {
  std::string account;
  std::string brand;
  std::string channel;
  std::vector<std::string> hosts;  // sites or node ids, first choice first
  std::int64_t target_ms = 0;
  std::int64_t helper_after_ms = 0;
  std::int64_t ring_ms = 0;
  std::int64_t lease_ms = 0;
  bool auto_accept = false;
  bool trusted_ref = false;
  bool repeatable = true;
  bool lookup = false;
  std::vector<std::string> prints;  // "setting=hash" of all that is configured, for comparison
  // Not said: -1.
  std::int64_t next_target_ms = -1;
  std::int64_t optional_skills_after_ms = -1;
  std::int64_t last_agent_wait_ms = -1;
  std::int64_t pull_margin_ms = -1;
  std::int64_t agent_gone_after_ms = -1;
  bool requeue_when_late = false;
  std::vector<std::string> optional_skills;

  bool operator==(const AccountBody&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("account", self.account);
    visit("brand", self.brand);
    visit("channel", self.channel);
    visit("hosts", self.hosts);
    visit("target_ms", self.target_ms);
    visit("helper_after_ms", self.helper_after_ms);
    visit("ring_ms", self.ring_ms);
    visit("lease_ms", self.lease_ms);
    visit("auto_accept", self.auto_accept);
    visit("trusted_ref", self.trusted_ref);
    visit("repeatable", self.repeatable);
    visit("lookup", self.lookup);
    visit("prints", self.prints);
    visit("next_target_ms", self.next_target_ms);
    visit("optional_skills_after_ms", self.optional_skills_after_ms);
    visit("last_agent_wait_ms", self.last_agent_wait_ms);
    visit("pull_margin_ms", self.pull_margin_ms);
    visit("agent_gone_after_ms", self.agent_gone_after_ms);
    visit("requeue_when_late", self.requeue_when_late);
    visit("optional_skills", self.optional_skills);
  }
};

// What an operator did, and why.
struct ActBody {
  std::string verb;
  std::string target;
  std::string by;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("verb", self.verb);
    visit("target", self.target);
    visit("by", self.by);
    visit("reason", self.reason);
  }
};

// A salted, encoded body, as it stands in an Entry; and back.
template <typename Body>
Bytes encode_body(const Body& body, Random& random);
template <typename Body>
Result<Body> decode_body(ByteView bytes);

}  // namespace crossfloor
