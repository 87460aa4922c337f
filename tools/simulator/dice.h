// Draws for invented luck. Every part of the world has dice of its own, thrown from the seed, so
// that switching one vice off does not change what the others draw.
#pragma once

#include <string_view>

#include "protocol/crypto.h"
#include "protocol/time.h"

namespace crossfloor::simulator {

class Dice {
 public:
  Dice(std::uint64_t seed, std::string_view part);

  bool chance(double probability) { return probability > 0 && random_.unit() < probability; }
  Duration between(Duration least, Duration most);  // both are possible
  std::size_t below(std::size_t bound) { return random_.below(bound); }
  double unit() { return random_.unit(); }
  Duration exponential(Duration mean);              // at least 1 ms
  Duration lognormal(Duration mean, double sigma);  // sigma of the logarithm
  std::uint64_t next() { return random_.next(); }
  Random& source() { return random_; }

 private:
  SeededRandom random_;
};

}  // namespace crossfloor::simulator
