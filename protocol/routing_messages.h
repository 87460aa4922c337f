// How nodes speak about finding an agent, all on the pulse link (frames of up to 4 KiB).
//
//   push   home: Offer -> Held | Decline;  home writes the lease;  Commit -> Ringing | Back
//   pull   lessee: Pull -> Grant | Deny;   home writes the lease before Grant;  Grant -> Ringing |
//   Back
//
// Only Commit and Grant ring an agent, and only into a live hold. Offers, commits, pulls and grants
// are idempotent by (conversation, epoch, nonce); commits and grants are repeated until Ringing.
#pragma once

#include <variant>

#include "protocol/agent_record.h"
#include "protocol/epoch.h"
#include "protocol/position.h"

namespace crossfloor {

using Nonce = std::uint64_t;  // names one hold; chosen by who asks for it, 64 random bits

// So that each message fits a frame, whatever it holds.
inline constexpr std::size_t max_excluded = 16;       // agents who are not to get a conversation
inline constexpr std::size_t max_needed_entries = 8;  // named by one Commit or Grant
inline constexpr double urgency_unit = 1e6;           // millionths of the target
inline constexpr std::size_t max_weighed = 3;         // lines told with one Pull

// What a conversation asks of an agent.
struct Need {
  ConversationId conversation;
  ServiceClass service;
  std::vector<std::string> optional_skills;  // those still asked for; none after 25 % of the target
  std::string team;                          // only this team; empty = any
  bool helpers = false;                      // helpers may take it
  std::string only_agent;                    // nobody but this one (last agent, transfer, force)
  std::vector<std::string> excluded;         // declined or missed it lately

  bool operator==(const Need&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("conversation", self.conversation);
    visit("service", self.service);
    visit("optional_skills", self.optional_skills);
    visit("team", self.team);
    visit("helpers", self.helpers);
    visit("only_agent", self.only_agent);
    visit("excluded", self.excluded);
  }
};

// An agent with a free slot, as the home that is asked must know it.
struct AgentProfile {
  std::string name;
  std::string team;
  Abilities abilities;
  std::vector<ChannelDuty> channels;  // only kinds in which a slot is free now

  bool operator==(const AgentProfile&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("team", self.team);
    visit("abilities", self.abilities);
    visit("channels", self.channels);
  }
};

// What Commit and Grant say: this conversation is yours for this epoch, for this long.
struct Assignment {
  ConversationId conversation;
  Epoch epoch;
  Nonce nonce = 0;
  std::string agent;
  ServiceClass service;
  std::uint64_t age_ms = 0;    // since the customer's first unanswered message, at sending
  std::uint64_t lease_ms = 0;  // term of the lease
  std::uint64_t ring_ms = 0;   // how long the agent may let it ring
  bool auto_accept = false;
  std::vector<std::string> excluded;
  std::vector<Position> needed;  // newest entries that the agent must see; fetched from home
  std::uint64_t gone_ms = 0;     // how long it waits for an agent without connection; 0: by kind

  bool operator==(const Assignment&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("conversation", self.conversation);
    visit("epoch", self.epoch);
    visit("nonce", self.nonce);
    visit("agent", self.agent);
    visit("service", self.service);
    visit("age_ms", self.age_ms);
    visit("lease_ms", self.lease_ms);
    visit("ring_ms", self.ring_ms);
    visit("auto_accept", self.auto_accept);
    visit("excluded", self.excluded);
    visit("needed", self.needed);
    visit("gone_ms", self.gone_ms);
  }
};

struct Offer {
  static constexpr const char* name = "offer";
  Nonce nonce = 0;
  Need need;
  std::uint64_t wait_ms = 0;  // for only_agent: how long home waits for that agent to be free

  bool operator==(const Offer&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("nonce", self.nonce);
    visit("need", self.need);
    visit("wait_ms", self.wait_ms);
  }
};

struct Held {
  static constexpr const char* name = "held";
  Nonce nonce = 0;
  ConversationId conversation;
  std::string agent;

  bool operator==(const Held&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("nonce", self.nonce);
    visit("conversation", self.conversation);
    visit("agent", self.agent);
  }
};

enum class DeclineReason : std::uint8_t {
  full,           // fitting agents are on duty, none has a free slot
  only_excluded,  // the only fitting agents on duty are on the list of the excluded
  nobody,         // no fitting agent is on duty
  drained,        // the node takes no work now
};
constexpr auto names_of(DeclineReason) {
  return std::array{"full", "only_excluded", "nobody", "drained"};
}

// Carries fresh state, which corrects what the home had from gossip.
struct Decline {
  static constexpr const char* name = "decline";
  Nonce nonce = 0;
  ConversationId conversation;
  DeclineReason reason = DeclineReason::full;
  std::uint32_t free_primary = 0;  // slots left for the class that was asked for
  std::uint32_t free_helper = 0;

  bool operator==(const Decline&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("nonce", self.nonce);
    visit("conversation", self.conversation);
    visit("reason", self.reason);
    visit("free_primary", self.free_primary);
    visit("free_helper", self.free_helper);
  }
};

// Home does not need the hold any more.
struct Release {
  static constexpr const char* name = "release";
  Nonce nonce = 0;

  bool operator==(const Release&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("nonce", self.nonce);
  }
};

struct Commit {
  static constexpr const char* name = "commit";
  Assignment assignment;

  bool operator==(const Commit&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("assignment", self.assignment);
  }
};

// Why a free slot asks one home and not another.
enum class LineVerdict : std::uint8_t {
  asked,
  not_answered,   // lately
  denied,         // had nobody for this agent a moment ago
  in_vain,        // asked before for this slot
  taken,          // others of the same node ask for those who wait there
  not_now,        // nobody is asked now: three were in vain, or a cut has just healed
  less_urgent,    // than who was chosen
  within_margin,  // not more urgent than who waits with the slot by enough
  slow_work,      // nor by what is asked of work that is slower there, or may be
};
constexpr auto names_of(LineVerdict) {
  return std::array{"asked",   "not_answered", "denied",        "in_vain",  "taken",
                    "not_now", "less_urgent",  "within_margin", "slow_work"};
}

// One node's line as whoever has the free slot knew it, for the trace of the decision.
struct WeighedLine {
  NodeId node;
  std::uint32_t waiting = 0;
  std::uint64_t oldest_ms = 0;     // how long the oldest of them waited
  std::uint64_t known_age_ms = 0;  // how old that was; 0 for its own line
  LineVerdict verdict = LineVerdict::asked;
  std::uint64_t reserve_ms = 0;  // asked of slow work

  bool operator==(const WeighedLine&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("waiting", self.waiting);
    visit("oldest_ms", self.oldest_ms);
    visit("known_age_ms", self.known_age_ms);
    visit("verdict", self.verdict);
    visit("reserve_ms", self.reserve_ms);
  }
};

struct Pull {
  static constexpr const char* name = "pull";
  Nonce nonce = 0;
  AgentProfile agent;
  std::vector<WeighedLine> weighed;    // why this home: the most urgent lines
  std::uint32_t weighed_left_out = 0;  // and how many more there were
  // The most urgent that it could have instead, in millionths of the target; 0: nobody.
  std::uint64_t elsewhere = 0;

  bool operator==(const Pull&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("nonce", self.nonce);
    visit("agent", self.agent);
    visit("weighed", self.weighed);
    visit("weighed_left_out", self.weighed_left_out);
    visit("elsewhere", self.elsewhere);
  }
};

struct Grant {
  static constexpr const char* name = "grant";
  Assignment assignment;

  bool operator==(const Grant&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("assignment", self.assignment);
  }
};

struct Deny {
  static constexpr const char* name = "deny";
  Nonce nonce = 0;
  std::uint32_t waiting = 0;  // of all classes; none of them fits the agent

  bool operator==(const Deny&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("nonce", self.nonce);
    visit("waiting", self.waiting);
  }
};

struct Ringing {
  static constexpr const char* name = "ringing";
  ConversationId conversation;
  Epoch epoch;
  Nonce nonce = 0;

  bool operator==(const Ringing&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("conversation", self.conversation);
    visit("epoch", self.epoch);
    visit("nonce", self.nonce);
  }
};

// Why a conversation leaves an agent against home's plan.
enum class BackReason : std::uint8_t {
  declined,         // the agent said no
  missed,           // it rang until its time was over
  connection_lost,  // it rang when the agent's connection went
  agent_gone,       // active, and the agent did not come back in time
  logged_out,
  disabled,
  no_hold,       // the commit or grant came after the hold had ended
  excluded,      // the agent is on the list of those who are not to get it
  not_answered,  // home heard no Ringing in 3 s
  not_taken,     // home heard neither yes nor no while it rang
  lease_ended,   // the lessee's node was not heard for a whole term
  lessee_lost,   // the lessee's node does not know of it any more
  no_room,       // home said so after a restart, but the agent has no slot for it
};
constexpr auto names_of(BackReason) {
  return std::array{"declined",    "missed",      "connection_lost", "agent_gone",   "logged_out",
                    "disabled",    "no_hold",     "excluded",        "not_answered", "not_taken",
                    "lease_ended", "lessee_lost", "no_room"};
}

// Repeated until BackHeard.
struct Back {
  static constexpr const char* name = "back";
  ConversationId conversation;
  Epoch epoch;
  Nonce nonce = 0;
  std::string agent;
  BackReason reason = BackReason::declined;

  bool operator==(const Back&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("conversation", self.conversation);
    visit("epoch", self.epoch);
    visit("nonce", self.nonce);
    visit("agent", self.agent);
    visit("reason", self.reason);
  }
};

struct BackHeard {
  static constexpr const char* name = "back_heard";
  ConversationId conversation;
  Epoch epoch;

  bool operator==(const BackHeard&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("conversation", self.conversation);
    visit("epoch", self.epoch);
  }
};

// Home took the conversation back: this epoch, and every lower one, is over.
struct Withdrawn {
  static constexpr const char* name = "withdrawn";
  ConversationId conversation;
  Epoch epoch;
  Nonce nonce = 0;  // its hold, in case that the commit is still on its way

  bool operator==(const Withdrawn&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("conversation", self.conversation);
    visit("epoch", self.epoch);
    visit("nonce", self.nonce);
  }
};

using RoutingMessage = std::variant<Offer, Held, Decline, Release, Commit, Pull, Grant, Deny,
                                    Ringing, Back, BackHeard, Withdrawn>;

// Limits that the codec does not know: lengths of lists and texts. For everything from outside.
Status check_routing_message(const RoutingMessage& message);

}  // namespace crossfloor
