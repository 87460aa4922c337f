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

  TEST_CASE(
      "what one customer wrote before is placed some at a time, and nothing is folded again") {
    CoreWorld world({"helsinki"});
    world.start_with({});
    constexpr std::size_t count = 1'200;  // in under two seconds
    for (std::size_t i = 0; i < count; ++i) {
      IncomingMessage message;
      message.external_id = "early-" + std::to_string(i);
      message.customer.external_id = "jane";
      message.text = "hello?";
      world.core(0).intake(RequestId{1'000 + i}, CoreWorld::chat, message, world.now());
      if (i % 10 == 0) world.run(Duration{10});
    }
    REQUIRE_FALSE(world.core(0).home().acting());
    std::size_t most = 0;
    while (world.core(0).home().unplaced() > 0 &&
           world.now().steady < Instant{} + Duration{1'060'000}) {
      const auto before = world.core(0).home().unplaced();
      world.run(Duration{10});
      most = std::max(most, before - world.core(0).home().unplaced());
    }
    CHECK(most <= 2 * 512);  // it may look twice in one step
    CHECK(world.core(0).scribe().items_folded_again() < 16);
    const Conversation* c = world.conversation(0);
    REQUIRE(c != nullptr);
    CHECK(c->unanswered.size() == count);
  }

  // After a kill its links may take longer than two seconds, and its peers answered meanwhile.
  TEST_CASE("a node that has others and reaches none of them acts alone only after five seconds") {
    CoreWorld world({"helsinki", "warsaw"});
    world.host(1).up = false;
    world.start_with({});
    world.run(Duration{4'900});
    CHECK_FALSE(world.core(0).home().acting());
    world.write(0, CoreWorld::chat, "carol", "anybody there?");  // takes 500 ms
    CHECK(world.core(0).home().acting());
    world.run(Duration{200});
    CHECK(world.conversation(0) != nullptr);
  }

  TEST_CASE("what comes in before it acts is placed by whoever it reaches in time, not by itself") {
    CoreWorld world({"helsinki", "warsaw"});
    world.host(1).up = false;
    world.start_with({});
    world.run(Duration{1'000});
    world.write(0, CoreWorld::chat, "carol", "anybody there?");
    world.run(Duration{3'000});
    CHECK(world.conversation(0) == nullptr);
  }
}
