// Who is there and how busy: membership, load gossip and the roster joined into the answers that
// home and router ask for.
#pragma once

#include <map>
#include <set>

#include "node/core/mesh_view.h"
#include "node/core/outlet.h"
#include "node/core/settings.h"
#include "node/desk/peer_loads.h"
#include "protocol/load_gossip.h"
#include "protocol/membership.h"
#include "protocol/peer_clocks.h"
#include "protocol/roster.h"

namespace crossfloor {

class Mesh final : public MeshView, public PeerLoads {
 public:
  // What happened to members since the last call: the core's other parts act on it.
  struct Heard {
    std::vector<MemberEvent> events;
    bool loads_changed = false;
  };

  Mesh(const MembershipSelf& self, const NodeSettings& settings, Roster& roster, Random& random,
       Outlet& outlet);

  // After the roster changed, and once at the start: members are those with a valid certificate.
  void roster_changed(Now now);
  void receive(const NodeId& from, const MembershipMessage& message, Now now, Heard& heard);
  void receive(const NodeId& from, const LoadMessage& message, Now now, Heard& heard);
  // Who has a link again is not dead, though membership finds it out only at its next turn. Once
  // for each death: a link that comes and goes without a word keeps nobody alive.
  void link_up(const NodeId& peer, Now now);
  void link_reset(const NodeId& peer, Now now, Heard& heard);
  void standstill(Duration gap) { membership_.standstill(gap); }
  void leave(Now now, Heard& heard);
  void tick(Now now, Heard& heard);
  std::optional<Instant> deadline() const;

  void set_own_load(LoadRecord record, Now now);
  void set_drained(bool drained) { drained_ = drained; }
  bool own_drained() const { return drained_; }

  // MeshView
  NodeId self() const override { return membership_.self(); }
  bool live(const NodeId& node) const override;
  bool drained(const NodeId& node) const override;
  std::optional<Instant> dead_since(const NodeId& node) const override;
  std::vector<NodeId> nodes_of(const Region& region, Now now) const override;
  std::string site_of(const NodeId& node) const override;
  bool may_host(const NodeId& node, Now now) const override;
  std::uint64_t roster_state(Now now) const override { return roster_.state(now.wall); }
  std::optional<Instant> last_heard(const NodeId& node) const override {
    return membership_.last_heard(node);
  }
  // PeerLoads
  std::vector<PeerLoad> usable(Now now) const override;
  Duration round_trip(const NodeId& node) const override { return membership_.round_trip(node); }
  bool may_see(const NodeId& node, const Region& region) const override;

  const Membership& membership() const { return membership_; }
  const LoadGossip& loads() const { return loads_; }
  const PeerClocks& clocks() const { return clocks_; }
  const Roster& roster() const { return roster_; }

 private:
  const std::set<NodeId>& same_site(Now now) const;
  void pass_on(MembershipOutbox&& out, Heard& heard);
  void pass_on(LoadOutbox&& out, Heard& heard);

  const NodeSettings& settings_;
  Roster& roster_;
  Outlet& outlet_;
  Membership membership_;
  LoadGossip loads_;
  PeerClocks clocks_;
  Duration turns_;  // each lost member has one at least so often
  std::map<NodeId, Instant> linked_;
  std::optional<Instant> started_;
  WallTime wall_{};
  bool drained_ = false;
  // Other members of this node's site, as of that state of the roster.
  mutable std::set<NodeId> same_site_;
  mutable std::optional<std::uint64_t> same_site_as_of_;
};

}  // namespace crossfloor
