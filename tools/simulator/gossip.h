// Membership alone on simulated wires: how soon a death is seen, and how often the living are
// called dead, for meshes of up to a thousand nodes. For the table in docs/gossip.md.
#pragma once

#include <memory>

#include "protocol/membership.h"
#include "protocol/peer_messages.h"
#include "tools/simulator/paths.h"

namespace crossfloor::simulator {

struct GossipOptions {
  std::uint64_t seed = 1;
  int nodes = 8;
  bool wan = false;         // the preset, and delays of a LAN or of the world
  double loss = 0;          // of all datagrams
  int slow = 0;             // nodes that stand still for 0.5 to 4 s again and again
  Duration quiet{20'000};   // until all know all, without losses
  Duration watch{120'000};  // false alarms are counted; then one node dies
  Duration give_up{300'000};
};

struct GossipFigures {
  Duration first{0};  // from a death until somebody believes it
  Duration all{0};    // until every healthy node does
  bool detected = false;
  int false_deaths = 0;          // of healthy nodes, at healthy nodes
  int false_deaths_of_slow = 0;  // of slow nodes, or at them
  int false_suspicions = 0;      // of healthy nodes, at healthy nodes
  double messages = 0;           // sent by each node each second while it was watched
  double bytes = 0;
  bool whole = false;  // all knew all when the watch began
};

class GossipWorld {
 public:
  explicit GossipWorld(const GossipOptions& options);
  ~GossipWorld();
  GossipFigures run();

 private:
  struct Node;

  void deliver(std::size_t from, MembershipOutbox& out);
  void call(std::size_t node, const std::function<void(Membership&, MembershipOutbox&)>& what);
  void wake(std::size_t node);
  void stand_still(std::size_t node);
  void heard(std::size_t observer, const MemberEvent& event);
  void run_for(Duration span);
  bool all_see(MemberState state, std::size_t of) const;
  bool whole() const;
  Now now() const;

  GossipOptions options_;
  NetworkOptions network_;
  Timeline timeline_;
  Dice dice_;
  std::unique_ptr<Paths> paths_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<NodeId, std::size_t> index_;
  GossipFigures figures_;
  bool watching_ = false;
  std::optional<std::size_t> dead_;
  Instant died_{};
};

}  // namespace crossfloor::simulator
