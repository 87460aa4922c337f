// Replies on their way out, and what the log brings of them later than it should.
#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

TEST_SUITE("sender") {
  // From an old backup a node believes that a person has to see after a reply of its own.
  TEST_CASE("a reply whose outcome comes back from the peers is nobody's work any more") {
    CoreWorld world({"helsinki", "warsaw"});
    int calls = 0;
    world.provider = [&](const CallProvider&) {
      ++calls;
      return DeliveryKind::needs_person;
    };
    world.start();
    world.add_agent(0, "ann");
    world.write(0, CoreWorld::chat, "4711", "where is my parcel?");
    const ConversationId id = world.only_rung();
    world.command(0, "ann", Verb::accept, id);
    world.answer(0, "ann", id);
    REQUIRE(calls == 1);
    const auto rows = [&] { return world.core(0).sender().rows(); };
    REQUIRE(rows().size() == 1);
    const MemoryStore backup(world.host(0).disk);
    REQUIRE(world.core(0).resolve(rows()[0].reply.id, Resolution::sent, "ext-1", world.now()).ok());
    world.run(Duration{1'000});
    REQUIRE(rows().empty());
    bool closes = false;
    SUBCASE("while the conversation goes on") {}
    SUBCASE("and the conversation was closed meanwhile") {
      closes = true;
    }
    if (closes) {
      world.command(0, "ann", Verb::close, id, [](DeskCommand& close) { close.reason = "solved"; });
      world.run(Duration{1'000});
    }

    world.go_down(0);
    world.host(0).disk = backup;
    world.cut_all();
    world.restart(0);
    for (int i = 0; i < 400 && rows().empty(); ++i) world.run(Duration{50});
    REQUIRE(rows().size() == 1);
    world.heal();
    world.run(Duration{10'000});
    CHECK(rows().empty());
    CHECK(calls == 1);
  }
}
