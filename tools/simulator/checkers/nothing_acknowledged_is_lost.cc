// Each receipt is honoured as far as it promised: after healing each acknowledged message is on
// every live node of its region, once, in a conversation that was opened. A `site` receipt may be
// lost only with that one disk. The same for what agents were told is done. Judged by what is on
// the disk, not by what the node remembers of it.
#include "tools/simulator/checker.h"

namespace crossfloor::simulator {
namespace {

class NothingAcknowledgedIsLost final : public Checker {
 public:
  const char* promise() const override { return "nothing acknowledged is lost"; }

  void at_end(const World& world) override {
    for (const auto& node : world.nodes().all()) {
      if (!node->up) continue;
      for (const auto& one : world.facts().acknowledged) {
        if (one.region == node->region) look_for(world, *node, one);
      }
      for (const auto& one : world.facts().told) {
        if (one.region == node->region) look_for(world, *node, one);
      }
    }
  }

 private:
  void look_for(const World& world, const Node& node, const Acknowledged& one) {
    const auto& lost = world.facts().lost_disks;
    if (!one.receipt.mesh && lost.count(one.node) == 1) return;
    auto row = rows::message(*node.disk, one.receipt.message);
    const std::string what = one.external_id + ", acknowledged by " + world.nodes()[one.node].site +
                             (one.receipt.mesh ? " (mesh)" : " (site)");
    if (!row.ok() || !row.value() || row.value()->copies.empty()) {
      breaks(world, what + ", is not at " + node.site, one.external_id);
    } else if (row.value()->placements.empty()) {
      breaks(world, what + ", has no conversation at " + node.site, one.external_id);
    } else if (!in_an_opened_one(node, *row.value())) {
      breaks(world, what + ", lies where nobody sees it at " + node.site,
             row.value()->placements.front().conversation.hex());
    } else if (row.value()->revisions() > 0) {
      breaks(world, what + ", has two texts at " + node.site, one.external_id);
    }
  }

  // What was never opened is in no line and no history.
  static bool in_an_opened_one(const Node& node, const MessageRow& row) {
    return std::any_of(row.placements.begin(), row.placements.end(), [&](const Placement& place) {
      const auto id = rows::canonical(*node.disk, place.conversation);
      if (!id.ok()) return false;
      const auto conversation = rows::conversation(*node.disk, id.value());
      return conversation.ok() && conversation.value() && conversation.value()->opened;
    });
  }

  void look_for(const World& world, const Node& node, const Told& one) {
    if (!world.options().shape.mesh_durability && !world.facts().lost_disks.empty()) return;
    auto row = rows::reply(*node.disk, one.reply);
    if (row.ok() && row.value()) return;
    breaks(world,
           "reply " + one.reply.hex() + ", done for an agent at " + world.nodes()[one.node].site +
               ", is not at " + node.site,
           one.conversation.hex());
  }
};

}  // namespace

std::unique_ptr<Checker> nothing_acknowledged_is_lost() {
  return std::make_unique<NothingAcknowledgedIsLost>();
}

}  // namespace crossfloor::simulator
