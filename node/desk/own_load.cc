#include "node/desk/own_load.h"

#include <algorithm>

namespace crossfloor {
namespace {

std::uint32_t whole(double value) {
  return static_cast<std::uint32_t>(std::clamp(value, 0.0, 4e9));
}

}  // namespace

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
    if (load.free_primary > 0) {
      const auto abilities = floor.fewest_abilities(service).value_or(0);
      load.fewest_abilities = static_cast<std::uint32_t>(abilities) + 1;
    }
    load.waiting = router.line().waiting(service);
    for (const auto age : router.line().oldest_ages(service, now.steady, max_oldest)) {
      load.oldest_ms.push_back(static_cast<std::uint32_t>(age.count()));
    }
    load.target_ms = static_cast<std::uint32_t>(router.line().target(service, now.steady).count());
    const auto handling = router.handling_told(service.kind);
    load.local_handling_ms = whole(handling.local_ms);
    load.local_handled = whole(handling.local_cases);
    load.remote_handling_ms = whole(handling.remote_ms);
    load.remote_handled = whole(handling.remote_cases);
    record.classes.push_back(std::move(load));
  }
  return record;
}

}  // namespace crossfloor
