// What an account says of its times, what the link says of its round trip, and what is asked for
// before a slot is free.
#include <doctest/doctest.h>

#include "tests/desk/agents_for_tests.h"

using namespace crossfloor;

namespace {

using State = DeskWorld::State;

}  // namespace

TEST_SUITE("router times") {
  TEST_CASE("helpers may have it from the age that its account says") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann"));
    world.on_duty(1, chatter("hal", 1, Duty::helper));
    world.arrives(1, world.customer(1));
    world.run(10ms);
    auto what = world.customer(2);
    SUBCASE("later than a tenth of the target") {
      what.times.helper_after = 6s;
      world.arrives(1, what);
      world.run(5900ms);
      CHECK(world.course(2).state == State::waiting);
      world.run(200ms);
      CHECK(world.course(2).agent == "hal");
    }
    SUBCASE("at once") {
      what.times.helper_after = 0s;
      world.arrives(1, what);
      world.run(10ms);
      CHECK(world.course(2).agent == "hal");
    }
    SUBCASE("a helper who gets free is given only what is old enough") {
      REQUIRE(world.node(1).floor.set_presence("hal", Presence::not_ready, "", at(world.now)).ok());
      what.times.helper_after = 20s;
      world.arrives(1, what);
      world.run(4s);
      world.ready(1, "hal");
      world.run(15s);
      CHECK(world.course(2).rang.empty());
      world.run(2s);
      CHECK(world.course(2).agent == "hal");
    }
  }

  TEST_CASE("optional skills count until the age that its account says (rule 11)") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann"));
    auto what = world.customer(1);
    what.optional_skills = {"cars"};
    what.times.optional_skills_after = 12s;
    world.arrives(1, what);
    world.run(11900ms);
    CHECK(world.course(1).state == State::waiting);
    world.run(200ms);
    CHECK(world.course(1).agent == "ann");
  }

  TEST_CASE("the last agent is waited for as long as its account says (rule 6)") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann"));
    world.on_duty(2, chatter("bob"));
    auto other = world.customer(2);
    other.preferred_agent = "bob";
    other.preferred_node = node_of(2);
    world.run(1s);
    world.arrives(1, other);
    world.run(100ms);
    auto what = world.customer(1);
    what.preferred_agent = "bob";
    what.preferred_node = node_of(2);
    SUBCASE("shorter than a fifth of the target") {
      what.times.last_agent_wait = 2s;
      world.arrives(1, what);
      world.run(1900ms);
      CHECK(world.course(1).state == State::waiting);
      world.run(200ms);
      CHECK(world.course(1).agent == "ann");
    }
    SUBCASE("never longer than that") {
      what.times.last_agent_wait = 20s;
      world.arrives(1, what);
      world.run(5900ms);
      CHECK(world.course(1).state == State::waiting);
      world.run(300ms);
      CHECK(world.course(1).agent == "ann");
    }
  }

  TEST_CASE("a remote head is older by the margin of the account that waits here (rule 8)") {
    for (const auto& [margin, first] : {std::pair{2s, 1}, std::pair{15s, 2}}) {
      CAPTURE(margin.count());
      DeskWorld world(1);
      auto there = world.customer(1);
      there.waiting_since -= 500s;
      world.arrives(1, there);
      auto here = world.customer(2);
      here.waiting_since -= 490s;
      here.times.pull_margin = margin;
      world.arrives(2, here);
      world.run(1s);
      world.on_duty(2, chatter("bob"));
      world.run(200ms);
      CHECK(world.course(static_cast<std::uint64_t>(first)).rang.size() == 1);
      CHECK(world.course(static_cast<std::uint64_t>(3 - first)).rang.empty());
    }
  }

  TEST_CASE("heads are compared by the target that gossip tells, not by the kind's (rule 3, 8)") {
    DeskWorld world(1);
    auto urgent = world.customer(1);
    urgent.target = 5s;  // of 30 s that a chat has by default
    world.arrives(1, urgent);
    world.run(1s);
    auto here = world.customer(2);
    here.waiting_since -= 6s;  // older, but far from its target
    world.arrives(2, here);
    world.run(3s);
    world.on_duty(2, chatter("bob"));
    world.run(200ms);
    CHECK(world.course(1).agent == "bob");
    CHECK(world.course(2).state == State::waiting);
  }

  TEST_CASE("it rings, and is lent, as long as its account says") {
    DeskWorld world(1);
    world.behave = [](auto&, const auto&) {};
    world.on_duty(2, chatter("bob"));
    world.run(1s);
    auto what = world.customer(1);
    what.times.ring = 5s;
    what.times.lease = 7s;
    what.times.agent_gone_after = 3s;
    world.arrives(1, what);
    world.run(1s);
    const auto* work = world.node(2).floor.work_of(talk(1));
    REQUIRE(work);
    REQUIRE(work->until);
    CHECK(*work->until - at(world.now).steady < 5s);
    CHECK(*work->until - at(world.now).steady > 3s);
    const auto lent = std::find_if(world.log.begin(), world.log.end(), [](const auto& each) {
      return std::holds_alternative<Commit>(std::get<2>(each));
    });
    REQUIRE(lent != world.log.end());
    CHECK(std::get<Commit>(std::get<2>(*lent)).assignment.lease_ms == 7'000);
    SUBCASE("a miss sends it back") {
      world.run(5s);
      CHECK_FALSE(world.node(2).floor.work_of(talk(1)));
    }
    SUBCASE("at work it waits for an agent without connection as long as the account says") {
      auto& floor = world.node(2).floor;
      REQUIRE(floor.accept(talk(1), work->epoch, "bob", at(world.now)).ok());
      floor.connection_lost("bob", at(world.now));
      floor.tick(at(world.now + 2900ms));
      CHECK(floor.work_of(talk(1)));
      floor.tick(at(world.now + 3s));
      CHECK_FALSE(floor.work_of(talk(1)));
    }
  }

  TEST_CASE("on a slow link an answer is awaited four of its round trips long (rule 15)") {
    for (const auto& [measured, agent] : {std::pair{0ms, ""}, std::pair{700ms, "bob"}}) {
      CAPTURE(measured.count());
      DeskWorld world(1);
      world.node(1).measured = measured;
      world.latency = 600ms;
      world.on_duty(2, chatter("bob"));
      world.run(2s);
      world.node(2).router.healed(node_of(1), at(world.now));  // so that it does not pull meanwhile
      world.arrives(1, world.customer(1));
      world.run(1900ms);
      CHECK(world.course(1).agent == agent);
    }
  }

  TEST_CASE(
      "a wrap-up about to end asks elsewhere, and it rings the moment that it ends (rule 8)") {
    DeskWorld world(1);
    world.latency = 200ms;
    world.on_duty(2, chatter("bob"));
    world.run(1s);
    world.arrives(2, world.customer(1));
    world.run(5s);
    REQUIRE(world.course(1).state == State::active);
    world.arrives(1, world.customer(2));
    world.run(3s);
    REQUIRE(world.course(2).rang.empty());
    auto& there = world.node(2);
    const auto end = at(world.now + 5s).steady;
    REQUIRE(
        there.floor.wrap_up(talk(1), there.floor.work_of(talk(1))->epoch, end, at(world.now)).ok());
    world.run(4900ms);
    CHECK(world.course(2).state == State::ringing);  // it is bob's already
    CHECK(world.course(2).rang.empty());             // but does not ring beside the other
    CHECK(there.floor.view("bob")->units_used == 4);
    world.run(101ms);
    CHECK(world.course(2).rang == std::vector<std::string>{"bob"});
    CHECK(there.floor.view("bob")->units_used == 4);
  }

  TEST_CASE("an agent who is done with another home's customer is free before that home hears it") {
    DeskWorld world(1, 3);
    world.latency = 200ms;
    world.handling = 10s;
    world.on_duty(2, chatter("bob"));
    world.run(1s);
    world.arrives(1, world.customer(1));
    world.run(5s);
    REQUIRE(world.course(1).state == State::active);
    auto& floor = world.node(2).floor;
    const auto done = [&] { return floor.work_of(talk(1))->state == SlotState::ending; };
    SUBCASE("who waits elsewhere is asked for at once") {
      world.arrives(3, world.customer(2));
      while (!done()) {
        world.run(1ms);
        REQUIRE(floor.view("bob")->units_used == 4);
      }
      const auto ended = world.now;
      while (world.course(2).rang.empty() && world.now < 30s) world.run(1ms);
      CHECK(world.now - ended <= 2 * world.latency + 2ms);
      CHECK(world.sent<Pull>() == 1);
    }
    SUBCASE("who waits here rings at once, also while that home cannot be reached") {
      world.arrives(2, world.customer(2));
      world.cut.insert({node_of(1), node_of(2)});
      while (!done()) world.run(1ms);
      world.run(10ms);  // it is written down first
      CHECK(world.course(2).rang == std::vector<std::string>{"bob"});
      CHECK(world.course(1).state == State::active);  // by all that its home knows
      world.cut.clear();
    }
    world.run(1min);
    CHECK(world.course(1).state == State::closed);
    CHECK(world.course(2).state == State::closed);
    CHECK(floor.view("bob")->slots.empty());
  }

  TEST_CASE("what is asked for ahead is given back if the agent leaves before the wrap-up ends") {
    DeskWorld world(1);
    world.on_duty(2, chatter("bob"));
    world.on_duty(1, chatter("ann"));
    REQUIRE(
        world.node(1).floor.set_presence("ann", Presence::not_ready, "lunch", at(world.now)).ok());
    world.run(1s);
    world.arrives(2, world.customer(1));
    world.run(5s);
    world.arrives(1, world.customer(2));
    world.run(1s);
    auto& there = world.node(2);
    const auto end = at(world.now + 2s).steady;
    REQUIRE(
        there.floor.wrap_up(talk(1), there.floor.work_of(talk(1))->epoch, end, at(world.now)).ok());
    world.run(1500ms);
    REQUIRE(there.floor.set_presence("bob", Presence::not_ready, "", at(world.now)).ok());
    world.slots_changed(there);
    world.ready(1, "ann");
    world.run(6s);
    CHECK(world.course(2).rang == std::vector<std::string>{"ann"});
    CHECK(there.floor.view("bob")->units_used == 0);
  }

  TEST_CASE("who declined before home started anew is not asked again for a while (rule 12)") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann"));
    world.on_duty(2, chatter("bob"));
    world.run(1s);
    auto what = world.customer(1);
    what.waiting_since -= 20s;
    what.excluded = {{"ann", at(world.now).wall - 10s}};
    world.arrives(1, what);
    world.run(1s);
    CHECK(world.course(1).rang == std::vector<std::string>{"bob"});
  }

  TEST_CASE("a no of more than five minutes ago counts no more") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann"));
    auto what = world.customer(1);
    what.waiting_since -= 400s;
    what.excluded = {{"ann", at(world.now).wall - 301s}};
    world.arrives(1, what);
    world.run(1s);
    CHECK(world.course(1).rang == std::vector<std::string>{"ann"});
  }

  TEST_CASE("a list that was cleared does not come back with the log's") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann"));
    world.behave = [](auto&, const auto&) {};
    auto what = world.customer(1);
    what.waiting_since -= 60s;
    what.excluded = {{"ann", at(world.now).wall - 30s}};
    world.arrives(1, what);  // nobody else: cleared
    world.run(1s);
    CHECK(world.course(1).rang == std::vector<std::string>{"ann"});
    world.course(1).state = State::waiting;
    world.arrives(1, what);  // found waiting again, with what the log says
    world.run(1s);
    CHECK(world.course(1).rang == std::vector<std::string>{"ann", "ann"});
  }

  TEST_CASE("the trace of a push says what each node that was asked before answered (rule 19)") {
    std::size_t declined = 0;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      DeskWorld world(seed, 3);
      world.on_duty(2, chatter("bob", 9));
      world.on_duty(3, chatter("cid"));
      world.run(1s);
      world.gossip_off = true;  // bob is not free any more, and nobody knows
      REQUIRE(world.node(2)
                  .floor.set_presence("bob", Presence::not_ready, "lunch", at(world.now))
                  .ok());
      world.arrives(1, world.customer(1));
      world.run(500ms);
      REQUIRE(world.course(1).agent == "cid");
      if (world.sent<Decline>() == 0) continue;
      ++declined;
      const auto& candidates = world.course(1).trace.candidates;
      const auto asked = std::find_if(candidates.begin(), candidates.end(), [](const auto& each) {
        return each.node == node_of(2) && each.agent.empty();
      });
      REQUIRE(asked != candidates.end());
      CHECK(asked->why_not == "asked, declined: full");
    }
    CHECK(declined > 0);
  }
}
