// A promise of the mesh, and who watches over it. Each has a file of its own in checkers/, named
// after its promise; tests/simulator shows each to fail by a planted fault.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/simulator/world.h"

namespace crossfloor::simulator {

struct Broken {
  std::string promise;
  std::string what;
  std::string about;  // a name to look for in the trace: an id, an external id, a site
  Duration at{0};     // since the run began
};

class Checker {
 public:
  virtual ~Checker() = default;
  virtual const char* promise() const = 0;
  // Safety, at all times: after each call to a node's core, and each virtual second.
  virtual void called(const World&, const Node&) {}
  virtual void each_second(const World&) {}
  // Liveness, when the world has healed.
  virtual void at_end(const World&) {}

  const std::vector<Broken>& broken() const { return broken_; }

 protected:
  void breaks(const World& world, std::string what, std::string about = {});

 private:
  std::vector<Broken> broken_;
};

// Most calls to a core write nothing: who judges what is written asks here first.
class Writing {
 public:
  // Whether this node wrote anything since it was asked about for the last time.
  bool anything_new(const Node& node) {
    if (node.index >= known_.size()) known_.resize(node.index + 1);
    const auto now = std::make_pair(node.life, node.core->scribe().last_write());
    return std::exchange(known_[node.index], now) != now;
  }

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> known_;
};

// Looking at a whole floor costs far more than most calls change of it: so it is done after every
// sixteenth call, in large worlds more seldom, and each second.
inline std::uint64_t calls_between_looks(const World& world) {
  return std::max<std::uint64_t>(16, 2 * world.nodes().size());
}

std::unique_ptr<Checker> nothing_acknowledged_is_lost();
std::unique_ptr<Checker> chains_verify();
std::unique_ptr<Checker> equal_vectors_mean_equal_rows();
std::unique_ptr<Checker> one_assignee();
std::unique_ptr<Checker> no_agent_is_overloaded();
std::unique_ptr<Checker> every_reply_ends_once();
std::unique_ptr<Checker> nobody_waits_for_ever();
std::unique_ptr<Checker> age_never_resets();
std::unique_ptr<Checker> members_agree();
std::unique_ptr<Checker> regions_keep_their_data();
std::unique_ptr<Checker> nothing_grows_without_limit();
std::vector<std::unique_ptr<Checker>> all_checkers();

// All of them, watching one world.
class Judge final : public World::Watcher {
 public:
  Judge();
  explicit Judge(std::vector<std::unique_ptr<Checker>> checkers);

  void called(const World& world, const Node& node) override;
  void each_second(const World& world) override;
  // What broke while it ran ends the run: the trace that matters is the shorter.
  bool seen_enough() const override;
  // After the run; nothing if it ended early.
  void at_end(const World& world);
  std::vector<Broken> broken() const;
  bool breaks(const std::string& promise) const;

 private:
  std::vector<std::unique_ptr<Checker>> checkers_;
};

}  // namespace crossfloor::simulator
