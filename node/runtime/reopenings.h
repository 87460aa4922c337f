// How often a store that failed may be opened anew before its process gives up: a disk that fails
// at every commit is not mended by trying again. Pure: time comes in as an argument.
#pragma once

#include <cstddef>
#include <deque>

#include "protocol/time.h"

namespace crossfloor {

class Reopenings {
 public:
  static constexpr std::size_t most = 3;
  static constexpr Duration within{600'000};

  // Notes one more, unless it is one too many.
  bool allow(Instant now) {
    while (!past_.empty() && past_.front() + within <= now) past_.pop_front();
    if (past_.size() >= most) return false;
    past_.push_back(now);
    return true;
  }

 private:
  std::deque<Instant> past_;
};

}  // namespace crossfloor
