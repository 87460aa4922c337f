// When to dial a peer again: soon after a loss, every second while it may come back, and for ever,
// but only a few a second in turn, once it has been away for long.
#pragma once

#include "protocol/crypto.h"
#include "protocol/time.h"

namespace crossfloor {

struct RedialPace {
  struct Options {
    Duration every{1'000};
    Duration jitter{200};         // ± on `every`, so that peers of a node that died spread
    Duration after_loss{100};     // at most, after a link that stood
    unsigned patient_after = 10;  // failures in a row; from then on the peer waits its turn
    Duration patient_every{250};  // between dials of all such peers together
  };

  unsigned failures = 0;
  Instant next{};

  bool due(Instant now) const { return now >= next; }
  bool patient(const Options& options) const { return failures >= options.patient_after; }
  void succeeded() { failures = 0; }
  void lost(const Options& options, Random& random, Instant now) {
    next = now + draw(random, options.after_loss);
  }
  // Counted from the dial, so that a time-out takes nothing from the rhythm.
  void failed(const Options& options, Random& random, Instant dialled) {
    ++failures;
    next = dialled + options.every - options.jitter + draw(random, 2 * options.jitter);
  }

 private:
  static Duration draw(Random& random, Duration most) {
    return Duration(
        static_cast<Duration::rep>(random.below(static_cast<std::uint64_t>(most.count()) + 1)));
  }
};

}  // namespace crossfloor
