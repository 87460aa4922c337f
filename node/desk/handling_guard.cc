#include "node/desk/handling_guard.h"

#include <algorithm>

namespace crossfloor {

void HandlingGuard::add(Mean& mean, Duration handling) {
  ++mean.cases;
  const auto weight = static_cast<double>(std::min(mean.cases, options_.window));
  mean.ms += (static_cast<double>(handling.count()) - mean.ms) / weight;
}

HandlingGuard::Verdict HandlingGuard::judge(const NodeId& home, ChannelKind kind, bool mesh_busy,
                                            Instant now) {
  const auto it = remote_.find({home, kind});
  if (it == remote_.end()) return Verdict::normal;
  auto& pair = it->second;
  const auto& own = local_[kind];
  Verdict verdict = Verdict::normal;
  if (pair.times.cases >= options_.cases_wanted && own.cases >= options_.cases_wanted) {
    const double ratio = pair.times.ms / std::max(own.ms, 1.0);
    if (ratio > options_.reserved_above) verdict = Verdict::reserved;
    if (ratio > options_.idle_above && mesh_busy) verdict = Verdict::only_when_idle;
  }
  if (verdict != pair.next) {
    pair.next = verdict;
    pair.next_since = now;
  }
  if (pair.next != pair.verdict && now - pair.next_since >= options_.hysteresis) {
    pair.verdict = pair.next;
  }
  return pair.verdict;
}

}  // namespace crossfloor
