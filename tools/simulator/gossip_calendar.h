// What is to happen in a mesh of membership alone, millisecond by millisecond.
//
// The Timeline of whole nodes keeps closures in a heap; here a thousand nodes plan millions of
// things of five kinds, nearly all within seconds, so a ring of milliseconds takes them without
// sorting. Things of one millisecond happen in the order in which they were planned (those planned
// more than a ring ahead first), so a run depends on nothing but its seed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "protocol/time.h"

namespace crossfloor::simulator {

struct GossipEvent {
  enum class Kind : std::uint8_t { begin, arrive, wake, stand_still, go_on };
  Kind kind = Kind::begin;
  std::uint32_t node = 0;
  std::uint32_t letter = 0;  // of an arrival
};

class GossipCalendar {
 public:
  Instant now() const { return now_; }

  // What is planned for the past happens next.
  void at(Instant when, const GossipEvent& event) {
    when = std::max(when, now_);
    if (when - now_ < Duration{days}) {
      day(when).push_back(event);
    } else {
      far_[when].push_back(event);
    }
  }
  void after(Duration delay, const GossipEvent& event) { at(now_ + delay, event); }

  // Does all that is due by `end`, where time then stands. `happen` may plan more.
  template <typename Happen>
  void run_until(Instant end, Happen happen) {
    while (true) {
      if (!far_.empty() && far_.begin()->first == now_) {
        auto& today = day(now_);
        auto& early = far_.begin()->second;
        today.insert(today.begin(), early.begin(), early.end());
        far_.erase(far_.begin());
      }
      // By number: what happens may plan more for today.
      for (std::size_t i = 0; i < day(now_).size(); ++i) {
        const GossipEvent event = day(now_)[i];
        happen(event);
      }
      day(now_).clear();
      if (now_ >= end) return;
      now_ += Duration{1};
    }
  }

 private:
  static constexpr std::int64_t days = 1 << 14;
  std::vector<GossipEvent>& day(Instant when) {
    return ring_[static_cast<std::size_t>(when.time_since_epoch().count() & (days - 1))];
  }

  Instant now_{Duration{1'000}};
  std::vector<std::vector<GossipEvent>> ring_ =
      std::vector<std::vector<GossipEvent>>(static_cast<std::size_t>(days));
  std::map<Instant, std::vector<GossipEvent>> far_;
};

}  // namespace crossfloor::simulator
