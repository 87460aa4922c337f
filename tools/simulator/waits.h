// How long customers waited in the mesh, against a perfect queue with the same work.
//
// No mesh can be better than one queue that sees every customer and every slot at once, first come,
// first served. So each piece of work is collected as the mesh did it, with the time for which it
// kept a slot, and afterwards all of it is replayed through that queue, which has as many slots as
// all agents together. What the mesh's customers waited beyond that is what it costs to be a mesh:
// until a message is on disks, until it has reached its home, until a slot that is free somewhere
// is found, and until it rings there.
//
// Meant for worlds where nothing goes wrong and everybody accepts: there each piece is one ring,
// one agent and one end, and the comparison is exact. What was missed, declined, handed over or
// lost with a node kept slots, too, and is not replayed, so elsewhere the perfect queue looks too
// good. That an accept and a close travel to another site's home and back keeps a slot for some
// link delays longer: it is part of the work, and the perfect queue is charged with it, too.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "protocol/time.h"

namespace crossfloor::simulator {

// World times.
struct PieceOfWork {
  Instant came;   // a host took in the customer's first unanswered message
  Instant rang;   // the agent who accepted heard it ring
  Instant freed;  // the slot was free again
};

// Of those who came in the counted span. Waits in seconds, until it rang.
struct WaitFigures {
  std::size_t pieces = 0;
  std::size_t slots = 0;
  double busy = 0;  // share of the span's slot time that work kept
  double mean = 0;
  double p95 = 0;
  double perfect_mean = 0;
  double perfect_p95 = 0;
  double at_once = 0;  // mean wait in the mesh of those who waited for nobody in the perfect queue
};

class Waits {
 public:
  // Conversations that all agents together can have at once.
  void add_slots(std::size_t slots) { slots_ += slots; }
  void add(const PieceOfWork& piece) { pieces_.push_back(piece); }
  std::size_t slots() const { return slots_; }
  const std::vector<PieceOfWork>& pieces() const { return pieces_; }

  // All work is replayed; only what came from `from` on and before `to` is told.
  WaitFigures figures(Instant from, Instant to) const;

 private:
  std::size_t slots_ = 0;
  std::vector<PieceOfWork> pieces_;
};

// One line for people. Of several runs: means over them, ± half of the 95 % interval (Student's t;
// of the ratio of the mean waits by leaving out one run at a time).
std::string wait_line(const std::vector<WaitFigures>& runs);

}  // namespace crossfloor::simulator
