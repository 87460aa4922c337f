// Which members' news still has to be told, least told first.
//
// Only names are kept: what is told is the newest known at the moment of telling, so newer news
// about a member replaces older by itself. Each piece is told a limited number of times, which
// grows with the logarithm of the number of members; in SWIM that reaches everybody with great
// certainty.
#pragma once

#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "protocol/node_hash.h"

namespace crossfloor {

class BroadcastQueue {
 public:
  // There is news of `node`: it is told from the beginning.
  void add(const NodeId& node);
  void remove(const NodeId& node);
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
    std::uint64_t order = 0;
  };
  using Entries = ByNode<Entry>;
  using Rank = std::pair<int, std::uint64_t>;
  static Rank rank_of(const Entry& entry) { return {entry.told, UINT64_MAX - entry.order}; }
  struct Arrival {
    std::uint64_t round;
    std::uint64_t order;
    NodeId node;
  };

  // The same entries, by name and in the order in which they are told: a mesh of a thousand nodes
  // has hundreds of them when it begins.
  Entries entries_;
  std::map<Rank, Entries::value_type*> ranked_;
  // As they came; those that were told, removed or came again since are still in it, until their
  // rounds are over.
  std::deque<Arrival> arrivals_;
  std::uint64_t next_order_ = 0;
  std::uint64_t round_ = 0;
};

}  // namespace crossfloor
