#include "node/desk/slow_help.h"

#include <doctest/doctest.h>

#include "tests/desk/agents_for_tests.h"

using namespace crossfloor;
using namespace std::chrono_literals;

namespace {

constexpr auto chat = ChannelKind::chat;

// How full the mesh is counts as of the last look.
RouterOptions told_at_once() {
  RouterOptions options;
  options.slow_help.fullness_over = options.slow_help.weigh_every;
  return options;
}

void handled_at_2(DeskWorld& world, int cases, Duration own, Duration of_1) {
  auto& router = world.node(2).router;
  for (int i = 0; i < cases; ++i) {
    router.handled(node_of(2), chat, own);
    router.handled(node_of(1), chat, of_1);
  }
}

// Bob at 2 has a customer of 2 for half a minute. Then one waits at 1, and 5 s later another at 2.
void two_wait_for_bob(DeskWorld& world, int cases, Duration of_1) {
  world.handling = 30s;
  world.on_duty(2, chatter("bob"));
  world.run(1s);
  handled_at_2(world, cases, 300s, of_1);
  world.arrives(2, world.customer(1));
  world.run(11s);
  world.arrives(1, world.customer(2));
  world.run(5s);
  world.arrives(2, world.customer(3));
}

}  // namespace

TEST_SUITE("slow help") {
  TEST_CASE("a nearly full mesh takes slow work only if it waits far longer (rule 10)") {
    for (const bool slow : {false, true}) {
      CAPTURE(slow);
      DeskWorld world(1, 2, told_at_once());
      two_wait_for_bob(world, 5000, slow ? 330s : 300s);
      world.run(20s);
      CHECK(world.course(2).rang.empty() == slow);
      CHECK(world.course(3).rang.empty() == !slow);
      world.run(1min);
      CHECK(world.course(2).state == DeskWorld::State::closed);  // when nothing waits here
    }
  }

  TEST_CASE("who comes back from a cut is helped, whatever is suspected (rule 10)") {
    for (const bool came_back : {false, true}) {
      CAPTURE(came_back);
      DeskWorld world(1, 2, told_at_once());
      two_wait_for_bob(world, 200, 300s);
      world.run(1s);
      if (came_back) world.node(2).router.healed(node_of(1), at(world.now));
      world.run(19s);
      CHECK(world.course(2).rang.empty() != came_back);
      CHECK(world.course(3).rang.empty() == came_back);
    }
  }

  TEST_CASE("where the line here is long in the long run, less makes suspicious (rule 10)") {
    for (const bool is_long : {false, true}) {
      CAPTURE(is_long);
      RouterOptions options = told_at_once();
      options.slow_help.fair_over = options.slow_help.weigh_every;
      DeskWorld world(1, 2, options);
      world.handling = is_long ? 600s : 200s;
      world.on_duty(2, chatter("bob"));
      world.run(1s);
      handled_at_2(world, 6000, 300s, 305s + 400ms);
      world.arrives(2, world.customer(1));
      world.run(11s);
      world.arrives(1, world.customer(2));
      world.run(20s);
      world.arrives(2, world.customer(3));
      for (auto heard = 0s; heard < world.handling - 20s; heard += 10s) {
        world.run(10s);
        DeskOutbox nothing;  // news of somebody's load come every few seconds
        world.node(2).router.loads_changed(at(world.now), nothing);
        REQUIRE(nothing.messages.empty());
      }
      CHECK(world.course(2).rang.empty() == is_long);
      CHECK(world.course(3).rang.empty() == !is_long);
    }
  }

  TEST_CASE("what an agent still has at work is told with the rest (rule 10)") {
    DeskWorld world(1);
    world.handling = 10min;
    world.on_duty(2, chatter("bob"));
    world.run(1s);
    auto& router = world.node(2).router;
    const auto handled = [&](int cases, std::uint64_t home) {
      for (int i = 0; i < cases; ++i) router.handled(node_of(home), chat, 300s);
    };
    handled(100, 1);
    handled(100, 2);
    world.arrives(1, world.customer(1));
    world.run(2min);
    REQUIRE(world.course(1).state == DeskWorld::State::active);
    DeskOutbox nothing;
    router.loads_changed(at(world.now), nothing);
    handled(20, 2);
    CHECK(router.handling_told(chat).local_ms == doctest::Approx(300'000));
    CHECK(router.handling_told(chat).remote_ms == doctest::Approx(301'200).epsilon(0.0003));
  }

  TEST_CASE("a mesh that was not full lately takes the oldest, wherever it waits (rule 10)") {
    DeskWorld world(1);
    world.handling = 30s;
    world.on_duty(2, chatter("bob"));
    world.on_duty(2, chatter("eve"));
    world.run(1s);
    handled_at_2(world, 5000, 300s, 330s);
    // Half of the agents for half a minute, then all.
    world.arrives(1, world.customer(9));
    world.run(30s);
    for (const std::uint64_t each : {10, 11}) world.arrives(2, world.customer(each));
    world.run(2s);
    world.arrives(1, world.customer(2));
    world.run(10s);
    world.arrives(2, world.customer(3));
    world.run(22s);
    CHECK_FALSE(world.course(2).rang.empty());
  }

  TEST_CASE("what others measured counts for who knows nothing of its own help (rule 10)") {
    for (const bool slow : {false, true}) {
      CAPTURE(slow);
      DeskWorld world(1, 3, told_at_once());
      auto nobodys = world.customer(4);  // so that 3 has something to tell of chats
      nobodys.service.brand = "another";
      world.arrives(3, nobodys);
      for (int i = 0; i < 10'000; ++i) {
        world.node(3).router.handled(node_of(3), chat, 300s);
        world.node(3).router.handled(node_of(1), chat, slow ? 330s : 300s);
      }
      for (int i = 0; i < 20; ++i) world.node(2).router.handled(node_of(2), chat, 300s);
      two_wait_for_bob(world, 0, 0s);
      world.run(20s);
      CHECK(world.course(2).rang.empty() == slow);
      CHECK(world.course(3).rang.empty() == !slow);
    }
  }

  TEST_CASE("what a node measured is told with its load") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann"));
    world.on_duty(2, chatter("bob"));
    world.run(1s);
    handled_at_2(world, 100, 300s, 330s);
    world.arrives(2, world.customer(1));
    world.run(1min);
    const auto* load = world.node(1).records.at(node_of(2)).first.find(chat_class());
    REQUIRE(load);
    CHECK(load->local_handled >= 95);
    CHECK(load->local_handling_ms == 300'000);
    CHECK(load->remote_handling_ms == 330'000);
  }
}
