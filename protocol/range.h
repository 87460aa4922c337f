// A run of one stream's entries as it travels: gapless, ending on a seal. Whoever knows the hash
// of the entry before it can check all of it by recomputing the chain and verifying that one seal.
#pragma once

#include <vector>

#include "protocol/entry.h"

namespace crossfloor {

struct Head {
  Sequence sequence = 0;  // 0: before the first entry
  Hash hash;              // of that entry
  bool operator==(const Head&) const = default;
};

struct Range {
  Stream stream;
  Sequence first = 1;  // of entries.front()
  std::vector<Entry> entries;
  Seal seal;  // covers the last entry

  bool operator==(const Range&) const = default;
};

// What an entry counts for in a range or under a seal; the constant part bounds the number of
// small ones.
inline constexpr std::size_t entry_overhead = 36;
inline std::size_t cost_of(const Entry& entry) {
  return entry.header.size() + entry_overhead +
         (entry.erased_body_hash ? Hash::size : entry.body.size());
}

// A sender ends a range at the last seal within max_bytes_per_seal, or at the first one if there
// is none; so what lies between two seals, wherever they come from, never grows over this.
inline constexpr std::size_t max_range_cost =
    max_bytes_per_seal + EntryHeader::encoded_size + entry_overhead + Entry::max_body;

// Everything that can be checked without the log: sizes, headers, and that the seal is the last
// entry's. Errors: malformed, too_large.
Status check_shape(const Range& range);

// For people: the first bytes of node and generation, and the region.
std::string short_name(const Stream& stream);

}  // namespace crossfloor
