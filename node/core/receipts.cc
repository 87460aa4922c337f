#include "node/core/receipts.h"

#include <algorithm>

namespace crossfloor {

void Receipts::wait(const Stream& stream, Sequence sequence, Done done) {
  waiters_[stream].emplace(sequence, std::move(done));
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

std::vector<Receipts::Ready> Receipts::take(Instant now,
                                            const std::map<Region, Instant>& alone_since,
                                            Duration alone_after) {
  std::vector<Ready> ready;
  for (auto stream = waiters_.begin(); stream != waiters_.end();) {
    const auto alone = alone_since.find(stream->first.region);
    const bool given_up = alone != alone_since.end() && now >= alone->second + alone_after;
    auto& waiting = stream->second;
    while (!waiting.empty()) {
      const auto at = waiting.begin();
      const bool mesh = proven(stream->first, at->first);
      if (!mesh && !given_up) break;  // those behind have higher sequences: not proven either
      ready.push_back({std::move(at->second), mesh});
      waiting.erase(at);
      --waiting_;
    }
    stream = waiting.empty() ? waiters_.erase(stream) : std::next(stream);
  }
  return ready;
}

}  // namespace crossfloor
