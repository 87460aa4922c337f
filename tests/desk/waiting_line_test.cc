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
        for (const std::uint32_t topic : {0U, 1000U, 1300U, 2000U, 4'000'000'000U}) {
          CHECK(weight_of(priority, mood, topic) >= 1000);
          CHECK(weight_of(priority, mood, topic) <= most_weight);
          CHECK(weight_of(priority, mood, topic) >= weight_of(priority, mood));
        }
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

  TEST_CASE("heads and gossip's figures are always those of a plain list") {
    for (std::uint64_t seed = 20261123; seed < 20261127; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed);
      const auto any = [&](std::vector<std::string> words) {
        return words[random.below(words.size())];
      };
      const auto some = [&]() -> std::vector<std::string> {
        if (random.below(2)) return {};
        return {any({"cards", "cars"})};
      };
      const auto random_agent = [&] {
        auto agent = ann;
        agent.name = any({"ann", "bob"});
        agent.team = any({"", "red"});
        agent.abilities.skills = some();
        agent.abilities.languages = {any({"en", "fi"})};
        if (random.below(4) == 0) agent.channels.pop_back();
        return agent;
      };
      WaitingLine line;
      struct Row {
        Lane lane;
        Instant since;
        std::string reserved_for;
      };
      std::map<ConversationId, Row> plain;
      for (int step = 0; step < 1500; ++step) {
        const auto now = at(Duration{step * 50}).steady;
        const auto age = [&](const Row& row) { return std::max(now - row.since, Duration{0}); };
        if (plain.size() < 5 || random.below(100) < 55) {
          const auto conversation = talk(random.below(400));
          ServiceClass service = random.below(2) ? chat_class(some()) : email_class();
          service.language = any({"", "en", "fi"});
          Row row{lane_of(service, Duration{10'000 * (1 + random.below(3))},
                          weight_of(random.below(4), random.below(3))),
                  now - Duration{random.below(20'000)},
                  {}};
          row.lane.optional_skills = some();
          row.lane.team = any({"", "", "red"});
          row.lane.home_only = random.below(4) == 0;
          if (random.below(10) == 0) {
            row.reserved_for = any({"ann", "bob"});
            line.reserve(conversation, row.lane, row.since, row.reserved_for, false);
          } else {
            line.add(conversation, row.lane, row.since);
          }
          plain[conversation] = row;
        } else {
          auto it = plain.begin();
          std::advance(it, random.below(plain.size()));
          line.remove(it->first);
          plain.erase(it);
        }
        REQUIRE(line.size() == plain.size());

        const auto agent = random_agent();
        const auto declined = talk(random.below(400));
        const bool from_elsewhere = random.below(2);
        WaitingLine::Filter filter;
        filter.excluded = [&](const ConversationId& id) { return id == declined; };
        filter.helper_after = [](const Lane& lane) { return lane.target / 10; };
        if (from_elsewhere) filter.may_take = [](const Lane& lane) { return !lane.home_only; };
        using Rank = std::tuple<double, Instant, ConversationId>;
        std::optional<Rank> best;
        for (const auto& [conversation, row] : plain) {
          const auto& lane = row.lane;
          const auto channel =
              std::find_if(agent.channels.begin(), agent.channels.end(),
                           [&](const auto& each) { return each.kind == lane.service.kind; });
          if (channel == agent.channels.end() || !matches(agent.abilities, lane.service)) continue;
          if (from_elsewhere && lane.home_only) continue;
          if (row.reserved_for.empty()) {
            if (!lane.team.empty() && lane.team != agent.team) continue;
            if (!has_all(agent.abilities.skills, lane.optional_skills)) continue;
            if (conversation == declined) continue;
            if (channel->duty == Duty::helper && age(row) < lane.target / 10) continue;
          } else if (row.reserved_for != agent.name) {
            continue;
          }
          const Rank rank{-lane.urgency(age(row)), row.since, conversation};
          if (!best || rank < *best) best = rank;
        }
        const auto found = line.head_for(agent, filter, now);
        REQUIRE(found.has_value() == best.has_value());
        if (best) REQUIRE(found->conversation == std::get<2>(*best));

        std::set<ServiceClass> classes;
        std::vector<Duration> ages;
        const auto service = chat_class();
        for (const auto& [conversation, row] : plain) {
          if (row.reserved_for.empty()) classes.insert(row.lane.service);
          const bool counts = row.reserved_for.empty() && !row.lane.home_only;
          if (counts && row.lane.service == service) ages.push_back(age(row));
        }
        std::sort(ages.rbegin(), ages.rend());
        REQUIRE(line.waiting(service) == ages.size());
        ages.resize(std::min<std::size_t>(ages.size(), 8));
        REQUIRE(line.oldest_ages(service, now) == ages);
        REQUIRE(line.classes() == std::vector(classes.begin(), classes.end()));
      }
    }
  }
}
