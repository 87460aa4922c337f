#include "protocol/probes.h"

#include <algorithm>

namespace crossfloor {

bool Probes::probing(const NodeId& target) const {
  return std::any_of(probes_.begin(), probes_.end(),
                     [&](const auto& entry) { return entry.second.target == target; });
}

bool Probes::in_turn_running() const {
  return std::any_of(probes_.begin(), probes_.end(),
                     [](const auto& entry) { return entry.second.in_turn; });
}

std::optional<Probe> Probes::answered(std::uint64_t number, const NodeId& target) {
  const auto found = probes_.find(number);
  if (found == probes_.end() || found->second.target != target) return std::nullopt;
  Probe probe = std::move(found->second);
  probes_.erase(found);
  return probe;
}

void Probes::nack(std::uint64_t number, const NodeId& helper) {
  const auto found = probes_.find(number);
  if (found != probes_.end()) found->second.silent_helpers.erase(helper);
}

std::vector<std::uint64_t> Probes::take_needing_help(Instant now) {
  std::vector<std::uint64_t> numbers;
  for (auto& [number, probe] : probes_) {
    if (probe.help_at > now || probe.help_at >= probe.ends) continue;
    probe.helped = true;
    probe.help_at = probe.again > Duration{0} ? now + probe.again : probe.ends;
    numbers.push_back(number);
  }
  return numbers;
}

void Probes::helpers_asked(std::uint64_t number, const std::vector<NodeId>& helpers) {
  const auto found = probes_.find(number);
  if (found == probes_.end()) return;
  found->second.helpers = helpers;
  found->second.silent_helpers = {helpers.begin(), helpers.end()};
}

const Probe* Probes::find(std::uint64_t number) const {
  const auto found = probes_.find(number);
  return found == probes_.end() ? nullptr : &found->second;
}

std::vector<Probe> Probes::take_failed(Instant now) {
  std::vector<Probe> failed;
  for (const auto& [number, probe] : probes_) {
    if (probe.ends <= now) failed.push_back(probe);
  }
  for (const Probe& probe : failed) probes_.erase(probe.number);
  return failed;
}

bool Probes::start_relay(const Relay& relay) {
  if (relays_.size() >= max_relays) return false;
  relays_[relay.number] = relay;
  return true;
}

std::optional<Relay> Probes::relay_answered(std::uint64_t number, const NodeId& target) {
  const auto found = relays_.find(number);
  if (found == relays_.end() || found->second.target != target) return std::nullopt;
  Relay relay = found->second;
  relays_.erase(found);
  return relay;
}

std::vector<Relay> Probes::take_unanswered_relays(Instant now) {
  std::vector<Relay> unanswered;
  for (auto& [number, relay] : relays_) {
    if (relay.nacked || relay.nack_at > now) continue;
    relay.nacked = true;
    unanswered.push_back(relay);
  }
  std::erase_if(relays_, [&](const auto& entry) { return entry.second.ends <= now; });
  return unanswered;
}

void Probes::forget(const NodeId& node) {
  std::erase_if(probes_, [&](const auto& entry) { return entry.second.target == node; });
  std::erase_if(relays_, [&](const auto& entry) {
    return entry.second.target == node || entry.second.asker == node;
  });
  for (auto& [number, probe] : probes_) {
    std::erase(probe.helpers, node);
    probe.silent_helpers.erase(node);
  }
}

std::optional<Instant> Probes::deadline() const {
  Instant earliest = Instant::max();
  for (const auto& [number, probe] : probes_) {
    earliest = std::min({earliest, probe.help_at, probe.ends});
  }
  for (const auto& [number, relay] : relays_) {
    earliest = std::min(earliest, relay.nacked ? relay.ends : relay.nack_at);
  }
  if (earliest == Instant::max()) return std::nullopt;
  return earliest;
}

void Probes::shift(Duration gap) {
  for (auto& [number, probe] : probes_) {
    probe.help_at += gap;
    probe.ends += gap;
  }
  for (auto& [number, relay] : relays_) {
    relay.nack_at += gap;
    relay.ends += gap;
  }
}

}  // namespace crossfloor
