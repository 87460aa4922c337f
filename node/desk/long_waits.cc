#include "node/desk/long_waits.h"

#include <cmath>

namespace crossfloor {

void LongWaits::look(const Heads& heads, std::int64_t looks) {
  looks = std::max<std::int64_t>(looks, 1);
  ++look_;
  for (const auto& [node_and_kind, oldest] : heads) {
    auto& mean = means_[node_and_kind];
    mean.looks = std::min(mean.looks + 1, looks);
    mean.last = look_;
    mean.ms += (static_cast<double>(oldest.count()) - mean.ms) / static_cast<double>(mean.looks);
  }
  std::erase_if(means_, [&](const auto& each) { return each.second.last + looks < look_; });
  // What is known at the first look may still be from before it fell silent.
  std::erase_if(back_, [&](const auto& each) {
    return look_ > each.second + 1 && !waits_longer(each.first, heads);
  });
}

// By a quarter, of any kind that is worked on here, too.
bool LongWaits::waits_longer(const NodeId& node, const Heads& heads) const {
  auto at = heads.lower_bound({node, ChannelKind{}});
  for (; at != heads.end() && at->first.first == node; ++at) {
    const auto own = heads.find({here_, at->first.second});
    if (own != heads.end() && at->second * 4 > own->second * 5) return true;
  }
  return false;
}

double LongWaits::longer(const NodeId& home, ChannelKind kind) const {
  if (back_.contains(home)) return INFINITY;
  const auto there = means_.find({home, kind});
  const auto own = means_.find({here_, kind});
  if (there == means_.end() || own == means_.end() || own->second.ms <= 0) return 0;
  return there->second.ms / own->second.ms - 1;
}

Duration LongWaits::oldest(ChannelKind kind) const {
  const auto own = means_.find({here_, kind});
  return Duration{own == means_.end() ? 0 : static_cast<std::int64_t>(own->second.ms)};
}

}  // namespace crossfloor
