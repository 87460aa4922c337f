#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

TEST_SUITE("a start") {
  TEST_CASE("whoever is heard already is waited for, until its links are up") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start_with({LinkKind::pulse});
    world.run(Duration{5'000});
    REQUIRE(world.core(0).mesh().membership().live_count() == 2);
    CHECK_FALSE(world.core(0).home().acting());
    world.bring_up({LinkKind::live, LinkKind::bulk});
    world.run(Duration{1'000});
    CHECK(world.core(0).home().acting());
    CHECK(world.core(1).home().acting());
  }

  TEST_CASE("links that do not come hold nobody up for longer than ten seconds") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start_with({LinkKind::pulse});
    world.run(Duration{11'000});
    CHECK(world.core(0).home().acting());
  }

  TEST_CASE("a node that hears nobody acts alone after two seconds") {
    CoreWorld world({"helsinki"});
    world.start_with({});
    world.run(Duration{1'500});
    CHECK_FALSE(world.core(0).home().acting());
    world.run(Duration{1'500});
    CHECK(world.core(0).home().acting());
  }
}
