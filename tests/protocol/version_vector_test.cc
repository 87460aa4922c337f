#include "protocol/version_vector.h"

#include <doctest/doctest.h>

using namespace crossfloor;

namespace {

Stream stream(unsigned char node, Generation generation = 1, Region region = "eu") {
  Stream out;
  out.origin.node.raw[0] = node;
  out.origin.generation = generation;
  out.region = std::move(region);
  return out;
}

}  // namespace

TEST_SUITE("version vector") {
  TEST_CASE("what is missing is told stream by stream, from the first entry that is not held") {
    const VersionVector mine{{stream(1), 5}, {stream(2), 9}, {stream(4), 1}};
    const VersionVector theirs{{stream(1), 8}, {stream(2), 9}, {stream(3), 2}, {stream(5), 0}};
    CHECK(missing(mine, theirs) == std::vector<Wanted>{{stream(1), 6}, {stream(3), 1}});
    CHECK(missing(theirs, mine) == std::vector<Wanted>{{stream(4), 1}});
    CHECK_FALSE(covers(mine, theirs));
    VersionVector both = mine;
    merge(both, theirs);
    CHECK(covers(both, mine));
    CHECK(covers(both, theirs));
    CHECK(both.at(stream(1)) == 8);
    CHECK(common(mine, theirs) == VersionVector{{stream(1), 5}, {stream(2), 9}});
  }

  TEST_CASE("the hash tells vectors apart, and only what they say counts") {
    const SodiumCrypto crypto;
    const VersionVector base{{stream(1), 5}, {stream(2), 9}};
    const Hash hash = hash_of(crypto, base);
    VersionVector same = base;
    same[stream(7)] = 0;
    CHECK(hash_of(crypto, same) == hash);
    for (const VersionVector& other : {VersionVector{}, VersionVector{{stream(1), 5}},
                                       VersionVector{{stream(1), 9}, {stream(2), 5}},
                                       VersionVector{{stream(1, 2), 5}, {stream(2), 9}},
                                       VersionVector{{stream(1, 1, "us"), 5}, {stream(2), 9}}}) {
      CHECK(hash_of(crypto, other) != hash);
    }
  }
}
