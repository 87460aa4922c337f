// The place of an entry in the order that all nodes agree on: (hybrid time, origin, sequence).
#pragma once

#include "protocol/entry.h"

namespace crossfloor {

struct Position {
  HybridTime time;
  NodeId node;
  Generation generation = 0;
  Sequence sequence = 0;

  auto operator<=>(const Position&) const = default;

  // 56 bytes that sort as the positions do.
  Bytes key() const {
    Bytes out;
    out.reserve(56);
    put_be64(out, time.value);
    out.append(node.view());
    put_be64(out, generation);
    put_be64(out, sequence);
    return out;
  }
  static std::optional<Position> from_key(ByteView key) {
    if (key.size() != 56) return std::nullopt;
    return Position{{get_be64(key.data())},
                    *NodeId::from(key.substr(8, 32)),
                    get_be64(key.data() + 40),
                    get_be64(key.data() + 48)};
  }

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("time", self.time);
    visit("node", self.node);
    visit("generation", self.generation);
    visit("sequence", self.sequence);
  }
};

}  // namespace crossfloor
