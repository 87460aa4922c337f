#include "node/desk/slow_help.h"

#include <algorithm>

namespace crossfloor {

void SlowHelp::handled(const NodeId& home, ChannelKind kind, Duration handling) {
  if (home == self_) {
    guard_.local(kind, handling);
  } else {
    guard_.remote(home, kind, handling);
  }
}

void SlowHelp::weigh(Now now) {
  if (now.steady < weigh_at_) return;
  weigh_at_ = now.steady + options_.weigh_every;
  const auto peers = peers_.usable(now);
  weighed_ = std::min(weighed_ + 1, options_.fullness_over / options_.weigh_every);
  for (std::size_t i = 0; i < channel_kinds; ++i) {
    const double share = share_at_work(static_cast<ChannelKind>(i), peers);
    fullness_[i] += (share - fullness_[i]) / static_cast<double>(weighed_);
  }
  long_waits_.look(heads_now(peers, now), options_.fair_over / options_.weigh_every);
  guard_.under_way(under_way(now));
  weigh_told(peers);
}

bool SlowHelp::mesh_full(ChannelKind kind) const {
  return fullness_[kind_index(kind)] * 100 >= options_.full_percent;
}

Duration SlowHelp::reserve(const NodeId& home, ChannelKind kind) const {
  if (!mesh_full(kind)) return Duration{0};
  return guard_.reserve(home, kind, long_waits_.longer(home, kind), long_waits_.oldest(kind));
}

// The share of all agents on duty who have no free slot, this node's included.
double SlowHelp::share_at_work(ChannelKind kind, const std::vector<PeerLoad>& peers) const {
  std::uint64_t agents = floor_.on_duty(kind);
  std::uint64_t free = 0;
  for (const auto& peer : peers) {
    agents += peer.record->agents_on_duty(kind);
    std::uint32_t most = 0;  // classes overlap: the largest stands for the node
    for (const auto& load : peer.record->classes) {
      if (load.service.kind == kind) most = std::max(most, load.free_primary);
    }
    free += most;
  }
  for (const auto& agent : floor_.available()) {
    const auto profile = floor_.profile(agent);
    if (profile && duty_for(profile->channels, kind)) ++free;
  }
  if (agents == 0) return 0;
  return 1 - static_cast<double>(std::min(free, agents)) / static_cast<double>(agents);
}

LongWaits::Heads SlowHelp::heads_now(const std::vector<PeerLoad>& peers, Now now) const {
  LongWaits::Heads heads;
  for (const auto& peer : peers) {
    for (const auto& duty : peer.record->on_duty) heads[{peer.record->node, duty.kind}];
    for (const auto& load : peer.record->classes) {
      auto& head = heads[{peer.record->node, load.service.kind}];
      if (load.waiting == 0 || load.oldest_ms.empty()) continue;
      head = std::max(head, Duration{load.oldest_ms.front()} + peer.age);
    }
  }
  for (std::size_t i = 0; i < channel_kinds; ++i) {
    const auto kind = static_cast<ChannelKind>(i);
    if (floor_.on_duty(kind) > 0) heads[{self_, kind}];
  }
  for (const auto& service : line_.classes()) {
    auto& head = heads[{self_, service.kind}];
    for (const auto age : line_.oldest_ages(service, now.steady, 1)) head = std::max(head, age);
  }
  return heads;
}

std::vector<UnderWay> SlowHelp::under_way(Now now) const {
  std::vector<UnderWay> all;
  for (const auto& [nonce, work] : floor_.works()) {
    if (work.kinds.size() != 1) continue;
    if (work.state != SlotState::busy && work.state != SlotState::wrapping_up) continue;
    const auto home = work.home == self_ ? std::nullopt : std::optional{work.home};
    all.push_back({home, work.kinds.front(), now.steady - work.held_since});
  }
  return all;
}

// In whichever of a kind's classes they say it, for all say the same.
void SlowHelp::weigh_told(const std::vector<PeerLoad>& peers) {
  std::map<ChannelKind, std::vector<HandlingTimes>> told;
  for (const auto& peer : peers) {
    std::map<ChannelKind, HandlingTimes> kinds;
    for (const auto& load : peer.record->classes) {
      if (load.local_handled + load.remote_handled == 0) continue;
      kinds[load.service.kind] = {
          static_cast<double>(load.local_handling_ms), static_cast<double>(load.local_handled),
          static_cast<double>(load.remote_handling_ms), static_cast<double>(load.remote_handled)};
    }
    for (const auto& [kind, times] : kinds) told[kind].push_back(times);
  }
  for (const auto& [kind, times] : told) guard_.weigh(kind, times);
}

}  // namespace crossfloor
