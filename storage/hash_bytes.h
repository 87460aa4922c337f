// Hash tables of bytes, asked with a view.
#pragma once

#include <unordered_map>

#include "protocol/bytes.h"

namespace crossfloor {

struct HashBytes {
  using is_transparent = void;
  std::size_t operator()(ByteView key) const { return std::hash<ByteView>()(key); }
};

template <typename Value>
using ByBytes = std::unordered_map<Bytes, Value, HashBytes, std::equal_to<>>;  // lookup only

}  // namespace crossfloor
