// The sender of replies: decides which reply may be handed to its provider now, and what follows
// from what came back, so that no reply is lost and none is sent twice by our doing.
//
// Each reply goes through: waiting -> (StoreAttempt) -> attempting -> attempt_stored() -> (Post) ->
// posting -> posted() -> accepted, refused, voided; or waiting again; or, when it was sent and not
// answered, whatever its account allows: sent again with the same id (`repeatable`), asked for
// (`lookup`), or left to a person. An attempt is durable before its first byte leaves, so that a
// restart knows what it does not know: restore() takes an attempt without an outcome as unknown.
//
// Replies of one conversation leave in the order in which home wrote them. A reply that waits or is
// on its way holds back the later ones; one that is refused or needs a person does not, for then
// the customer would wait for us. A core without clock and texts: it deals in ids.
#pragma once

#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "node/channels/delivery.h"
#include "protocol/crypto.h"
#include "protocol/hybrid_time.h"
#include "protocol/ids.h"
#include "protocol/result.h"

namespace crossfloor {

struct DispatchAccount {
  std::string name;
  bool repeatable = true;  // the receiver drops repetitions by the reply's id
  bool lookup = false;     // the receiver can be asked what became of a reply
  std::size_t concurrent = 8;
};

struct DispatchReply {
  ReplyId id;
  ConversationId conversation;
  std::string account;
  HybridTime written;  // by home; the order within the conversation
};

// What the log knows of a reply's earlier attempts.
struct DispatchHistory {
  std::uint32_t attempts = 0;
  // Of the last attempt; nothing if it has none.
  std::optional<DeliveryKind> outcome;
  std::string reason;
};

// Effects, in the order of the list. StoreAttempt and StoreOutcome are entries to be written;
// attempt_stored() is called when the attempt is durable (at once by an owner whose own gate holds
// back a Post until then).
struct StoreAttempt {
  ReplyId reply;
  std::uint32_t attempt;  // 1, 2, …
};
struct PostReply {
  ReplyId reply;
  std::uint32_t attempt;
};
struct LookupReply {
  ReplyId reply;
  std::uint32_t attempt;
};
struct StoreOutcome {
  ReplyId reply;
  std::uint32_t attempt;  // 0: never attempted
  DeliveryResult result;
  std::optional<WallTime> next;  // when it is sent or asked for again
};
using DispatchEffect = std::variant<StoreAttempt, PostReply, LookupReply, StoreOutcome>;
using DispatchOutbox = std::vector<DispatchEffect>;

enum class DispatchState {
  waiting,       // for its turn, its time or its account
  attempting,    // the attempt is being made durable
  posting,       // on its way
  looking_up,    // being asked for
  unknown,       // waits until it is asked for or sent again by itself
  needs_person,  // unknown or odd, and nothing but a person can decide
  refused,       // shown until retried, or until max_refused newer ones came
};
constexpr std::array<const char*, 7> names_of(DispatchState) {
  return {"waiting", "attempting", "posting", "looking_up", "unknown", "needs_person", "refused"};
}

enum class Resolution { sent, resend };

// One line of `crossfloor outbox`.
struct DispatchRow {
  DispatchReply reply;
  DispatchState state = DispatchState::waiting;
  std::uint32_t attempts = 0;
  std::string reason;             // of the last outcome, or why it waits; may be empty
  std::optional<Instant> next;    // when something happens by itself
  std::optional<ReplyId> behind;  // the earlier reply of the conversation that it waits for
};

class Dispatch {
 public:
  struct Options {
    // Pause before attempt n + 1: min(backoff_min * 2^(n-1), backoff_max), ± a quarter by chance,
    // and never outside these two.
    Duration backoff_min{1'000};
    Duration backoff_max{15 * 60'000};
    Duration retry_after_max{60 * 60'000};  // a provider's wish is followed up to this
    std::size_t max_refused = 1'000;
  };
  explicit Dispatch(Random& random) : Dispatch(random, Options{}) {}
  Dispatch(Random& random, Options options) : random_(random), options_(options) {}

  // Makes an account known here, or changes it. Replies of unknown accounts wait.
  void set_account(const DispatchAccount& account, Now now, DispatchOutbox& out);

  // A reply of which this node was named the sender. Known ids are left as they are.
  void submit(const DispatchReply& reply, Now now, DispatchOutbox& out);
  // The same after a restart. Final ones (accepted, voided) are ignored.
  void restore(const DispatchReply& reply, const DispatchHistory& history, Now now,
               DispatchOutbox& out);

  void attempt_stored(const ReplyId& id, std::uint32_t attempt, Now now, DispatchOutbox& out);
  void posted(const ReplyId& id, std::uint32_t attempt, const DeliveryResult& result, Now now,
              DispatchOutbox& out);
  // `result.kind` is accepted or absent; everything else means: ask again later.
  void looked_up(const ReplyId& id, std::uint32_t attempt, const DeliveryResult& result, Now now,
                 DispatchOutbox& out);

  // A higher term made the reply void: it is not attempted any more. What is on its way is not
  // called back; its outcome is still recorded.
  void void_reply(const ReplyId& id, Now now, DispatchOutbox& out);
  // Forgets a reply of which the log says meanwhile that nothing is left to do: an outcome that
  // this node did not hear of or had lost with its disk, or another sender. What is on its way
  // stays.
  void withdraw(const ReplyId& id, Now now, DispatchOutbox& out);
  // Of one conversation, what holds later replies back (not what is a person's work), in order.
  std::vector<ReplyId> line_of(const ConversationId& conversation) const;

  // Nothing new is begun while it holds; what is on its way comes to its end.
  void hold(bool holds, Now now, DispatchOutbox& out);

  // A person decides an unknown one. `external_id` may be empty.
  Status resolve(const ReplyId& id, Resolution how, const std::string& external_id, Now now,
                 DispatchOutbox& out);
  // A person sends a waiting or refused one now, or looks an unknown one up now.
  Status retry(const ReplyId& id, Now now, DispatchOutbox& out);

  void tick(Now now, DispatchOutbox& out);
  std::optional<Instant> deadline() const;

  // All that is not final, and the refused, by account and order.
  std::vector<DispatchRow> rows() const;
  std::size_t size() const { return items_.size(); }

 private:
  struct Item {
    DispatchReply reply;
    DispatchState state = DispatchState::waiting;
    std::uint32_t attempts = 0;
    bool maybe_sent = false;  // some attempt ended unknown and was not cleared up
    bool voided = false;
    std::uint32_t failures = 0;  // one after another, for the length of the pause
    Instant ready_at{};          // waiting, unknown: not before
    std::string reason;
  };
  using Place = std::pair<HybridTime, ReplyId>;
  struct Account {
    std::optional<DispatchAccount> config;
    std::size_t running = 0;
    Instant paused_until{};
    std::set<std::pair<Instant, ReplyId>> ready;  // what may run as soon as its time has come
  };

  static bool holds_back(DispatchState state);
  static bool runs(DispatchState state);
  Item* find(const ReplyId& id);
  Item* running(const ReplyId& id, std::uint32_t attempt, DispatchState state);
  void add(const DispatchReply& reply, Instant ready_at);
  void enter(Item& item, DispatchState state, Instant ready_at = {});
  void refresh_line(const ConversationId& conversation);
  void forget(Item& item);
  void wait_again(Item& item, const DeliveryResult& result, Now now, DispatchOutbox& out);
  void settle(Item& item, const DeliveryResult& result, Now now, DispatchOutbox& out);
  void close_as_void(Item& item, DispatchOutbox& out);
  bool can_clear_up(const Item& item) const;
  void start(Item& item, DispatchOutbox& out);
  void pump(Account& account, Now now, DispatchOutbox& out);
  Instant after_pause(Item& item, const std::optional<Duration>& retry_after, Now now);

  Random& random_;
  Options options_;
  bool holds_ = false;
  std::map<ReplyId, Item> items_;
  std::map<std::string, Account> accounts_;
  // Replies of each conversation that hold back the later ones; only the first may run.
  std::map<ConversationId, std::set<Place>> lines_;
  std::vector<ReplyId> refused_;  // oldest first
};

}  // namespace crossfloor
