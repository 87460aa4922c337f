// What a free slot asks for, and what is offered to it.
#include <doctest/doctest.h>

#include "tests/desk/agents_for_tests.h"

using namespace crossfloor;

namespace {

using State = DeskWorld::State;

}  // namespace

TEST_SUITE("router: pull") {
  TEST_CASE("a slot that gets free pulls the conversation that waits elsewhere (rule 8)") {
    DeskWorld world(1);
    world.arrives(1, world.customer(1));
    world.run(5s);
    CHECK(world.course(1).state == State::waiting);
    world.on_duty(2, chatter("bob"));
    world.run(100ms);
    CHECK(world.course(1).rang == std::vector<std::string>{"bob"});
    CHECK(world.sent<Pull>() == 1);
    CHECK(world.course(1).trace.rule == 8);
    world.run(3s);
    CHECK(world.course(1).state == State::active);
  }

  TEST_CASE("a remote head must be older by 4 % of its age, at most by the reserve") {
    struct Step {
      Duration older_by, waited;
      std::uint64_t first;
    };
    for (const auto& [older_by, waited, first] :
         {Step{30ms, 1s, 2}, Step{2s, 1s, 1}, Step{7s, 300s, 2}, Step{9s, 300s, 1}}) {
      CAPTURE(older_by.count());
      DeskWorld world(1);
      world.arrives(1, world.customer(1));
      world.run(older_by);
      world.arrives(2, world.customer(2));
      world.run(waited);
      world.on_duty(2, chatter("bob"));
      world.run(200ms);
      CHECK(world.course(first).rang.size() == 1);
      CHECK(world.course(3 - first).rang.empty());
    }
  }

  TEST_CASE(
      "of many idle nodes only some pull one waiting conversation, and one gets it (rule 9)") {
    std::size_t pulls = 0;
    const std::size_t rounds = 20;
    for (std::uint64_t seed = 1; seed <= rounds; ++seed) {
      DeskWorld world(seed, 12);
      for (std::uint64_t i = 2; i <= 12; ++i) {
        world.on_duty(i, chatter("agent" + std::to_string(i)));
      }
      world.run(1s);
      auto what = world.customer(1);
      world.drops = [](const NodeId&, const NodeId&, const RoutingMessage& message) {
        return std::holds_alternative<Offer>(message);
      };
      world.arrives(1, what);
      world.run(3100ms);  // three offers get no answer; then gossip says that it waits
      world.drops = nullptr;
      world.run(5s);
      CHECK(world.course(1).rang.size() == 1);
      pulls += world.sent<Pull>();
    }
    CHECK(pulls >= rounds);
    CHECK(pulls <= rounds * 5);  // 2 for each in the mean; 11 if all pulled
  }

  TEST_CASE("who was free in vain asks as soon as it hears of somebody who waits (rule 9)") {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      CAPTURE(seed);
      DeskWorld world(seed);
      world.arrives(1, world.customer(1));
      world.run(1s);
      world.on_duty(2, chatter("bob"));
      world.on_duty(2, chatter("eve"));  // the only one who waits is asked for already
      world.arrives(1, world.customer(2));
      world.run(300ms);
      CHECK(world.course(1).rang == std::vector<std::string>{"bob"});
      CHECK(world.course(2).rang == std::vector<std::string>{"eve"});
    }
  }

  TEST_CASE("who waits is offered to who shows a free slot and has not heard of it (rule 9)") {
    DeskWorld world(1);
    world.gossip_off = true;  // lost
    world.arrives(1, world.customer(1));
    world.run(1s);
    world.gossip_off = false;
    world.on_duty(2, chatter("bob"));
    world.run(100ms);
    CHECK(world.course(1).rang == std::vector<std::string>{"bob"});
    CHECK(world.course(1).trace.rule == 7);
  }

  TEST_CASE("who shows a free slot and declines is not asked again with each of its news") {
    DeskWorld world(1);
    auto what = world.customer(1);
    what.times.helper_after = 0ms;
    world.arrives(1, what);
    auto& home = world.node(1);
    auto& [record, as_of] = home.records[node_of(2)];
    record.node = node_of(2);
    record.generation = 1;
    record.on_duty = {{ChannelKind::chat, 1}};
    record.classes = {{chat_class(), 1, 0, 0, {}}};
    std::vector<Duration> asked;
    for (Duration now{100}; now < 60s; now += 100ms) {
      ++record.version;
      as_of = at(now).steady;
      DeskOutbox out, more;
      home.router.loads_changed(at(now), out);
      home.router.tick(at(now), out);
      for (const auto& [to, message] : out.messages) {
        const auto* offer = std::get_if<Offer>(&message);
        if (!offer) continue;
        asked.push_back(now);
        home.router.receive(node_of(2), Decline{offer->nonce, talk(1), DeclineReason::full, 0, 0},
                            at(now), more);
      }
    }
    CHECK(asked == std::vector<Duration>{100ms, 1100ms, 3100ms, 7100ms, 15100ms, 31100ms});
  }

  TEST_CASE("who asks while being asked gets what was offered") {
    DeskWorld world(1);
    world.on_duty(2, chatter("bob"));
    world.run(1s);
    world.latency = 1h;  // nothing arrives but what follows
    world.arrives(1, world.customer(1));
    REQUIRE(world.sent<Offer>() == 1);
    const auto offered = std::get<Offer>(std::get<2>(world.log.back())).nonce;
    auto& home = world.node(1);
    const auto bob = *world.node(2).floor.profile("bob");
    DeskOutbox out;
    home.router.receive(node_of(2), Pull{7, bob, {}, 0}, at(world.now), out);
    REQUIRE(out.decisions.size() == 1);
    CHECK(out.decisions[0].nonce == 7);
    REQUIRE(out.messages.size() == 1);
    CHECK(std::get<Release>(out.messages[0].second).nonce == offered);
    // The no, or the yes, to what was offered changes nothing any more.
    DeskOutbox after;
    home.router.receive(node_of(2), Decline{offered, talk(1), DeclineReason::full, 0, 0},
                        at(world.now), after);
    CHECK(after.decisions.empty());
    CHECK(after.messages.empty());
  }

  TEST_CASE("who asks for what does not fit gets nothing, and what was offered waits on") {
    DeskWorld world(1);
    world.on_duty(2, chatter("bob"));
    world.run(1s);
    world.latency = 1h;
    world.arrives(1, world.customer(1));
    auto& home = world.node(1);
    auto eve = *world.node(2).floor.profile("bob");
    eve.name = "eve";
    eve.abilities.languages = {"fi"};
    DeskOutbox out;
    home.router.receive(node_of(2), Pull{7, eve, {}, 0}, at(world.now), out);
    CHECK(out.decisions.empty());
    const auto count = [&](auto which) {
      return std::count_if(out.messages.begin(), out.messages.end(), which);
    };
    CHECK(count([](const auto& m) { return std::holds_alternative<Deny>(m.second); }) == 1);
    CHECK(count([](const auto& m) { return std::holds_alternative<Release>(m.second); }) == 1);
    const auto rows = home.router.queue(at(world.now));
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].stage == Stage::waiting);
  }

  TEST_CASE(
      "of two slots that ask for the same customer, one goes on to the next oldest (rule 8)") {
    DeskWorld world(1, 4);
    world.handling = 10s;
    world.arrives(1, world.customer(1));
    world.run(1s);
    world.arrives(2, world.customer(2));
    world.run(20s);
    world.arrives(1, world.customer(3));
    world.run(2s);
    world.on_duty(3, chatter("bob"));
    world.on_duty(4, chatter("eve"));
    world.run(400ms);
    CHECK(world.sent<Pull>() == 3);
    CHECK(world.sent<Deny>() == 1);
    CHECK(world.course(1).rang.size() == 1);
    CHECK(world.course(2).rang.size() == 1);
    CHECK(world.course(3).rang.empty());
    world.run(1min);
    CHECK(world.course(3).rang.size() == 1);
  }

  TEST_CASE(
      "who is a little less urgent than others elsewhere is granted: asking takes time, too") {
    for (const auto& [others, granted] :
         {std::pair<std::uint64_t, bool>{0, true}, {1'200'000, true}, {1'300'000, false}}) {
      CAPTURE(others);
      DeskWorld world(1);
      world.on_duty(2, chatter("bob"));
      const auto bob = *world.node(2).floor.profile("bob");
      world.latency = 1h;  // nothing arrives but what follows
      world.arrives(1, world.customer(1));
      world.now += 30s;  // its target, which is a million
      DeskOutbox out;
      world.node(1).router.receive(node_of(2), Pull{7, bob, {}, 0, others}, at(world.now), out);
      CHECK(out.decisions.size() == granted);
      CHECK(out.messages.size() == !granted);
    }
  }
}
