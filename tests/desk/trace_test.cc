// Every decision leaves a trace (rule 19): who was considered, what was known of each, why this
// one.
#include <doctest/doctest.h>

#include "tests/desk/agents_for_tests.h"

using namespace crossfloor;

namespace {

void check_trace(const Trace& trace, std::uint32_t rule, const NodeId& node,
                 const std::string& agent, std::size_t considered) {
  CHECK(trace.rule == rule);
  CHECK_FALSE(trace.rule_name.empty());
  CHECK(trace.chosen_node == node);
  CHECK(trace.chosen_agent == agent);
  CHECK(trace.waiting >= 1);
  CHECK(trace.candidates.size() == considered);
  std::size_t chosen = 0;
  for (const auto& candidate : trace.candidates) {
    CAPTURE(candidate.agent);
    CHECK_FALSE(candidate.known.empty());
    if (!candidate.why_not.empty()) continue;
    ++chosen;
    CHECK(candidate.node == node);
    CHECK((candidate.agent.empty() || candidate.agent == agent));
  }
  CHECK(chosen == 1);
}

}  // namespace

TEST_SUITE("traces") {
  TEST_CASE("a local slot: all own agents of the channel with what they have") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann"));
    world.on_duty(1, chatter("bob", 2));
    world.on_duty(1, chatter("hal", 1, Duty::helper));
    REQUIRE(world.node(1).floor.set_presence("bob", Presence::not_ready, "", at(world.now)).ok());
    auto what = world.customer(1);
    what.waiting_since -= 4s;  // so that helpers count
    world.arrives(1, what);
    world.run(10ms);
    check_trace(world.course(1).trace, 5, node_of(1), "ann", 3);
    CHECK(world.course(1).trace.age_ms >= 4000);
  }

  TEST_CASE("a helper: the primaries, and why none of them") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann"));
    world.on_duty(1, chatter("hal", 1, Duty::helper));
    world.arrives(1, world.customer(1));
    world.arrives(1, world.customer(2));
    world.run(3100ms);
    check_trace(world.course(2).trace, 5, node_of(1), "hal", 2);
  }

  TEST_CASE("a push: own agents and other nodes, with the age of what was known of those") {
    DeskWorld world(1, 4);
    world.on_duty(1, chatter("ann"));
    world.on_duty(3, chatter("cid"));
    world.run(1s);
    world.arrives(1, world.customer(1));
    world.run(10ms);
    world.arrives(1, world.customer(2));
    world.run(200ms);
    check_trace(world.course(2).trace, 7, node_of(3), "cid", 4);
    for (const auto& candidate : world.course(2).trace.candidates) {
      CHECK((candidate.node == node_of(1)) == (candidate.known_age_ms == 0));
    }
  }

  TEST_CASE("a pull: home's own agents, and who asked with what free") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann"));
    world.arrives(1, world.customer(1));
    world.run(10ms);
    world.arrives(1, world.customer(2));
    world.run(1s);
    world.on_duty(2, chatter("bob"));
    world.run(200ms);
    check_trace(world.course(2).trace, 8, node_of(2), "bob", 2);
  }

  TEST_CASE("a pull: why it asked here, and what it knew of the others") {
    DeskWorld world(1, 4);
    world.handling = 60s;
    world.on_duty(1, chatter("ann"));
    world.on_duty(2, chatter("bob"));
    world.arrives(1, world.customer(1));
    world.arrives(2, world.customer(2));
    world.run(1s);
    world.arrives(3, world.customer(3));  // the oldest of those who wait
    world.run(10s);
    world.arrives(4, world.customer(4));
    world.run(1s);
    world.arrives(2, world.customer(5));
    world.run(1s);
    world.on_duty(2, chatter("eve"));
    world.run(200ms);
    const auto& trace = world.course(3).trace;
    CHECK(trace.chosen_agent == "eve");
    REQUIRE(trace.weighed.size() == 3);
    CHECK(trace.weighed_left_out == 0);
    CHECK(trace.weighed[0].node == node_of(3));
    CHECK(trace.weighed[0].known.find("waiting 1, the oldest for 12") == 0);
    CHECK(trace.weighed[0].known_age_ms > 0);
    CHECK(trace.weighed[0].why_not.empty());
    CHECK(trace.weighed[1].node == node_of(2));
    CHECK(trace.weighed[1].known_age_ms == 0);
    CHECK(trace.weighed[1].why_not == "less urgent");
    CHECK(trace.weighed[2].node == node_of(4));
    CHECK(trace.weighed[2].known.find("waiting 1, the oldest for 2") == 0);
    CHECK(trace.weighed[2].why_not == "less urgent");
  }

  TEST_CASE("a pull names the most urgent lines, and says how many more there were") {
    constexpr int homes = 9;
    DeskWorld world(1, homes + 1);
    for (int home = 2; home <= homes + 1; ++home) {
      world.arrives(home, world.customer(static_cast<std::uint64_t>(home)));
      world.run(500ms);
    }
    world.on_duty(1, chatter("ann"));
    world.run(200ms);
    const auto& trace = world.course(2).trace;
    CHECK(trace.chosen_agent == "ann");
    CHECK(trace.weighed.size() == max_weighed);
    CHECK(trace.weighed_left_out == homes - max_weighed);
  }

  TEST_CASE("a slot that gets free here") {
    DeskWorld world(1);
    world.handling = 5s;
    world.on_duty(1, chatter("ann"));
    world.arrives(1, world.customer(1));
    world.arrives(1, world.customer(2));
    world.run(8s);
    check_trace(world.course(2).trace, 8, node_of(1), "ann", 1);
  }

  TEST_CASE("a slot that gets free here: who waited elsewhere, and why not one of those") {
    DeskWorld world(1, 3);
    world.handling = 5s;
    world.on_duty(1, chatter("ann"));
    world.arrives(1, world.customer(1));
    world.arrives(1, world.customer(2));
    world.run(1s);
    world.arrives(3, world.customer(3));
    world.run(7s);
    const auto& trace = world.course(2).trace;
    check_trace(trace, 8, node_of(1), "ann", 2);
    const auto& other = trace.candidates.back();
    CHECK(other.node == node_of(3));
    CHECK(other.known.find("waiting 1, the oldest for 5") == 0);
    CHECK(other.known_age_ms > 1000);
    CHECK(other.why_not == "less urgent");
  }

  TEST_CASE("the last agent, and one whom a person names") {
    for (const bool directed : {false, true}) {
      CAPTURE(directed);
      DeskWorld world(1);
      world.on_duty(1, chatter("ann"));
      world.on_duty(2, chatter("bob"));
      world.run(1s);
      auto what = world.customer(1);
      what.preferred_agent = "bob";
      what.preferred_node = node_of(2);
      what.directed = directed;
      world.arrives(1, what);
      world.run(200ms);
      check_trace(world.course(1).trace, directed ? 22 : 6, node_of(2), "bob", 1);
      CHECK(world.course(1).trace.candidates[0].known_age_ms > 0);
    }
  }
}
