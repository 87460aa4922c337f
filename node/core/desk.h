// The glue between home and the desk: what waits is handed to the router, what the router decides
// is written by home, and what the floor's agents do is told to whom it concerns.
#pragma once

#include <deque>

#include "node/core/home.h"
#include "node/core/mesh.h"
#include "node/core/ring_waits.h"
#include "node/desk/lease_ledger.h"
#include "node/desk/router.h"

namespace crossfloor {

class Desk final : public DeskPort {
 public:
  Desk(Scribe& scribe, const NodeSettings& settings, Mesh& mesh, Outlet& outlet);
  void attach(Home& home) { home_ = &home; }

  // Loads the records of this node's agents. Errors: corrupt, io.
  Status open(Now now);
  void learn_agents(const std::set<Subject>& subjects, Now now);

  // DeskPort
  void waiting(const Conversation& conversation, Now now) override;
  void assigned(const Conversation& conversation, Now now) override;
  void done(const ConversationId& conversation, Now now) override;
  void changed(const Conversation& conversation, Now now) override;

  // Agents of this node. Errors are for the client, with the mend.
  Status log_in(const std::string& agent, Now now);
  Status log_out(const std::string& agent, Now now);
  void draft(const std::string& agent, const ConversationId& conversation, const std::string& text);
  Status presence(const std::string& agent, Presence presence, const std::string& reason, Now now);
  void connection(const std::string& agent, bool up, Now now);
  // Before the command goes to home: what the floor must know of it. An error answers the client.
  Status before(const DeskCommand& command, Now now);
  // It is on its way to home: what it ends is over for its agent from now on.
  void under_way(const DeskCommand& command, Now now);
  // This home carried it out: what the router must know of it.
  void carried_out(const DeskCommand& command, const CommandAnswer& answer, Now now);
  // At the agent's node, after home answered.
  void after(const DeskCommand& command, const CommandAnswer& answer, Now now);

  void receive(const NodeId& from, const RoutingMessage& message, Now now);
  void receive(const NodeId& from, const LeaseMessage& message, Now now);
  // After a start: asks the homes of what this node's agents had before anything new is taken.
  void resume(Now now);
  void standstill(Duration gap) { ledger_.stood_still(gap); }
  // What the floor itself asks of homes (a wrap-up that ended by itself).
  std::vector<DeskCommand> take_commands() { return std::exchange(commands_, {}); }
  // Entries that a ring waits for, and the home that has them.
  struct Missing {
    NodeId home;
    Position at;
  };
  std::vector<Missing> take_missing() { return std::exchange(missing_, {}); }
  void loads_changed(Now now);
  void member_events(const std::vector<MemberEvent>& events, Now now);
  void set_open(bool open, Now now);
  void tick(Now now);
  std::optional<Instant> deadline() const;

  // Decisions, messages and notices of the calls before; true if something was done.
  bool settle(Now now);
  LoadRecord load(Now now) const;
  // SIGTERM: nothing new, what rings goes back at once with its age. Active work stays its agents':
  // they find it again at this node's next start.
  void stop(Now now);

  // What a supervisor should look at, of conversations that wait here.
  const std::map<ConversationId, std::string>& alarms() const { return alarms_; }
  const Floor& floor() const { return floor_; }
  const Router& router() const { return router_; }
  const LeaseLedger& leases() const { return ledger_; }
  // The record of any agent of the regions held, by log-in name.
  std::optional<AgentRecord> record(const std::string& agent) const;
  std::vector<AgentRecord> records() const;

 private:
  WaitingConversation waiting_of(const Conversation& conversation) const;
  void on(const Requeue& event, Now now);
  void on(const Alarm& event, Now now);
  void on(const LeaseTaken& event, Now now);
  void on(const LeaseDropped& event, Now now);
  void on(const WrapUpOver& event, Now now);
  void on(const LeaseLost& event, Now now);
  void on(const LeaseEnded& event, Now now);
  void on(const LeaseResumed& event, Now now);
  void on(const ResumeDone& event, Now now);
  void lease(const Conversation& conversation, Now now);
  // An agent of this node has it by its home's word, and the floor does not count it: takes a slot.
  // False: there is none.
  bool take_up(const ConversationId& id, const NodeId& home, const Epoch& epoch,
               const std::string& agent, ChannelKind kind, Now now);
  bool is_missing(const Conversation& conversation) const;
  void refused_to_end(const DeskCommand& command, Now now);
  void keep_draft(const ConversationId& conversation);
  void free_slot(const Work& work, const Conversation& conversation, Now now);
  void notice(const RingNotice& notice, Now now);
  bool history_is_here(const RingNotice& notice) const;
  void ring(const RingWaits::Ready& ready);
  void notice(const WorkEnded& notice, Now now);
  void notice(const PresenceChanged& notice, Now now);
  std::optional<AgentRecord> read_record(const Subject& subject) const;

  Scribe& scribe_;
  const NodeSettings& settings_;
  Mesh& mesh_;
  Outlet& outlet_;
  Home* home_ = nullptr;
  Floor floor_;
  Router router_;
  LeaseLedger ledger_;
  DeskOutbox out_;
  LeaseOutbox leases_out_;
  RingWaits rings_;
  std::vector<Missing> missing_;
  std::vector<DeskCommand> commands_;
  std::map<ConversationId, Epoch> leased_;  // given by this home to other nodes' agents
  bool closed_ = false;                     // drained, or stopping
  bool resumed_ = false;                    // homes were asked what this node's agents have
  std::map<ConversationId, std::string> alarms_;
  struct Draft {
    std::string agent;
    std::string text;
  };
  std::map<ConversationId, Draft> drafts_;  // of work that this node's agents have
  std::map<ConversationId, Epoch> queued_;  // what the router has, and since which epoch
};

}  // namespace crossfloor
