#include "node/desk/router.h"

#include <doctest/doctest.h>

#include "tests/desk/desk_world.h"

using namespace crossfloor;

namespace {

using State = DeskWorld::State;

AgentRecord chatter(const std::string& name, std::uint32_t chats = 1) {
  auto record = agent_named(name);
  record.channels = {{ChannelKind::chat, Duty::primary, chats, 0}};
  return record;
}

AgentRecord skilled(const std::string& name, std::vector<std::string> skills,
                    std::uint32_t chats = 1) {
  auto record = chatter(name, chats);
  record.skills = std::move(skills);
  return record;
}

AgentRecord helper(const std::string& name) {
  auto record = chatter(name);
  record.channels[0].duty = Duty::helper;
  return record;
}

}  // namespace

TEST_SUITE("router") {
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

  TEST_CASE("of the nodes with a free slot that is asked whose agent has the fewest skills") {
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
      world.node(2).router.healed(at(world.now));
      world.on_duty(2, chatter("bob"));
      for (int i = 0; i < 26; ++i) {
        world.run(50ms);
        world.node(2).router.healed(at(world.now));
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
