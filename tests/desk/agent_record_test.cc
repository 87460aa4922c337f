#include "protocol/agent_record.h"

#include <doctest/doctest.h>

#include "protocol/routing_messages.h"
#include "tests/desk/people.h"

using namespace crossfloor;

TEST_SUITE("agent record") {
  TEST_CASE("a sound record passes, and each wrong field is named with its mend") {
    CHECK(check_agent_record(agent_named("ann")).ok());
    struct Case {
      const char* where;
      void (*spoil)(AgentRecord&);
    };
    for (const auto& [where, spoil] : {
             Case{"name", [](AgentRecord& r) { r.name = "ann smith"; }},
             Case{"name", [](AgentRecord& r) { r.name = std::string(65, 'a'); }},
             Case{"node", [](AgentRecord& r) { r.node = {}; }},
             Case{"display_name", [](AgentRecord& r) { r.display_name = "\xff"; }},
             Case{"brands", [](AgentRecord& r) { r.brands.clear(); }},
             Case{"brands[1]",
                  [](AgentRecord& r) {
                    r.brands = {"acme", "acme"};
                  }},
             Case{"skills[0]", [](AgentRecord& r) { r.skills = {std::string(33, 's')}; }},
             Case{"languages", [](AgentRecord& r) { r.languages.assign(17, "en"); }},
             Case{"total_units", [](AgentRecord& r) { r.total_units = 0; }},
             Case{"channels.chat.maximum", [](AgentRecord& r) { r.channels[0].maximum = 0; }},
             Case{"channels.chat.cost", [](AgentRecord& r) { r.channels[0].cost = 13; }},
             Case{"channels.chat", [](AgentRecord& r) { r.channels.push_back(r.channels[0]); }},
         }) {
      CAPTURE(where);
      auto record = agent_named("ann");
      spoil(record);
      const auto status = check_agent_record(record);
      REQUIRE_FALSE(status.ok());
      CHECK(status.error().where == where);
      CHECK_FALSE(status.error().mend.empty());
    }
  }

  TEST_CASE("brand, mandatory skills and language match hard (rule 11)") {
    const Abilities abilities{{"acme"}, {"en", "fi"}, {"billing", "cars"}};
    const auto service = [](const char* brand, std::vector<std::string> skills, const char* lang) {
      return ServiceClass{brand, ChannelKind::chat, std::move(skills), lang};
    };
    CHECK(matches(abilities, service("acme", {}, "")));
    CHECK(matches(abilities, service("acme", {"cars"}, "fi")));
    CHECK(matches(abilities, service("acme", {}, "en-GB")));
    CHECK_FALSE(matches(abilities, service("acme", {}, "eng")));
    CHECK_FALSE(matches(abilities, service("acme", {"cars", "boats"}, "fi")));
    CHECK_FALSE(matches(abilities, service("other", {}, "")));
    CHECK_FALSE(matches({{"acme"}, {"en-GB"}, {}}, service("acme", {}, "en")));
  }

  TEST_CASE("messages with lists beyond their limits are refused") {
    Offer offer;
    offer.need = need_of(talk(1));
    CHECK(check_routing_message(offer).ok());
    offer.need.excluded.assign(max_excluded + 1, "ann");
    CHECK_FALSE(check_routing_message(offer).ok());
    Pull pull;
    pull.agent.abilities.skills.assign(max_agent_skills + 1, "a");
    CHECK_FALSE(check_routing_message(pull).ok());
    Grant grant;
    grant.assignment.ring_ms = 1ull << 60;
    CHECK_FALSE(check_routing_message(grant).ok());
  }
}
