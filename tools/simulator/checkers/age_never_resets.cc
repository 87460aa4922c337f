// The age of a customer's unanswered message never starts anew, whatever happens to its
// conversation; and after three changes of site it goes to nobody but home's agents, as long as one
// of them is on duty. (That one conversation's messages are in the same order everywhere follows
// from equal rows.)
#include "tools/simulator/checker.h"

namespace crossfloor::simulator {
namespace {

constexpr std::uint32_t most_site_changes = 3;

class AgeNeverResets final : public Checker {
 public:
  const char* promise() const override { return "age never resets"; }

  void each_second(const World& world) override {
    for (const auto& node : world.nodes().all()) {
      if (!node->up) continue;
      for (const auto& [id, c] : node->core->home().conversations()) {
        if (c.home() != node->id) continue;
        for (const auto& one : c.unanswered) look(world, *node, c, one);
        // An offer made at the third change or later raised the count over three.
        if (on_duty(world) && c.state == CourseState::ringing && c.agent_node != node->id &&
            c.site_changes > most_site_changes) {
          breaks(world,
                 id.hex() + " rings at " + c.agent + " after " + std::to_string(c.site_changes) +
                     " changes of site",
                 id.hex());
        }
      }
    }
  }

 private:
  // Rule 17 lets a conversation go anywhere if home has no fitting agent on duty.
  static bool on_duty(const World& world) {
    const PeopleOptions& people = world.options().people;
    return !world.facts().ever_apart && people.vanish_every == Duration{0} &&
           people.log_outs_every == Duration{0};
  }

  // Two hosts' clocks may differ, and a copy that comes later may count as the earlier one.
  static std::int64_t clocks_differ(const World& world) {
    const NodeOptions& node = world.options().node;
    return (node.clock_offset * 2 +
            (node.jumps_every > Duration{0} ? node.jump_max * 2 : Duration{0}))
        .count();
  }

  void look(const World& world, const Node& node, const Conversation& c, const Unanswered& one) {
    // Another node may hold an earlier copy that has not come here yet: only its own view counts.
    const auto [at, fresh] =
        since_.try_emplace(std::make_pair(node.index, one.message), one.since_ms);
    if (!fresh && one.since_ms > at->second + clocks_differ(world)) {
      breaks(world,
             c.id.hex() + " waits since " + std::to_string(at->second) + " and now since " +
                 std::to_string(one.since_ms),
             c.id.hex());
    }
    at->second = std::min(at->second, one.since_ms);
  }

  std::map<std::pair<std::size_t, MessageId>, std::int64_t> since_;
};

}  // namespace

std::unique_ptr<Checker> age_never_resets() {
  return std::make_unique<AgeNeverResets>();
}

}  // namespace crossfloor::simulator
