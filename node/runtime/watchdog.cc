#include "node/runtime/watchdog.h"

#include <algorithm>
#include <utility>

namespace crossfloor {

Watchdog::Watchdog(Clock clock, Options options)
    : clock_(std::move(clock)), options_(std::move(options)) {}

void Watchdog::judge(const char* name, std::chrono::nanoseconds began,
                     std::chrono::nanoseconds now) {
  const auto took = now - began;
  if (took <= options_.limit) return;
  ++total_;
  Count& count = offences_[name];
  ++count.times;
  count.longest = std::max(count.longest, took);
  count.total += took;
  const auto [told, first] = told_.try_emplace(name);
  const bool far_longer = took >= 2 * told->second.took;
  if (!first && now - told->second.at < options_.tell_every && !far_longer) return;
  const std::uint64_t since = count.times - told->second.times;
  told->second = {now, count.times, took};
  if (options_.on_offence) options_.on_offence({name, took, since});
}

}  // namespace crossfloor
