// One simulated machine with its process: the very NodeCore that crossfloord runs, its disk, its
// clocks, and the little that node/shell/core_driver.h does around the core, under invented time.
#pragma once

#include <memory>
#include <optional>

#include "node/core/node_core.h"
#include "storage/faulty_store.h"
#include "storage/memory_store.h"
#include "tools/simulator/dice.h"
#include "tools/simulator/options.h"
#include "tools/simulator/timeline.h"
#include "tools/simulator/trace.h"

namespace crossfloor::simulator {

// A wall time to begin with; which one does not matter, only that it is the same in every run.
inline constexpr std::int64_t first_wall_ms = 1'700'000'000'000;

// What the clocks of one machine show.
struct MachineClock {
  std::int64_t drift_ppm = 0;  // of steady time: fast if positive
  Duration wall_offset{0};

  Now at(Instant world) const;
  // When, in the world's time, the machine's steady clock shows `steady`; not earlier.
  Instant world_time(Instant steady) const;
};

struct Node {
  // Given when the mesh is made.
  std::size_t index = 0;
  std::string site;
  Region region;
  SigningKey key;
  NodeId id;
  NodeSettings settings;
  MachineClock clock;

  // The machine.
  std::unique_ptr<MemoryStore> disk = std::make_unique<MemoryStore>();  // what is synced
  std::unique_ptr<MemoryStore> backup;                                  // an older copy
  Instant slow_disk_until{};
  Instant full_until{};  // no room; it only serves what it has (NodeCore::Parts::read_only)
  Instant paused_until{};

  // The process; nothing of it outlives a crash.
  bool up = false;
  std::uint64_t life = 0;  // rises with each start and end: what was under way for an older one is
                           // gone
  std::unique_ptr<FaultyStore> store;
  std::unique_ptr<SeededRandom> random;
  std::unique_ptr<Roster> roster;
  std::unique_ptr<NodeCore> core;
  std::shared_ptr<NodeCore::NextBatch> committing;
  std::optional<Instant> wakes_at;   // in world time; the one tick that is planned
  Instant due{};                     // in steady time; when it should wake
  std::optional<Duration> standing;  // a standstill was seen; standstill() follows
  bool stopping = false;

  // How often it was started, and with which generations: none may come twice.
  std::vector<Generation> generations;

  Now now(Instant world) const { return clock.at(world); }
};

// Drives the processes. What they want done goes to the owner.
class Nodes {
 public:
  struct Owner {
    std::function<void(Node&, Effect&)> carry_out;
    std::function<void(Node&, std::uint64_t number)> committed;
    // The process gave up on its store; it has ended.
    std::function<void(Node&)> failed;
    // A call to the core is over; for checkers that watch.
    std::function<void(Node&)> called;
  };
  using Work = std::function<void(Node&)>;

  Nodes(Timeline& timeline, Trace& trace, const Crypto& crypto, const NodeOptions& options,
        std::uint64_t seed, Owner owner);

  Node& add(std::unique_ptr<Node> node);
  std::size_t size() const { return nodes_.size(); }
  Node& operator[](std::size_t index) { return *nodes_[index]; }
  const Node& operator[](std::size_t index) const { return *nodes_[index]; }
  const std::vector<std::unique_ptr<Node>>& all() const { return nodes_; }

  // Starts a process on what the disk has. False: it could not open its store, and ended.
  bool start(std::size_t index, NodeId authority, const std::vector<Bytes>& documents);
  // Kills it. A commit that was under way may have reached the disk.
  void kill(std::size_t index, double mid_batch);
  void pause(std::size_t index, Duration length);

  // For this life of the process: dropped if it ended meanwhile, late if it stands still.
  void call(std::size_t index, Duration delay, Work work);
  // At once, or as soon as it stands no longer still; only from events of the timeline that are not
  // themselves inside a call.
  void reach(std::size_t index, Work work);

  Instant world() const { return timeline_.now(); }
  Timeline& timeline() { return timeline_; }

 private:
  std::optional<Error> no_room(const Node& node) const;
  void call_now(Node& node, const Work& work);
  void look_at_clock(Node& node);
  void pump(Node& node);
  void wake(Node& node);
  void commit(Node& node);
  void fail(Node& node);

  Timeline& timeline_;
  Trace& trace_;
  const Crypto& crypto_;
  const NodeOptions& options_;
  Dice dice_;
  Owner owner_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace crossfloor::simulator
