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

std::vector<Receipts::Ready> Receipts::take(Instant now, std::optional<Instant> alone_since,
                                            Duration alone_after) {
  const bool given_up = alone_since && now >= *alone_since + alone_after;
  std::vector<Ready> ready;
  for (auto stream = waiters_.begin(); stream != waiters_.end();) {
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
