// Many nodes in one thread, under invented time, network, disks and people.
//
// The nodes are the very class that crossfloord runs (node/core/node_core.h); only sockets, disks,
// clocks and people are made up here, all of it from one seed. First everything goes wrong that the
// options ask for; then the world heals, and all must come to its end.
#pragma once

#include "tools/simulator/agents.h"
#include "tools/simulator/customers.h"
#include "tools/simulator/keyed_crypto.h"
#include "tools/simulator/malice.h"
#include "tools/simulator/misfortune.h"
#include "tools/simulator/providers.h"

namespace crossfloor::simulator {

class World {
 public:
  explicit World(const Options& options);
  ~World();

  // Sees what happens while it happens: after a call to one node's core, and each virtual second.
  class Watcher {
   public:
    virtual ~Watcher() = default;
    virtual void called(const World&, const Node&) {}
    virtual void each_second(const World&) {}
    // Nobody wants to see more: the run ends early.
    virtual bool seen_enough() const { return false; }
  };
  void watch(Watcher& watcher) { watcher_ = &watcher; }
  void run();

  const Options& options() const { return options_; }
  const Nodes& nodes() const { return nodes_; }
  Nodes& nodes() { return nodes_; }
  const Facts& facts() const { return stage_.facts; }
  const Crypto& crypto() const { return *crypto_; }
  const Customers& customers() const { return customers_; }
  const Paths& paths() const { return paths_; }
  Trace& trace() { return trace_; }
  const Trace& trace() const { return trace_; }
  Instant now() const { return timeline_.now(); }
  Duration passed() const { return timeline_.now() - Instant{Duration{1'000}}; }
  Duration whole_length() const { return options_.shape.length + options_.shape.heal; }
  bool healing() const { return stage_.healing; }
  std::uint64_t steps() const { return timeline_.steps(); }

  // A planted fault: sees what a node wants done before it is done; false: it is not done.
  std::function<bool(Node&, Effect&)> meddle;
  // Planted faults, too: something that happens at a time, as if nodes or disks did it; a call to a
  // node's core; and an effect that no core asked for.
  void plan(Duration after, std::function<void()> what) { timeline_.after(after, std::move(what)); }
  void call(std::size_t node, Duration after, Nodes::Work work) {
    nodes_.call(node, after, std::move(work));
  }
  void carry_out(Node& node, Effect& effect);
  // As if agents had taken a conversation where nobody offered it to them.
  void pretend_taken(const Taken& taken) { stage_.facts.taken.push_back(taken); }
  void restart(std::size_t node) { misfortune_.crash(node, false, Duration{1'000}); }

 private:
  void make_mesh();
  void start(std::size_t node);
  void copy(std::size_t node);
  // Of what concerns the links of an address, both processes hear.
  void tell_links(std::size_t from, const Nodes::Work& what);
  void deliver(Node& from, SendMessage& message);
  void tell_message(const Node& from, const Node& to, const PeerMessage& message);
  void each_second();

  Options options_;
  std::unique_ptr<KeyedCrypto> keyed_;
  std::unique_ptr<Crypto> sodium_;
  const Crypto* crypto_;
  Timeline timeline_;
  Trace trace_;
  Paths paths_;
  Nodes nodes_;
  Stage stage_;
  NodeId authority_;
  std::vector<Bytes> documents_;
  std::map<NodeId, std::size_t> index_;
  // Made after the nodes are there.
  struct Made {
    Made(World& world);
  };
  Made made_;
  Links links_;
  Customers customers_;
  Agents agents_;
  Providers providers_;
  Malice malice_;
  Misfortune misfortune_;
  Watcher* watcher_ = nullptr;
  std::uint64_t frames_ = 0;
  std::vector<std::uint32_t> said_;  // frames in this second, of each to each
};

}  // namespace crossfloor::simulator
