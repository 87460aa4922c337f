// The lease ledger: for how long an agent of another node may work on a conversation without word
// from its home, and for how long home leaves it there without word from that node.
//
// Per pair (home, lessee's node) one renewal every third of the shortest lease carries a hash of
// the set held; nothing else renews. If the hashes differ the sets are exchanged and home's truth
// wins. The lessee counts from the moment it sent the last renewal that was answered, home from the
// moment it received it; a new lease counts at the lessee from its hold, at home from the commit
// that follows. So the lessee always ends first, and no two agents work on one conversation.
//
// Work for agents of home's own node is no lease and is ignored here.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "protocol/crypto.h"
#include "protocol/lease_messages.h"
#include "protocol/result.h"
#include "protocol/time.h"

namespace crossfloor {

// At home. A lease over: the conversation goes back to the queue with a new epoch.
struct LeaseLost {
  enum class Why { expired, unknown_to_lessee, lessee_restarted };
  NodeId lessee;
  ConversationId conversation;
  Epoch epoch;
  std::string agent;
  Why why = Why::expired;
};
// At the lessee. The agent must stop: not renewed in time, or home says so.
struct LeaseEnded {
  enum class Why { expired, voided };
  NodeId home;
  ConversationId conversation;
  Epoch epoch;
  Why why = Why::expired;
};
// At the lessee after a restart. Home confirms that this agent has it.
struct LeaseResumed {
  NodeId home;
  ConversationId conversation;
  Epoch epoch;
  std::string agent;
  ChannelKind kind = ChannelKind::chat;
};
// All homes that were asked have answered or are dead: the floor may open.
struct ResumeDone {};
using LeaseEvent = std::variant<LeaseLost, LeaseEnded, LeaseResumed, ResumeDone>;

struct LeaseOutbox {
  std::vector<std::pair<NodeId, LeaseMessage>> messages;
  std::vector<LeaseEvent> events;
};

class LeaseLedger {
 public:
  struct Options {
    Duration resume_every{1'000};
    // Home does not miss in a lessee's set what it gave that shortly before: the news of a home
    // taken over may still be on its way.
    Duration on_its_way{5'000};
  };
  LeaseLedger(NodeId self, Options options, Random& random)
      : self_(self), options_(options), random_(&random) {}

  // -- as home
  struct Granted {
    NodeId lessee;
    ConversationId conversation;
    Epoch epoch;
    std::string agent;
    ChannelKind kind = ChannelKind::chat;
    Duration term{0};
  };
  // With the first Commit or Grant; replaces the conversation's lower epoch.
  void granted(const Granted& lease, Now now);
  void accepted(const ConversationId& conversation, const Epoch& epoch);  // it is active
  // Back, pending, closed, requeued: nobody's lease now.
  void ended(const ConversationId& conversation);
  // This node stood still for `gap`: what arrived meanwhile is read late, so leases last longer.
  void stood_still(Duration gap);

  // -- as lessee
  // `since`: when the hold was made, or the pull sent (LeaseTaken of the router).
  void taken(const NodeId& home, const ConversationId& conversation, const Epoch& epoch,
             Duration term, Instant since, Now now);
  void dropped(const ConversationId& conversation, const Epoch& epoch);
  // At the start: asks these homes, again until each has answered or is lost; then ResumeDone.
  void resume(const std::vector<NodeId>& homes, Now now, LeaseOutbox& out);
  // Any home, when it is first heard of, or seems to have given what is not known here. Nothing
  // waits for its answer.
  void ask(const NodeId& home, Now now, LeaseOutbox& out);
  bool resuming() const;

  // -- both
  void receive(const NodeId& from, const LeaseMessage& message, Now now, LeaseOutbox& out);
  // Declared dead. Its leases run out by themselves; a resume does not wait for it.
  void node_lost(const NodeId& node, LeaseOutbox& out);
  void tick(Now now, LeaseOutbox& out);
  std::optional<Instant> deadline() const;

  std::size_t given() const { return given_.size(); }
  std::size_t held() const { return held_.size(); }
  // Given leases that ran out without a word from their lessee, since this node started.
  std::uint64_t expired() const { return expired_; }

 private:
  struct Given {
    Granted lease;
    Instant at;
    Instant renewed;  // end = renewed + term
    bool active = false;
  };
  struct HeldLease {
    NodeId home;
    Epoch epoch;
    Duration term{0};
    Instant confirmed;  // end = confirmed + term
  };
  struct Lessee {  // as home sees it
    std::set<ConversationId> leases;
    std::uint64_t hash = 0;
    std::uint64_t newest = 0;                                // renewal
    std::optional<std::pair<std::uint64_t, Instant>> asked;  // for the set, by this renewal
    std::uint64_t judging = 0;                               // pages of this renewal are collected
    std::set<std::uint32_t> pages;
    std::set<ConversationId> listed;
    std::uint64_t resumed = 0;  // number of the last Resume
  };
  struct Home {  // as the lessee sees it
    std::set<ConversationId> leases;
    std::uint64_t hash = 0;
    std::uint64_t number = 0;
    std::map<std::uint64_t, Instant> sent;  // renewals without an answer
    std::map<std::pair<std::uint64_t, std::uint32_t>, std::pair<Instant, std::vector<LeaseName>>>
        pages;  // of sets without a verdict
    Instant next;
  };

  void remove_given(const ConversationId& conversation);
  void remove_held(const ConversationId& conversation);
  Duration pace(const Home& home) const;  // a third of the shortest lease
  void due(Instant when);
  void look_for_next();
  void send_set(const NodeId& to, Home& home, std::uint64_t number, Now now, LeaseOutbox& out);
  void finish_resume(const NodeId& home, LeaseOutbox& out);
  void on(const NodeId& from, const Renew& message, Now now, LeaseOutbox& out);
  void on(const NodeId& from, const Renewed& message, Now now, LeaseOutbox& out);
  void on(const NodeId& from, const LeaseSet& message, Now now, LeaseOutbox& out);
  void on(const NodeId& from, const LeaseVerdict& message, Now now, LeaseOutbox& out);
  void on(const NodeId& from, const Resume& message, Now now, LeaseOutbox& out);
  void on(const NodeId& from, const ResumeAnswer& message, Now now, LeaseOutbox& out);

  NodeId self_;
  Options options_;
  Random* random_;
  std::map<ConversationId, Given> given_;
  std::map<NodeId, Lessee> lessees_;
  std::map<ConversationId, HeldLease> held_;
  std::map<NodeId, Home> homes_;
  struct Asked {
    Instant next;
    bool awaited = false;
    std::uint64_t attempt = 0;
    std::map<std::uint64_t, Instant> sent;                   // by attempt, the last few
    std::map<std::uint64_t, std::set<std::uint32_t>> pages;  // that came, by attempt
  };
  std::map<NodeId, Asked> resuming_;
  std::set<NodeId> answered_;
  std::uint64_t resume_number_ = 0;
  std::uint64_t expired_ = 0;
  // Not after the next thing that is due; renewals only move ends away, and are not reckoned in.
  std::optional<Instant> next_;
};

Status check_lease_message(const LeaseMessage& message);

}  // namespace crossfloor
