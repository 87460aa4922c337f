// The wires between nodes: how long a frame is under way, and whether it arrives at all.
//
// Each direction of a pair has its own state, for real cuts are often one-way. Blocks are counted,
// so that a partition and a cut of one of its nodes can overlap and end in any order.
#pragma once

#include <array>
#include <deque>
#include <unordered_map>

#include "protocol/link_kind.h"
#include "tools/simulator/dice.h"
#include "tools/simulator/options.h"
#include "tools/simulator/timeline.h"

namespace crossfloor::simulator {

class Paths {
 public:
  using Work = Timeline::Work;
  struct Counters {
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;
    std::uint64_t lost = 0;
  };

  Paths(Timeline& timeline, const NetworkOptions& options, std::uint64_t seed);

  // A datagram: may be lost, doubled, or come late.
  void send_loose(std::size_t from, std::size_t to, std::size_t bytes, Work arrive);
  // Part of a stream of TCP: whole and in order on its lane. While the direction is blocked it is
  // held, as TCP does it, until the path is free or drop_held() gives it up.
  void send_ordered(std::size_t from, std::size_t to, LinkKind lane, std::size_t bytes,
                    Work arrive);
  void drop_held(std::size_t from, std::size_t to);

  void block(std::size_t from, std::size_t to);
  void unblock(std::size_t from, std::size_t to);
  bool blocked(std::size_t from, std::size_t to) const;
  // Rises with each block(): whether a block is still the same one.
  std::uint64_t blocks(std::size_t from, std::size_t to) const;
  void clog(std::size_t from, std::size_t to, Instant until);

  // From now on nothing is lost, doubled or reordered; clogs end.
  void heal();
  // The middle of the delay of this direction; round trips take the sum of both.
  Duration latency(std::size_t from, std::size_t to) const;
  Duration delay(std::size_t from, std::size_t to);
  const Counters& counters() const { return counters_; }

 private:
  struct Held {
    LinkKind lane;
    std::size_t bytes;
    Work arrive;
  };
  struct Direction {
    int blocked = 0;
    std::uint64_t blocks = 0;
    Instant clogged_until{};
    Instant free_at{};  // of the bandwidth
    std::array<Instant, 3> last{};
    std::deque<Held> held;
  };

  Direction& direction(std::size_t from, std::size_t to) { return directions_[from * 65'536 + to]; }
  const Direction* find(std::size_t from, std::size_t to) const;
  Instant departure(Direction& direction, std::size_t bytes) const;

  Timeline& timeline_;
  const NetworkOptions& options_;
  std::uint64_t seed_;
  Dice dice_;
  bool healed_ = false;
  Counters counters_;
  std::unordered_map<std::size_t, Direction> directions_;  // never iterated
};

}  // namespace crossfloor::simulator
