// Membership alone on simulated wires: how soon a death is seen, and how often the living are
// called dead, for meshes of up to a thousand nodes. For the table in docs/gossip.md.
#pragma once

#include <memory>
#include <set>

#include "protocol/membership.h"
#include "tools/simulator/dice.h"
#include "tools/simulator/gossip_calendar.h"
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
  // Of healthy nodes, at healthy nodes: how often one was dead to somebody after it had been so to
  // nobody, and how many came to believe it, all in all.
  int false_deaths = 0;
  int believers = 0;
  int deaths_at_slow = 0;    // of healthy nodes, counted at each slow node that believed it
  int deaths_of_slow = 0;    // of slow nodes, counted at each node that believed it
  int false_suspicions = 0;  // of healthy nodes, counted at each healthy one
  double messages = 0;       // sent by each node each second while it was watched
  double bytes = 0;
  bool whole = false;  // all knew all when the watch began
  Duration lasted{0};  // virtual time, from the first word to the last
};

class GossipWorld {
 public:
  explicit GossipWorld(const GossipOptions& options);
  ~GossipWorld();
  GossipFigures run();

 private:
  struct Node;
  struct Letter {
    std::uint32_t from = 0;
    MembershipMessage message;
  };

  void happen(const GossipEvent& event);
  void tick(std::uint32_t node);
  void read(std::uint32_t node, const Letter& letter);
  void after_call(std::uint32_t node);  // sends what it said, and plans its next tick
  void send(std::uint32_t from, std::uint32_t to, MembershipMessage message);
  void plan_wake(std::uint32_t node);
  void go_on(std::uint32_t node);
  void heard(std::uint32_t observer, const MemberEvent& event);
  void count_false_death(std::uint32_t subject, std::uint32_t observer);
  void run_for(Duration span);
  bool all_see(MemberState state, std::uint32_t of) const;
  bool whole() const;
  Now now() const;

  GossipOptions options_;
  NetworkOptions network_;
  Timeline still_;  // for the Paths, which are asked for delays only
  Paths paths_;
  GossipCalendar calendar_;
  Dice dice_;
  std::vector<Node> nodes_;
  std::vector<NodeId> ids_;
  // What is under way, and the places in it that are free.
  std::vector<Letter> letters_;
  std::vector<std::uint32_t> free_letters_;
  MembershipOutbox out_;  // of the call that runs
  GossipFigures figures_;
  bool watching_ = false;
  std::set<std::pair<std::uint32_t, std::uint32_t>> wrong_;  // who lives and is dead to whom
  std::uint64_t watched_messages_ = 0;
  std::optional<std::uint32_t> dead_;
  Instant died_{};
};

}  // namespace crossfloor::simulator
