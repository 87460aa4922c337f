// Invented time: what is to happen, in order. Two things of one instant happen in the order in
// which they were planned, so a run does not depend on anything but its seed.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "protocol/time.h"

namespace crossfloor::simulator {

class Timeline {
 public:
  using Work = std::function<void()>;

  Instant now() const { return now_; }
  void at(Instant when, Work work);
  void after(Duration delay, Work work) { at(now_ + delay, std::move(work)); }
  // Does the next thing, if it is due by `end`; false, and time stands at `end`, if there is none.
  bool step(Instant end);
  std::uint64_t steps() const { return steps_; }
  std::size_t planned() const { return heap_.size(); }

 private:
  struct Event {
    Instant at;
    std::uint64_t number;
    std::size_t work;  // where it stands in `works_`: an event moves often on its way to the front
  };
  static bool later(const Event& a, const Event& b) {
    return a.at != b.at ? a.at > b.at : a.number > b.number;
  }

  Instant now_{Duration{1'000}};
  std::uint64_t next_number_ = 0;
  std::uint64_t steps_ = 0;
  std::vector<Event> heap_;
  std::vector<Work> works_;
  std::vector<std::size_t> free_;  // places in `works_`
};

}  // namespace crossfloor::simulator
