#include "tools/simulator/timeline.h"

#include <algorithm>
#include <utility>

namespace crossfloor::simulator {

void Timeline::at(Instant when, Work work) {
  if (free_.empty()) {
    free_.push_back(works_.size());
    works_.emplace_back();
  }
  const std::size_t place = free_.back();
  free_.pop_back();
  works_[place] = std::move(work);
  heap_.push_back({std::max(when, now_), next_number_++, place});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

bool Timeline::step(Instant end) {
  if (heap_.empty() || heap_.front().at > end) {
    now_ = std::max(now_, end);
    return false;
  }
  std::pop_heap(heap_.begin(), heap_.end(), later);
  const Event next = heap_.back();
  heap_.pop_back();
  const Work work = std::exchange(works_[next.work], nullptr);
  free_.push_back(next.work);
  now_ = next.at;
  ++steps_;
  work();
  return true;
}

}  // namespace crossfloor::simulator
