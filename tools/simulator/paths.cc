#include "tools/simulator/paths.h"

#include <algorithm>

namespace crossfloor::simulator {
namespace {

constexpr Duration reorder_max{200};
constexpr double spike_chance = 0.001;  // of frames: a router hiccups
constexpr Duration spike_max{150};

struct Range {
  int least;
  int most;
};
// One-way delay in milliseconds between two machines, as figures of public clouds have it.
Range range_of(const std::string& profile, std::uint64_t draw) {
  if (profile == "machine") return {0, 0};
  if (profile == "lan") return {1, 2};
  if (profile == "continent") return {8, 25};
  if (profile == "world") return {40, 140};
  constexpr std::array mixed{Range{1, 2}, Range{8, 25}, Range{40, 140}};
  return mixed[draw % mixed.size()];
}

std::uint64_t scrambled(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

Paths::Paths(Timeline& timeline, const NetworkOptions& options, std::uint64_t seed)
    : timeline_(timeline), options_(options), seed_(seed), dice_(seed, "paths") {}

const Paths::Direction* Paths::find(std::size_t from, std::size_t to) const {
  const auto at = directions_.find(from * 65'536 + to);
  return at == directions_.end() ? nullptr : &at->second;
}

// Not stored, for a mesh of a thousand nodes has a million directions.
Duration Paths::latency(std::size_t from, std::size_t to) const {
  const auto [low, high] = std::minmax(from, to);
  const std::uint64_t draw = scrambled(seed_ ^ (low * 65'536 + high + 1) * 0x9e3779b97f4a7c15ULL);
  const Range range = range_of(options_.profile, draw >> 40);
  return Duration{range.least + static_cast<int>(draw % static_cast<std::uint64_t>(
                                                            range.most - range.least + 1))};
}

Duration Paths::delay(std::size_t from, std::size_t to) {
  const Duration middle = latency(from, to);
  // A tenth more or less, at least a millisecond of it.
  Duration out = middle + dice_.between(Duration{0}, std::max(Duration{1}, middle / 10));
  if (!healed_ && dice_.chance(spike_chance)) out += dice_.between(Duration{0}, spike_max);
  return out;
}

Instant Paths::departure(Direction& direction, std::size_t bytes) const {
  Instant leaves = std::max(timeline_.now(), direction.clogged_until);
  if (options_.bandwidth > 0) {
    leaves = std::max(leaves, direction.free_at);
    // kbit/s are bits per millisecond.
    const auto takes = static_cast<std::int64_t>(bytes) * 8 / options_.bandwidth;
    direction.free_at = leaves + Duration{takes};
    leaves = direction.free_at;
  }
  return leaves;
}

void Paths::send_loose(std::size_t from, std::size_t to, std::size_t bytes, Work arrive) {
  ++counters_.frames;
  counters_.bytes += bytes;
  Direction& way = direction(from, to);
  if (way.blocked > 0 || (!healed_ && dice_.chance(options_.loss))) {
    ++counters_.lost;
    return;
  }
  const Instant leaves = departure(way, bytes);
  if (!healed_ && dice_.chance(options_.duplicate)) {
    timeline_.at(leaves + delay(from, to), arrive);
  }
  Duration takes = delay(from, to);
  if (!healed_ && dice_.chance(options_.reorder)) takes += dice_.between(Duration{0}, reorder_max);
  timeline_.at(leaves + takes, std::move(arrive));
}

void Paths::send_ordered(std::size_t from, std::size_t to, LinkKind lane, std::size_t bytes,
                         Work arrive) {
  ++counters_.frames;
  counters_.bytes += bytes;
  Direction& way = direction(from, to);
  if (way.blocked > 0) {
    way.held.push_back({lane, bytes, std::move(arrive)});
    return;
  }
  auto& last = way.last[static_cast<std::size_t>(lane)];
  last = std::max(last, departure(way, bytes) + delay(from, to));
  timeline_.at(last, std::move(arrive));
}

void Paths::drop_held(std::size_t from, std::size_t to) {
  Direction& way = direction(from, to);
  counters_.lost += way.held.size();
  way.held.clear();
}

void Paths::block(std::size_t from, std::size_t to) {
  Direction& way = direction(from, to);
  ++way.blocked;
  ++way.blocks;
}

void Paths::unblock(std::size_t from, std::size_t to) {
  Direction& way = direction(from, to);
  if (--way.blocked > 0) return;
  // TCP tries again at growing distances, so what was held does not leave at once.
  const Instant again = timeline_.now() + dice_.between(Duration{0}, Duration{400});
  for (auto& held : std::exchange(way.held, {})) {
    auto& last = way.last[static_cast<std::size_t>(held.lane)];
    last = std::max({last, again, departure(way, held.bytes)}) + delay(from, to);
    timeline_.at(last, std::move(held.arrive));
  }
}

bool Paths::blocked(std::size_t from, std::size_t to) const {
  const Direction* way = find(from, to);
  return way != nullptr && way->blocked > 0;
}

std::uint64_t Paths::blocks(std::size_t from, std::size_t to) const {
  const Direction* way = find(from, to);
  return way == nullptr ? 0 : way->blocks;
}

void Paths::clog(std::size_t from, std::size_t to, Instant until) {
  Direction& way = direction(from, to);
  way.clogged_until = std::max(way.clogged_until, until);
}

void Paths::heal() {
  healed_ = true;
}

}  // namespace crossfloor::simulator
