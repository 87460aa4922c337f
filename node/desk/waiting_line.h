// The waiting line: a home's conversations that wait, in the order in which agents take them.
//
// The order is age ÷ target under bounded weights for priority and mood, then age, then id. As time
// goes by two conversations of one target and one weight never change places, so each such group is
// one ordered set, a lane, and the order between lanes is judged by their heads when it is asked
// for. Lanes are kept by class, so that an agent's head is looked for among the lanes of classes
// that fit, and gossip's figures of one class among its own. One decision costs the number of
// classes, the lanes of those that fit, and a logarithm of those who wait.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "node/desk/account_times.h"
#include "protocol/routing_messages.h"
#include "protocol/time.h"

namespace crossfloor {

// An agent who had a conversation and is not to get it again for a while.
struct Exclusion {
  std::string agent;
  WallTime since;  // when the agent declined or missed it, or answered too late
};

// What home knows of a conversation that waits. Everything in it comes from the log.
struct WaitingConversation {
  ConversationId conversation;
  ServiceClass service;
  std::vector<std::string> optional_skills;
  std::string team;        // only this team may take it; empty = any
  Region region;           // of its data
  WallTime waiting_since;  // of the customer's first unanswered message; requeueing keeps it
  Duration target{30'000};
  std::uint32_t priority = 0;         // 0 to 3, 3 is the most urgent
  std::uint32_t mood = 0;             // 0 calm, 1 unhappy, 2 furious
  std::uint32_t topic_weight = 1000;  // thousandths, from 1000 to most_topic_weight
  std::string preferred_agent;        // the last one, or whom a transfer or force names
  NodeId preferred_node;              // that agent's
  bool directed = false;  // transfer or force: jumps the queue, and waits for that agent alone
  Duration directed_for{60'000};  // how long, before anybody fitting may have it
  std::uint32_t site_changes = 0;
  bool auto_accept = false;
  AccountTimes times;
  std::vector<Exclusion> excluded;
};

// Weight in thousandths: that of the priority (up to 2) by that of the mood (up to 1.25) by that of
// the topic (up to 2), but at most 2.5 in all. So nobody starves: among conversations of one target
// one of weight 1 waits at most 2.5 times as long as the longest would wait without ranking. (Let
// it wait t. Who comes later than 3/5 t after it goes behind it, so from then on it is served no
// later than somebody who comes then would be without ranking; and that takes the last 2/5 t.)
inline constexpr std::uint32_t most_topic_weight = 2000;
inline constexpr std::uint32_t most_weight = 2500;
std::uint32_t weight_of(std::uint32_t priority, std::uint32_t mood, std::uint32_t topic = 1000);

// All that decides who may take a conversation and how its place moves with time.
struct Lane {
  ServiceClass service;
  Duration target{0};
  std::uint32_t weight = 1000;
  std::vector<std::string> optional_skills;
  std::string team;
  Region region;
  bool home_only = false;
  Duration helper_after{0};
  auto operator<=>(const Lane&) const = default;

  double urgency(Duration age) const {
    return static_cast<double>(age.count()) * weight / 1000.0 /
           static_cast<double>(std::max<std::int64_t>(target.count(), 1));
  }
};

class WaitingLine {
 public:
  struct Head {
    ConversationId conversation;
    Instant since;
    double urgency = 0;
  };
  // Who asks. Each may be empty, which means no restriction.
  struct Filter {
    std::function<bool(const Lane&)> may_take;            // region, home only
    std::function<bool(const ConversationId&)> excluded;  // agents who declined it
    std::function<Duration(const Lane&)> helper_after;    // age from which helpers may have it
  };

  // `since` is the instant of the first unanswered message; it may lie before this node's start.
  void add(const ConversationId& conversation, const Lane& lane, Instant since);
  // Waits for one agent alone; others do not see it and gossip does not count it.
  void reserve(const ConversationId& conversation, const Lane& lane, Instant since,
               const std::string& agent, bool directed);
  void remove(const ConversationId& conversation);
  bool contains(const ConversationId& conversation) const { return places_.count(conversation); }

  // The most urgent one that fits the agent. What a transfer or force directs to the agent first.
  std::optional<Head> head_for(const AgentProfile& agent, const Filter& filter, Instant now) const;
  // True if nobody of the same lane has waited longer.
  bool leads_its_lane(const ConversationId& conversation) const;
  // Who leads a lane of that class, of those that anybody fitting may take.
  std::vector<ConversationId> leaders(const ServiceClass& service) const;

  std::size_t size() const { return places_.size(); }
  // For the load record: those that anybody fitting may take.
  std::uint32_t waiting(const ServiceClass& service) const;
  std::vector<Duration> oldest_ages(const ServiceClass& service, Instant now,
                                    std::size_t most = 8) const;
  // Of the most urgent of them, weighed: its age divided by this is its urgency. Zero: none waits.
  Duration target(const ServiceClass& service, Instant now) const;
  std::vector<ServiceClass> classes() const;

 private:
  using Member = std::pair<Instant, ConversationId>;
  using Members = std::set<Member>;
  using Lanes = std::map<Lane, Members>;  // of one class; none is empty
  struct Reserved {
    Lane lane;
    bool directed = false;
  };
  struct Place {
    Instant since;
    std::string reserved_for;  // then it is in no lane
    std::map<ServiceClass, Lanes>::iterator service;
    Lanes::iterator lane;
  };
  const Lanes& lanes_of(const ServiceClass& service) const;

  std::map<ServiceClass, Lanes> classes_;  // none is empty
  std::map<std::string, std::map<Member, Reserved>> reserved_;
  std::map<ConversationId, Place> places_;
};

}  // namespace crossfloor
