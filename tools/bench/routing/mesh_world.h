// A mesh of real nodes' routing: Membership, LoadGossip, Floor, Router and LeaseLedger of each
// site, under invented time, between links that take their time, lose, and can be cut.
//
// Only what surrounds the desk in a node is played here, as leanly as it can be: decisions are
// durable after a while, commands of agents travel to home and back, agents accept at once and take
// as long as the workload says. No rule of routing is written here; the full node runs in
// tools/simulator and the same cells can be compared there.
#pragma once

#include <functional>
#include <memory>
#include <queue>
#include <set>

#include "node/desk/lease_ledger.h"
#include "node/desk/router.h"
#include "protocol/load_gossip.h"
#include "tools/bench/routing/outcome.h"

namespace crossfloor::bench {

class MeshWorld {
 public:
  MeshWorld(const Cell& cell, const Workload& workload, std::uint64_t seed,
            const RouterOptions& options = {});
  ~MeshWorld();

  // Until everybody who came was served or left.
  Outcome run();

 private:
  struct Node;
  enum class State { waiting, ringing, active, closed };
  struct Course {  // what home has written
    Epoch epoch;
    State state = State::waiting;
    NodeId lessee;
    Duration left{0};  // of the handling
    Duration taken_up{0};
    std::uint32_t site_changes = 0;
    int worker = -1;  // while it is active
    Duration takes{0};
  };
  struct Event {
    Duration at{0};
    std::uint64_t number = 0;
    std::function<void()> what;
    bool operator>(const Event& other) const {
      return std::pair(at, number) > std::pair(other.at, other.number);
    }
  };

  Now now() const;
  Node& node(const NodeId& id);
  Course& course(const ConversationId& id);
  void after(Duration delay, std::function<void()> what);
  bool linked(const Node& one, const Node& other) const;
  void on_duty();
  void tick(Node& node);

  // What a core wanted done.
  template <typename Deed>
  void act(Node& node, Deed deed);
  void handle(Node& node, DeskOutbox& out);
  void handle(Node& node, LeaseOutbox& out);
  void handle(Node& node, MembershipOutbox& out);
  void handle(Node& node, LoadOutbox& out);
  void count_offers(const RoutingMessage& message);
  void publish(Node& node);
  void set_timer(Node& node);

  void arrives(int number);
  void leaves(int number);
  void write(Node& home, Decision decision);
  void take_back(Node& home, const ConversationId& id, const Epoch& epoch);
  void ring(Node& lessee, const RingNotice& notice);
  void finish(Node& lessee, const ConversationId& id, const Epoch& epoch);
  void tell_home(Node& from, const ConversationId& id, std::function<void(Node& home)> what);
  void work_is_over(Node& there, const Work& work);
  void release(Node& there, const ConversationId& id, const Epoch& epoch);
  WaitingConversation waiting(int number) const;

  void measure(Node& node, const LoadRecord& own);
  void note_open();

  const Cell& cell_;
  const Workload& workload_;
  SeededRandom random_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Course> courses_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::set<std::pair<Instant, std::size_t>> timers_;
  Duration now_{0};
  std::uint64_t event_number_ = 0;
  std::uint64_t epochs_ = 0;
  std::size_t open_ = 0;      // came, and were not served yet
  std::vector<int> running_;  // by worker

  // By class: over all nodes, for the gaps.
  std::vector<std::uint64_t> waiting_;
  std::vector<std::uint64_t> free_;
  std::optional<Duration> gap_since_;
  std::set<Nonce> asked_last_;  // offers to one agent alone
  Outcome outcome_;
};

}  // namespace crossfloor::bench
