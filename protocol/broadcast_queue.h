// Which members' news still has to be told, least told first.
//
// Only names are kept: what is told is the newest known at the moment of telling, so newer news
// about a member replaces older by itself. Each piece is told a limited number of times, which
// grows with the logarithm of the number of members; in SWIM that reaches everybody with great
// certainty.
#pragma once

#include <map>
#include <vector>

#include "protocol/ids.h"

namespace crossfloor {

class BroadcastQueue {
 public:
  // There is news of `node`: it is told from the beginning.
  void add(const NodeId& node);
  void remove(const NodeId& node) { entries_.erase(node); }
  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }

  // Whether there is anything to tell `listener`.
  bool any_for(const NodeId& listener) const;
  // A round of gossip is over. What nobody can be told (all others are gone) is dropped in time.
  void end_round(int limit);

  // Up to `count` members to tell of, each counted as told once; those told `limit` times are done.
  // Least told first, then newest. `listener` is left out: nobody is told of itself this way.
  std::vector<NodeId> take(std::size_t count, int limit, const NodeId& listener);

 private:
  struct Entry {
    int told = 0;
    int rounds = 0;
    std::uint64_t order = 0;
  };
  std::map<NodeId, Entry> entries_;
  std::uint64_t next_order_ = 0;
};

}  // namespace crossfloor
