// What is taken in while its receipts cannot be given.
#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

TEST_SUITE("intake") {
  TEST_CASE(
      "a channel that repeats itself to a node whose peer stores nothing is refused in the end") {
    CoreWorld world{{"helsinki", "warsaw"}};
    world.start();
    world.lost = [&](const SendMessage& message) {
      return message.to == world.host(0).id &&
             std::holds_alternative<ReplicationFrame>(message.message);
    };
    IncomingMessage message;
    message.external_id = "again";
    message.customer.external_id = "4711";
    message.text = "hello?";
    const RequestId first_request = 1'000'000;
    for (std::size_t i = 0; i < Receipts::max_waiting + 10; ++i) {
      world.core(0).intake(first_request + i, CoreWorld::chat, message, world.now());
    }
    CHECK(world.core(0).intakes_waiting() == Receipts::max_waiting);
    world.lost = [](const SendMessage&) { return false; };
    world.run(Duration{10'000});
    CHECK(world.core(0).intakes_waiting() == 0);
  }

  TEST_CASE(
      "an origin tells how far its disk is for what receipts wait for, and for nothing else") {
    CoreWorld world{{"helsinki", "warsaw"}};
    world.start();
    world.run(Duration{2'000});
    std::size_t told = 0;
    world.lost = [&](const SendMessage& message) {
      const auto* frame = std::get_if<ReplicationFrame>(&message.message);
      told += frame != nullptr && message.to == world.host(1).id &&
              std::holds_alternative<Stored>(frame->message);
      return false;
    };
    world.write(0, CoreWorld::chat, "4711", "hello?");
    world.run(Duration{1'000});
    CHECK(told == 1);
    world.add_agent(0, "bob");  // it rings there, which is an entry, too
    world.run(Duration{1'000});
    REQUIRE(world.conversation(0, CourseState::ringing) != nullptr);
    REQUIRE(world.say(0, "bob", Verb::accept, world.conversation(0)->id).ok);
    world.run(Duration{1'000});
    CHECK(told == 1);
  }
}
