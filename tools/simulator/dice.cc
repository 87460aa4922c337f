#include "tools/simulator/dice.h"

#include <cmath>
#include <numbers>

namespace crossfloor::simulator {
namespace {

// FNV-1a: only tells the parts apart.
std::uint64_t mixed(std::uint64_t seed, std::string_view part) {
  std::uint64_t out = 1469598103934665603ULL ^ (seed * 0x9e3779b97f4a7c15ULL);
  for (const char c : part) out = (out ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return out;
}

Duration rounded(double ms) {
  return Duration{static_cast<std::int64_t>(ms) + 1};
}

}  // namespace

Dice::Dice(std::uint64_t seed, std::string_view part) : random_(mixed(seed, part)) {}

Duration Dice::between(Duration least, Duration most) {
  if (most <= least) return least;
  return least + Duration{static_cast<std::int64_t>(
                     random_.below(static_cast<std::uint64_t>((most - least).count()) + 1))};
}

Duration Dice::exponential(Duration mean) {
  return rounded(-std::log(1.0 - random_.unit()) * static_cast<double>(mean.count()));
}

Duration Dice::lognormal(Duration mean, double sigma) {
  // Box and Muller; the mean of exp(mu + sigma z) is exp(mu + sigma^2 / 2).
  const double radius = std::sqrt(-2.0 * std::log(1.0 - random_.unit()));
  const double z = radius * std::cos(2.0 * std::numbers::pi * random_.unit());
  const double mu = std::log(static_cast<double>(mean.count())) - sigma * sigma / 2;
  return rounded(std::exp(mu + sigma * z));
}

}  // namespace crossfloor::simulator
