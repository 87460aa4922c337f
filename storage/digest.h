// Digests of a region's rows, by which `crossfloor verify` finds out whether nodes that hold the
// same entries made the same of them.
//
// Rows fall into 256 buckets by the first byte of their subject, a keyed id, so that two nodes
// whose digests differ know which conversations to look at. A bucket's digest is a sum of keyed
// hashes of its rows, which does not depend on their order (Bellare and Micciancio, 1997); the key
// is the region's secret, so nobody outside can make rows that cancel out.
//
// Reckoned from a snapshot, in slices; compare only digests of equal vectors and equal
// `projection_version`.
#pragma once

#include <array>
#include <vector>

#include "protocol/crypto.h"
#include "storage/store.h"

namespace crossfloor {

// To be raised whenever the same entries fold into other rows, or rows are written otherwise.
// 1: rows as Cap'n Proto. 2: packed. 3: what is said under another node's epoch says nothing.
// 4: changes of site by case; who is not home hands nothing on. 5: what was salvaged opens.
// 6: which replies home knew.
inline constexpr std::uint32_t projection_version = 6;

struct Digest {
  std::uint64_t first = 0;  // two sums modulo 2^64, of the two halves of each row's hash
  std::uint64_t second = 0;
  std::uint64_t rows = 0;

  bool operator==(const Digest&) const = default;
  // "00112233445566778899aabbccddeeff/12": for JSON and for people.
  std::string text() const;
};
using Digests = std::array<Digest, 256>;

class DigestReckoner {
 public:
  // `only`: these buckets, in order; empty: all.
  DigestReckoner(const Crypto& crypto, const Secret& region_secret, Region region,
                 std::vector<unsigned char> only = {});

  // Takes in about `max_bytes` more of the rows; true when it has been through all. Each call must
  // read the same snapshot. Errors: corrupt (a row that cannot be read), io.
  Result<bool> step(const Reader& snapshot, std::size_t max_bytes = 1024 * 1024);

  const Digests& digests() const { return digests_; }

 private:
  // Acts are found by their end, all other rows by their beginning.
  bool by_bucket() const;
  bool wanted(unsigned char bucket) const;
  void add(ByteView key, ByteView value);

  const Crypto& crypto_;
  Secret secret_;
  Region region_;
  std::vector<unsigned char> only_;
  std::size_t kind_ = 0;    // of digested_kinds
  std::size_t bucket_ = 0;  // of only_, within the kind
  Bytes from_;              // where to go on within it
  Digests digests_{};
};

// The buckets in which they differ, in order.
std::vector<std::size_t> unequal_buckets(const Digests& a, const Digests& b);

}  // namespace crossfloor
