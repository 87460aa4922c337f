// Decides when a silent member becomes a dead one.
//
// One accuser may simply have a bad link, so a suspect first gets the longest patience to answer.
// Each further accuser shortens that wait (quickly at first: "dogpile"), down to the shortest once
// as many as wanted agree. Pure: time comes in as an argument, verdicts go out as return values.
#pragma once

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "protocol/node_hash.h"
#include "protocol/time.h"

namespace crossfloor {

struct SuspicionTerms {
  Duration patience_min{};
  Duration patience_max{};
  int accusers_wanted = 0;  // besides the first
};

class Suspicion {
 public:
  // Records an accusation. The terms are those of the first one. True if this changed anything: a
  // case was opened, or an accuser added who shortens the wait; only then is it worth telling on.
  bool accuse(const NodeId& suspect, const NodeId& accuser, const SuspicionTerms& terms,
              Instant now);

  // The suspect answered, or is dead, or forgotten.
  void close(const NodeId& suspect);
  bool open(const NodeId& suspect) const { return cases_.contains(suspect); }
  std::optional<Instant> given_up_at(const NodeId& suspect) const;

  // When take_dead() next has something to say; nothing while nobody is suspected.
  std::optional<Instant> deadline() const;
  // Members whose time ran out, in id order. Each is reported once.
  std::vector<NodeId> take_dead(Instant now);

  // The own loop stood still for `gap`: the suspects get it added.
  void shift(Duration gap);

 private:
  struct Case {
    Instant opened;
    SuspicionTerms terms;
    std::vector<NodeId> accusers;
    Instant expires;
  };
  static Instant expiry(const Case& open);
  void plan(const NodeId& suspect, Case& open);

  ByNode<Case> cases_;
  // A node under losses has hundreds of suspects, and is asked for its next deadline all the time.
  std::set<std::pair<Instant, NodeId>> by_expiry_;
};

}  // namespace crossfloor
