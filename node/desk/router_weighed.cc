// For the trace of a free slot: who waited where, as this node knew it, and why whom it asked or
// served was chosen.
#include <algorithm>

#include "node/desk/router.h"
#include "node/desk/weighed_line.h"

namespace crossfloor {
namespace {

std::string words_of(const WeighedLine& line) {
  switch (line.verdict) {
    case LineVerdict::asked:
      return {};
    case LineVerdict::not_answered:
      return "did not answer a moment ago";
    case LineVerdict::denied:
      return "had nobody for this agent a moment ago";
    case LineVerdict::in_vain:
      return "asked in vain for this slot";
    case LineVerdict::taken:
      return "asked for by others here";
    case LineVerdict::not_now:
      return "others were asked in vain, or a cut has just healed";
    case LineVerdict::less_urgent:
      return "less urgent";
    case LineVerdict::within_margin:
      return "not more urgent by the margin";
    case LineVerdict::slow_work:
      return "not more urgent by the margin; for work that is slower here, or may be, " +
             std::to_string(line.reserve_ms / 1'000) + " s";
  }
  return {};
}

}  // namespace

TraceCandidate candidate_of(const WeighedLine& line) {
  return {line.node,
          {},
          "waiting " + std::to_string(line.waiting) + ", the oldest for " +
              std::to_string(line.oldest_ms) + " ms",
          line.known_age_ms,
          words_of(line)};
}

// The line that was asked comes first, then the own one, then the others by urgency: each node with
// the most urgent class that fits the agent.
std::vector<WeighedLine> Router::weigh(const FreedSlot& slot, Now now) const {
  const auto& agent = slot.agent;
  std::vector<std::pair<double, WeighedLine>> others;
  for (const auto& peer : peers_.usable(now)) {
    std::optional<RemoteHead> best;
    for (const auto& load : peer.record->classes) {
      if (load.waiting == 0) continue;
      Duration age = peer.age;
      if (!load.oldest_ms.empty()) age += Duration{load.oldest_ms.front()};
      const double urgency = urgency_of(load, age);
      if (best && best->urgency >= urgency) continue;
      if (!duty_for(agent.channels, load.service.kind)) continue;
      if (!matches(agent.abilities, load.service)) continue;
      best = {peer.record->node, &load, age, urgency};
    }
    if (!best) continue;
    const Duration reserve = slow_help_.reserve(best->home, best->load->service.kind);
    others.push_back(
        {best->urgency,
         {best->home, best->load->waiting, static_cast<std::uint64_t>(best->age.count()),
          static_cast<std::uint64_t>(peer.age.count()), verdict_on(slot, *peer.record, *best, now),
          static_cast<std::uint64_t>(reserve.count())}});
  }
  std::stable_sort(others.begin(), others.end(), [](const auto& one, const auto& other) {
    const auto first = [](const auto& each) { return each.second.verdict == LineVerdict::asked; };
    return std::pair(first(one), one.first) > std::pair(first(other), other.first);
  });
  std::vector<WeighedLine> weighed;
  for (auto& [urgency, line] : others) weighed.push_back(line);
  if (slot.local) {
    const auto& task = tasks_.at(slot.local->conversation);
    const auto waited = static_cast<std::uint64_t>((now.steady - task.since).count());
    const WeighedLine own{self_,
                          line_.waiting(task.what.service),
                          waited,
                          0,
                          slot.chosen ? LineVerdict::less_urgent : LineVerdict::asked,
                          0};
    weighed.insert(weighed.begin() + (slot.chosen && !weighed.empty() ? 1 : 0), own);
  }
  return weighed;
}

LineVerdict Router::verdict_on(const FreedSlot& slot, const LoadRecord& record,
                               const RemoteHead& head, Now now) const {
  const ServiceClass& service = head.load->service;
  if (slot.chosen && slot.chosen->home == record.node) return LineVerdict::asked;
  if (slot.run && (slot.run->asked.count(record.node) || slot.run->home == record.node))
    return LineVerdict::in_vain;
  if (avoided(record.node, now.steady)) return LineVerdict::not_answered;
  if (paused(slot.agent.name, record, now.steady)) return LineVerdict::denied;
  if (head.load->waiting <= waiting_taken(record, service, now.steady)) return LineVerdict::taken;
  if (!slot.may_pull) return LineVerdict::not_now;
  if (slot.local && head.urgency <= slot.local->urgency) return LineVerdict::less_urgent;
  if (slot.local && !beats_local(head, *slot.local)) {
    const bool slow = slow_help_.reserve(record.node, service.kind) > Duration{0};
    return slow ? LineVerdict::slow_work : LineVerdict::within_margin;
  }
  return LineVerdict::less_urgent;
}

}  // namespace crossfloor
