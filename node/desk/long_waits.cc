#include "node/desk/long_waits.h"

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
}

double LongWaits::doubt(const NodeId& home, const NodeId& here, ChannelKind kind, double by) const {
  const auto there = means_.find({home, kind});
  const auto own = means_.find({here, kind});
  if (there == means_.end() || own == means_.end() || own->second.ms <= 0) return 1;
  return std::clamp(1 - (there->second.ms / own->second.ms - 1) / by, 0.0, 1.0);
}

}  // namespace crossfloor
