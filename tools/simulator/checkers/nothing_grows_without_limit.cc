// Queues stay within their stated limits, no frame is larger than its link allows, and no two nodes
// talk themselves into a flood. That an idle
// mesh's traffic does not grow with its nodes is a test of its own (tests/simulator).
#include "tools/simulator/checker.h"

namespace crossfloor::simulator {
namespace {

constexpr std::size_t most_commands = 10'000;  // Commands::Options::max_waiting
constexpr std::uint32_t most_frames = 2'000;   // to one peer in a second: a tenth of its limit

class NothingGrowsWithoutLimit final : public Checker {
 public:
  const char* promise() const override { return "nothing grows without limit"; }

  void each_second(const World& world) override {
    if (world.facts().frames_too_large > 0) {
      breaks(world, "a frame was larger than its link allows", "too large");
    }
    if (world.facts().most_frames > most_frames) {
      breaks(world,
             "one node said " + std::to_string(world.facts().most_frames) +
                 " frames to another within a second",
             "flood");
    }
    for (const auto& node : world.nodes().all()) {
      if (!node->up) continue;
      if (node->core->commands().waiting().size() > most_commands) {
        breaks(world, node->site + " lets too many commands wait", node->site);
      }
      // A receipt waits for a second disk or for the news that there is none; a channel gives up
      // long before.
      const std::size_t written = world.customers().written();
      if (node->core->intakes_waiting() > 3 * written + 100) {
        breaks(world, node->site + " keeps receipts of requests that are over", node->site);
      }
    }
  }

  void at_end(const World& world) override {
    each_second(world);
    for (const auto& node : world.nodes().all()) {
      if (node->up && node->core->intakes_waiting() > 0) {
        breaks(world,
               node->site + " still keeps " + std::to_string(node->core->intakes_waiting()) +
                   " receipts back",
               node->site);
      }
    }
  }
};

}  // namespace

std::unique_ptr<Checker> nothing_grows_without_limit() {
  return std::make_unique<NothingGrowsWithoutLimit>();
}

}  // namespace crossfloor::simulator
