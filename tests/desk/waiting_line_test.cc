#include "node/desk/waiting_line.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "protocol/crypto.h"
#include "tests/desk/people.h"

using namespace crossfloor;

namespace {

Lane lane_of(ServiceClass service = chat_class(), Duration target = 30s,
             std::uint32_t weight = 1000) {
  return {std::move(service), target, weight, {}, {}, "eu", false};
}

AgentProfile profile_of(const AgentRecord& record) {
  return {
      record.name, record.team, {record.brands, record.languages, record.skills}, record.channels};
}

const AgentProfile ann = profile_of(agent_named("ann"));

std::optional<ConversationId> head(const WaitingLine& line, const AgentProfile& agent, Duration now,
                                   const WaitingLine::Filter& filter = {}) {
  const auto found = line.head_for(agent, filter, at(now).steady);
  if (!found) return std::nullopt;
  return found->conversation;
}

}  // namespace

TEST_SUITE("waiting line") {
  TEST_CASE("within one target the oldest comes first, then the lower id") {
    WaitingLine line;
    line.add(talk(3), lane_of(), at(5s).steady);
    line.add(talk(2), lane_of(), at(7s).steady);
    line.add(talk(1), lane_of(), at(5s).steady);
    CHECK(head(line, ann, 10s) == talk(1));
    line.remove(talk(1));
    CHECK(head(line, ann, 10s) == talk(3));
    CHECK(line.leads_its_lane(talk(3)));
    CHECK_FALSE(line.leads_its_lane(talk(2)));
  }

  TEST_CASE("between targets age divided by target decides, and that changes with time") {
    WaitingLine line;
    line.add(talk(1), lane_of(email_class(), 100s), at(0s).steady);
    line.add(talk(2), lane_of(chat_class(), 10s), at(50s).steady);
    CHECK(head(line, ann, 51s) == talk(1));  // 0.51 against 0.1
    CHECK(head(line, ann, 60s) == talk(2));  // 0.6 against 1.0
  }

  TEST_CASE("priority and mood weigh, but within bounds, so nobody starves") {
    for (std::uint32_t priority = 0; priority < 6; ++priority) {
      for (std::uint32_t mood = 0; mood < 5; ++mood) {
        CHECK(weight_of(priority, mood) >= 1000);
        CHECK(weight_of(priority, mood) <= 2500);
      }
    }
    WaitingLine line;
    line.add(talk(1), lane_of(), at(0s).steady);
    line.add(talk(2), lane_of(chat_class(), 30s, weight_of(3, 2)), at(10s).steady);
    CHECK(head(line, ann, 12s) == talk(1));
    CHECK(head(line, ann, 20s) == talk(2));
    // Against ever new urgent ones the calm one wins in the end.
    line.remove(talk(2));
    line.add(talk(3), lane_of(chat_class(), 30s, weight_of(3, 2)), at(60s).steady);
    CHECK(head(line, ann, 90s) == talk(1));
  }

  TEST_CASE("an agent sees only what fits: brand, language, skills, team, channel") {
    WaitingLine line;
    auto other_team = lane_of();
    other_team.team = "vip";
    auto optional = lane_of();
    optional.optional_skills = {"cars"};
    line.add(talk(1), other_team, at(0s).steady);
    line.add(talk(2), optional, at(0s).steady);
    line.add(talk(3), lane_of(chat_class({"cars"})), at(0s).steady);
    line.add(talk(4), lane_of({"other", ChannelKind::chat, {}, "en"}), at(0s).steady);
    line.add(talk(5), lane_of({"acme", ChannelKind::chat, {}, "fi"}), at(0s).steady);
    line.add(talk(6), lane_of({"acme", ChannelKind::call, {}, "en"}), at(0s).steady);
    CHECK_FALSE(head(line, ann, 10s));
    auto bob = ann;
    bob.abilities.skills = {"cars"};
    CHECK(head(line, bob, 10s) == talk(2));
    bob.team = "vip";
    CHECK(head(line, bob, 10s) == talk(1));
  }

  TEST_CASE("helpers see only what has waited long enough") {
    WaitingLine line;
    line.add(talk(1), lane_of(email_class(), 100s), at(0s).steady);
    WaitingLine::Filter filter;
    filter.helper_after = [](const Lane& lane) { return lane.target / 10; };
    CHECK_FALSE(head(line, ann, 9s, filter));
    CHECK(head(line, ann, 10s, filter) == talk(1));
  }

  TEST_CASE("who declined does not see it again, everybody else does") {
    WaitingLine line;
    line.add(talk(1), lane_of(), at(0s).steady);
    line.add(talk(2), lane_of(), at(1s).steady);
    WaitingLine::Filter filter;
    filter.excluded = [](const ConversationId& id) { return id == talk(1); };
    CHECK(head(line, ann, 10s, filter) == talk(2));
    CHECK(head(line, ann, 10s) == talk(1));
  }

  TEST_CASE("what is reserved for an agent is seen by that agent alone") {
    WaitingLine line;
    line.add(talk(1), lane_of(), at(0s).steady);
    line.reserve(talk(2), lane_of(), at(1s).steady, "bob", false);
    CHECK(head(line, ann, 10s) == talk(1));
    CHECK(line.waiting(chat_class()) == 1);
    CHECK(line.size() == 2);
    auto bob = ann;
    bob.name = "bob";
    CHECK(head(line, bob, 10s) == talk(1));  // older
    line.reserve(talk(2), lane_of(), at(1s).steady, "bob", true);
    CHECK(head(line, bob, 10s) == talk(2));  // directed: jumps the queue
  }

  TEST_CASE("gossip gets the count and the ages of the eight oldest of a class, over all lanes") {
    WaitingLine line;
    for (std::uint64_t i = 0; i < 12; ++i) {
      line.add(talk(i), lane_of(chat_class(), 30s, i % 2 ? 1000 : 1250),
               at(Duration{i * 1000}).steady);
    }
    line.add(talk(99), lane_of(email_class()), at(0s).steady);
    CHECK(line.waiting(chat_class()) == 12);
    const auto ages = line.oldest_ages(chat_class(), at(20s).steady);
    REQUIRE(ages.size() == 8);
    for (std::size_t i = 0; i < 8; ++i) CHECK(ages[i] == 20s - Duration{i * 1000});
    CHECK(line.classes() == std::vector{chat_class(), email_class()});
    CHECK(line.waiting(chat_class({"cars"})) == 0);
  }

  TEST_CASE("heads are always those of a plain sorted list") {
    const std::uint64_t seed = 20261123;
    CAPTURE(seed);
    SeededRandom random(seed);
    WaitingLine line;
    struct Row {
      Lane lane;
      Instant since;
    };
    std::map<ConversationId, Row> plain;
    for (int step = 0; step < 1500; ++step) {
      const auto now = at(Duration{step * 50});
      if (plain.size() < 5 || random.below(100) < 55) {
        const auto conversation = talk(random.below(400));
        Row row{lane_of(random.below(2) ? chat_class() : email_class(),
                        Duration{10'000 * (1 + random.below(3))},
                        weight_of(random.below(4), random.below(3))),
                now.steady - Duration{random.below(20'000)}};
        line.add(conversation, row.lane, row.since);
        plain[conversation] = row;
      } else {
        auto it = plain.begin();
        std::advance(it, random.below(plain.size()));
        line.remove(it->first);
        plain.erase(it);
      }
      const auto best =
          std::min_element(plain.begin(), plain.end(), [&](const auto& a, const auto& b) {
            const auto urgency = [&](const auto& row) {
              return row.lane.urgency(std::max(now.steady - row.since, Duration{0}));
            };
            return std::tuple(-urgency(a.second), a.second.since, a.first) <
                   std::tuple(-urgency(b.second), b.second.since, b.first);
          });
      REQUIRE(head(line, ann, Duration{step * 50}) == best->first);
      REQUIRE(line.size() == plain.size());
    }
  }
}
