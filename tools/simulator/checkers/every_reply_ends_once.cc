// No reply is sent twice to a provider that answered, none with an old epoch, none again after an
// unknown outcome where repeats are not known; every reply ends in an outcome, or is shown as
// unknown where only a person can decide.
#include "tools/simulator/checker.h"

namespace crossfloor::simulator {
namespace {

class EveryReplyEndsOnce final : public Checker {
 public:
  const char* promise() const override { return "every reply ends once"; }

  // What the providers themselves saw (tools/simulator/providers.cc).
  void each_second(const World& world) override {
    for (; seen_ < world.facts().broken.size(); ++seen_) {
      breaks(world, world.facts().broken[seen_]);
    }
  }

  void at_end(const World& world) override {
    each_second(world);
    const bool persons = !world.options().provider.repeatable;
    for (const auto& node : world.nodes().all()) {
      if (!node->up) continue;
      for (const auto& row : node->core->sender().rows()) {
        if (row.state == DispatchState::refused) continue;
        if (persons && row.state == DispatchState::needs_person) continue;
        if (persons && row.behind) continue;  // held back by one that waits for a person
        breaks(world,
               row.reply.id.hex() + " at " + node->site + " is still " +
                   names_of(row.state)[static_cast<std::size_t>(row.state)] +
                   (row.reason.empty() ? "" : ": " + row.reason),
               row.reply.conversation.hex());
      }
      for (const auto& [id, c] : node->core->home().conversations()) {
        for (const auto& reply : c.replies) {
          if (!reply.open() || !reply.sender.is_zero()) continue;
          breaks(world, reply.reply.hex() + " of " + id.hex() + " has no sender", id.hex());
        }
      }
    }
  }

 private:
  std::size_t seen_ = 0;
};

}  // namespace

std::unique_ptr<Checker> every_reply_ends_once() {
  return std::make_unique<EveryReplyEndsOnce>();
}

}  // namespace crossfloor::simulator
