// After healing, with agents present who accept, every customer's message is answered; no
// conversation is with an agent who knows nothing of it; no webhook is without its receipt.
#include "tools/simulator/checker.h"

namespace crossfloor::simulator {
namespace {

class NobodyWaitsForEver final : public Checker {
 public:
  const char* promise() const override { return "nobody waits for ever"; }

  void at_end(const World& world) override {
    std::map<NodeId, const Node*> by_id;
    for (const auto& node : world.nodes().all()) by_id[node->id] = node.get();
    for (const auto& node : world.nodes().all()) {
      if (!node->up) {
        breaks(world, node->site + " is down", node->site);
        continue;
      }
      for (const auto& [id, c] : node->core->home().conversations()) {
        if (!c.unanswered.empty()) unanswered(world, *node, c);
        if (c.home() == node->id) orphaned(world, c, by_id);
      }
      if (const auto count = node->core->home().unplaced(); count > 0) {
        breaks(world, std::to_string(count) + " messages have no conversation at " + node->site,
               node->site);
      }
      if (const auto waiting = node->core->commands().waiting(); !waiting.empty()) {
        const auto& command = waiting.front().command;
        breaks(world,
               std::to_string(waiting.size()) + " commands wait at " + node->site + ", first " +
                   word_of(command.verb) + " of " + command.conversation.hex(),
               command.conversation.hex());
      }
    }
    if (world.customers().waiting() > 0) {
      breaks(world, std::to_string(world.customers().waiting()) + " webhooks have no receipt");
    }
  }

 private:
  void unanswered(const World& world, const Node& node, const Conversation& c) {
    breaks(world,
           c.id.hex() + " is " + word_of(c.state) + " (" + c.reason + ") with " +
               std::to_string(c.unanswered.size()) + " unanswered, agent " + c.agent + ", home " +
               c.home().hex().substr(0, 12) + ", as " + node.site + " sees it",
           c.id.hex());
  }

  // The floor of the agent's node, which alone knows the slots, must know of it.
  void orphaned(const World& world, const Conversation& c,
                const std::map<NodeId, const Node*>& by_id) {
    if (c.state != CourseState::active && c.state != CourseState::ringing) return;
    const auto at = by_id.find(c.agent_node);
    if (at == by_id.end() || !at->second->up) return;
    if (at->second->core->desk().floor().work_of(c.id) != nullptr) return;
    breaks(world,
           c.id.hex() + " is " + word_of(c.state) + " with " + c.agent +
               ", and the floor there does not know of it",
           c.id.hex());
  }
};

}  // namespace

std::unique_ptr<Checker> nobody_waits_for_ever() {
  return std::make_unique<NobodyWaitsForEver>();
}

}  // namespace crossfloor::simulator
