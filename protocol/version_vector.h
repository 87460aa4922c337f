// All that a node holds, in one value: of each stream the highest sequence, and streams have no
// holes. Comparing two of them says what each side lacks.
#pragma once

#include <map>
#include <vector>

#include "protocol/entry.h"

namespace crossfloor {

using VersionVector = std::map<Stream, Sequence>;  // a stream that is not in it counts as 0

// One hash over the sorted encoding; equal for vectors that say the same.
Hash hash_of(const Crypto& crypto, const VersionVector& vector);

struct Wanted {
  Stream stream;
  Sequence from = 1;  // first entry that is missing
  bool operator==(const Wanted&) const = default;
};
// What `theirs` has and `mine` lacks, in stream order.
std::vector<Wanted> missing(const VersionVector& mine, const VersionVector& theirs);

// Whether `mine` lacks nothing that `theirs` has.
bool covers(const VersionVector& mine, const VersionVector& theirs);

// Raises `into` to the higher of both, stream by stream.
void merge(VersionVector& into, const VersionVector& other);
// What both hold: where copies can be compared.
VersionVector common(const VersionVector& one, const VersionVector& other);

}  // namespace crossfloor
