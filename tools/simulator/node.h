// One simulated machine with its process: the very NodeCore that crossfloord runs, its disk, its
// clocks, and the little that node/shell/core_driver.h does around the core, under invented time.
#pragma once

#include <memory>
#include <optional>
#include <set>

#include "node/core/waker.h"
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
  std::size_t wires = 0;  // whose address and links it has: its own, but for a copy
  std::string site;
  Region region;
  SigningKey key;
  NodeId id;
  NodeSettings settings;
  MachineClock clock;

  // The machine.
  std::unique_ptr<MemoryStore> disk;    // what is synced
  std::unique_ptr<MemoryStore> backup;  // an older copy
  std::set<Bytes> damaged;              // keys of it that cannot be read any more
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
  std::unique_ptr<Waker> waker;
  std::optional<Instant> wakes_at;  // in world time; the one tick that is planned
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
  Node& operator[](std::size_t index) { return index < size() ? *nodes_[index] : copy_; }
  const Node& operator[](std::size_t index) const {
    return index < size() ? *nodes_[index] : copy_;
  }
  const std::vector<std::unique_ptr<Node>>& all() const { return nodes_; }

  // The disks of one world keep what they all hold once.
  std::unique_ptr<MemoryStore> empty_disk() const { return std::make_unique<MemoryStore>(pool_); }
  // Starts a process on what the disk has. False: it could not open its store, and ended.
  bool start(std::size_t index, NodeId authority, const std::vector<Bytes>& documents);
  // A machine is copied while it runs: the copy goes on with what is on the disk, under the same
  // key and generation, behind the same address. One at a time; it is at [size()].
  bool start_copy(std::size_t original, NodeId authority, const std::vector<Bytes>& documents);
  bool is_copied(std::size_t index) const { return copy_.up && copy_.wires == index; }
  bool is_copy(const Node& node) const { return &node == &copy_; }
  // Which of the two gets what is sent to their address.
  void turn_address() { copy_in_front_ = !copy_in_front_; }
  std::size_t front(std::size_t index) const {
    return copy_in_front_ && is_copied(index) ? size() : index;
  }
  // Kills it. A commit that was under way may have reached the disk.
  void kill(std::size_t index, double mid_batch);
  void pause(std::size_t index, Duration length);
  // From now on no disk is slower than one usually is.
  void heal() { healed_ = true; }

  // For this life of the process: dropped if it ended meanwhile, late if it stands still.
  void call(std::size_t index, Duration delay, Work work);
  // At once, or as soon as it stands no longer still; only from events of the timeline that are not
  // themselves inside a call.
  void reach(std::size_t index, Work work);

  Instant world() const { return timeline_.now(); }
  Timeline& timeline() { return timeline_; }
  const Crypto& crypto() const { return crypto_; }

 private:
  bool boot(Node& node, Generation generation, NodeId authority,
            const std::vector<Bytes>& documents);
  bool make_rows_anew(Node& node);
  std::optional<Error> no_room(const Node& node) const;
  void call_now(Node& node, const Work& work);
  void pump(Node& node);
  void wake(Node& node);
  void plan_wake(std::size_t index, Instant planned, Instant when);
  void commit(Node& node);
  void fail(Node& node);

  Timeline& timeline_;
  Trace& trace_;
  const Crypto& crypto_;
  const NodeOptions& options_;
  Dice dice_;
  Owner owner_;
  std::shared_ptr<PiecePool> pool_ = std::make_shared<PiecePool>();
  std::vector<std::unique_ptr<Node>> nodes_;
  Node copy_;
  bool copy_in_front_ = false;
  bool healed_ = false;
};

}  // namespace crossfloor::simulator
