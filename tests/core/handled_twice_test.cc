// Replies on both sides of a cut: both reach the customer, and the figure says so.
#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

std::uint32_t handled_twice(CoreWorld& world, std::size_t at, const ConversationId& id) {
  return rows::conversation(world.core(at).scribe().view(), id).value()->handled_twice;
}

// A conversation waited when a cut began. Its home gave it to an agent there, the other took it
// over.
struct Waiting {
  CoreWorld world{{"helsinki", "warsaw"}};
  ConversationId id;

  Waiting() {
    world.start();
    world.write(0, CoreWorld::chat, "4711", "where is my parcel?");
    world.run(Duration{2'000});
    REQUIRE(world.core(1).home().conversations().size() == 1);
    id = world.core(1).home().conversations().begin()->first;
    world.cut_all();
    world.add_agent(0, "ann");
    for (int i = 0; i < 60 && world.rings().empty(); ++i) world.run(Duration{1'000});
    world.command(0, "ann", Verb::accept, id);
    REQUIRE(world.core(0).presence("ann", Presence::not_ready, "", world.now()).ok());
    world.run(Duration{90'000});
    REQUIRE(world.core(0).home().find(id)->agent == "ann");
    REQUIRE(world.core(1).home().find(id)->home() == world.host(1).id);
    REQUIRE(world.core(1).home().find(id)->state == CourseState::waiting);
    world.lost = [](const SendMessage&) { return false; };
  }
};

}  // namespace

TEST_SUITE("handled twice") {
  TEST_CASE("an answer that sorts before the takeover, of which the next home knew nothing") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(0, "ann");
    world.write(0, CoreWorld::chat, "4711", "where is my parcel?");
    const ConversationId id = world.only_rung();
    world.command(0, "ann", Verb::accept, id);
    world.answer(0, "ann", id);  // before the cut: both know it
    world.add_agent(1, "bob");
    world.write(0, CoreWorld::chat, "4711", "it is not there");
    world.cut_all();
    world.run(Duration{5'000});
    world.answer(0, "ann", id);  // Helsinki does not know that it is cut off
    REQUIRE(world.core(0).home().find(id)->replies.size() == 2);

    world.run(Duration{75'000});
    world.write(1, CoreWorld::chat, "4711", "hello?");
    for (int i = 0; i < 60 && world.rings().size() < 2; ++i) world.run(Duration{1'000});
    REQUIRE(world.rings().size() == 2);
    CHECK(world.rings()[1].notice.agent == "bob");
    world.command(1, "bob", Verb::accept, id);
    world.answer(1, "bob", id);
    world.answer(1, "bob", id);
    REQUIRE(world.core(1).home().find(id)->replies.size() == 3);
    CHECK(handled_twice(world, 1, id) == 0);  // it cannot know yet

    world.heal();
    world.run(Duration{20'000});
    for (const std::size_t at : {0, 1}) {
      CAPTURE(at);
      const auto row = rows::conversation(world.core(at).scribe().view(), id).value();
      CHECK(row->replies.size() == 4);
      CHECK(row->handled_twice == 1);
    }
  }

  TEST_CASE("a home handed on knows what was answered: nothing is handled twice") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(0, "ann");
    world.write(0, CoreWorld::chat, "4711", "where is my parcel?");
    const ConversationId id = world.only_rung();
    world.command(0, "ann", Verb::accept, id);
    world.answer(0, "ann", id);
    world.core(0).drain(true, world.now());
    world.run(Duration{3'000});
    REQUIRE(world.core(1).home().find(id)->home() == world.host(1).id);
    world.answer(0, "ann", id);
    world.run(Duration{3'000});
    const auto row = rows::conversation(world.core(1).scribe().view(), id).value();
    CHECK(row->replies.size() == 2);
    CHECK(row->handled_twice == 0);
  }

  // The lost home gave it to somebody else meanwhile, and its entries come only when the cut heals.
  TEST_CASE("who takes a home over for a new message says in the new term who has it") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(1, "bob");
    world.write(0, CoreWorld::chat, "4711", "where is my parcel?");
    const ConversationId id = world.only_rung();
    world.command(1, "bob", Verb::accept, id);
    REQUIRE(world.core(0).home().find(id)->home() == world.host(0).id);
    REQUIRE(world.core(0).home().find(id)->agent == "bob");

    world.cut_all();
    world.add_agent(0, "ann");
    for (int i = 0; i < 60 && world.rings().size() < 2; ++i) world.run(Duration{1'000});
    REQUIRE(world.rings().back().notice.agent == "ann");
    world.command(0, "ann", Verb::accept, id);
    REQUIRE(world.core(0).home().find(id)->agent == "ann");

    world.run(Duration{60'000});
    world.write(1, CoreWorld::chat, "4711", "hello?");
    world.run(Duration{10'000});
    REQUIRE(world.core(1).home().find(id)->home() == world.host(1).id);
    REQUIRE(world.core(1).home().find(id)->agent == "bob");

    world.lost = [](const SendMessage&) { return false; };
    world.bring_up({LinkKind::pulse});  // both live before they have each other's entries
    world.run(Duration{20'000});
    REQUIRE(world.core(0).home().find(id)->agent == "ann");
    world.bring_up({LinkKind::live, LinkKind::bulk});
    world.run(Duration{20'000});
    for (const std::size_t at : {0, 1}) {
      CAPTURE(at);
      CHECK(world.core(at).home().find(id)->agent == "bob");
      CHECK(world.core(at).home().find(id)->term() == 2);
    }
    CHECK(world.core(0).desk().floor().work_of(id) == nullptr);
    REQUIRE(world.core(1).desk().floor().work_of(id) != nullptr);
    CHECK(world.core(1).desk().floor().work_of(id)->agent == "bob");
  }

  TEST_CASE("nor does what waited when its home was lost go to whom that home gave it later") {
    Waiting cut;
    CoreWorld& world = cut.world;
    const Epoch given_up = world.core(1).home().find(cut.id)->epoch;
    world.bring_up({LinkKind::pulse});
    world.run(Duration{20'000});
    world.bring_up({LinkKind::live, LinkKind::bulk});
    world.run(Duration{20'000});
    for (const std::size_t at : {0, 1}) {
      CAPTURE(at);
      const Conversation* c = world.core(at).home().find(cut.id);
      REQUIRE(c != nullptr);
      CHECK(c->term() == 2);
      CHECK((c->agent.empty() || c->assigned > given_up));
    }
  }

  TEST_CASE("a link that comes and goes without a word puts off no takeover") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.write(0, CoreWorld::chat, "4711", "where is my parcel?");
    world.run(Duration{2'000});
    REQUIRE(world.core(1).home().conversations().size() == 1);
    const ConversationId id = world.core(1).home().conversations().begin()->first;
    world.cut_all();
    for (int i = 0; i < 60; ++i) {
      world.run(Duration{2'000});
      world.bring_up({LinkKind::live});
    }
    CHECK(world.core(1).home().find(id)->home() == world.host(1).id);
  }

  TEST_CASE("two that took each other for dead do not take over from each other when they meet") {
    Waiting cut;
    cut.world.bring_up({LinkKind::pulse, LinkKind::live, LinkKind::bulk});
    cut.world.run(Duration{20'000});
    for (const std::size_t at : {0, 1}) {
      CAPTURE(at);
      REQUIRE(cut.world.core(at).home().find(cut.id) != nullptr);
      CHECK(cut.world.core(at).home().find(cut.id)->term() == 2);
    }
  }
}
