// After healing all live nodes see each other alive, within a bound that the profile states; and
// where nothing was ever lost nobody is called dead who lives.
#include "tools/simulator/checker.h"

namespace crossfloor::simulator {
namespace {

// From the end of all bad luck: the last process is back within 2 s; a link is dialled every
// second and takes two round trips; a lost member is tried every 4 s (LAN) or 8 s (WAN) at most;
// and a suspicion that was under way is refuted within one patience.
Duration bound_of(const World& world) {
  const bool wan = world.nodes()[0].settings.wan;
  return wan ? Duration{60'000} : Duration{20'000};
}

class MembersAgree final : public Checker {
 public:
  const char* promise() const override { return "members agree"; }

  void each_second(const World& world) override {
    if (!world.healing()) {
      if (quiet(world) && world.passed() > Duration{10'000}) check(world, "without any bad luck");
      return;
    }
    if (!healed_at_) healed_at_ = world.now();
    if (world.now() < *healed_at_ + bound_of(world) || checked_) return;
    checked_ = true;
    check(world, "although the world healed " + duration_text(bound_of(world)) + " ago");
  }
  void at_end(const World& world) override { check(world, "at the end"); }

 private:
  static bool quiet(const World& world) {
    return !world.facts().ever_apart && world.options().network.loss == 0;
  }

  void check(const World& world, const std::string& when) {
    for (const auto& node : world.nodes().all()) {
      if (!node->up) {
        breaks(world, node->site + " is down " + when, node->site);
        continue;
      }
      for (const auto& other : world.nodes().all()) {
        if (other == node || !other->up) continue;
        const auto state = node->core->mesh().membership().state(other->id);
        if (state == MemberState::alive) continue;
        if (state == MemberState::suspect && world.passed() < world.whole_length()) continue;
        breaks(world,
               other->site + " is " + (state ? word_of(*state) : "unknown") + " for " + node->site +
                   " " + when,
               other->site);
      }
    }
  }

  std::optional<Instant> healed_at_;
  bool checked_ = false;
};

}  // namespace

std::unique_ptr<Checker> members_agree() {
  return std::make_unique<MembersAgree>();
}

}  // namespace crossfloor::simulator
