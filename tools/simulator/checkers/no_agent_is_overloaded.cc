// No agent ever has more than the record allows, by units and by channel, whatever is held, rings,
// is worked on or wrapped up.
#include "tools/simulator/checker.h"

namespace crossfloor::simulator {
namespace {

class NoAgentIsOverloaded final : public Checker {
 public:
  const char* promise() const override { return "no agent is overloaded"; }

  void called(const World& world, const Node& node) override {
    if (++calls_ % calls_between_looks(world) == 0) look(world, node);
  }
  void each_second(const World& world) override {
    for (const auto& node : world.nodes().all()) {
      if (node->up) look(world, *node);
    }
  }

 private:
  void look(const World& world, const Node& node) {
    for (const auto& [name, agent] : node.core->desk().floor().agents()) {
      if (agent.units > agent.record.total_units) {
        breaks(world,
               name + " has " + std::to_string(agent.units) + " units of " +
                   std::to_string(agent.record.total_units),
               name);
      }
      for (const auto& channel : agent.record.channels) {
        const auto used = agent.used[kind_index(channel.kind)];
        if (used <= channel.maximum) continue;
        breaks(world,
               name + " has " + std::to_string(used) + " of " + std::to_string(channel.maximum) +
                   " on " + word_of(channel.kind),
               name);
      }
    }
  }

  std::uint64_t calls_ = 0;
};

}  // namespace

std::unique_ptr<Checker> no_agent_is_overloaded() {
  return std::make_unique<NoAgentIsOverloaded>();
}

}  // namespace crossfloor::simulator
