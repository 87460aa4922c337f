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
  double seconds = 2;  // of this core's time, each
};

struct Speed {
  SpeedOptions options;
  std::size_t waiting = 0;
  double decisions_per_second = 0;
  double per_verification = 0;  // decisions in the time in which the core checks one signature
  double median_us = 0;         // of one: an agent gets free, and the next conversation rings there
  double p99_us = 0;
  double load_record_us = 0;  // to reckon what gossip tells of all classes
  double denied_us = 0;       // of an agent elsewhere who asks for what nobody here waits for
};

// Wanted are 20,000 decisions a second of a core that checks 23,000 Ed25519 signatures in that
// time. Cores differ, and one machine's by half from hour to hour: so both are measured in turns.
inline constexpr double least_per_verification = 20.0 / 23.0;

// A node whose agents are all at work: one gets free, the most urgent of those who wait is found,
// held, decided, committed and rings; another customer comes. The peers' loads are known and are
// looked at, as in a node.
Speed measure_speed(const SpeedOptions& options);

// The same for 100, 1,000, … of those who wait in `options`, then for 10, 100, … of its agents.
// `ratios` compares the median of each with the first one's; a cost that grows like the logarithm
// stays below `limits`.
struct Growth {
  std::vector<Speed> speeds;
  std::vector<double> ratios;
  std::vector<double> limits;
};
std::vector<Growth> measure_growth(const SpeedOptions& options);

}  // namespace crossfloor::bench
