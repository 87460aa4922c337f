// When a core is woken, and what is noticed of a standstill.
#include "node/core/waker.h"

#include <doctest/doctest.h>

#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

Now after(Now now, Duration passed) {
  return {now.steady + passed, now.wall + passed};
}

}  // namespace

TEST_SUITE("waker") {
  TEST_CASE("who is woken more than a second late stood still") {
    CoreWorld world({"helsinki"});
    world.start();
    Waker waker(world.core(0));
    waker.set(world.now());
    const Instant due = *waker.due();
    CHECK_FALSE(waker.look({due + Duration{1'000}, world.now().wall}));
    CHECK(waker.look({due + Duration{1'001}, world.now().wall}) == Duration{1'001});
    CHECK_FALSE(waker.look({due + Duration{1'002}, world.now().wall}));  // is said once
  }

  TEST_CASE("a standstill in the midst of what the core is told is noticed, too") {
    CoreWorld world({"helsinki"});
    world.start();
    world.add_agent(0, "ann");
    for (int i = 0; world.core(0).deadline() < world.now().steady + Duration{20}; ++i) {
      REQUIRE(i < 5'000);
      world.run(Duration{1});
    }
    Waker waker(world.core(0));
    const Now now = world.now();
    waker.set(now);
    // The second change of the load is told 10 ms after the first, before the core wanted to wake.
    REQUIRE(world.core(0).presence("ann", Presence::not_ready, "lunch", now).ok());
    REQUIRE(world.core(0).presence("ann", Presence::ready, "", now).ok());
    REQUIRE(world.core(0).deadline() < *waker.due());
    const Now later = after(now, Duration{20'000});
    waker.set(later);
    const auto gap = waker.look(later);
    REQUIRE(gap);
    CHECK(*gap > Duration{18'000});
  }
}
