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
}
