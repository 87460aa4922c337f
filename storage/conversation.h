// What the log says about one conversation, folded in the order that all nodes agree on.
//
// Nothing here looks at a clock or at who is alive: two nodes that hold the same entries have equal
// rows. Who may change a conversation's course is judged from the log alone: a course entry counts
// only if its origin is home of the entry's term, and no later term has begun before it. Anything
// else is kept, counted and shown, and changes no course.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "protocol/bodies.h"
#include "protocol/position.h"

namespace crossfloor {

struct Unanswered {
  MessageId message;
  std::int64_t since_ms = 0;  // when it was taken in

  bool operator==(const Unanswered&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("message", self.message);
    visit("since_ms", self.since_ms);
  }
};

// Who is home of one term.
struct TermHome {
  std::uint64_t term = 0;
  HybridTime time;
  NodeId node;

  bool operator==(const TermHome&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("term", self.term);
    visit("time", self.time);
    visit("node", self.node);
  }
};

struct ReplyState {
  ReplyId reply;
  NodeId sender;
  std::string agent;
  std::int64_t written_ms = 0;
  bool counts = true;  // written by the home of its term
  std::uint32_t attempts = 0;
  bool has_outcome = false;
  ReplyOutcome outcome = ReplyOutcome::unknown;
  std::string detail;
  std::vector<MessageId> seen;
  bool beside = false;       // the home that answered after it did not know of it
  bool twice = false;        // it left, and the customer was answered beside it: counted
  std::uint8_t term = 0;     // last byte of its epoch's term; 0: its home did not say what it knew
  std::uint32_t number = 0;  // among the conversation's replies, from 1; 0 in rows of old

  bool operator==(const ReplyState&) const = default;
  // True until the provider has it, refused it, or it was voided before it was tried.
  bool open() const {
    return !has_outcome || outcome == ReplyOutcome::retry_later ||
           outcome == ReplyOutcome::unknown || outcome == ReplyOutcome::needs_person;
  }
  // Nobody has to look at it again, unless more is written about it.
  bool done() const { return !open() && counts && !beside; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("reply", self.reply);
    visit("sender", self.sender);
    visit("agent", self.agent);
    visit("written_ms", self.written_ms);
    visit("counts", self.counts);
    visit("attempts", self.attempts);
    visit("has_outcome", self.has_outcome);
    visit("outcome", self.outcome);
    visit("detail", self.detail);
    visit("seen", self.seen);
    visit("beside", self.beside);
    visit("twice", self.twice);
    visit("term", self.term);
    visit("number", self.number);
  }
};

struct Conversation {
  ConversationId id;
  Region region;
  bool opened = false;  // false: entries arrived before the one that opens it
  std::string account;
  std::string brand;
  std::string channel;
  HandleId handle;
  std::string customer;  // the platform's id of the customer: where replies go
  std::string thread_id;
  std::string last_external_id;  // of the customer's latest message: what a reply answers
  bool is_public = false;
  Position opened_at;
  ConversationId alias_of;  // zero: stands for itself

  std::vector<TermHome> homes;  // by term
  Epoch epoch;
  Epoch assigned;  // since which epoch this agent has it
  CourseState state = CourseState::waiting;
  std::string agent;
  NodeId agent_node;
  std::string reason;
  std::int64_t since_ms = 0;  // when it came into this state
  std::int64_t pending_until_ms = 0;
  std::string prefer_agent;
  NodeId prefer_node;
  std::string team;

  std::vector<Unanswered> unanswered;
  std::vector<MessageId> seen;  // answered before they came, sorted; rows of old say more
  std::uint32_t priority = 0;
  std::string topic;
  std::string language;
  std::vector<std::string> skills;  // sorted
  bool skills_set = false;          // by a transfer: messages no longer change them

  std::string last_agent;
  NodeId last_agent_node;
  std::int64_t last_agent_ms = 0;
  std::uint32_t site_changes = 0;  // of the present case: since it was last closed or pending
  // The last ones, and those before that are not done; the others have rows of their own, or each
  // message of a long conversation would cost more than the one before.
  static constexpr std::size_t max_done_replies = 32;
  std::vector<ReplyState> replies;  // by number
  std::uint32_t replies_done = 0;   // that have rows of their own
  // Replies that reached the customer beside the home's course, or of which the home that answered
  // after them did not know.
  std::uint32_t handled_twice = 0;
  std::uint32_t uncounted = 0;  // entries kept that changed no course
  std::uint32_t messages_in = 0;
  std::uint32_t messages_out = 0;
  std::int64_t first_ms = 0;  // the customer's first message
  std::int64_t last_ms = 0;   // latest message or reply
  std::int64_t first_reply_ms = 0;
  Position first;         // of its items; unknown in rows of old
  Position last;          // the highest position folded
  std::uint8_t mood = 0;  // the worst of the unanswered messages
  // The highest position of an item that a customer's message must not overtake: another message,
  // or what answers some. Unknown in rows of old, and until the first such item.
  Position said;

  bool operator==(const Conversation&) const = default;

  NodeId home() const { return homes.empty() ? NodeId{} : homes.back().node; }
  std::uint64_t term() const { return homes.empty() ? 0 : homes.back().term; }
  bool is_alias() const { return !alias_of.is_zero(); }
  // Somebody has something to do about it: a customer waits, an agent has it, or a reply is not
  // out.
  bool is_open() const;
  // The age that never resets: of the oldest unanswered message, else of this state.
  std::int64_t waiting_since_ms() const {
    return unanswered.empty() ? since_ms : unanswered.front().since_ms;
  }
  std::uint32_t replies_written() const {
    return static_cast<std::uint32_t>(replies.size()) + replies_done;
  }
  ReplyState* find_reply(const ReplyId& id);

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("region", self.region);
    visit("opened", self.opened);
    visit("account", self.account);
    visit("brand", self.brand);
    visit("channel", self.channel);
    visit("handle", self.handle);
    visit("customer", self.customer);
    visit("thread_id", self.thread_id);
    visit("last_external_id", self.last_external_id);
    visit("is_public", self.is_public);
    visit("opened_at", self.opened_at);
    visit("alias_of", self.alias_of);
    visit("homes", self.homes);
    visit("epoch", self.epoch);
    visit("assigned", self.assigned);
    visit("state", self.state);
    visit("agent", self.agent);
    visit("agent_node", self.agent_node);
    visit("reason", self.reason);
    visit("since_ms", self.since_ms);
    visit("pending_until_ms", self.pending_until_ms);
    visit("prefer_agent", self.prefer_agent);
    visit("prefer_node", self.prefer_node);
    visit("team", self.team);
    visit("unanswered", self.unanswered);
    visit("seen", self.seen);
    visit("priority", self.priority);
    visit("topic", self.topic);
    visit("language", self.language);
    visit("skills", self.skills);
    visit("skills_set", self.skills_set);
    visit("last_agent", self.last_agent);
    visit("last_agent_node", self.last_agent_node);
    visit("last_agent_ms", self.last_agent_ms);
    visit("site_changes", self.site_changes);
    visit("replies", self.replies);
    visit("handled_twice", self.handled_twice);
    visit("uncounted", self.uncounted);
    visit("messages_in", self.messages_in);
    visit("messages_out", self.messages_out);
    visit("first_ms", self.first_ms);
    visit("last_ms", self.last_ms);
    visit("first_reply_ms", self.first_reply_ms);
    visit("last", self.last);
    visit("replies_done", self.replies_done);
    visit("first", self.first);
    visit("mood", self.mood);
    visit("said", self.said);
    // New fields go here: rows written before stay readable.
  }
};

// What an entry of a conversation says. Of messages, which may be long, nobody makes a copy.
using ConversationBody =
    std::variant<std::monostate,  // erased, or of a kind that a newer node knows
                 std::shared_ptr<const MessageBody>, PlacedBody, CourseBody, TookHomeBody,
                 ReplyBody, NoteBody, AttemptBody, OutcomeBody>;

// One entry of a conversation, decoded. A message comes with its id and its parent's.
struct ConversationItem {
  Position at;
  ConversationId
      subject;  // the conversation it was written for; an alias's differs from the fold's
  EntryKind kind = EntryKind::message;
  MessageId message;       // of a message, or of what was placed
  MessageId parent;        // of a message that answers another
  bool first_copy = true;  // of a message: later copies and revisions change nothing here
  ReplyId echo_of;         // of a message that is the provider's echo of a reply
  ConversationBody body;
};

// What a fold asks and keeps beside the conversation's row, which must not grow with every message.
class ConversationMemory {
 public:
  virtual ~ConversationMemory() = default;
  // Whether a message was folded into this conversation before this place: then that it is answered
  // need not be remembered.
  virtual bool folded_before(const MessageId& message, const Position& place) = 0;
  virtual void put_done(const ReplyState& reply) = 0;
  // Takes it out again; nothing if it is not there.
  virtual std::optional<ReplyState> take_done(const ReplyId& reply) = 0;
};

// Moves replies that are done and not among the last to `put`, as each fold does. Gives numbers to
// those of rows of old.
void put_done_replies(Conversation& conversation,
                      const std::function<void(const ReplyState&)>& put);

// The short names of the latest replies that the home of a term knows and did not write itself in
// it: what ReplyBody::known says.
std::vector<std::uint32_t> known_by_home(const Conversation& conversation, std::uint64_t term);

// Whether it opens its conversation: not under a term from the end of its range.
bool may_open(const PlacedBody& body);

// The fold of all items, which are in order. Nothing of the conversation is in `memory`.
Conversation fold_conversation(const ConversationId& id, const std::vector<ConversationItem>& items,
                               ConversationMemory& memory);

// Folds one more item that sorts after all before, or a customer's message behind which nothing
// but where messages lie and who is home was written. False: the whole must be folded again (the
// item sorts earlier, or decides anew who was home).
bool fold_next(Conversation& conversation, const ConversationItem& item,
               ConversationMemory& memory);

}  // namespace crossfloor
