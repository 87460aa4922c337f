// The age of a customer's unanswered message never starts anew, whatever happens to its
// conversation; and after three changes of site in one case it goes to nobody but home's agents, as
// long as one of them is on duty. (That one conversation's messages are in the same order
// everywhere follows from equal rows.)
#include "tools/simulator/checker.h"

namespace crossfloor::simulator {
namespace {

constexpr std::uint32_t most_site_changes = 3;

class AgeNeverResets final : public Checker {
 public:
  const char* promise() const override { return "age never resets"; }

  void each_second(const World& world) override {
    for (; acknowledged_ < world.facts().acknowledged.size(); ++acknowledged_) {
      const Acknowledged& one = world.facts().acknowledged[acknowledged_];
      durable_.emplace(one.node, one.receipt.message);
    }
    for (; taken_ < world.facts().taken.size(); ++taken_) count(world, world.facts().taken[taken_]);
    for (const auto& node : world.nodes().all()) {
      if (!node->up) continue;
      for (const auto& id : node->core->home().own()) {
        const Conversation& c = node->core->home().conversations().at(id);
        for (const auto& one : c.unanswered) look(world, *node, c, one);
      }
    }
  }

 private:
  // By what the agents themselves did, in one case. Rule 17 lets a conversation go anywhere if home
  // has no fitting agent on duty; and in a cut two homes may each count for themselves.
  void count(const World& world, const Taken& taken) {
    if (taken.done) {
      moves_.erase(taken.conversation);
      return;
    }
    const auto [at, first] = moves_.try_emplace(taken.conversation, Moves{taken.home, 0});
    Moves& moves = at->second;
    if (taken.node == moves.site) return;
    moves.site = taken.node;
    if (++moves.count <= most_site_changes || taken.node == taken.home || !taken.home_could ||
        world.facts().ever_apart) {
      return;
    }
    breaks(world,
           taken.conversation.hex() + " changed its site for the " + std::to_string(moves.count) +
               "th time, to " + world.nodes()[taken.node].site + ", and home had an agent for it",
           taken.conversation.hex());
  }

  // Two hosts' clocks may differ, and a copy that comes later may count as the earlier one.
  static std::int64_t clocks_differ(const World& world) {
    const NodeOptions& node = world.options().node;
    return (node.clock_offset * 2 +
            (node.jumps_every > Duration{0} ? node.jump_max * 2 : Duration{0}))
        .count();
  }

  // What is compared is one node's own view. With its disk it loses an earlier copy that nobody had
  // acknowledged; and a member that lies about times may make a message older for a while.
  static bool may_know_less(const World& world, const Node& node) {
    return world.facts().lost_disks.contains(node.index) ||
           world.options().malice.wild_entries_every > Duration{0};
  }

  void look(const World& world, const Node& node, const Conversation& c, const Unanswered& one) {
    if (may_know_less(world, node)) return;
    // Another node may hold an earlier copy that has not come here yet: only its own view counts.
    const auto key = std::make_pair(node.index, one.message);
    const bool durable = durable_.contains(key);
    const auto [at, fresh] = since_.try_emplace(key, Seen{one.since_ms, node.life, durable});
    Seen& seen = at->second;
    // What an earlier life had not acknowledged may never have been on its disk.
    if (seen.life != node.life && !seen.durable) seen.since_ms = one.since_ms;
    if (one.since_ms > seen.since_ms + clocks_differ(world)) {
      breaks(world,
             c.id.hex() + " waits since " + std::to_string(seen.since_ms) + " and now since " +
                 std::to_string(one.since_ms),
             c.id.hex());
    }
    seen = {std::min(seen.since_ms, one.since_ms), node.life, durable};
  }

  struct Moves {
    std::size_t site = 0;
    std::uint32_t count = 0;
  };
  struct Seen {
    std::int64_t since_ms = 0;
    std::uint64_t life = 0;  // of the node that was seen
    bool durable = false;    // it had acknowledged the message
  };
  std::map<std::pair<std::size_t, MessageId>, Seen> since_;
  std::set<std::pair<std::size_t, MessageId>> durable_;
  std::size_t acknowledged_ = 0;
  std::map<ConversationId, Moves> moves_;
  std::size_t taken_ = 0;
};

}  // namespace

std::unique_ptr<Checker> age_never_resets() {
  return std::make_unique<AgeNeverResets>();
}

}  // namespace crossfloor::simulator
