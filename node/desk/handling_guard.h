// Keeps help from making things worse: agents who are only 5 % slower on other sites' work make a
// queue grow without end when the mesh is nearly full. So it is measured how long agents take for
// other homes' conversations and how long for their own, and a home for which they seem slow has to
// wait longer for a slot here, by up to twice the time that a conversation takes.
//
// Handling times vary about as much as their mean, so some hundred cases cannot tell 5 % from
// nothing. Hence every node tells what it measured, each weighs all of it, and what is known of one
// pair of nodes counts as far as it is sure. While the slowdown is not known well enough, or seems
// to be there, it is taken to be there, as long as that is fair: where a home's customers wait
// longer in the long run than those here (long_waits.h), only what is sure counts against them.
#pragma once

#include <cmath>
#include <map>
#include <vector>

#include "protocol/service_class.h"
#include "protocol/time.h"

namespace crossfloor {

// Of one kind at one node: means in milliseconds, and over how many cases.
struct HandlingTimes {
  double local_ms = 0;
  double local_cases = 0;
  double remote_ms = 0;
  double remote_cases = 0;
  bool operator==(const HandlingTimes&) const = default;
};

// The logarithm of remote ÷ local, and its variance. Nothing known: infinite.
struct Slowdown {
  double log = 0;
  double variance = INFINITY;
  double pair_variance = INFINITY;  // of one pair's, which is known less well than all together
};

class HandlingGuard {
 public:
  struct Options {
    double window = 10'000;    // cases; older ones fade
    double cases_wanted = 20;  // of each sort at one node, before anything is made of them
    double most = 2;           // handling times of reserve
    // From the first to the second the reserve grows from nothing to the most.
    double slow_from = 0.015, slow_to = 0.025;  // slowdown, less so many standard deviations:
    double sure_by = 1.4, suspected_by = 0.5;   // to be sure of it, to suspect it
    // The standard deviation, of handling times that vary as much as their mean or less. Of those
    // that vary more no more cases are asked for: suspicion would last too long.
    double unsure_from = 0.02, unsure_to = 0.03;
    double between_pairs = 0.02;  // by how much pairs of nodes differ from the whole mesh
    // Nobody is held back on suspicion whose customers wait longer by that share: from the first,
    // at a standard deviation of unsure_from, to the second at the third.
    double unfair_by = 0.15, unfair_by_at_first = 0.75, unsure_at_first = 0.05;
  };
  explicit HandlingGuard(Options options) : options_(options) {}

  void local(ChannelKind kind, Duration handling);
  void remote(const NodeId& home, ChannelKind kind, Duration handling);

  // What this node told before it started anew.
  void remember(ChannelKind kind, const HandlingTimes& times);

  // What other nodes are told; renewed when there is a twentieth more to tell.
  HandlingTimes told(ChannelKind kind) const;
  // What they told, which replaces what they told before.
  void weigh(ChannelKind kind, const std::vector<HandlingTimes>& others);

  // Of this home's work here, by the mesh's figures and the pair's own.
  Slowdown slowdown(const NodeId& home, ChannelKind kind) const;
  // By so much longer a conversation of that home must have waited, while the mesh is nearly full.
  // Nothing before some own conversations were handled. `longer`: by what share that home's
  // customers wait longer in the long run than those here.
  Duration reserve(const NodeId& home, ChannelKind kind, double longer) const;

 private:
  struct Mean {
    double cases = 0;
    double ms = 0;
  };
  struct Own {  // of one kind
    Mean local, remote;
    double scatter = 1;  // squared variation coefficient of the handling times, smoothed
    HandlingTimes told;
    double untold = 0;  // cases since
    Slowdown others;
  };
  void add(Mean& mean, Duration handling) const;
  void note(Own& own, const Mean& mean, Duration handling) const;
  Slowdown of(const Mean& local, const Mean& remote, double scatter) const;

  Options options_;
  std::map<ChannelKind, Own> own_;
  std::map<std::pair<NodeId, ChannelKind>, Mean> pairs_;
};

}  // namespace crossfloor
