// A member does what its certificate allows and no more: each test plants a node that oversteps.
#include "node/core/rights.h"

#include <nlohmann/json.hpp>

#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

constexpr const char* host = Certificate::right_host;
constexpr const char* serve = Certificate::right_serve;
constexpr const char* operate = Certificate::right_operate;

DeskCommand close_of(const ConversationId& conversation, const NodeId& from) {
  DeskCommand command;
  command.id = *CommandId::from(Bytes(CommandId::size, 'x'));
  command.verb = Verb::close;
  command.conversation = conversation;
  command.agent = "mallory";
  command.agent_node = from;
  command.by_operator = true;
  command.reason = "because I can";
  return command;
}

ConversationId only_conversation(CoreWorld& world, std::size_t index) {
  REQUIRE(world.core(index).home().conversations().size() == 1);
  return world.core(index).home().conversations().begin()->first;
}

std::string complaints(CoreWorld& world, std::size_t index) {
  std::string all;
  const Json status = world.ask(index, "status");
  for (const Json& line : status["wrong"]) {
    all += line["what"].get<std::string>() + "\n";
  }
  return all;
}

}  // namespace

TEST_SUITE("rights") {
  TEST_CASE("an operator's command counts only from a node whose operators may") {
    for (const bool may : {false, true}) {
      CAPTURE(may);
      const std::vector<std::string> rights =
          may ? std::vector<std::string>{serve, operate} : std::vector<std::string>{serve};
      CoreWorld world({"helsinki", "mallory"}, 1, {{"mallory", rights}});
      world.start();
      world.write(0, CoreWorld::chat, "4711", "hello");
      const auto id = only_conversation(world, 0);
      world.say(1, 0, DeskFrame{close_of(id, world.host(1).id)});
      world.run(Duration{500});
      CHECK((world.core(0).home().find(id) == nullptr) == may);
      CHECK(world.core(0).overstepped().contains(world.host(1).id) == !may);
      CHECK((complaints(world, 0).find("(mallory) said 1 thing that its certificate gives no right "
                                       "to; lately: its certificate lacks the right operate") !=
             std::string::npos) == !may);
    }
  }

  TEST_CASE("a drain, or any other act, is not done for a node without the right") {
    CoreWorld world({"helsinki", "mallory"}, 1, {{"mallory", {host, serve}}});
    world.start();
    const std::string arguments = R"({"on":true,"by":"mallory","reason":"because"})";
    world.say(1, 0, DeskFrame{InspectQuestion{7, "drain", arguments}});
    CHECK_FALSE(world.core(0).mesh().own_drained());
    CHECK(world.ask(1, "sites")["asked"].empty());  // it does not even ask
  }

  TEST_CASE("an agent's command counts only from that agent's node") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(0, "ada");
    world.write(0, CoreWorld::chat, "4711", "hello");
    const auto id = only_conversation(world, 0);
    const Conversation before = *world.core(0).home().find(id);
    REQUIRE(before.state == CourseState::ringing);
    DeskCommand accept = close_of(id, world.host(0).id);
    accept.verb = Verb::accept;
    accept.by_operator = false;
    accept.agent = "ada";
    accept.epoch = before.epoch;
    world.say(1, 0, DeskFrame{accept});  // warsaw speaks for helsinki's ada
    world.run(Duration{500});
    CHECK(world.core(0).home().find(id)->state == CourseState::ringing);
  }

  TEST_CASE("who may not serve is given no work, nor does it take any") {
    CoreWorld world({"helsinki", "mallory"}, 1, {{"mallory", {host, operate}}});
    world.start();
    CHECK_FALSE(world.core(1).log_in("ada", world.now()).ok());
    world.write(0, CoreWorld::chat, "4711", "hello");
    AgentProfile profile;
    profile.name = "mallory";
    profile.abilities.brands = {CoreWorld::brand};
    profile.abilities.languages = {"en"};
    profile.channels = {{ChannelKind::chat, Duty::primary, 2, 0}};
    world.say(1, 0, RoutingFrame{Pull{1, profile, {}}});
    world.run(Duration{500});
    CHECK(world.core(0).home().find(only_conversation(world, 0))->state == CourseState::waiting);
    CHECK(world.core(0).overstepped().at(world.host(1).id).last.where == serve);
    const std::string id = only_conversation(world, 0).hex();
    CHECK(world.ask(0, "explain", {{"id", id}}).dump().find("\"mallory\"") == std::string::npos);
  }

  TEST_CASE("the same pull of a node that may serve is granted, so the test above can fail") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.write(0, CoreWorld::chat, "4711", "hello");
    AgentProfile profile;
    profile.name = "wanda";
    profile.abilities.brands = {CoreWorld::brand};
    profile.abilities.languages = {"en"};
    profile.channels = {{ChannelKind::chat, Duty::primary, 2, 0}};
    world.say(1, 0, RoutingFrame{Pull{1, profile, {}}});
    // Warsaw's floor knows of no such agent, and gives it back at once: the log says what was.
    const std::string id = only_conversation(world, 0).hex();
    CHECK(world.ask(0, "explain", {{"id", id}}).dump().find("wanda") != std::string::npos);
  }

  TEST_CASE("who may not host is home of nothing, though the account names it first") {
    for (const bool may : {false, true}) {
      CAPTURE(may);
      const std::vector<std::string> rights =
          may ? std::vector<std::string>{host} : std::vector<std::string>{serve};
      CoreWorld world({"mallory", "helsinki"}, 1, {{"mallory", rights}});
      world.start();
      world.write(1, CoreWorld::chat, "4711", "hello");
      const auto id = only_conversation(world, 1);
      CHECK(world.core(1).home().find(id)->home() == world.host(may ? 0 : 1).id);
      // And it rings no agent of others.
      world.say(0, 1, RoutingFrame{Offer{}});
      CHECK(world.core(1).overstepped().contains(world.host(0).id) == !may);
    }
  }

  TEST_CASE("an answer to a command counts only from a home that was asked") {
    CoreWorld world({"helsinki", "warsaw", "london"});
    world.start();
    world.write(0, CoreWorld::chat, "4711", "hello");
    const auto id = only_conversation(world, 0);
    world.go_down(0);
    const DeskCommand command = close_of(id, world.host(1).id);
    world.core(1).command(99, command, world.now());
    REQUIRE(world.core(1).commands().waiting().size() == 1);
    CommandAnswer lie;
    lie.id = command.id;
    lie.ok = true;
    lie.conversation = id;
    world.say(2, 1, DeskFrame{lie});
    CHECK(world.core(1).commands().waiting().size() == 1);
  }

  TEST_CASE("streams of nodes that were never admitted are not kept in mind") {
    CoreWorld world({"helsinki", "mallory"});
    world.start();
    SeededRandom random(7);
    Vector claims;
    for (int i = 0; i < 100; ++i) {
      claims.streams.push_back({make_signing_key(random).node(), 1, CoreWorld::region, 1000, {}});
    }
    claims.streams.push_back({world.host(1).id, 42, CoreWorld::region, 1000, {}});
    world.say(1, 0, ReplicationFrame{claims});
    CHECK(world.core(0).scribe().log().heard_but_missing().size() == 1);  // its own, that it may
  }

  TEST_CASE("a question about customers is answered only to nodes that may hold their region") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.write(0, CoreWorld::chat, "4711", "my card number is …");
    const std::string id = only_conversation(world, 0).hex();
    const Inspector own(world.core(0));
    const Inspector other(world.core(0), NodeId{});  // a node without any certificate
    for (const auto& [what, arguments] :
         {std::pair<std::string, Json>{"conversation", {{"id", id}}},
          {"explain", {{"id", id}}},
          {"customer", {{"handle", std::string(CoreWorld::chat) + ":4711"}}}}) {
      CAPTURE(what);
      CHECK(own.answer(what, arguments.dump(), world.now()).ok());
      const auto told = other.answer(what, arguments.dump(), world.now());
      REQUIRE_FALSE(told.ok());
      CHECK(told.error().code == ErrorCode::forbidden);
    }
  }
}
