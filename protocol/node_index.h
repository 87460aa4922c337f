// Finds what belongs to a node, as fast as memory allows.
//
// Every piece of news that a node hears or tells is looked up, in a lossy mesh of a thousand nodes
// some hundred times a second. A tree answers after ten jumps through memory, a chained table after
// three; here the first place that is looked at says whether it is the right one.
//
// Open addressing, at most half full, linear steps; what is removed leaves no mark, for those
// behind it move up.
#pragma once

#include <cstddef>
#include <vector>

#include "protocol/node_hash.h"

namespace crossfloor {

// `Item` has a field `node`; items belong to somebody else and must not move.
template <typename Item>
class NodeIndex {
 public:
  Item* find(const NodeId& node) const {
    if (places_.empty()) return nullptr;
    const std::size_t hash = NodeHash{}(node);
    for (std::size_t at = hash & mask(); places_[at].item != nullptr; at = (at + 1) & mask()) {
      if (places_[at].hash == hash && places_[at].item->node == node) return places_[at].item;
    }
    return nullptr;
  }

  // There must be none of this node yet.
  void add(Item& item) {
    if (places_.size() < 2 * (count_ + 1)) grow();
    ++count_;
    put({NodeHash{}(item.node), &item});
  }

  void remove(const NodeId& node) {
    if (find(node) == nullptr) return;
    --count_;
    std::size_t hole = NodeHash{}(node)&mask();
    while (places_[hole].item == nullptr || places_[hole].item->node != node) {
      hole = (hole + 1) & mask();
    }
    // Whoever was pushed past the hole fills it, and leaves the next one.
    for (std::size_t at = (hole + 1) & mask(); places_[at].item != nullptr;
         at = (at + 1) & mask()) {
      const std::size_t home = places_[at].hash & mask();
      if (((at - home) & mask()) < ((at - hole) & mask())) continue;
      places_[hole] = places_[at];
      hole = at;
    }
    places_[hole] = {};
  }

  std::size_t size() const { return count_; }

 private:
  struct Place {
    std::size_t hash = 0;
    Item* item = nullptr;
  };
  std::size_t mask() const { return places_.size() - 1; }
  void put(const Place& place) {
    std::size_t at = place.hash & mask();
    while (places_[at].item != nullptr) at = (at + 1) & mask();
    places_[at] = place;
  }
  void grow() {
    auto old = std::move(places_);
    places_.assign(old.empty() ? 16 : 2 * old.size(), {});
    for (const Place& place : old) {
      if (place.item != nullptr) put(place);
    }
  }

  std::vector<Place> places_;  // as many as a power of two
  std::size_t count_ = 0;
};

}  // namespace crossfloor
