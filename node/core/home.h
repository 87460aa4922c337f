// What a home does with its conversations: places messages, writes each conversation's course,
// carries out what agents and operators ask, names the senders of replies, and takes over what a
// dead home left. It is the only writer of all that; finding an agent is the desk's (node/desk).
//
// Kept in memory: open conversations of the regions held, whoever is their home, because any of
// them may have to be taken over.
#pragma once

#include <map>
#include <set>

#include "node/core/host_order.h"
#include "node/core/outlet.h"
#include "node/core/scribe.h"
#include "node/core/unplaced_messages.h"
#include "node/desk/waiting_line.h"

namespace crossfloor {

// Who looks for agents, told by home what there is to be found one for.
class DeskPort {
 public:
  virtual ~DeskPort() = default;
  // It waits at this home (again): the same call with the same epoch changes nothing.
  virtual void waiting(const Conversation& conversation, Now now) = 0;
  // An agent has it: ringing, active or in wrap-up, by decision of this home.
  virtual void assigned(const Conversation& conversation, Now now) = 0;
  // Neither: pending, closed, or this node is not its home (any more).
  virtual void done(const ConversationId& conversation, Now now) = 0;
  // Whatever home it has, it changed; agents logged in here may have to see it.
  virtual void changed(const Conversation& conversation, Now now) = 0;
};

class Home {
 public:
  Home(Scribe& scribe, const NodeSettings& settings, const MeshView& mesh, Outlet& outlet,
       DeskPort& desk);

  // Reads what is open from the store. Errors: corrupt, io.
  Status open(Now now);

  // A home that restarted, stood still or was called dead does nothing as home until it has caught
  // up with its peers; it takes messages in all the same.
  void allow(bool acting, Now now);
  bool acting() const { return acting_; }

  void news(FoldNews& news, Now now);  // takes the rows out of it
  void tick(Now now);
  std::optional<Instant> deadline() const;

  // What came of a command. `written` names the entry that must be durable before it is answered;
  // nothing if it was carried out before or refused.
  struct Done {
    CommandAnswer answer;
    std::optional<Scribe::Written> written;
  };
  // Only for commands whose conversation has its home here.
  Done command(const DeskCommand& command, Now now);

  // The desk found an agent: writes it down. Nothing if it does not wait any more.
  std::optional<Epoch> assign(const ConversationId& id, const std::string& agent,
                              const NodeId& agent_node, const std::string& trace_json, Now now);
  // The desk lost the agent again.
  void requeue(const ConversationId& id, const Epoch& epoch, const std::string& reason, Now now);

  // Takes the conversations of a dead home over: the answer of a live node to `seen?`.
  void seen_answer(const NodeId& from, const SeenAnswer& answer, Now now);

  // An operator makes this node home, whatever the old one says. Errors: not_found.
  Status force(const ConversationId& id, const std::string& by, Now now);

  // Agents who declined it, missed it or let its customer wait since it was last accepted, from the
  // log: for a router that does not remember.
  std::vector<Exclusion> excluded_lately(const Conversation& conversation, Now now) const;
  // Active ones of this home whose customers wait longer than the target of the answer due.
  const std::set<ConversationId>& late() const { return late_; }

  // Gives the own conversations to the next live host: a drain, or a clean stop.
  std::size_t hand_on(Now now);

  const Conversation* find(const ConversationId& id) const;
  const std::map<ConversationId, Conversation>& conversations() const { return open_; }
  // Those of them whose home this node is.
  const std::set<ConversationId>& own() const {
    static const std::set<ConversationId> none;
    const auto at = by_home_.find(mesh_.self());
    return at == by_home_.end() ? none : at->second;
  }
  std::size_t unplaced() const { return unplaced_.size(); }
  const AccountSettings* account(const std::string& name) const;
  // How long the customer may wait for the answer that is due now: the first or a further one.
  Duration target_of(const Conversation& conversation) const;
  const std::map<std::string, AccountSettings>& accounts() const { return accounts_; }
  // Valid until it is asked for the next time.
  const HostOrder& hosts_of(const AccountSettings& account, Now now) const;
  Region region_of(const Conversation& conversation) const;
  // Replies whose sender is this node and whose outcome is not known: for the dispatcher.
  std::uint64_t takeovers() const { return takeovers_; }

 private:
  struct Inquiry {
    std::uint64_t number = 0;
    std::set<NodeId> asked;
    std::set<NodeId> absent;  // those who said: not heard
    bool refuted = false;
    Instant until{};
  };

  void learn_account(const Subject& subject);
  void refresh(const ConversationId& id, std::optional<Conversation> row, Now now);
  void drive(const ConversationId& id, Now now);
  void place_all(Now now);
  bool place(const MessageId& id, Now now);
  struct Target {
    std::optional<Conversation> conversation;  // the one that stands
    std::string reason;
  };
  Target target_of(const MessageBody& body, const HandleId& handle, const Subjects& subjects,
                   Now now) const;
  bool mine(const std::vector<NodeId>& order, Duration patience, Now now) const;
  Epoch next_epoch(const Conversation& conversation, Now now);
  // `epoch`, if asked for, is the one that the entry names.
  Scribe::Written course(const Conversation& conversation, CourseBody body, Now now,
                         Epoch* epoch = nullptr);
  bool changes_site(const Conversation& conversation) const;
  CourseBody keep(const Conversation& conversation, CourseState state, std::string reason) const;
  void name_parent(ReplyBody& reply) const;
  Scribe::Written write_reply(const Conversation& conversation, const DeskCommand& command,
                              CommandAnswer& answer, Now now);
  void watch_for_late(const Conversation& conversation);
  void notice_late(Now now);
  std::string trace_of_return(const Conversation& conversation, const std::string& reason,
                              Now now) const;
  void take_over_dead(Now now);
  void replace_senders(Now now);
  NodeId sender_for(const AccountSettings& account, Now now) const;
  void take_home(const Conversation& conversation, const std::string& reason, const std::string& by,
                 Now now);
  void take_over(const Conversation& conversation, const std::string& reason, const std::string& by,
                 Now now);
  bool needs_care(const Conversation& conversation) const;

  Scribe& scribe_;
  const NodeSettings& settings_;
  const MeshView& mesh_;
  Outlet& outlet_;
  DeskPort& desk_;
  bool acting_ = false;
  std::map<std::string, AccountSettings> accounts_;  // configured here, or learned from entries
  std::map<ConversationId, Conversation> open_;
  std::map<NodeId, std::set<ConversationId>> by_home_;
  UnplacedMessages unplaced_;
  std::optional<UnplacedMessages::Place> place_on_;  // behind it place_all() goes on at once
  std::set<std::pair<std::int64_t, ConversationId>> pending_until_;
  std::map<ConversationId, std::int64_t> late_at_;  // active ones, whoever is their home
  std::set<std::pair<std::int64_t, ConversationId>> late_next_;
  std::set<ConversationId> late_;
  std::map<NodeId, Inquiry> inquiries_;
  mutable HostOrders orders_;
  Instant next_senders_{};
  std::uint64_t next_inquiry_ = 1;
  std::uint64_t takeovers_ = 0;
};

}  // namespace crossfloor
