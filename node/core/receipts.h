// Who waits for durability: an intake or a command is answered when its entry is synced here and,
// under "mesh", at one other node of the region. The gate sees to "here"; this to the other.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "node/core/settings.h"
#include "protocol/position.h"

namespace crossfloor {

class Receipts {
 public:
  // A channel that repeats itself waits once for each time: who has so many waiting takes in no
  // more.
  static constexpr std::size_t max_waiting = 10'000;

  // `mesh` says whether it was proven to lie on two disks.
  using Done = std::function<void(bool mesh)>;
  struct Ready {
    Done done;
    bool mesh = false;
  };

  // Waits for the entry at `sequence` of a stream.
  void wait(const Stream& stream, Sequence sequence, Done done);
  // A node of the region has the stream up to here on its disk.
  void stored(const Stream& stream, Sequence sequence);
  // True if some other node is known to hold this entry.
  bool proven(const Stream& stream, Sequence sequence) const;

  // Those that are done: proven; or all of a region, once no other node of it was in reach for
  // `alone_after`. Who is not in `alone_since` is not alone.
  std::vector<Ready> take(Instant now, const std::map<Region, Instant>& alone_since,
                          Duration alone_after);
  std::size_t size() const { return waiting_; }

 private:
  std::map<Stream, std::multimap<Sequence, Done>> waiters_;
  std::map<Stream, Sequence> stored_;
  std::size_t waiting_ = 0;
};

}  // namespace crossfloor
