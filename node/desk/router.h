// The router: from "this conversation waits at home" to "it rings at an agent", and back.
//
// Agents of all sites work like one floor although nobody sees the whole. Nothing is sent to a
// queue elsewhere: a conversation waits at home until a slot somewhere is held for it (push) or a
// held slot asks for it (pull), and home decides with what it knows at that moment. Gossip says
// only whom to ask.
//
// Each node runs one router in both roles. As home it owns one task per conversation:
//
//   waiting -> offered -> (Held)      -> deciding -> committing -> ringing -> accepted
//      |                                   ^  (glue writes)  (until Ringing)    (task ends)
//      +---- local slot, or a Pull --------+
//
// and every way back is an event Requeue. As lessee it keeps holds on the floor, rings agents and
// tells home what came of it. Work for an own agent goes the same way, by messages to itself.
// Everything that comes twice, late or in another order is harmless: holds have nonces and end by
// themselves, leases have epochs.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>

#include "node/desk/desk_outbox.h"
#include "node/desk/floor.h"
#include "node/desk/peer_loads.h"
#include "node/desk/slow_help.h"
#include "node/desk/waiting_line.h"
#include "protocol/crypto.h"

namespace crossfloor {

// Per channel kind in the order of ChannelKind: chat, social, e-mail, call, other.
using PerKind = std::array<Duration, channel_kinds>;

// The defaults of what a conversation's account does not say (AccountTimes), and the router's own
// times.
struct RouterOptions {
  PerKind target{Duration{30'000}, Duration{3'600'000}, Duration{86'400'000}, Duration{20'000},
                 Duration{3'600'000}};  // for other nodes' lines, if gossip names none
  PerKind ring{Duration{20'000}, Duration{60'000}, Duration{120'000}, Duration{20'000},
               Duration{60'000}};
  PerKind lease{Duration{30'000}, Duration{120'000}, Duration{600'000}, Duration{30'000},
                Duration{120'000}};
  // A remote head must be older than the own one by a share of its own age, but at most by this,
  // before a slot goes to it.
  PerKind pull_delta{Duration{8'000}, Duration{30'000}, Duration{300'000}, Duration{8'000},
                     Duration{30'000}};
  // How long a conversation waits for its last agent; never more than 20 % of its target.
  PerKind preferred_wait{Duration{10'000}, Duration{60'000}, Duration{600'000}, Duration{10'000},
                         Duration{60'000}};
  int pull_delta_percent = 4;
  // Whom the pull was for may have gone to another meanwhile: nobody is granted who is less urgent
  // by so much than another whom the slot could have.
  int pull_in_vain_percent = 20;
  int helper_after_percent = 10;     // of the target
  int optional_skills_percent = 25;  // of the target; then they are not asked for any more
  int preferred_percent = 20;
  // Nobody waits for a busy last agent who gets free in that time with less than this chance, by
  // the mean handling time here.
  int preferred_chance_percent = 5;
  Duration answer_within{1'000};  // or so many times the 99th percentile of the round trip,
  int round_trips_waited = 4;     // if that is more, but never longer than this:
  Duration answer_at_last{5'000};
  Duration hold_for{3'000};         // from Held to Commit
  Duration local_hold_for{10'000};  // while an own decision is being written
  Duration repeat_every{500};       // Commit, Grant, Back
  Duration ringing_within{3'000};   // then home takes the conversation back
  Duration ring_slack{5'000};       // beyond the ring time until home takes it back by itself
  Duration avoid_for{5'000};        // a node that did not answer
  Duration excluded_for{300'000};   // an agent who declined or missed it
  Duration forget_after{10'000};    // after the last no, if nobody else can take it
  Duration back_for{30'000};        // a Back is repeated this long
  Duration idle_jitter{100};
  Duration idle_redraw{500};
  // Who shows a free slot while somebody waits is offered that conversation; in vain, then after so
  // long again, then after twice as long.
  Duration offer_again{1'000};
  Duration offer_again_at_last{30'000};
  // Free slots elsewhere are left to who is more urgent elsewhere: for so long, and so often.
  Duration gives_way_for{200};
  Duration gives_way_again{1'000};
  Duration heal_jitter{1'000};
  Duration heals_within{10'000};  // members who come back one by one come back from one cut
  // Own corrections to a gossiped record: as long as its node needs to tell of them itself. Later
  // its silence says that they are no longer true, for a slot may be taken and given back unseen.
  Duration corrections_hold{1'000};
  SlowHelp::Options slow_help;
  // An own agent who can do more is spared for one elsewhere who can do less, while fewer slots
  // than this are free for other work that the own one could do.
  std::uint32_t spare_below = 10;
  int max_offers = 3;
  int max_pulls = 3;
  std::uint32_t max_site_changes = 3;
};

enum class Stage : std::uint8_t { waiting, offered, deciding, committing, ringing };
constexpr auto names_of(Stage) {
  return std::array{"waiting", "offered", "deciding", "committing", "ringing"};
}

// One row of the queue, for people.
struct QueueRow {
  ConversationId conversation;
  ServiceClass service;
  Stage stage = Stage::waiting;
  std::uint64_t age_ms = 0;
  std::uint64_t target_ms = 0;
  std::uint32_t priority = 0;
  NodeId node;               // offered to, or ringing at; zero while it waits
  std::string agent;         // ringing at, or waiting for
  std::uint32_t offers = 0;  // tried since it last waited anew
  std::uint32_t excluded = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("conversation", self.conversation);
    visit("service", self.service);
    visit("stage", self.stage);
    visit("age_ms", self.age_ms);
    visit("target_ms", self.target_ms);
    visit("priority", self.priority);
    visit("node", self.node);
    visit("agent", self.agent);
    visit("offers", self.offers);
    visit("excluded", self.excluded);
  }
};

class Router {
 public:
  Router(NodeId self, RouterOptions options, Floor& floor, const PeerLoads& peers, Random& random);

  // -- as home
  // Waits from now on; what the router knew of it before is replaced.
  void enqueue(const WaitingConversation& what, Now now, DeskOutbox& out);
  // Closed, taken over by another home, or directed by hand: whatever rings or is held for it ends.
  void remove(const ConversationId& conversation, Now now, DeskOutbox& out);
  // The decision is durable under this epoch. `needed`: newest entries of conversation and
  // customer.
  void committed(const ConversationId& conversation, const Epoch& epoch,
                 std::vector<Position> needed, Now now, DeskOutbox& out);
  // The decision could not be written: the hold ends and the router forgets the conversation.
  void refused(const ConversationId& conversation, Now now, DeskOutbox& out);
  // The agent's yes reached home and is written. False: it is not ringing under this epoch.
  bool accepted(const ConversationId& conversation, const Epoch& epoch);
  // The agent's no, or a lessee's, reached home by whatever road. Harmless if repeated.
  void back(const ConversationId& conversation, const Epoch& epoch, BackReason reason,
            const std::string& agent, Now now, DeskOutbox& out);

  // -- as lessee
  Status agent_accepts(const ConversationId& conversation, const Epoch& epoch,
                       const std::string& agent, Now now);
  Status agent_declines(const ConversationId& conversation, const Epoch& epoch,
                        const std::string& agent, Now now, DeskOutbox& out);
  // The agent is done with it, and home is being told. True if the slot is free already: home is
  // elsewhere (Floor::ends). This node as home writes it first, which takes no journey.
  bool agent_ends(const ConversationId& conversation, const std::string& agent, Now now,
                  DeskOutbox& out);
  // Something was done to the floor (sessions, records, presence, release): call it afterwards.
  void slots_changed(Now now, DeskOutbox& out);
  // Home confirmed after a restart what the floor has no room for: told until home has heard it.
  void give_back(const NodeId& home, const Back& back, Now now, DeskOutbox& out) {
    send_back(home, back, now, out);
  }
  bool gives_back(const ConversationId& conversation) const { return backs_.count(conversation); }
  // An agent's handling time of a conversation.
  void handled(const NodeId& home, ChannelKind kind, Duration handling) {
    slow_help_.handled(home, kind, handling);
  }
  // What this node measured before it started anew.
  void remember_handling(ChannelKind kind, const HandlingTimes& times) {
    slow_help_.remember(kind, times);
  }
  // For the load record, and to be remembered.
  HandlingTimes handling_told(ChannelKind kind) const { return slow_help_.told(kind); }

  // -- both
  void receive(const NodeId& from, const RoutingMessage& message, Now now, DeskOutbox& out);
  void loads_changed(Now now, DeskOutbox& out);
  void node_lost(const NodeId& node, Now now, DeskOutbox& out);
  // That node is heard again: the first pulls are spread over `heal_jitter`.
  void healed(const NodeId& node, Now now);
  // Drained, out of hours, resuming: own agents get nothing new, the line is served by others.
  void set_open(bool open, Now now, DeskOutbox& out);
  void tick(Now now, DeskOutbox& out);
  std::optional<Instant> deadline() const;  // of the floor, too

  // -- asking
  const WaitingLine& line() const { return line_; }
  // Classes for the load record: those that wait and those asked for in the last 10 minutes.
  std::vector<ServiceClass> classes(Now now) const;
  std::vector<QueueRow> queue(Now now, std::size_t most = 1000) const;
  std::size_t size() const { return tasks_.size(); }
  bool is_open() const { return open_; }

 private:
  struct Task {
    WaitingConversation what;
    Instant since;
    Stage stage = Stage::waiting;
    bool reserved = false;  // for what.preferred_agent
    Instant reserved_until;
    NodeId node;  // asked, or lessee
    std::string agent;
    Nonce nonce = 0;
    bool pulled = false;
    Epoch epoch;
    std::vector<Position> needed;
    Instant give_up;               // of committing
    std::optional<Instant> timer;  // next look
    int offers = 0;
    Instant no_offer_before;  // to who shows a free slot while it waits
    Duration offer_pause{0};
    Instant gave_way_at = Instant::min();  // began to leave slots to who is more urgent elsewhere
    std::map<NodeId, std::string> asked;   // since it last waited anew, and what each answered
    std::set<NodeId> said_so;  // nodes whose only fitting agents are excluded, or who have none
    Trace trace;
  };
  struct PullRun {
    std::string agent;
    NodeId home;
    std::set<NodeId> asked;
    int tries = 1;
    Instant give_up;
    Nonce behind = 0;  // work that is nearly over: what is granted rings when it is
  };
  struct Parked {  // granted before its slot was free
    NodeId home;
    Assignment assignment;
    Instant since;
  };
  using Version = std::pair<Generation, std::uint64_t>;
  struct Correction {  // to one class of one peer's record
    Version version;
    Instant until;                       // when the last of the following ends
    std::vector<Instant> free_taken;     // each slot until then
    std::vector<Instant> waiting_taken;  // each conversation
    std::optional<std::pair<FreeSlots, Instant>> fresh;
  };
  struct Denied {
    Version version;
    Instant until;
    Duration pause{0};
  };
  struct RemoteHead {  // of one class at one peer; valid as long as what PeerLoads::usable() says
    NodeId home;
    const ClassLoad* load = nullptr;
    Duration age{0};
    double urgency = 0;
  };
  // A slot that got free, and whom it is for.
  struct FreedSlot {
    const AgentProfile& agent;
    const WaitingLine::Head* local = nullptr;  // the most urgent one here who fits
    const RemoteHead* chosen = nullptr;        // nothing if who waits here gets the slot
    const PullRun* run = nullptr;              // nothing if nobody was asked for it before
    bool may_pull = true;
  };
  struct OpenBack {
    NodeId home;
    Back back;
    Instant next;
    Instant until;
  };
  using Tasks = std::map<ConversationId, Task>;
  static constexpr std::size_t any_abilities = SIZE_MAX;

  // router.cc: tasks of home
  void let_go(const Task& task, DeskOutbox& out) const;
  void erase(Tasks::iterator task);
  void set_timer(Task& task, std::optional<Instant> at);
  Nonce fresh_nonce();
  void note_class(const ServiceClass& service, Now now);
  void place(const ConversationId& conversation, Now now, DeskOutbox& out);
  void put_in_line(const Task& task, const Need& need);
  bool place_locally(Task& task, Need& need, Now now, DeskOutbox& out);
  bool give_head(const std::string& agent, Now now, DeskOutbox& out);
  void assign_local(Task& task, const std::string& agent, std::uint32_t rule,
                    std::vector<TraceCandidate> elsewhere, Now now, DeskOutbox& out);
  void decide(Task& task, const NodeId& node, const std::string& agent, Nonce nonce, bool pulled,
              Now now, DeskOutbox& out);
  void assign(const Task& task, Now now, DeskOutbox& out) const;
  void take_back(const ConversationId& conversation, const Epoch& epoch, BackReason reason,
                 const std::string& agent, const NodeId* from, Now now, DeskOutbox& out);
  void requeue(Tasks::iterator task, BackReason reason, bool tell, Now now, DeskOutbox& out);
  void tick_task(const ConversationId& conversation, Now now, DeskOutbox& out);
  std::optional<Instant> next_look(const Task& task, Now now) const;
  bool nobody_on_duty(ChannelKind kind, Now now) const;
  bool helpers_may(ChannelKind kind, Duration from, Duration age, Now now) const;
  Duration helper_after(const WaitingConversation& what) const;
  Duration optional_skills_after(const WaitingConversation& what) const;
  Duration last_agent_wait(const WaitingConversation& what) const;
  bool worth_waiting(const WaitingConversation& what) const;
  Duration ring_time(const WaitingConversation& what) const;
  Duration lease_term(const WaitingConversation& what) const;
  // How long an answer of that node is awaited.
  Duration patience(const NodeId& node) const;
  void exclude(const WaitingConversation& what, Now now);
  Need need_of(const Task& task, Now now) const;
  Lane lane_of(const Task& task, const Need& need) const;
  // Only agents of this node are asked any more.
  bool home_only(const Task& task, const Need& need) const;
  std::vector<std::string> excluded_from(const ConversationId& conversation, Instant now) const;
  WaitingLine::Filter filter_for(const std::string& agent, const NodeId* remote, Now now) const;
  void start_trace(Trace& trace, std::uint32_t rule, const Task& task, Now now) const;

  // router_push.cc
  void push(Task& task, const Need& need, std::size_t abilities_below, Now now, DeskOutbox& out);
  void push_to_preferred(Task& task, const Need& need, Now now, DeskOutbox& out);
  void anybody_may(Task& task, Now now, DeskOutbox& out);
  bool push_to_spare(const std::string& agent, Task& task, const Need& need, Now now,
                     DeskOutbox& out);
  bool wanted_for_more(const AgentProfile& agent, const ServiceClass& service,
                       const std::vector<PeerLoad>& peers, Now now) const;
  bool gives_way(Task& task, const Need& need, std::uint64_t free, Now now);
  std::uint32_t more_urgent(const ClassLoad& load, Duration record_age, double urgency) const;
  void offer_to(Task& task, const NodeId& node, const Need& need, Duration wait, Now now,
                DeskOutbox& out);
  std::vector<ConversationId> recall_offers(const NodeId& from, Now now, DeskOutbox& out);
  void offer_failed(Tasks::iterator task, const std::string& answer, Now now, DeskOutbox& out);
  bool forget_exclusions(Task& task, Now now);
  bool somebody_free(const WaitingConversation& what, Duration age,
                     const std::vector<PeerLoad>& peers, Now now) const;
  void offer_to_free(Now now, DeskOutbox& out);
  const Correction* correction(const LoadRecord& record, const ServiceClass& service,
                               Instant now) const;
  Correction& correct(const NodeId& node, const ServiceClass& service, Now now);
  FreeSlots free_at(const LoadRecord& record, const ServiceClass& service, Instant now) const;
  std::uint32_t waiting_taken(const LoadRecord& record, const ServiceClass& service,
                              Instant now) const;
  bool avoided(const NodeId& node, Instant now) const;

  // router_pull.cc
  void serve(const std::string& agent, bool may_pull, Now now, DeskOutbox& out);
  void serve_freed(Now now, DeskOutbox& out);
  void look_ahead(Nonce ending, Now now, DeskOutbox& out);
  std::optional<RemoteHead> best_remote(const AgentProfile& agent, const std::set<NodeId>& asked,
                                        const WaitingLine::Head* local, bool any_time, Now now);
  Duration target_of(const ClassLoad& load) const;
  double urgency_of(const ClassLoad& load, Duration age) const;
  bool paused(const std::string& agent, const LoadRecord& record, Instant now) const;
  void note_pulled(const RemoteHead& head, Now now);
  bool beats_local(const RemoteHead& remote, const WaitingLine::Head& local) const;
  std::uint64_t elsewhere(const AgentProfile& agent, const PullRun& run, Now now);
  void start_pull(const AgentProfile& agent, PullRun run, std::vector<WeighedLine> weighed, Now now,
                  DeskOutbox& out);
  void end_pull(Nonce nonce, bool answered, Now now, DeskOutbox& out);
  std::optional<NodeId> wanted_by(const std::string& agent, Instant now);
  void plan_idle_pull(Now now);
  void look_while_idle(Now now, DeskOutbox& out);

  // router_weighed.cc: for the trace, what was known of the lines when a slot got free
  std::vector<WeighedLine> weigh(const FreedSlot& slot, Now now) const;
  LineVerdict verdict_on(const FreedSlot& slot, const LoadRecord& record, const RemoteHead& head,
                         Now now) const;

  // router_messages.cc
  void absorb_floor(Now now, DeskOutbox& out);
  void assigned(const NodeId& from, const Assignment& assignment, Now now, DeskOutbox& out);
  void ring_parked(Now now, DeskOutbox& out);
  void send_back(const NodeId& home, Back back, Now now, DeskOutbox& out);
  void on(const NodeId& from, const Offer& message, Now now, DeskOutbox& out);
  void on(const NodeId& from, const Held& message, Now now, DeskOutbox& out);
  void on(const NodeId& from, const Decline& message, Now now, DeskOutbox& out);
  void on(const NodeId& from, const Release& message, Now now, DeskOutbox& out);
  void on(const NodeId& from, const Commit& message, Now now, DeskOutbox& out);
  void on(const NodeId& from, const Pull& message, Now now, DeskOutbox& out);
  void on(const NodeId& from, const Grant& message, Now now, DeskOutbox& out);
  void on(const NodeId& from, const Deny& message, Now now, DeskOutbox& out);
  void on(const NodeId& from, const Ringing& message, Now now, DeskOutbox& out);
  void on(const NodeId& from, const Back& message, Now now, DeskOutbox& out);
  void on(const NodeId& from, const BackHeard& message, Now now, DeskOutbox& out);
  void on(const NodeId& from, const Withdrawn& message, Now now, DeskOutbox& out);

  NodeId self_;
  RouterOptions options_;
  Floor& floor_;
  const PeerLoads& peers_;
  Random& random_;
  bool open_ = true;

  WaitingLine line_;
  SlowHelp slow_help_;
  Tasks tasks_;
  std::set<ConversationId> offered_;  // all whose stage that is, and some whose stage it was
  std::set<std::pair<Instant, ConversationId>> timers_;
  std::map<ConversationId, std::map<std::string, Instant>> excluded_;  // survives requeueing
  std::map<ConversationId, Instant> forgiven_;  // when the list before that instant was cleared
  std::map<NodeId, Instant> avoided_;
  std::map<std::pair<NodeId, ServiceClass>, Correction> corrections_;
  std::deque<Nonce> granted_;  // pulls answered lately, so that a repeated one gives nothing more

  std::map<Nonce, PullRun> pulls_;
  std::map<Nonce, Parked> parked_;
  std::map<std::string, Nonce> pulling_;  // agent -> its run
  std::set<std::string> freed_;
  std::map<std::pair<std::string, NodeId>, Denied> denied_;
  std::map<std::string, std::map<NodeId, Instant>> wanted_;  // homes that wait for an agent
  std::map<ServiceClass, Instant> asked_classes_;
  std::map<ConversationId, OpenBack> backs_;
  std::optional<Instant> idle_look_;
  bool idle_pull_ = false;             // the next look pulls; else it draws again
  bool idle_stale_ = false;            // there was nobody to ask for by the news of then
  std::optional<Instant> offer_look_;  // for those offered in vain
  Instant no_pull_before_{};
  Instant healed_at_{};
};

}  // namespace crossfloor
