#include "protocol/peer_clocks.h"

#include <doctest/doctest.h>

using namespace crossfloor;

namespace {

constexpr Instant at(Duration since_start) {
  return Instant{} + since_start;
}
constexpr Duration minute{60'000};

NodeId peer(unsigned char name) {
  NodeId id;
  id.raw[0] = name;
  return id;
}

}  // namespace

TEST_SUITE("peers' clocks") {
  TEST_CASE("before anybody answered nothing is known, and the own clock is taken as it is") {
    const PeerClocks clocks;
    CHECK_FALSE(clocks.ahead());
    CHECK_FALSE(clocks.worth_showing());
    CHECK(clocks.correction() == Duration{0});
  }

  TEST_CASE("a clock over two seconds off is shown, over a minute off it stamps with the median") {
    struct Case {
      Duration ahead;
      bool shown;
      bool wrong;
    };
    for (const auto& [ahead, shown, wrong] :
         {Case{Duration{2'000}, false, false}, Case{Duration{2'001}, true, false},
          Case{minute, true, false}, Case{minute + Duration{1}, true, true},
          Case{-minute - Duration{1}, true, true}, Case{Duration{-2'001}, true, false}}) {
      CAPTURE(ahead.count());
      PeerClocks clocks;
      for (const unsigned char name : {1, 2, 3}) clocks.measured(peer(name), ahead, at(minute));
      CHECK(clocks.worth_showing() == shown);
      CHECK(clocks.wrong() == wrong);
      CHECK(clocks.correction() == (wrong ? ahead : Duration{0}));
    }
  }

  TEST_CASE("one wrong peer among others moves nothing") {
    PeerClocks clocks;
    clocks.measured(peer(1), Duration{10}, at(minute));
    clocks.measured(peer(2), 10 * minute, at(minute));
    CHECK(clocks.ahead() == Duration{10});  // of two the nearer
    clocks.measured(peer(3), Duration{-10}, at(minute));
    CHECK(clocks.ahead() == Duration{10});
    CHECK_FALSE(clocks.worth_showing());
  }

  TEST_CASE("with a single peer nobody knows whose clock is wrong") {
    PeerClocks clocks;
    clocks.measured(peer(1), 10 * minute, at(minute));
    CHECK(clocks.worth_showing());
    CHECK_FALSE(clocks.wrong());
  }

  TEST_CASE("a wrong clock is trusted again when it is right, not when it is less wrong") {
    PeerClocks clocks;
    for (const unsigned char name : {1, 2}) clocks.measured(peer(name), 2 * minute, at(minute));
    for (const unsigned char name : {1, 2}) clocks.measured(peer(name), minute / 2, at(minute));
    CHECK(clocks.correction() == minute / 2);
    for (const unsigned char name : {1, 2}) clocks.measured(peer(name), Duration{5}, at(minute));
    CHECK_FALSE(clocks.wrong());
  }

  TEST_CASE("what a peer said long ago counts no more once others are asked") {
    PeerClocks clocks;
    clocks.measured(peer(1), 10 * minute, at(minute));
    clocks.measured(peer(2), Duration{0}, at(minute) + PeerClocks::forgotten_after);
    CHECK(clocks.ahead() == Duration{0});
  }
}
