// Keeps help from making things worse: agents who are only 5 % slower on other sites' work make a
// queue grow without end when the mesh is nearly full. So each node compares how long its agents
// take for a home's conversations with how long they take for its own, and pulls from that home
// with more reserve, or only when idle.
#pragma once

#include <map>

#include "protocol/service_class.h"
#include "protocol/time.h"

namespace crossfloor {

class HandlingGuard {
 public:
  enum class Verdict { normal, reserved, only_when_idle };

  struct Options {
    std::uint64_t cases_wanted = 200;  // of each sort, before anything is judged
    std::uint64_t window = 1000;       // cases; older ones fade
    double reserved_above = 1.02;
    double idle_above = 1.05;  // and the mesh over 90 % busy
    Duration hysteresis{30'000};
  };
  explicit HandlingGuard(Options options) : options_(options) {}

  void local(ChannelKind kind, Duration handling) { add(local_[kind], handling); }
  void remote(const NodeId& home, ChannelKind kind, Duration handling) {
    add(remote_[{home, kind}].times, handling);
  }
  // A new verdict counts when it has stood for the hysteresis.
  Verdict judge(const NodeId& home, ChannelKind kind, bool mesh_busy, Instant now);

 private:
  struct Mean {
    std::uint64_t cases = 0;
    double ms = 0;
  };
  struct Pair {
    Mean times;
    Verdict verdict = Verdict::normal;
    Verdict next = Verdict::normal;
    Instant next_since;
  };
  void add(Mean& mean, Duration handling);

  Options options_;
  std::map<ChannelKind, Mean> local_;
  std::map<std::pair<NodeId, ChannelKind>, Pair> remote_;
};

}  // namespace crossfloor
