// Who steers a conversation, and since which decision.
//
// Compared term first, then hybrid time, then node. Taking a conversation over raises the term by
// one; every other change of home's keeps the term and takes a later time. Only the home of a term
// writes in it.
#pragma once

#include "protocol/hybrid_time.h"
#include "protocol/ids.h"

namespace crossfloor {

struct Epoch {
  std::uint64_t term = 0;
  HybridTime time;
  NodeId node;

  auto operator<=>(const Epoch&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("term", self.term);
    visit("time", self.time);
    visit("node", self.node);
  }
};

}  // namespace crossfloor
