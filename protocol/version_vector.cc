#include "protocol/version_vector.h"

#include <algorithm>

namespace crossfloor {

Hash hash_of(const Crypto& crypto, const VersionVector& vector) {
  Bytes all = "crossfloor vector 1";
  for (const auto& [stream, sequence] : vector) {
    if (sequence == 0) continue;
    all.append(stream_name(stream));  // tells its own length
    put_le64(all, sequence);
  }
  return crypto.hash(all);
}

std::vector<Wanted> missing(const VersionVector& mine, const VersionVector& theirs) {
  std::vector<Wanted> out;
  for (const auto& [stream, sequence] : theirs) {
    const auto held = mine.find(stream);
    const Sequence have = held == mine.end() ? 0 : held->second;
    if (have < sequence) out.push_back({stream, have + 1});
  }
  return out;
}

bool covers(const VersionVector& mine, const VersionVector& theirs) {
  return missing(mine, theirs).empty();
}

void merge(VersionVector& into, const VersionVector& other) {
  for (const auto& [stream, sequence] : other) {
    auto& held = into[stream];
    held = std::max(held, sequence);
  }
}

VersionVector common(const VersionVector& one, const VersionVector& other) {
  VersionVector out;
  for (const auto& [stream, sequence] : one) {
    const auto held = other.find(stream);
    if (held != other.end()) out[stream] = std::min(sequence, held->second);
  }
  return out;
}

}  // namespace crossfloor
