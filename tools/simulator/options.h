// All that makes one run what it is. Printed with the seed; the same options give the same run.
#pragma once

#include <cstdint>
#include <string>

#include "protocol/time.h"

namespace crossfloor::simulator {

struct Options {
  std::uint64_t seed = 1;
  int nodes = 3;
  int agents_per_node = 2;
  int customers = 12;
  Duration length{120'000};        // of the part with bad luck; then the world heals
  Duration heal{180'000};          // in which everything must come to its end
  Duration arrivals_every{2'000};  // mean, of customers' messages, exponential
  Duration handling{4'000};        // mean, exponential
  Duration delay_min{1};
  Duration delay_max{5};
  double pulse_loss = 0.0;    // of the frames of the pulse; the other links are TCP
  double duplicate = 0.3;     // messages delivered to a second host at the same instant
  double accept = 0.9;        // of offers; of the rest half are declined, half missed
  Duration cuts_every{0};     // mean; 0: none. One node is cut off for 1 to 30 s
  Duration crashes_every{0};  // mean; 0: none. A node loses what was not synced
  Duration down_max{20'000};  // how long a crashed node stays down, at most
  Duration pauses_every{0};   // mean; 0: none. A node stands still for 1 to 20 s
  bool chat = true;           // the account's kind: chat, else social

  std::string text() const;
};

}  // namespace crossfloor::simulator
