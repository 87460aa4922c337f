#include "node/runtime/peer_rate.h"

#include <doctest/doctest.h>

using namespace crossfloor;

namespace {

constexpr Instant at(Duration since_start) {
  return Instant{} + since_start;
}

std::size_t admitted(PeerRate& rate, std::size_t frames, std::size_t bytes, Instant now) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < frames; ++i) count += rate.admit(bytes, now) ? 1 : 0;
  return count;
}

}  // namespace

TEST_SUITE("peer rate") {
  TEST_CASE("two seconds' worth may come at once, then what flows in") {
    PeerRate rate({100, 1'000'000});
    CHECK(admitted(rate, 500, 10, at(Duration{0})) == 200);
    CHECK(admitted(rate, 500, 10, at(Duration{0})) == 0);
    CHECK(admitted(rate, 500, 10, at(Duration{100})) == 10);
    CHECK(admitted(rate, 500, 10, at(Duration{60'000})) == 200);  // a long silence saves no more
  }

  TEST_CASE("bytes are limited as frames are, whichever ends first") {
    PeerRate rate({100, 1'000});
    CHECK(admitted(rate, 500, 500, at(Duration{0})) == 4);
    CHECK(admitted(rate, 1, 1'500, at(Duration{1'000})) == 0);
    CHECK(admitted(rate, 1, 1'000, at(Duration{1'000})) == 1);
  }

  TEST_CASE("a peer within the limit is never held up") {
    PeerRate rate({100, 1'000'000});
    for (int i = 0; i < 10'000; ++i) REQUIRE(rate.admit(100, at(Duration{10} * i)));
  }

  TEST_CASE("a clock that stands or goes back gives nothing away") {
    PeerRate rate({10, 1'000'000});
    CHECK(admitted(rate, 100, 1, at(Duration{5'000})) == 20);
    CHECK(admitted(rate, 100, 1, at(Duration{1'000})) == 0);
    CHECK(admitted(rate, 100, 1, at(Duration{5'000})) == 0);
  }
}
