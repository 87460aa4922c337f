#include "node/desk/router.h"

#include <doctest/doctest.h>

#include "tests/desk/agents_for_tests.h"

using namespace crossfloor;

namespace {

using State = DeskWorld::State;

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("helpers get nothing younger than a tenth of the target while a primary is on duty") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann"));
    world.on_duty(1, helper("hal"));
    world.arrives(1, world.customer(1));
    world.run(10ms);
    CHECK(world.course(1).agent == "ann");
    world.arrives(1, world.customer(2));
    world.run(2900ms);
    CHECK(world.course(2).state == State::waiting);
    world.run(200ms);
    CHECK(world.course(2).agent == "hal");
  }

  TEST_CASE("helpers are asked at once if nobody of that channel is on duty anywhere") {
    DeskWorld world(1, 3);
    world.on_duty(3, helper("hal"));
    world.run(1s);
    world.arrives(1, world.customer(1));
    world.run(100ms);
    CHECK(world.course(1).agent == "hal");
  }

  TEST_CASE("the last agent is preferred, also at another site, but not waited for too long") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann"));
    world.on_duty(2, chatter("bob"));
    world.run(1s);
    auto what = world.customer(1);
    what.preferred_agent = "bob";
    what.preferred_node = node_of(2);
    SUBCASE("free: gets it at once though an own agent is free") {
      world.arrives(1, what);
      world.run(100ms);
      CHECK(world.course(1).agent == "bob");
      CHECK(world.course(1).trace.rule == 6);
    }
    SUBCASE("busy: it waits a fifth of the target at most, then anybody gets it") {
      auto other = world.customer(2);
      other.preferred_agent = "bob";
      other.preferred_node = node_of(2);
      world.arrives(1, other);
      world.run(100ms);
      world.arrives(1, what);
      world.run(5500ms);
      CHECK(world.course(1).state == State::waiting);
      world.run(700ms);
      CHECK(world.course(1).agent == "ann");
    }
    SUBCASE("busy for so long that it is not worth while: anybody gets it at once") {
      std::uint64_t home = 1;
      SUBCASE("elsewhere") {
        home = 1;
      }
      SUBCASE("here") {
        home = 2;
      }
      for (int i = 0; i < 100; ++i)
        world.node(home).router.handled(node_of(home), ChannelKind::chat, 300s);
      auto other = world.customer(2);
      other.preferred_agent = "bob";
      other.preferred_node = node_of(2);
      world.arrives(1, other);
      world.run(100ms);
      SUBCASE("by default") {
        world.arrives(home, what);
        world.run(200ms);
        CHECK(world.course(1).agent == "ann");
      }
      SUBCASE("also if the account names the time, as every one in site.toml does") {
        what.times.last_agent_wait = 6s;
        world.arrives(home, what);
        world.run(200ms);
        CHECK(world.course(1).agent == "ann");
      }
    }
    SUBCASE("free in time: that agent's node pulls it") {
      world.handling = 2s;
      auto other = world.customer(2);
      other.preferred_agent = "bob";
      other.preferred_node = node_of(2);
      world.arrives(1, other);
      world.run(100ms);
      world.arrives(1, what);
      world.run(4s);
      CHECK(world.course(1).agent == "bob");
    }
    SUBCASE("not on duty: nobody waits") {
      REQUIRE(world.node(2).floor.log_out("bob", at(world.now)).ok());
      world.arrives(1, what);
      world.run(100ms);
      CHECK(world.course(1).agent == "ann");
    }
  }

  TEST_CASE("what a person directs to an agent jumps the queue but not the capacity (rule 22)") {
    DeskWorld world(1);
    world.handling = 5s;
    world.on_duty(1, chatter("ann"));
    world.arrives(1, world.customer(1));
    world.run(100ms);
    world.arrives(1, world.customer(2));
    world.run(1s);
    auto forced = world.customer(3);
    forced.preferred_agent = "ann";
    forced.preferred_node = node_of(1);
    forced.directed = true;
    world.arrives(1, forced);
    world.run(1s);
    CHECK(world.course(3).state == State::waiting);
    CHECK(world.node(1).floor.view("ann")->units_used == 4);
    world.run(5s);
    CHECK(world.course(3).agent == "ann");
    CHECK(world.course(3).trace.rule == 22);
    CHECK(world.course(2).state == State::waiting);
  }

  TEST_CASE("optional skills are asked for until a quarter of the target (rule 11)") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann"));
    auto what = world.customer(1);
    what.optional_skills = {"cars"};
    world.arrives(1, what);
    world.run(7s);
    CHECK(world.course(1).state == State::waiting);
    world.run(1s);
    CHECK(world.course(1).agent == "ann");
  }

  TEST_CASE("declined: it goes on with its age and not to the same agent for a while (rule 12)") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann", 3));
    world.run(1s);
    world.behave = [&](DeskWorld::Node& node, const RingNotice& ring) {
      if (ring.agent != "ann") return world.accept_and_finish(node, ring);
      world.after(2s, [&world, ring] {
        world.decline(world.node(1), ring.agent, ring.conversation, ring.epoch);
      });
    };
    SUBCASE("somebody else gets it") {
      world.on_duty(2, chatter("bob"));
      world.run(1s);
      world.arrives(1, world.customer(1));
      world.run(5s);
      CHECK(world.course(1).rang == std::vector<std::string>{"ann", "bob"});
      CHECK(world.course(1).state == State::active);
      CHECK(world.course(1).trace.age_ms >= 2000);
    }
    SUBCASE("somebody who fits is busy: it waits for that one, younger ones go on") {
      world.on_duty(2, chatter("bob"));
      world.arrives(2, world.customer(9));
      world.run(1s);
      world.arrives(1, world.customer(1));
      world.run(20s);
      CHECK(world.course(1).rang == std::vector<std::string>{"ann"});
      CHECK(world.course(1).state == State::waiting);
      CHECK(world.node(1).router.queue(at(world.now)).at(0).excluded == 1);
      world.run(60s);
      CHECK(world.course(1).agent == "bob");
    }
    SUBCASE("there is nobody else: the same agent, but not at once") {
      world.arrives(1, world.customer(1));
      world.run(11s);
      CHECK(world.course(1).rang.size() == 1);
      world.run(6s);
      CHECK(world.course(1).rang.size() == 2);
    }
  }

  TEST_CASE("missed by all: the list is cleared when all have said so, not before (rule 12)") {
    DeskWorld world(1, 3);
    world.on_duty(1, chatter("ann"));
    world.on_duty(2, chatter("bob"));
    world.run(1s);
    world.behave = [](DeskWorld::Node&, const RingNotice&) {};  // nobody answers
    world.arrives(1, world.customer(1));
    world.run(45s);
    CHECK(world.course(1).rang == std::vector<std::string>{"ann", "bob"});
    world.behave = [&](auto& node, const auto& ring) { world.accept_and_finish(node, ring); };
    world.ready(1, "ann");
    world.run(15s);
    CHECK(world.course(1).state == State::active);
    CHECK(world.course(1).agent == "ann");
  }

  TEST_CASE("a node that does not answer in a second is a decline and avoided (rule 15)") {
    DeskWorld world(3, 3);
    world.on_duty(2, chatter("bob", 3));
    world.run(1s);
    world.drops = [](const NodeId&, const NodeId& to, const RoutingMessage&) {
      return to == node_of(2);
    };
    world.arrives(1, world.customer(1));
    world.run(500ms);
    world.on_duty(3, chatter("cid", 3));
    world.run(700ms);
    CHECK(world.course(1).agent == "cid");
    world.arrives(1, world.customer(2));
    world.run(200ms);
    CHECK(world.course(2).agent == "cid");  // bob's node is not even asked
  }

  TEST_CASE("commits are repeated until Ringing; after three seconds home takes it back") {
    DeskWorld world(1);
    world.on_duty(2, chatter("bob"));
    world.run(1s);
    SUBCASE("one that gets through in time rings once") {
      int commits = 0;
      world.drops = [&](const NodeId&, const NodeId&, const RoutingMessage& message) {
        return std::holds_alternative<Commit>(message) && ++commits < 4;
      };
      world.arrives(1, world.customer(1));
      world.run(2500ms);
      CHECK(world.course(1).rang.size() == 1);
      world.run(10s);
      CHECK(world.course(1).state == State::active);
    }
    SUBCASE("none gets through") {
      world.drops = [&](const NodeId&, const NodeId&, const RoutingMessage& message) {
        return std::holds_alternative<Commit>(message) || std::holds_alternative<Grant>(message);
      };
      world.arrives(1, world.customer(1));
      world.run(100ms);
      const auto epoch = world.course(1).epoch;
      world.run(3100ms);
      CHECK(world.course(1).epoch > epoch);
      CHECK(world.course(1).rang.empty());
      world.drops = nullptr;
      world.run(15s);
      CHECK(world.course(1).state == State::active);
    }
    SUBCASE("Ringing is lost: the agent's ring ends when home takes it back") {
      world.drops = [&](const NodeId&, const NodeId&, const RoutingMessage& message) {
        return std::holds_alternative<Ringing>(message);
      };
      world.behave = [](auto&, const auto&) {};
      world.arrives(1, world.customer(1));
      world.run(2s);
      REQUIRE(world.node(2).floor.work_of(talk(1)));
      const auto first = world.node(2).floor.work_of(talk(1))->epoch;
      world.run(1500ms);
      const auto* work = world.node(2).floor.work_of(talk(1));
      CHECK((!work || work->epoch > first));
    }
  }

  TEST_CASE("a commit that finds no live hold is answered Back at once") {
    DeskWorld world(1);
    world.on_duty(2, chatter("bob"));
    DeskOutbox out;
    Assignment assignment;
    assignment.conversation = talk(1);
    assignment.epoch = epoch_of(5);
    assignment.nonce = 12345;
    assignment.agent = "bob";
    assignment.service = chat_class();
    world.node(2).router.receive(node_of(1), Commit{assignment}, at(1s), out);
    REQUIRE(out.messages.size() == 1);
    CHECK(std::get<Back>(out.messages[0].second).reason == BackReason::no_hold);
    CHECK(out.notices.empty());
    DeskOutbox repeated;  // until home has heard it
    world.node(2).router.tick(at(2s), repeated);
    CHECK(repeated.messages.size() == 1);
    world.node(2).router.receive(node_of(1), BackHeard{talk(1), epoch_of(5)}, at(2s), repeated);
    DeskOutbox none;
    world.node(2).router.tick(at(3s), none);
    CHECK(none.messages.empty());
  }

  TEST_CASE("a drained node takes no part, but its customers are served elsewhere") {
    DeskWorld world(1);
    world.on_duty(1, chatter("ann"));
    world.on_duty(2, chatter("bob"));
    DeskOutbox out;
    world.node(1).router.set_open(false, at(world.now), out);
    world.node(1).drained = true;
    world.run(1s);
    world.arrives(1, world.customer(1));
    world.run(1s);
    CHECK(world.course(1).agent == "bob");
    world.arrives(2, world.customer(2));
    world.run(5s);
    CHECK(world.course(2).state == State::waiting);
  }

  TEST_CASE("members who come back one by one put off the first pulls only once (rule 16)") {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      CAPTURE(seed);
      DeskWorld world(seed);
      world.arrives(1, world.customer(1));
      world.run(1min);
      world.node(2).router.healed(node_of(1), at(world.now));
      world.on_duty(2, chatter("bob"));
      for (std::uint64_t other = 3; other < 29; ++other) {
        world.run(50ms);
        world.node(2).router.healed(node_of(other), at(world.now));
      }
      CHECK_FALSE(world.course(1).rang.empty());
    }
  }

  TEST_CASE("nodes that may not see the region are neither asked nor given (rule 7 and 8)") {
    DeskWorld world(1);
    world.node(1).blind = {node_of(2)};
    world.on_duty(2, chatter("bob"));
    world.run(1s);
    world.arrives(1, world.customer(1));
    world.run(30s);
    CHECK(world.sent<Offer>() == 0);
    CHECK(world.course(1).state == State::waiting);
    CHECK(world.course(1).rang.empty());
  }

  TEST_CASE("after three changes of site only home's agents get it, with an alarm (rule 17)") {
    DeskWorld world(1);
    world.on_duty(2, chatter("bob"));
    world.run(1s);
    auto what = world.customer(1);
    what.site_changes = 3;
    SUBCASE("home has a fitting agent, though busy") {
      world.handling = 20s;
      world.on_duty(1, chatter("ann"));
      world.arrives(1, world.customer(2));
      world.run(100ms);
      world.arrives(1, what);
      world.run(10s);
      CHECK(world.course(1).state == State::waiting);
      world.run(15s);
      CHECK(world.course(1).agent == "ann");
    }
    SUBCASE("home has none on duty: anywhere") {
      world.arrives(1, what);
      world.run(1s);
      CHECK(world.course(1).agent == "bob");
    }
    SUBCASE("home had none on duty a moment ago: who came since is waited for, though busy") {
      world.handling = 20s;
      world.arrives(2, world.customer(8));  // bob has it for 21 s
      world.run(15s);
      auto older = world.customer(9);
      older.waiting_since -= 20s;
      world.arrives(1, older);
      world.arrives(1, what);  // looked at every 5 s, while nobody is on duty here
      world.run(5s + 200ms);
      world.on_duty(1, chatter("ann"));
      world.run(1s);
      CHECK(world.course(9).agent == "ann");
      world.run(3s);  // bob is done, and asks for who waits elsewhere
      CHECK(world.course(8).state == State::closed);
      CHECK(world.course(1).state == State::waiting);
      world.run(20s);
      CHECK(world.course(1).agent == "ann");
    }
    SUBCASE("home's only agent declined: it is offered there again, nobody else is waited for") {
      world.on_duty(1, chatter("ann"));
      world.behave = [&](DeskWorld::Node& node, const RingNotice& ring) {
        if (world.course(1).rang.size() > 1) return world.accept_and_finish(node, ring);
        world.decline(node, ring.agent, ring.conversation, ring.epoch);
      };
      world.arrives(1, what);
      world.run(30s);
      CHECK(world.course(1).rang == std::vector<std::string>{"ann", "ann"});
    }
    CHECK_FALSE(world.alarms.empty());
  }

  TEST_CASE("closing a conversation ends what rings or is held for it") {
    DeskWorld world(1);
    world.on_duty(2, chatter("bob"));
    world.run(1s);
    world.behave = [](auto&, const auto&) {};
    world.arrives(1, world.customer(1));
    world.run(45ms);  // held
    DeskOutbox out;
    SUBCASE("held") {}
    SUBCASE("ringing") {
      world.run(1s);
    }
    world.course(1).state = State::closed;
    world.node(1).router.remove(talk(1), at(world.now), out);
    REQUIRE(out.messages.size() == 1);
    DeskOutbox there;
    world.node(2).router.receive(node_of(1), out.messages[0].second, at(world.now), there);
    CHECK(world.node(2).floor.free_slots(chat_class()).primary == 1);
  }
}
