// Keeps help from making things worse: agents who are only 5 % slower on other sites' work make a
// queue grow without end when the mesh is nearly full. So it is measured how long agents take for
// other homes' conversations and how long for their own, and a home for which they seem slow has to
// wait longer for a slot here, by up to twice the time that a conversation takes.
//
// Handling times vary about as much as their mean, so some hundred cases cannot tell 5 % from
// nothing. Hence every node tells what it measured, each weighs all of it, and what is known of one
// pair of nodes counts as far as it is sure. While the slowdown is not known well enough, or seems
// to be there, it is taken to be there, as long as that is fair: the longer a home's customers wait
// in the long run than those here (long_waits.h), the surer it must be. And the longer everybody
// waits, the less suffices: where every line is long, help gains no time for anybody, and if the
// work is slow after all the lines grow without end.
#pragma once

#include <cmath>
#include <map>
#include <optional>
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

// What an agent has at work, of another home or of this node itself (nothing).
struct UnderWay {
  std::optional<NodeId> home;
  ChannelKind kind = ChannelKind::chat;
  Duration so_far;
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
    double window = 10'000;  // cases; older ones fade
    double longest = 4;      // means of one case under way: who knows whether it is still worked on
    double cases_wanted = 20;  // of each sort at one node, before anything is made of them
    double most = 2;           // handling times of reserve
    // From the first to the second the reserve grows from nothing to the most.
    double slow_from = 0.015, slow_to = 0.025;  // slowdown, less so many standard deviations:
    double sure_by = 1.4, suspected_by = 0.5;   // to be sure of it, to suspect it
    // To suspect it while the oldest here waits for so many handling times in the long run.
    double suspected_by_at_last = -1, long_line_from = 0.5, long_line_to = 1.5;
    // The standard deviation, of handling times that vary as much as their mean or less. Of those
    // that vary more no more cases are asked for: suspicion would last too long.
    double unsure_from = 0.02, unsure_to = 0.03;
    double between_pairs = 0.02;  // by how much pairs of nodes differ from the whole mesh
    // Of a home whose customers wait longer by that share it must be sure. While little is known,
    // at the third as standard deviation, it is held back until they wait longer by the second.
    double unfair_by = 0.15, unfair_by_at_first = 0.75, unsure_at_first = 0.05;
  };
  explicit HandlingGuard(Options options) : options_(options) {}

  void local(ChannelKind kind, Duration handling);
  void remote(const NodeId& home, ChannelKind kind, Duration handling);
  // Everything that is at work now, in place of what was before. What takes long is seen late, so
  // that means of what is over scatter by a fifth more than by their cases. Hence the time that was
  // spent on what is not over counts, too.
  void under_way(const std::vector<UnderWay>& all);

  // What this node told before it started anew.
  void remember(ChannelKind kind, const HandlingTimes& times);

  // What other nodes are told; renewed when there is a twentieth more to tell.
  HandlingTimes told(ChannelKind kind) const;
  // What they told, which replaces what they told before.
  void weigh(ChannelKind kind, const std::vector<HandlingTimes>& others);

  // Of this home's work here, by the mesh's figures and the pair's own.
  Slowdown slowdown(const NodeId& home, ChannelKind kind) const;
  // By so much longer a conversation of that home must have waited, while the mesh is nearly full.
  // Nothing before some own conversations were handled. In the long run, `longer`: by what share
  // that home's customers wait longer than those here; `oldest`: how long the oldest here waits.
  Duration reserve(const NodeId& home, ChannelKind kind, double longer, Duration oldest) const;

 private:
  struct Mean {
    double cases = 0;
    double ms = 0;
    double under_way_ms = 0;  // altogether
    // All time that was spent, for each case that is over.
    double spent_ms() const { return cases > 0 ? ms + under_way_ms / cases : 0; }
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
  // Shares of the most that a home must have waited longer.
  double unsure(const Own& own, const Slowdown& found, double longer) const;
  double slow(const Own& own, const Slowdown& found, double longer, Duration oldest) const;

  Options options_;
  std::map<ChannelKind, Own> own_;
  std::map<std::pair<NodeId, ChannelKind>, Mean> pairs_;
};

}  // namespace crossfloor
