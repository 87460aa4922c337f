#include <nlohmann/json.hpp>

#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

TEST_SUITE("what a reply answers") {
  TEST_CASE("a reply names the latest message that its agent had seen, not what came in since") {
    CoreWorld world({"helsinki"});
    world.start();
    world.add_agent(0, "anna");
    int said = 0;
    const auto says = [&](Verb verb, const std::vector<MessageId>& seen) {
      const auto& open = world.core(0).home().conversations();
      REQUIRE(open.size() == 1);
      const Conversation& c = open.begin()->second;
      DeskCommand command;
      command.id = world.core(0)
                       .scribe()
                       .subjects(CoreWorld::region)
                       ->command("anna", std::to_string(++said));
      command.verb = verb;
      command.conversation = c.id;
      command.epoch = c.epoch;
      command.agent = "anna";
      command.agent_node = world.host(0).id;
      command.text = "answer to " + std::to_string(seen.size());
      command.seen = seen;
      world.core(0).command(1'000'000 + said, command, world.now());
      world.run(Duration{500});
    };
    world.write(0, CoreWorld::chat, "4711", "my parcel is lost");
    says(Verb::accept, {});
    world.write(0, CoreWorld::chat, "4711", "it was a lamp");
    world.write(0, CoreWorld::chat, "4711", "and a red one");
    const Conversation c = world.core(0).home().conversations().begin()->second;
    REQUIRE(c.unanswered.size() == 3);
    const auto id = [&](std::size_t i) { return c.unanswered[i].message; };
    says(Verb::reply, {id(0)});
    says(Verb::reply, {id(2), id(1)});

    const Json told = world.ask(0, "conversation", {{"id", c.id.hex()}});
    std::map<std::string, std::string> parents;
    for (const Json& row : told["rows"]) {
      if (row["what"] == "reply") parents[row["text"]] = row["parent_id"];
    }
    CHECK(parents ==
          std::map<std::string, std::string>{{"answer to 1", "m-1"}, {"answer to 2", "m-3"}});
  }
}
