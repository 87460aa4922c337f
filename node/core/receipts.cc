#include "node/core/receipts.h"

#include <algorithm>

namespace crossfloor {

void Receipts::wait(const Stream& stream, Sequence sequence, Instant since, Done done) {
  waiters_[stream].emplace(sequence, Waiter{since, std::move(done)});
  ++waiting_;
}

void Receipts::stored(const Stream& stream, Sequence sequence) {
  auto& highest = stored_[stream];
  highest = std::max(highest, sequence);
}

bool Receipts::proven(const Stream& stream, Sequence sequence) const {
  const auto at = stored_.find(stream);
  return at != stored_.end() && at->second >= sequence;
}

std::vector<Receipts::Ready> Receipts::take(Instant now, bool alone, Duration alone_after) {
  std::vector<Ready> ready;
  for (auto stream = waiters_.begin(); stream != waiters_.end();) {
    auto& waiting = stream->second;
    for (auto at = waiting.begin(); at != waiting.end();) {
      const bool mesh = proven(stream->first, at->first);
      const bool given_up = alone && now >= at->second.since + alone_after;
      if (!mesh && !given_up) {
        if (!alone) break;  // those behind have higher sequences: not proven either
        ++at;
        continue;
      }
      ready.push_back({std::move(at->second.done), mesh});
      at = waiting.erase(at);
      --waiting_;
    }
    stream = waiting.empty() ? waiters_.erase(stream) : std::next(stream);
  }
  return ready;
}

std::optional<Instant> Receipts::deadline(bool alone, Duration alone_after) const {
  std::optional<Instant> first;
  if (!alone) return first;
  for (const auto& [stream, waiting] : waiters_) {
    for (const auto& [sequence, waiter] : waiting) {
      const Instant due = waiter.since + alone_after;
      if (!first || due < *first) first = due;
    }
  }
  return first;
}

}  // namespace crossfloor
