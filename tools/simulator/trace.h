// What happened: a hash of all of it, by which two runs are compared, and, if somebody listens,
// lines for people about the one thing that they ask for.
//
// A long run cannot keep its story. But the same seed tells it again: so after a failure the run is
// repeated with a listener that keeps only the lines that speak of what broke.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "protocol/time.h"

namespace crossfloor::simulator {

class Trace {
 public:
  using Listener = std::function<void(Instant at, const std::string& line)>;

  void note(std::uint64_t what) { hash_ = (hash_ ^ what) * 1099511628211ULL; }
  std::uint64_t hash() const { return hash_; }

  void listen(Listener listener) { listener_ = std::move(listener); }
  bool heard() const { return listener_ != nullptr; }
  // `line` makes the text; it is called only if somebody listens.
  template <typename Line>
  void tell(Instant at, Line&& line) {
    if (listener_) listener_(at, line());
  }

 private:
  std::uint64_t hash_ = 1469598103934665603ULL;
  Listener listener_;
};

}  // namespace crossfloor::simulator
