// Where home looks for an agent: its own ones first, then others.
#include <doctest/doctest.h>

#include "tests/desk/agents_for_tests.h"

using namespace crossfloor;

namespace {

using State = DeskWorld::State;

}  // namespace

TEST_SUITE("router: push") {
  TEST_CASE("an own agent with a free slot is rung at once and nobody else is asked (rule 5)") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann"));
    world.on_duty(2, chatter("bob"));
    world.run(1s);
    world.arrives(1, world.customer(1));
    world.run(10ms);
    CHECK(world.course(1).state == State::ringing);
    CHECK(world.course(1).agent == "ann");
    CHECK(world.sent<Offer>() == 0);
    CHECK(world.course(1).trace.rule == 5);
    CHECK(world.course(1).trace.chosen_agent == "ann");
    world.run(5s);
    CHECK(world.course(1).state == State::active);
    world.run(2min);
    CHECK(world.course(1).state == State::closed);
    CHECK(world.node(1).floor.free_slots(chat_class()).primary == 1);
  }

  TEST_CASE(
      "without a free slot here it goes to a node that has one, in two round trips (rule 7)") {
    DeskWorld world(1, 3);
    world.on_duty(3, chatter("cid", 3));
    world.run(1s);
    const auto start = world.now;
    world.arrives(1, world.customer(1));
    world.run(4 * 20ms + 20ms);
    REQUIRE(world.course(1).rang == std::vector<std::string>{"cid"});
    const auto& trace = world.course(1).trace;
    CHECK(trace.rule == 7);
    CHECK(trace.chosen_node == node_of(3));
    CHECK(trace.candidates.size() == 2);
    CHECK(trace.candidates[0].why_not == "no free slot");
    CHECK(trace.candidates[1].why_not.empty());
    CHECK(trace.candidates[1].known_age_ms >= 900);
    CHECK(world.now - start < 200ms);
  }

  TEST_CASE(
      "once a class waited anywhere its free slots are told everywhere, and the next is pushed") {
    DeskWorld world(1, 3);
    world.classes.clear();  // nobody has heard of any
    world.on_duty(3, chatter("cid", 3));
    world.run(1s);
    world.arrives(1, world.customer(1));
    world.run(2s);
    REQUIRE(world.course(1).rang == std::vector<std::string>{"cid"});
    CHECK(world.course(1).trace.rule == 8);  // it was seen to wait, and pulled
    world.arrives(1, world.customer(2));
    world.run(4 * 20ms + 20ms);
    REQUIRE(world.course(2).rang == std::vector<std::string>{"cid"});
    CHECK(world.course(2).trace.rule == 7);
  }

  TEST_CASE("a slot that was taken and given back between two records is offered again") {
    DeskWorld world(1, 3);
    world.on_duty(3, chatter("cid", 3));
    world.run(1s);
    world.gossip_off = true;  // back to what was told before anybody was told otherwise
    world.handling = Duration{50};
    for (std::uint64_t i = 1; i <= 8; ++i) {
      world.arrives(1, world.customer(i));
      world.run(700ms);
      CAPTURE(i);
      REQUIRE(world.course(i).rang == std::vector<std::string>{"cid"});
      CHECK(world.course(i).trace.rule == 7);
    }
  }

  TEST_CASE("nodes of the same site are asked before others") {
    for (std::uint64_t seed = 1; seed < 12; ++seed) {
      DeskWorld world(seed, 3);
      world.on_duty(2, chatter("far", 3));
      world.on_duty(3, chatter("near", 1));
      world.node(1).same_site = {node_of(3)};
      world.run(1s);
      world.arrives(1, world.customer(1));
      world.run(100ms);
      CHECK(world.course(1).agent == "near");
    }
  }

  TEST_CASE("of the nodes with a free slot that is asked whose agent can do least") {
    for (std::uint64_t seed = 1; seed < 12; ++seed) {
      DeskWorld world(seed, 3);
      world.classes = {chat_class({"boats"}), chat_class({"cars"})};
      world.on_duty(2, skilled("both", {"boats", "cars"}, 3));
      world.on_duty(3, skilled("one", {"cars"}));
      world.run(1s);
      world.arrives(1, world.customer(1, chat_class({"cars"})));
      world.run(100ms);
      CHECK(world.course(1).agent == "one");
      CHECK(world.course(1).trace.rule == 7);
    }
  }

  TEST_CASE("an own agent is left free for what few others could do (rule 5)") {
    const auto boats = chat_class({"boats"}), cars = chat_class({"cars"});
    struct Floors {
      std::string what;
      std::vector<std::string> there;  // the skills of the free agent at another site
      int sailors;                     // free for the other work at a third one
      bool asked;                      // for the other work, lately
      std::string rings;
    };
    for (const auto& [what, there, sailors, asked, rings] : {
             Floors{"fewer skills there", {"cars"}, 0, true, "there"},
             Floors{"eight others for boats", {"cars"}, 8, true, "there"},
             Floors{"nine others for boats", {"cars"}, 9, true, "here"},
             Floors{"as many skills there", {"cars", "planes"}, 0, true, "here"},
             Floors{"nobody asks for boats", {"cars"}, 0, false, "here"},
             Floors{"nobody there fits", {"boats"}, 0, true, "here"},
         }) {
      CAPTURE(what);
      DeskWorld world(1, 3);
      world.classes = {boats, cars};
      world.on_duty(1, skilled("here", {"boats", "cars"}));
      world.on_duty(2, skilled("there", there));
      for (int i = 0; i < sailors; ++i) {
        world.on_duty(3, skilled("sailor-" + std::to_string(i), {"boats"}));
      }
      world.handling = 5s;
      world.run(1s);
      if (asked) world.arrives(1, world.customer(1, boats));
      world.run(1min);
      world.arrives(1, world.customer(2, cars));
      world.run(100ms);
      CHECK(world.course(2).agent == rings);
      const auto& own = world.course(2).trace.candidates.at(0);
      CHECK(own.agent == "here");
      CHECK(own.why_not == (rings == "here" ? "" : "kept free for what few others could do"));
    }
  }

  TEST_CASE("who speaks more languages is left free for them, too") {
    DeskWorld world(1, 2);
    auto swedish = chat_class();
    swedish.language = "sv";
    world.classes = {chat_class(), swedish};
    auto here = agent_named("here"), there = agent_named("there");
    here.languages.push_back("sv");
    REQUIRE(matches({here.brands, here.languages, here.skills}, swedish));
    world.on_duty(1, here);
    world.on_duty(2, there);
    world.handling = 5s;
    world.run(1s);
    world.arrives(1, world.customer(1, swedish));
    world.run(1min);
    world.arrives(1, world.customer(2));
    world.run(100ms);
    CHECK(world.course(2).agent == "there");
  }

  TEST_CASE("an own agent was left free in vain: then it rings there") {
    DeskWorld world(1, 2);
    const auto boats = chat_class({"boats"}), cars = chat_class({"cars"});
    world.classes = {boats, cars};
    world.on_duty(1, skilled("here", {"boats", "cars"}));
    world.on_duty(2, skilled("there", {"cars"}));
    world.handling = 5s;
    world.run(1s);
    world.arrives(1, world.customer(1, boats));
    world.run(1min);
    world.gossip_off = true;
    (void)world.node(2).floor.set_presence("there", Presence::not_ready, "", at(world.now));
    world.arrives(1, world.customer(2, cars));
    world.run(100ms);
    CHECK(world.sent<Decline>() == 1);
    CHECK(world.course(2).rang == std::vector<std::string>{"here"});
  }

  TEST_CASE("a decline with fresh state leads to another node, and after three tries it waits") {
    DeskWorld world(1, 6);
    for (std::uint64_t i = 2; i <= 6; ++i) world.on_duty(i, chatter("agent" + std::to_string(i)));
    world.run(1s);
    // All lose their slots without a word: gossip is old now.
    world.gossip_off = true;
    for (std::uint64_t i = 2; i <= 6; ++i) {
      (void)world.node(i).floor.set_presence("agent" + std::to_string(i), Presence::not_ready, "",
                                             at(world.now));
    }
    world.arrives(1, world.customer(1));
    world.run(2s);
    CHECK(world.sent<Offer>() == 3);
    CHECK(world.sent<Decline>() == 3);
    CHECK(world.course(1).state == State::waiting);
    CHECK(world.node(1).router.line().waiting(chat_class()) == 1);
  }

  TEST_CASE("a free slot is left for a moment to who has waited longer elsewhere") {
    // Who has waited longer at node 2 can't take it, and node 3 is not told of who waits at node 1.
    const auto arrives_second = [](DeskWorld& world, auto&& change) {
      world.node(2).blind = {node_of(3)};
      world.on_duty(3, chatter("cid"));
      world.arrives(2, world.customer(1));
      world.run(2s);
      REQUIRE(world.course(1).state == State::waiting);
      REQUIRE(world.sent<Offer>() == 0);
      world.gossip_off = true;
      auto what = world.customer(2);
      change(what);
      world.arrives(1, what);
    };
    const auto nothing = [](WaitingConversation&) {};
    SUBCASE("of the only one: then it is taken") {
      DeskWorld world(1, 3);
      arrives_second(world, nothing);
      world.run(199ms);
      CHECK(world.sent<Offer>() == 0);
      world.run(1ms);
      CHECK(world.sent<Offer>() == 1);
      world.run(100ms);
      CHECK(world.course(2).rang == std::vector<std::string>{"cid"});
      CHECK(world.course(2).trace.rule == 7);
    }
    SUBCASE("of more than wait for them: one is taken at once") {
      DeskWorld world(1, 3);
      world.on_duty(3, chatter("dan"));
      arrives_second(world, nothing);
      CHECK(world.sent<Offer>() == 1);
    }
    SUBCASE("who has waited longest takes it at once") {
      DeskWorld world(1, 3);
      arrives_second(world, [](auto& what) { what.waiting_since -= 10s; });
      CHECK(world.sent<Offer>() == 1);
    }
    SUBCASE("who is most urgent takes it at once") {
      DeskWorld world(1, 3);
      arrives_second(world, [](auto& what) {
        what.waiting_since -= 1'500ms;
        what.target = 10s;
      });
      CHECK(world.sent<Offer>() == 1);
    }
  }

  TEST_CASE("who waited when the slot was told gives way for the same moment, and not for longer") {
    DeskWorld world(1, 3);
    world.node(2).blind = {node_of(3)};
    world.arrives(2, world.customer(1));
    world.run(100ms);
    world.arrives(1, world.customer(2));
    world.run(2s);
    auto& home = world.node(1);
    auto& record = home.records.at(node_of(3)).first;
    ++record.version;
    record.classes.at(0).free_primary = 1;
    REQUIRE(record.classes.at(0).service == chat_class());
    DeskOutbox told, later;
    home.router.loads_changed(at(world.now), told);
    CHECK(told.messages.empty());
    home.router.tick(at(world.now + 200ms), later);
    REQUIRE(later.messages.size() == 1);
    CHECK(later.messages[0].first == node_of(3));
    CHECK(std::holds_alternative<Offer>(later.messages[0].second));
  }

  TEST_CASE("who looks for somebody who has not said no yet gives way to nobody") {
    DeskWorld world(1, 3);
    world.node(2).blind = {node_of(1), node_of(3)};
    world.arrives(2, world.customer(1));
    world.on_duty(1, chatter("ann"));
    world.on_duty(3, chatter("cid"));
    world.run(2s);
    world.gossip_off = true;
    world.behave = [&](DeskWorld::Node& node, const RingNotice& ring) {
      if (ring.agent == "ann") world.decline(node, "ann", ring.conversation, ring.epoch);
    };
    world.arrives(1, world.customer(2));
    world.run(150ms);
    CHECK(world.course(2).rang == std::vector<std::string>{"ann", "cid"});
  }

  TEST_CASE("where more slots are free it is asked more often than by their number") {
    std::size_t there = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
      DeskWorld world(seed, 3);
      world.on_duty(2, chatter("one"));
      for (const auto* name : {"ann", "bob", "cid"}) world.on_duty(3, chatter(name));
      world.run(1s);
      world.arrives(1, world.customer(1));
      world.run(100ms);
      REQUIRE(world.sent<Offer>() == 1);
      there += world.course(1).node == node_of(3);
    }
    CHECK(there > 84);  // 90 of 100 by the square, 75 by the number
    CHECK(there < 100);
  }
}
