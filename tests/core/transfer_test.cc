// Handing a conversation to others, putting it off, and leaving: over whole nodes.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

// Helsinki is home of everything; ann and bob work there, carl and dora in Warsaw.
struct Handover : CoreWorld {
  Handover() : CoreWorld({"helsinki", "warsaw"}) {
    start();
    add_agent(0, with(record_of(0, "ann"), "", {}));
  }
  static AgentRecord with(AgentRecord record, const std::string& team,
                          const std::vector<std::string>& skills) {
    record.team = team;
    record.skills = skills;
    return record;
  }
  // Ann takes a new chat.
  ConversationId taken_chat(const std::string& customer = "4711") {
    write(0, CoreWorld::chat, customer, "hello?");
    const Conversation* c = conversation(0, CourseState::ringing);
    REQUIRE(c);
    REQUIRE(c->agent == "ann");
    const ConversationId id = c->id;
    REQUIRE(say(0, "ann", Verb::accept, id).ok);
    run(Duration{100});
    return id;
  }
  const Conversation& at_home(const ConversationId& id) {
    const Conversation* c = core(0).home().find(id);
    REQUIRE(c);
    return *c;
  }
  std::uint32_t units(std::size_t index, const std::string& agent) {
    return core(index).desk().floor().view(agent)->units_used;
  }
};

}  // namespace

TEST_SUITE("handing over") {
  TEST_CASE("to an agent of another site, with the customer's age and the whole history") {
    Handover world;
    const auto id = world.taken_chat();
    const auto since = world.at_home(id).waiting_since_ms();
    world.add_agent(1, "carl");
    world.add_agent(1, "dora");
    REQUIRE(world
                .say(0, "ann", Verb::transfer, id,
                     [&](DeskCommand& transfer) {
                       transfer.to_agent = "dora";
                       transfer.to_node = world.host(1).id;
                     })
                .ok);
    world.run(Duration{500});
    CHECK(world.at_home(id).state == CourseState::ringing);
    CHECK(world.at_home(id).agent == "dora");
    CHECK(world.at_home(id).waiting_since_ms() == since);
    CHECK(world.units(0, "ann") == 0);
    REQUIRE(world.say(1, "dora", Verb::accept, id).ok);
    world.run(Duration{200});
    CHECK(world.core(1).home().find(id)->unanswered.size() == 1);
    const Json told = world.ask(0, "explain", {{"id", id.hex()}});
    CHECK(told.dump().find("directed by a person") != std::string::npos);
  }

  TEST_CASE("to an agent who is busy: it waits for that agent, beside the queue") {
    Handover world;
    const auto first = world.taken_chat("1");
    world.run(Duration{100});
    auto carl = world.record_of(1, "carl");
    carl.channels[0].maximum = 1;
    world.add_agent(1, carl);
    const auto to_carl = [&](DeskCommand& transfer) {
      transfer.to_agent = "carl";
      transfer.to_node = world.host(1).id;
    };
    REQUIRE(world.say(0, "ann", Verb::transfer, first, to_carl).ok);
    world.run(Duration{500});
    REQUIRE(world.say(1, "carl", Verb::accept, first).ok);
    const auto second = world.taken_chat("2");
    REQUIRE(world.say(0, "ann", Verb::transfer, second, to_carl).ok);
    world.run(Duration{2'000});
    CHECK(world.at_home(second).state == CourseState::waiting);  // though ann is free
    REQUIRE(world.say(1, "carl", Verb::close, first, [](auto& c) { c.reason = "solved"; }).ok);
    world.run(Duration{2'000});
    CHECK(world.at_home(second).agent == "carl");
  }

  TEST_CASE("to a team, whoever of it is free first") {
    Handover world;
    const auto id = world.taken_chat();
    world.add_agent(1, "carl");
    REQUIRE(world.say(0, "ann", Verb::transfer, id, [](DeskCommand& t) { t.team = "returns"; }).ok);
    world.run(Duration{2'000});
    CHECK(world.at_home(id).state == CourseState::waiting);
    world.add_agent(1, Handover::with(world.record_of(1, "dora"), "returns", {}));
    world.run(Duration{2'000});
    CHECK(world.at_home(id).agent == "dora");
  }

  TEST_CASE("back to the queue with other skills") {
    Handover world;
    const auto id = world.taken_chat();
    REQUIRE(
        world.say(0, "ann", Verb::transfer, id, [](DeskCommand& t) { t.skills = {"cars"}; }).ok);
    world.run(Duration{2'000});
    CHECK(world.at_home(id).state == CourseState::waiting);
    CHECK(world.at_home(id).skills == std::vector<std::string>{"cars"});
    world.add_agent(1, Handover::with(world.record_of(1, "carl"), "", {"cars"}));
    world.run(Duration{2'000});
    CHECK(world.at_home(id).agent == "carl");
  }

  TEST_CASE("pending takes no slot; at its time it comes back to its agent") {
    Handover world;
    const auto id = world.taken_chat();
    world.add_agent(0, "bob");
    const auto until = ms_of(world.now().wall) + 30'000;
    REQUIRE(world
                .say(0, "ann", Verb::pending, id,
                     [&](DeskCommand& pending) {
                       pending.until_ms = until;
                       pending.seen = {world.at_home(id).unanswered.front().message};
                     })
                .ok);
    CHECK(world.units(0, "ann") == 0);
    world.run(Duration{29'000});
    CHECK(world.at_home(id).state == CourseState::pending);
    world.run(Duration{2'000});
    CHECK(world.at_home(id).state == CourseState::ringing);
    CHECK(world.at_home(id).agent == "ann");
    CHECK(world.ask(0, "explain", {{"id", id.hex()}}).dump().find("its time has come") !=
          std::string::npos);
  }

  TEST_CASE(
      "the customer's answer ends pending sooner, and it waits for its agent if that is busy") {
    Handover world;
    auto record = world.record_of(0, "ann");
    record.channels[0].maximum = 1;
    REQUIRE(world.core(0).set_agent(record, world.now()).ok());
    const auto id = world.taken_chat("1");
    const auto put_off = [&](DeskCommand& pending) {
      pending.until_ms = ms_of(world.now().wall) + 3'600'000;
      pending.seen = {world.at_home(id).unanswered.front().message};
    };
    REQUIRE(world.say(0, "ann", Verb::pending, id, put_off).ok);
    SUBCASE("free: at once") {
      world.add_agent(0, "bob");
      world.write(0, CoreWorld::chat, "1", "any news?");
      CHECK(world.at_home(id).state == CourseState::ringing);
      CHECK(world.at_home(id).agent == "ann");
    }
    SUBCASE("busy: never above the capacity; after a while anybody") {
      world.taken_chat("2");
      world.add_agent(0, "bob");
      world.write(0, CoreWorld::chat, "1", "any news?");
      CHECK(world.at_home(id).state == CourseState::waiting);
      CHECK(world.units(0, "ann") == 4);
      world.run(Duration{6'500});  // a fifth of the target
      CHECK(world.at_home(id).agent == "bob");
    }
  }

  TEST_CASE("who leaves hands open work over at once; what is pending stays that agent's") {
    Handover world;
    const auto open = world.taken_chat("1");
    const auto pending = world.taken_chat("2");
    const auto seen = world.at_home(pending).unanswered.front().message;
    REQUIRE(world.say(0, "ann", Verb::pending, pending, [&](auto& c) { c.seen = {seen}; }).ok);
    world.add_agent(1, "carl");
    REQUIRE(world.core(0).log_out("ann", world.now()).ok());
    world.run(Duration{1'000});
    CHECK(world.at_home(open).agent == "carl");
    CHECK(world.at_home(pending).state == CourseState::pending);
    CHECK(world.at_home(pending).agent == "ann");
    world.write(0, CoreWorld::chat, "2", "hello again");
    world.run(Duration{1'000});
    CHECK(world.at_home(pending).agent == "carl");  // ann is not there: nobody waits for her
  }
}
