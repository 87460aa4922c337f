// The floor: the agents who belong to this node, and their slots.
//
// Only the floor knows which slot is free, so only here can capacity be kept: every way to an agent
// (offer, pull, transfer, last agent, force) begins with a hold, and a hold counts against both
// limits of the agent's record like work does. A slot goes free -> held -> ringing -> busy ->
// wrapping up -> free, and may be freed at every step. Nothing here decides who gets which
// conversation.
//
// Agents who are gone, miss a ring or are disabled lose work by themselves; take_events() tells.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "node/desk/agent_groups.h"
#include "node/desk/slot_timers.h"
#include "protocol/trace.h"

namespace crossfloor {

// `ending`: its agent is done with it, and its home elsewhere is being told. It takes no slot.
enum class SlotState : std::uint8_t { held, ringing, busy, wrapping_up, ending };
constexpr auto names_of(SlotState) {
  return std::array{"held", "ringing", "busy", "wrapping_up", "ending"};
}

// One taken slot.
struct Work {
  Nonce nonce = 0;
  std::string agent;
  NodeId home;                  // who is home of the conversation, or was asked for one
  ConversationId conversation;  // zero while a pull is not answered
  Epoch epoch;
  std::vector<ChannelKind> kinds;  // one, or all that a pull may bring
  SlotState state = SlotState::held;
  Instant held_since;            // leases count from here
  std::optional<Instant> until;  // when the state ends by itself
  Duration gone_after{0};        // how long it waits for an agent without connection; 0: by kind
  Nonce behind = 0;              // a hold that takes this one's place, and counts once that is over
  Instant ended_at{};            // of `ending`: when its agent was done
};

// What an agent's work came to by itself. `home` must be told.
struct WorkLost {
  std::string agent;
  NodeId home;
  ConversationId conversation;
  Epoch epoch;
  Nonce nonce = 0;
  BackReason reason = BackReason::missed;
};
struct WrapUpOver {
  std::string agent;
  NodeId home;
  ConversationId conversation;
  Epoch epoch;
};
struct PresenceChanged {
  std::string agent;
  Presence presence = Presence::logged_out;
  std::string reason;  // "missed", or what the agent said
};
using FloorEvent = std::variant<WorkLost, WrapUpOver, PresenceChanged>;

// For people and for the agent's own screen.
struct SlotView {
  ConversationId conversation;
  SlotState state = SlotState::held;
  NodeId home;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("conversation", self.conversation);
    visit("state", self.state);
    visit("home", self.home);
  }
};
struct ChannelView {
  ChannelKind kind = ChannelKind::chat;
  Duty duty = Duty::off;
  std::uint32_t used = 0;
  std::uint32_t maximum = 0;
  std::uint32_t free = 0;  // how many more of this kind alone
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("kind", self.kind);
    visit("duty", self.duty);
    visit("used", self.used);
    visit("maximum", self.maximum);
    visit("free", self.free);
  }
};
struct AgentView {
  std::string name;
  std::string team;
  Presence presence = Presence::logged_out;
  std::string reason;
  bool connected = false;
  std::uint32_t units_used = 0;
  std::uint32_t units_total = 0;
  std::vector<ChannelView> channels;
  std::vector<SlotView> slots;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("team", self.team);
    visit("presence", self.presence);
    visit("reason", self.reason);
    visit("connected", self.connected);
    visit("units_used", self.units_used);
    visit("units_total", self.units_total);
    visit("channels", self.channels);
    visit("slots", self.slots);
  }
};

class Floor {
 public:
  struct Options {
    // How long active work waits for an agent whose connection went (by channel kind).
    std::array<Duration, channel_kinds> agent_gone_after{Duration{60'000}, Duration{600'000},
                                                         Duration{3'600'000}, Duration{60'000},
                                                         Duration{600'000}};
    Duration soon{1'000};  // before a wrap-up ends by itself take_soon() names it
  };
  explicit Floor(Options options) : options_(options), timers_(options.soon) {}
  Floor(const Floor&) = delete;  // the groups know agents by their address
  Floor& operator=(const Floor&) = delete;
  const Options& options() const { return options_; }

  // Records. A disabled agent loses session and work at once; lowered limits let running work end.
  void set_agent(const AgentRecord& record, Now now);
  void remove_agent(const std::string& name, Now now);
  const AgentRecord* agent(const std::string& name) const;

  // Sessions. After log-in an agent is not ready until told otherwise; a second log-in takes the
  // first one's place and work. not_found, forbidden (disabled) or conflict (not logged in).
  Status log_in(const std::string& name, Now now);
  Status set_presence(const std::string& name, Presence presence, const std::string& reason,
                      Now now);
  Status log_out(const std::string& name, Now now);  // all its work is lost as `logged_out`
  void connection_lost(const std::string& name, Now now);
  void connection_back(const std::string& name, Now now);

  // Holds. Each is idempotent by nonce: the same again gives the same slot, if it is still held.
  // The best fitting agent: primaries before helpers, then fewest abilities, most free share of
  // capacity, longest idle, name. `trace` gets every agent that was considered.
  std::optional<std::string> best(const Need& need, Trace* trace = nullptr) const;
  std::optional<std::string> hold_best(const Need& need, const NodeId& home, Nonce nonce,
                                       Instant until, Now now);
  // This agent, for one conversation (one kind) or a pull (every kind in which a slot is free).
  bool hold_agent(const std::string& name, const std::vector<ChannelKind>& kinds,
                  const ConversationId& conversation, const NodeId& home, Nonce nonce,
                  Instant until, Now now);
  // For what comes when this wrap-up is over: the same kind, so that it never takes more.
  bool hold_behind(Nonce ending, const NodeId& home, Nonce nonce, Instant until, Now now);
  void release_hold(Nonce nonce, const NodeId& home, Now now);

  // not_yet: what the hold waits behind goes on.
  enum class RingOutcome { rings, already, no_hold, stale, not_yet };
  // Only into a live hold of `home`. A lower epoch of the same conversation gives way to a higher.
  RingOutcome ring(const NodeId& home, const Assignment& assignment, Now now);

  // The agent's course. stale if this agent does not have it in this epoch.
  Status accept(const ConversationId& conversation, const Epoch& epoch, const std::string& agent,
                Now now);
  Status decline(const ConversationId& conversation, const Epoch& epoch, const std::string& agent,
                 Now now);
  // The slot is kept until `until`, then WrapUpOver.
  Status wrap_up(const ConversationId& conversation, const Epoch& epoch, Instant until, Now now);
  // The agent closes, transfers or sets it pending, and home is elsewhere: the slot is free from
  // now on, however long home takes to hear it. False if this agent is not at work on it.
  bool ends(const ConversationId& conversation, const std::string& agent, Now now);
  // Home has refused that: the agent goes on with it. False if there is no room for it any more, or
  // the agent has logged out.
  bool goes_on(const ConversationId& conversation);
  // Closed, pending, transferred or taken back: frees the slot of this or a lower epoch. False if
  // there was none.
  bool release(const ConversationId& conversation, const Epoch& epoch, Now now);
  // The conversation has a new home or epoch and stays with its agent.
  bool renew(const ConversationId& conversation, const Epoch& epoch, const NodeId& home);
  // After a restart: home says that this agent is at work on it. False: the agent is not here (any
  // more), or has no room for it beside what came since.
  bool restore(const std::string& agent, const NodeId& home, const ConversationId& conversation,
               const Epoch& epoch, ChannelKind kind, Duration gone_after, Nonce nonce, Now now);

  // Asking.
  DeclineReason why_not(const Need& need) const { return groups_.why_not(need); }
  FreeSlots free_slots(const ServiceClass& service) const { return groups_.free_slots(service); }
  std::optional<std::size_t> fewest_abilities(const ServiceClass& service) const {
    return groups_.fewest_abilities(service);
  }
  // Agents with this kind as primary, connected.
  std::uint32_t on_duty(ChannelKind kind) const { return groups_.on_duty(kind); }
  bool is_on_duty(const std::string& name) const;                      // logged in and connected
  std::optional<AgentProfile> profile(const std::string& name) const;  // nothing if nothing is free
  // As it will be when this wrap-up is over; nothing if the agent gets nothing then.
  std::optional<AgentProfile> profile_after(Nonce ending) const;
  std::vector<std::string> available() const;  // ready agents with a free slot, by name
  bool anybody_available() const { return !groups_.available().empty(); }
  const Work* work_of(const ConversationId& conversation) const;
  const Work* work_by_nonce(Nonce nonce) const;
  // Whether it takes a slot.
  bool counts(const Work& work) const;
  // As they are, for who looks often.
  const std::map<std::string, FloorAgent>& agents() const { return agents_; }
  const std::map<Nonce, Work>& works() const { return works_; }
  std::vector<AgentView> snapshot() const;
  std::optional<AgentView> view(const std::string& name) const;

  void tick(Now now);
  std::optional<Instant> deadline() const { return timers_.deadline(); }
  // Wrap-ups that end by themselves within `soon`; each is named once.
  std::vector<Nonce> take_soon(Now now) { return timers_.take_soon(now.steady); }
  std::vector<FloorEvent> take_events();
  // Agents who gained a free slot since the last call.
  std::set<std::string> take_freed();

 private:
  using Agent = FloorAgent;
  void occupy(const Work& work);
  void recount(Agent& agent);
  Duration gone_after(const Work& work) const;
  void drop(Nonce nonce, Now now);
  void lose(Nonce nonce, BackReason reason, Now now);
  void lose_all(Agent& agent, BackReason reason, Now now);
  void drop_holds(Agent& agent, Now now);
  void set_until(Work& work, std::optional<Instant> until);
  void set_connected(Agent& agent, bool connected);
  void note_fitting(const Need& need, const Agent* best, Trace& trace) const;
  void change_presence(Agent& agent, Presence presence, const std::string& reason);
  Result<Work*> find(const ConversationId& conversation, const Epoch& epoch,
                     const std::string& agent);
  AgentView view_of(const Agent& agent) const;

  Options options_;
  std::map<std::string, Agent> agents_;
  AgentGroups groups_;
  std::map<Nonce, Work> works_;
  std::map<ConversationId, Nonce> by_conversation_;  // ringing and later
  SlotTimers timers_;
  std::vector<FloorEvent> events_;
  std::set<std::string> freed_;
};

}  // namespace crossfloor
