#include "tools/simulator/timeline.h"

#include <algorithm>

namespace crossfloor::simulator {

void Timeline::at(Instant when, Work work) {
  heap_.push_back({std::max(when, now_), next_number_++, std::move(work)});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

bool Timeline::step(Instant end) {
  if (heap_.empty() || heap_.front().at > end) {
    now_ = std::max(now_, end);
    return false;
  }
  std::pop_heap(heap_.begin(), heap_.end(), later);
  const Event next = std::move(heap_.back());
  heap_.pop_back();
  now_ = next.at;
  ++steps_;
  next.work();
  return true;
}

}  // namespace crossfloor::simulator
