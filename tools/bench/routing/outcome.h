// What a model made of a workload: the same for all models, so that they can be compared case by
// case.
#pragma once

#include <vector>

#include "tools/bench/routing/workload.h"

namespace crossfloor::bench {

struct Outcome {
  struct Case {
    Duration started{-1};  // when an agent had it first; -1: the customer left before
    int worker = -1;       // who
  };
  std::vector<Case> cases;  // as the arrivals

  // Of a mesh alone.
  struct Open {
    int conversation = 0;
    int worker = -1;   // who has it; -1: it waits
    Duration left{0};  // of the handling, by whoever has it
  };
  std::vector<Open> open_at_cut;  // what was not done when the cut began, by number
  std::vector<Duration> gaps;     // each time in which one waited while a fitting slot was free
  Duration observed{0};
  std::uint64_t unicasts = 0;    // routing messages between nodes
  std::uint64_t offers = 0;      // to anybody who fits
  std::uint64_t declines = 0;    // of these
  std::uint64_t asked_last = 0;  // offers to the last agent alone
  std::uint64_t last_busy = 0;   // of these were declined
  std::uint64_t pulls = 0;
  std::uint64_t denials = 0;
  std::uint64_t gossip_bytes = 0;  // load and membership, sent by all
  std::uint64_t requeued = 0;      // conversations that left their agent before they were done
  std::uint64_t overloads = 0;     // an agent over its capacity: a broken promise
};

}  // namespace crossfloor::bench
