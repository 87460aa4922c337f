#include "node/desk/own_load.h"

namespace crossfloor {

LoadRecord own_load(const Floor& floor, const Router& router, Now now) {
  LoadRecord record;
  for (std::size_t i = 0; i < channel_kinds; ++i) {
    const auto kind = static_cast<ChannelKind>(i);
    const auto agents = floor.on_duty(kind);
    if (agents > 0) record.on_duty.push_back({kind, agents});
  }
  for (const auto& service : router.classes(now)) {
    ClassLoad load;
    load.service = service;
    const auto free = router.is_open() ? floor.free_slots(service) : FreeSlots{};
    load.free_primary = free.primary;
    load.free_helper = free.helper;
    load.waiting = router.line().waiting(service);
    for (const auto age : router.line().oldest_ages(service, now.steady, max_oldest)) {
      load.oldest_ms.push_back(static_cast<std::uint32_t>(age.count()));
    }
    load.target_ms = static_cast<std::uint32_t>(router.line().target(service, now.steady).count());
    record.classes.push_back(std::move(load));
  }
  return record;
}

}  // namespace crossfloor
