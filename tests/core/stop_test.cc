// A node that is asked to end (SIGTERM) hands on what it has, so that nobody waits for a timer.
#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

TEST_SUITE("a clean end") {
  TEST_CASE("what rings there rings at another site at once, with its age, under a new home") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(0, "ann");
    world.write(0, CoreWorld::chat, "4711", "where is my parcel?");
    const ConversationId id = world.only_rung();
    const auto since = world.core(0).home().find(id)->waiting_since_ms();
    world.add_agent(1, "bob");
    REQUIRE(world.rings().size() == 1);

    const Instant asked = world.now().steady;
    world.core(0).stop(world.now());
    world.run(Duration{100});
    CHECK(world.core(0).idle());
    world.go_down(0);
    for (int i = 0; i < 200 && world.rings().size() < 2; ++i) world.run(Duration{10});
    REQUIRE(world.rings().size() == 2);
    CHECK(world.rings()[1].notice.agent == "bob");
    CHECK(world.rings()[1].at - asked < Duration{2'000});
    const Conversation* c = world.core(1).home().find(id);
    REQUIRE(c != nullptr);
    CHECK(c->home() == world.host(1).id);
    CHECK(c->waiting_since_ms() == since);
  }

  TEST_CASE("a message that comes while it ends is refused, and another host takes it") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.core(0).stop(world.now());
    world.write(0, CoreWorld::chat, "4711", "hello?");
    CHECK(world.receipts().empty());
    REQUIRE(world.refusals().size() == 1);
    CHECK(world.refusals()[0].code == ErrorCode::unavailable);
    world.go_down(0);
    world.write(1, CoreWorld::chat, "4711", "hello?");
    world.run(Duration{3'000});
    CHECK(world.receipts().size() == 1);
  }
}
