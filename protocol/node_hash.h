// For tables of nodes that are only looked up in. A node's id is a public key, so its bytes are as
// good as drawn; both ends are taken, because the invented ids of tests differ in few bytes only.
#pragma once

#include <cstring>
#include <unordered_map>

#include "protocol/ids.h"

namespace crossfloor {

struct NodeHash {
  std::size_t operator()(const NodeId& node) const {
    std::uint64_t head;
    std::uint64_t tail;
    std::memcpy(&head, node.raw.data(), sizeof head);
    std::memcpy(&tail, node.raw.data() + NodeId::size - sizeof tail, sizeof tail);
    const std::uint64_t mixed = (head ^ (tail << 29 | tail >> 35)) * 0x9e3779b97f4a7c15;
    return static_cast<std::size_t>(mixed ^ mixed >> 32);
  }
};

template <typename Value>
using ByNode = std::unordered_map<NodeId, Value, NodeHash>;  // lookup only

}  // namespace crossfloor
