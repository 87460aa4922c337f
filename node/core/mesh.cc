#include "node/core/mesh.h"

#include <algorithm>

namespace crossfloor {

Mesh::Mesh(const MembershipSelf& self, const NodeSettings& settings, Roster& roster, Random& random,
           Outlet& outlet)
    : settings_(settings),
      roster_(roster),
      outlet_(outlet),
      membership_(self, settings.wan ? MembershipOptions::wan() : MembershipOptions::lan(), random),
      loads_(membership_, LoadGossipOptions{}, random),
      turns_((settings.wan ? MembershipOptions::wan() : MembershipOptions::lan()).lost_retry_max) {}

void Mesh::roster_changed(Now now) {
  wall_ = now.wall;
  for (const auto& node : roster_.members(now.wall)) {
    if (node == self()) continue;
    const Certificate* certificate = roster_.certificate(node);
    membership_.add_member(node, certificate->site, certificate->home_region,
                           certificate->addresses.empty() ? "" : certificate->addresses.front());
  }
  std::vector<NodeId> gone;
  for (const auto& [node, member] : membership_.members()) {
    if (!roster_.member(node, now.wall)) gone.push_back(node);
  }
  for (const auto& node : gone) {
    membership_.forget(node);
    linked_.erase(node);
  }
}

void Mesh::pass_on(MembershipOutbox&& out, Heard& heard) {
  for (auto& [to, message] : out.messages) {
    outlet_.emit_freely(SendMessage{to, LinkKind::pulse, MembershipFrame{std::move(message)}});
  }
  for (auto& event : out.events) heard.events.push_back(event);
}

void Mesh::pass_on(LoadOutbox&& out, Heard& heard) {
  for (auto& [to, message] : out.messages) {
    outlet_.emit_freely(SendMessage{to, LinkKind::pulse, LoadFrame{std::move(message)}});
  }
  if (!out.changed.empty()) heard.loads_changed = true;
}

void Mesh::receive(const NodeId& from, const MembershipMessage& message, Now now, Heard& heard) {
  MembershipOutbox out;
  membership_.receive(from, message, now, out);
  for (const auto& clock : out.clocks) clocks_.measured(clock.node, clock.ahead, now.steady);
  pass_on(std::move(out), heard);
}

void Mesh::receive(const NodeId& from, const LoadMessage& message, Now now, Heard& heard) {
  LoadOutbox out;
  loads_.receive(from, message, now, out);
  pass_on(std::move(out), heard);
}

void Mesh::link_up(const NodeId& peer, Now now) {
  if (membership_.find(peer) == nullptr) return;
  const auto dead = membership_.dead_since(peer);
  const auto known = linked_.find(peer);
  if (dead && known != linked_.end() && known->second >= *dead) return;
  linked_[peer] = now.steady;
}

void Mesh::link_reset(const NodeId& peer, Now now, Heard& heard) {
  MembershipOutbox out;
  membership_.link_reset(peer, now, out);
  pass_on(std::move(out), heard);
}

void Mesh::leave(Now now, Heard& heard) {
  MembershipOutbox out;
  membership_.leave(now, out);
  pass_on(std::move(out), heard);
}

void Mesh::tick(Now now, Heard& heard) {
  if (!started_) started_ = now.steady;
  wall_ = now.wall;
  MembershipOutbox members;
  membership_.tick(now, members);
  pass_on(std::move(members), heard);
  LoadOutbox loads;
  loads_.tick(now, loads);
  pass_on(std::move(loads), heard);
}

std::optional<Instant> Mesh::deadline() const {
  auto due = membership_.deadline();
  if (const auto load = loads_.deadline(); load && (!due || *load < *due)) due = load;
  return due;
}

void Mesh::set_own_load(LoadRecord record, Now now) {
  LoadOutbox out;
  Heard heard;
  record.drained = drained_;
  loads_.set_own(std::move(record), now, out);
  pass_on(std::move(out), heard);
}

bool Mesh::live(const NodeId& node) const {
  if (node == self()) return true;
  const Member* member = membership_.find(node);
  return member != nullptr && member->live();
}

bool Mesh::drained(const NodeId& node) const {
  if (node == self()) return drained_;
  return loads_.drained(node);
}

std::optional<Instant> Mesh::dead_since(const NodeId& node) const {
  if (live(node)) return std::nullopt;
  const Instant since = membership_.dead_since(node).value_or(started_.value_or(Instant{}));
  const auto linked = linked_.find(node);
  return linked == linked_.end() ? since : std::max(since, linked->second + turns_);
}

std::vector<NodeId> Mesh::nodes_of(const Region& region, Now now) const {
  std::vector<NodeId> nodes;
  for (const auto& node : roster_.members(now.wall)) {
    if (roster_.may_hold(node, region, now.wall)) nodes.push_back(node);
  }
  return nodes;
}

std::string Mesh::site_of(const NodeId& node) const {
  if (node == self()) return settings_.site;
  const Certificate* certificate = roster_.certificate(node);
  return certificate == nullptr ? "" : certificate->site;
}

std::vector<PeerLoad> Mesh::usable(Now now) const {
  std::vector<PeerLoad> all;
  const auto records = loads_.all_usable(now);
  const auto& neighbours = same_site(now);
  all.reserve(records.size());
  for (const auto& [record, age] : records) {
    all.push_back({record, age, neighbours.contains(record->node)});
  }
  return all;
}

const std::set<NodeId>& Mesh::same_site(Now now) const {
  const auto state = roster_.state(now.wall);
  if (same_site_as_of_ == state) return same_site_;
  same_site_as_of_ = state;
  same_site_.clear();
  for (const auto& node : roster_.members(now.wall)) {
    if (node != self() && site_of(node) == settings_.site) same_site_.insert(node);
  }
  return same_site_;
}

bool Mesh::may_host(const NodeId& node, Now now) const {
  return roster_.has_right(node, Certificate::right_host, now.wall);
}

bool Mesh::may_see(const NodeId& node, const Region& region) const {
  return roster_.may_hold(node, region, wall_) &&
         roster_.has_right(node, Certificate::right_serve, wall_);
}

}  // namespace crossfloor
