#include "node/desk/floor_agent.h"

#include <algorithm>

namespace crossfloor {

const ChannelDuty* FloorAgent::channel(ChannelKind kind) const {
  return duty_for(record.channels, kind);
}

std::uint32_t FloorAgent::free(ChannelKind kind) const {
  const auto* duty = channel(kind);
  if (!duty || used[kind_index(kind)] >= duty->maximum || units >= record.total_units) return 0;
  return std::min(duty->maximum - used[kind_index(kind)],
                  (record.total_units - units) / duty->units());
}

std::uint32_t FloorAgent::cost(ChannelKind kind) const {
  const auto* duty = channel(kind);
  return duty ? duty->units() : default_cost(kind);
}

}  // namespace crossfloor
