// How many routing decisions one core makes, and what one costs as the waiting grow.
#pragma once

#include <cstddef>
#include <vector>

namespace crossfloor::bench {

struct SpeedOptions {
  std::size_t waiting = 10'000;
  std::size_t agents = 1'000;
  std::size_t classes = 50;
  std::size_t peers = 9;
  double seconds = 2;  // of measuring
};

struct Speed {
  std::size_t asked = 0;    // so many were to wait, at least
  std::size_t waiting = 0;  // so many did, because nobody is to be idle
  double decisions_per_second = 0;
  double median_us = 0;  // of one: an agent gets free, and the next conversation rings there
  double p99_us = 0;
  double load_record_us = 0;  // to reckon what gossip tells of all classes
};

// A node whose agents are all at work: one gets free, the most urgent of those who wait is found,
// held, decided, committed and rings; another customer comes. The peers' loads are known and are
// looked at, as in a node.
Speed measure_speed(const SpeedOptions& options);

// The same for 100, 1,000, … up to ten times the waiting of `options`.
std::vector<Speed> measure_growth(SpeedOptions options);

}  // namespace crossfloor::bench
