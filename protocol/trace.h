// Why a conversation went where it went: written in the same batch as the decision, printed by
// `crossfloor explain`. It says what was known when it was decided, and how old that was.
#pragma once

#include "protocol/fields.h"

namespace crossfloor {

struct TraceCandidate {
  NodeId node;
  std::string agent;               // empty if a whole node was judged
  std::string known;               // "free 2 primary 0 helper, waiting 0"
  std::uint64_t known_age_ms = 0;  // 0 for this node's own agents
  std::string why_not;             // empty if it was chosen

  bool operator==(const TraceCandidate&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("agent", self.agent);
    visit("known", self.known);
    visit("known_age_ms", self.known_age_ms);
    visit("why_not", self.why_not);
  }
};

struct Trace {
  static constexpr std::size_t max_candidates = 32;

  std::uint32_t rule =
      0;  // of the routing rules: 5 local, 6 last agent, 7 push, 8 and 9 pull, 22 force
  std::string rule_name;
  std::uint64_t age_ms = 0;   // how long the customer had been waiting
  std::uint64_t waiting = 0;  // conversations that waited at home at that moment, this one included
  std::vector<TraceCandidate> candidates;
  std::uint32_t candidates_left_out = 0;  // more than max_candidates were considered
  // If another node's free slot asked: whose lines that node weighed, and why it asked here.
  std::vector<TraceCandidate> weighed;
  std::uint32_t weighed_left_out = 0;
  NodeId chosen_node;
  std::string chosen_agent;

  bool operator==(const Trace&) const = default;
  void add(TraceCandidate candidate) {
    if (candidates.size() < max_candidates) {
      candidates.push_back(std::move(candidate));
    } else {
      ++candidates_left_out;
    }
  }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("rule", self.rule);
    visit("rule_name", self.rule_name);
    visit("age_ms", self.age_ms);
    visit("waiting", self.waiting);
    visit("candidates", self.candidates);
    visit("candidates_left_out", self.candidates_left_out);
    visit("weighed", self.weighed);
    visit("weighed_left_out", self.weighed_left_out);
    visit("chosen_node", self.chosen_node);
    visit("chosen_agent", self.chosen_agent);
  }
};

}  // namespace crossfloor
