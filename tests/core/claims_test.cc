// What a member with a valid certificate claims, beyond what can be true: wild sequence numbers and
// times. It may lie; it must not stop others, nor make them promise too much.
#include "protocol/peer_messages.h"
#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

TEST_SUITE("claims of a member") {
  TEST_CASE("who claims entries that were never written proves no receipt") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.write(0, CoreWorld::chat, "4711", "first");
    REQUIRE(world.receipts().size() == 1);
    const Scribe& scribe = world.core(0).scribe();
    Vector claim;
    claim.answer = true;
    claim.streams.push_back(
        {scribe.self(), scribe.generation(), CoreWorld::region, UINT64_MAX, Hash{}});
    world.deliver(0, world.host(1).id, LinkKind::live, ReplicationFrame{claim});
    world.cut_all();
    world.write(0, CoreWorld::chat, "4711", "second");
    world.run(Duration{1'000});
    for (std::size_t i = 1; i < world.receipts().size(); ++i) {
      CHECK_FALSE(world.receipts()[i].mesh);
    }
  }

  TEST_CASE("a home whose last word is of a time to come goes on in a new term") {
    CoreWorld world({"helsinki", "warsaw"});
    world.host(0).clock_off = std::chrono::hours(24 * 30);
    world.start();
    world.write(0, CoreWorld::chat, "4711", "hello?");
    const auto id = world.conversation(0)->id;
    REQUIRE(world.core(0).home().find(id)->home() == world.host(0).id);
    world.host(0).clock_off = Duration{0};
    world.restart(0);
    world.run(Duration{15'000});
    world.add_agent(0, "ann");
    world.run(Duration{5'000});
    const Conversation* c = world.core(0).home().find(id);
    REQUIRE(c != nullptr);
    CHECK(c->state == CourseState::ringing);
    CHECK(c->agent == "ann");
    REQUIRE(world.say(0, "ann", Verb::accept, id).ok);
    CHECK(world.core(0).home().find(id)->state == CourseState::active);
  }
}
