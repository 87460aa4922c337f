// At most one valid assignee per conversation and epoch. Without a cut, a death or a standstill no
// conversation ever has a second home or is handled twice; with them, every double handling is
// found and counted after healing.
#include "tools/simulator/checker.h"

namespace crossfloor::simulator {
namespace {

class OneAssignee final : public Checker {
 public:
  const char* promise() const override { return "one assignee"; }

  void called(const World& world, const Node& node) override {
    if (++calls_ % 16 == 0) look(world, node);
  }
  void each_second(const World& world) override {
    for (const auto& node : world.nodes().all()) {
      if (node->up) look(world, *node);
    }
  }

  void at_end(const World& world) override {
    for (const auto& node : world.nodes().all()) {
      if (!node->up) continue;
      (void)node->core->scribe()
          .glance()
          .scan("C", "D",
                [&](ByteView, ByteView value) {
                  auto row = decode_row<Conversation>(value);
                  if (row.ok()) check(world, *node, row.value());
                  return true;
                })
          .ok();
    }
  }

 private:
  // Who has an epoch is remembered for ever: a second one at another time is as wrong.
  void look(const World& world, const Node& node) {
    for (const auto& agent : node.core->desk().floor().snapshot()) {
      for (const auto& slot : agent.slots) {
        if (slot.state == SlotState::held) continue;
        const Work* work = node.core->desk().floor().work_of(slot.conversation);
        if (work == nullptr) continue;
        const auto [at, fresh] = holders_.try_emplace({slot.conversation, work->epoch}, agent.name);
        if (fresh || at->second == agent.name) continue;
        breaks(world,
               slot.conversation.hex() + " is with " + agent.name + " and " + at->second +
                   " in one epoch",
               slot.conversation.hex());
      }
    }
  }

  void check(const World& world, const Node& node, const Conversation& c) {
    if (!world.facts().ever_apart && c.homes.size() > 1) {
      breaks(world, c.id.hex() + " was taken over although nothing ever failed", c.id.hex());
    }
    // Beside the home's course, or unknown to the home that answered after it.
    std::uint32_t beside = 0;
    for (const auto& reply : c.replies) {
      if ((!reply.counts || reply.beside) && reply.attempts > 0) ++beside;
    }
    if (beside != c.handled_twice) {
      breaks(world,
             c.id.hex() + " was answered " + std::to_string(beside) +
                 " times beside another answer, and " + node.site + " counts " +
                 std::to_string(c.handled_twice),
             c.id.hex());
    }
    if (!world.facts().ever_apart && c.handled_twice > 0) {
      breaks(world, c.id.hex() + " was handled twice although nothing ever failed", c.id.hex());
    }
  }

  std::uint64_t calls_ = 0;
  std::map<std::pair<ConversationId, Epoch>, std::string> holders_;
};

}  // namespace

std::unique_ptr<Checker> one_assignee() {
  return std::make_unique<OneAssignee>();
}

}  // namespace crossfloor::simulator
