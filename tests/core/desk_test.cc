// Agents' work over whole nodes: what is lent is renewed, found again after a restart and never
// more than an agent can bear; who waits too long is seen; and nobody is asked twice in vain.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

// Lets ann of the second site take a chat whose home is the first.
ConversationId chat_at_the_other_site(CoreWorld& world, const std::string& customer = "4711") {
  world.write(0, CoreWorld::chat, customer, "hello?");
  const Conversation* c = world.conversation(0, CourseState::ringing);
  REQUIRE(c);
  const ConversationId id = c->id;
  REQUIRE(c->home() == world.host(0).id);
  REQUIRE(c->agent == "ann");
  REQUIRE(world.say(1, "ann", Verb::accept, id).ok);
  world.run(Duration{200});
  REQUIRE(world.core(0).home().find(id)->state == CourseState::active);
  return id;
}

bool carries_commands(const SendMessage& send) {
  const auto* frame = std::get_if<DeskFrame>(&send.message);
  return frame != nullptr && std::holds_alternative<DeskCommand>(frame->message);
}

std::uint32_t units_of(CoreWorld& world, std::size_t index, const std::string& agent) {
  return world.core(index).desk().floor().view(agent)->units_used;
}

bool has(const Json& json, const std::string& part) {
  return json.dump().find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("desk over nodes") {
  TEST_CASE("what is lent stays lent for as long as its agent's node renews it (rule 14)") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(1, "ann");
    const auto id = chat_at_the_other_site(world);
    const Epoch assigned = world.core(0).home().find(id)->assigned;
    world.run(Duration{120'000});  // four terms of a chat
    CHECK(world.core(0).home().find(id)->state == CourseState::active);
    CHECK(world.core(0).home().find(id)->assigned == assigned);
    CHECK(units_of(world, 1, "ann") == 4);
  }

  TEST_CASE("a customer's mood and what the site says of the topic weigh among those who wait") {
    CoreWorld world({"helsinki"});
    world.host(0).settings.topic_weights["lost card"] = 2000;
    world.start();
    const auto writes = [&](const char* customer, std::uint32_t mood, const char* topic) {
      IncomingMessage message;
      message.customer.external_id = customer;
      message.text = "hello?";
      message.mood = mood;
      message.topic = topic;
      world.write(0, CoreWorld::chat, message);
    };
    writes("calm", 0, "stickers");
    writes("unhappy", 1, "stickers");
    writes("robbed", 0, "lost card");
    writes("furious", 2, "");
    world.run(Duration{20'000});
    auto ann = world.record_of(0, "ann");
    ann.channels = {{ChannelKind::chat, Duty::primary, 1, 0}};
    world.add_agent(0, ann);
    std::vector<std::string> order;
    for (int i = 0; i < 4; ++i) {
      const Conversation* c = world.conversation(0, CourseState::ringing);
      REQUIRE(c);
      order.push_back(c->customer);
      const auto id = c->id;
      REQUIRE(world.say(0, "ann", Verb::accept, id).ok);
      world.run(Duration{200});
      REQUIRE(world
                  .say(0, "ann", Verb::close, id,
                       [&](DeskCommand& close) {
                         close.reason = "solved";
                         close.seen = {world.core(0).home().find(id)->unanswered.front().message};
                       })
                  .ok);
      world.run(Duration{500});
    }
    CHECK(order == std::vector<std::string>{"robbed", "furious", "unhappy", "calm"});
  }

  TEST_CASE("without a word from the agent's node home takes it back when the term is over") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(1, "ann");
    const auto id = chat_at_the_other_site(world);
    world.go_down(1);
    world.run(Duration{19'000});
    CHECK(world.core(0).home().find(id)->state == CourseState::active);
    world.run(Duration{15'000});
    const Conversation* c = world.core(0).home().find(id);
    CHECK(c->state == CourseState::waiting);
    CHECK(c->reason == "lease ended");
    CHECK(c->prefer_agent == "ann");
  }

  TEST_CASE("after a restart the agent's slot counts what another home says that the agent has") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(1, "ann");
    const auto id = chat_at_the_other_site(world);
    world.restart(1);
    CHECK(units_of(world, 1, "ann") == 4);  // also before the agent is back
    world.log_in(1, "ann");
    CHECK(units_of(world, 1, "ann") == 4);
    CHECK(world.core(1).desk().floor().work_of(id)->state == SlotState::busy);
    world.run(Duration{120'000});
    CHECK(world.core(0).home().find(id)->state == CourseState::active);
    REQUIRE(world
                .say(1, "ann", Verb::close, id,
                     [&](DeskCommand& close) {
                       close.reason = "solved";
                       close.seen = {world.core(1).home().find(id)->unanswered.front().message};
                     })
                .ok);
    world.run(Duration{500});
    CHECK(units_of(world, 1, "ann") == 0);
  }

  TEST_CASE("an accept that home heard while the agent's node died is the agent's after all") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(1, "ann");
    world.write(0, CoreWorld::chat, "4711", "hello?");
    const auto id = world.conversation(0, CourseState::ringing)->id;
    DeskCommand accept;
    accept.id = world.core(1).scribe().subjects(CoreWorld::region)->command("ann", "a");
    accept.verb = Verb::accept;
    accept.conversation = id;
    accept.epoch = world.core(0).home().find(id)->assigned;
    accept.agent = "ann";
    accept.agent_node = world.host(1).id;
    world.go_down(1);
    world.core(0).receive(world.host(1).id, LinkKind::live, DeskFrame{accept}, world.now());
    world.run(Duration{100});
    REQUIRE(world.core(0).home().find(id)->state == CourseState::active);
    world.restart(1);
    world.log_in(1, "ann");
    world.run(Duration{2'000});
    CHECK(units_of(world, 1, "ann") == 4);
    CHECK(world.core(1).home().find(id)->agent == "ann");
    // The client, which heard nothing, says it again.
    world.core(1).command(77'777, accept, world.now());
    world.run(Duration{500});
    CHECK(world.core(0).home().find(id)->state == CourseState::active);
    CHECK(units_of(world, 1, "ann") == 4);
  }

  TEST_CASE("how long a node's agents take for conversations is known after a restart, too") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(1, "ann");
    const auto id = chat_at_the_other_site(world);
    world.run(Duration{30'000});
    REQUIRE(world
                .say(1, "ann", Verb::close, id,
                     [&](DeskCommand& close) {
                       close.reason = "solved";
                       close.seen = {world.core(1).home().find(id)->unanswered.front().message};
                     })
                .ok);
    world.run(Duration{500});
    const auto told = [&] {
      return world.core(1).desk().router().handling_told(ChannelKind::chat);
    };
    const auto before = told();
    REQUIRE(before.remote_cases == 1);
    CHECK(before.remote_ms > 30'000);
    world.restart(1);
    CHECK(told().remote_cases == 1);
    CHECK(told().remote_ms == doctest::Approx(before.remote_ms).epsilon(0.001));
    CHECK(told().local_cases == 0);
  }

  TEST_CASE("what is confirmed beyond an agent's capacity goes back, with the agent preferred") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(1, "ann");
    const auto first = chat_at_the_other_site(world, "1");
    const auto second = chat_at_the_other_site(world, "2");
    auto record = world.record_of(1, "ann");
    record.channels[0].maximum = 1;
    REQUIRE(world.core(1).set_agent(record, world.now()).ok());
    world.run(Duration{500});
    CHECK(units_of(world, 1, "ann") == 8);  // lowered limits let running work end
    world.restart(1);
    world.log_in(1, "ann");
    world.run(Duration{2'000});
    CHECK(units_of(world, 1, "ann") == 4);
    const auto* one = world.core(0).home().find(first);
    const auto* other = world.core(0).home().find(second);
    CHECK((one->state == CourseState::active) != (other->state == CourseState::active));
    const auto* back = one->state == CourseState::active ? other : one;
    CHECK(back->reason == "no_room");
    CHECK(back->last_agent == "ann");
  }

  TEST_CASE("an agent who closes another site's chat is free while that site cannot be reached") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(1, "ann");
    const auto id = chat_at_the_other_site(world);
    world.run(Duration{10'000});
    world.lost = carries_commands;
    world.command(1, "ann", Verb::close, id);  // home would refuse it: there is no reason
    CHECK(units_of(world, 1, "ann") == 4);
    world.command(1, "ann", Verb::close, id, [&](DeskCommand& close) {
      close.reason = "solved";
      close.seen = {world.core(1).home().find(id)->unanswered.front().message};
    });
    CHECK(world.core(0).home().find(id)->state == CourseState::active);
    CHECK(world.core(1).desk().floor().work_of(id)->state == SlotState::ending);
    CHECK(units_of(world, 1, "ann") == 0);
    world.run(Duration{5'000});
    world.lost = [](const SendMessage&) { return false; };
    world.run(Duration{3'000});
    CHECK(world.conversation(0) == nullptr);
    // The time until the agent was done, not until home heard of it.
    const auto told = world.core(1).desk().router().handling_told(ChannelKind::chat);
    CHECK(told.remote_cases == 1);
    CHECK(told.remote_ms > 10'000);
    CHECK(told.remote_ms < 13'000);
    CHECK(world.core(1).desk().floor().works().empty());
    CHECK(world.core(0).desk().leases().given() == 0);
    CHECK(world.core(1).desk().leases().held() == 0);
  }

  TEST_CASE("what a home does not let end stays with its agent, or goes back if there is no room") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    auto ann = world.record_of(1, "ann");
    ann.channels = {{ChannelKind::chat, Duty::primary, 1, 0}};
    world.add_agent(1, ann);
    const auto id = chat_at_the_other_site(world);
    world.core(1).draft("ann", id, "I think that your par");
    world.lost = carries_commands;
    CommandAnswer refusal;
    refusal.code = name_of(ErrorCode::conflict);
    world.command(1, "ann", Verb::transfer, id,
                  [&](DeskCommand& transfer) { refusal.id = transfer.id; });
    CHECK(units_of(world, 1, "ann") == 0);
    SUBCASE("there is room") {
      world.deliver(1, world.host(0).id, LinkKind::live, DeskFrame{refusal});
      CHECK(world.core(1).desk().floor().work_of(id)->state == SlotState::busy);
      CHECK(units_of(world, 1, "ann") == 4);
    }
    SUBCASE("there is none") {
      world.write(1, CoreWorld::chat, "4712", "hello?");
      world.run(Duration{100});
      REQUIRE(units_of(world, 1, "ann") == 4);
      world.deliver(1, world.host(0).id, LinkKind::live, DeskFrame{refusal});
      CHECK(world.core(1).desk().floor().work_of(id) == nullptr);
      CHECK(units_of(world, 1, "ann") == 4);
      world.run(Duration{100});
      CHECK(world.core(0).home().find(id)->state == CourseState::waiting);
      CHECK(world.core(0).home().find(id)->reason == "no_room");
      world.lost = [](const SendMessage&) { return false; };
      world.run(Duration{2'000});
      CHECK(has(world.ask(0, "conversation", {{"id", id.hex()}}), "I think that your par"));
    }
  }

  TEST_CASE("a home that restarted finds its own agent's work in the slots again") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(0, "bob");
    world.write(0, CoreWorld::chat, "4711", "hello?");
    const auto id = world.conversation(0, CourseState::ringing)->id;
    REQUIRE(world.say(0, "bob", Verb::accept, id).ok);
    world.restart(0);
    world.log_in(0, "bob");
    world.run(Duration{3'000});
    CHECK(units_of(world, 0, "bob") == 4);
    CHECK(world.core(0).home().find(id)->state == CourseState::active);
  }

  TEST_CASE("a home that restarts does not end what it had lent") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(1, "ann");
    const auto id = chat_at_the_other_site(world);
    world.restart(0);
    world.run(Duration{60'000});
    CHECK(world.core(0).home().find(id)->state == CourseState::active);
    CHECK(world.core(0).home().find(id)->agent == "ann");
    CHECK(units_of(world, 1, "ann") == 4);
  }

  TEST_CASE("who declined before home restarted is not asked again (rule 12)") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(0, "bob");
    world.write(0, CoreWorld::chat, "4711", "hello?");
    const auto id = world.conversation(0, CourseState::ringing)->id;
    REQUIRE(world.say(0, "bob", Verb::decline, id).ok);
    world.run(Duration{1'000});
    CHECK(world.core(0).home().find(id)->state == CourseState::waiting);
    world.restart(0);
    world.log_in(0, "bob");
    world.run(Duration{2'000});
    CHECK(world.core(0).home().find(id)->state == CourseState::waiting);
    world.add_agent(1, "ann");
    world.run(Duration{1'000});
    CHECK(world.core(0).home().find(id)->agent == "ann");
  }

  TEST_CASE("a wrap-up ends although the agent's node lost its disk meanwhile") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(1, "ann");
    const auto id = chat_at_the_other_site(world);
    REQUIRE(world.say(1, "ann", Verb::wrap_up, id).ok);
    world.host(1).disk = MemoryStore();
    world.restart(1);
    world.run(Duration{90'000});
    const Conversation* c = world.core(0).home().find(id);
    CHECK((c == nullptr || c->state != CourseState::wrap_up));
  }

  TEST_CASE("what one agent declines rings once at the next one") {
    for (const std::size_t declines_at : {0, 1}) {
      CAPTURE(declines_at);
      CoreWorld world({"helsinki", "warsaw"});
      world.start();
      world.add_agent(declines_at, "ann");
      world.write(0, CoreWorld::chat, "4711", "hello?");
      world.run(Duration{1'000});
      const auto id = world.conversation(0, CourseState::ringing)->id;
      world.add_agent(0, "bob");
      REQUIRE(world.say(declines_at, "ann", Verb::decline, id).ok);
      world.run(Duration{5'000});
      REQUIRE(world.rings().size() == 2);
      CHECK(world.rings()[1].notice.agent == "bob");
      CHECK(world.rings()[1].notice.epoch == world.core(0).home().find(id)->epoch);
      CHECK(world.core(0).home().find(id)->reason == "offered");
    }
  }

  TEST_CASE("a customer whom an agent lets wait is in the queue and in the status (rule 21)") {
    CoreWorld world({"helsinki", "warsaw"});
    for (std::size_t i = 0; i < 2; ++i) {
      auto& account = world.host(i).settings.accounts[CoreWorld::chat];
      account.next_target = Duration{10'000};
    }
    SUBCASE("shown, and left with the agent") {}
    SUBCASE("given to another agent, if the account says so") {
      for (std::size_t i = 0; i < 2; ++i) {
        world.host(i).settings.accounts[CoreWorld::chat].requeue_when_late = true;
      }
    }
    const bool requeue = world.host(0).settings.accounts[CoreWorld::chat].requeue_when_late;
    world.start();
    world.add_agent(1, "ann");
    const auto id = chat_at_the_other_site(world);
    REQUIRE(world
                .say(1, "ann", Verb::reply, id,
                     [&](DeskCommand& reply) {
                       reply.text = "one moment";
                       reply.seen = {world.core(1).home().find(id)->unanswered.front().message};
                     })
                .ok);
    world.write(0, CoreWorld::chat, "4711", "and now?");
    world.run(Duration{5'000});
    CHECK(world.ask(0, "queue")["rows"].empty());
    CHECK_FALSE(has(world.ask(0, "status")["wrong"], id.hex().substr(0, 12)));
    if (requeue) world.add_agent(0, "bob");
    world.run(Duration{5'500});
    const Conversation* c = world.core(0).home().find(id);
    if (requeue) {
      CHECK(c->agent == "bob");
      const Json explained = world.ask(0, "explain", {{"id", id.hex()}});
      CHECK(has(explained, "\"why\":\"late\""));
      return;
    }
    CHECK(c->state == CourseState::active);
    CHECK(c->agent == "ann");
    const Json queue = world.ask(0, "queue");
    REQUIRE(queue["rows"].size() == 1);
    CHECK(queue["rows"][0]["stage"] == "active");
    CHECK(queue["rows"][0]["late"] == true);
    CHECK(queue["rows"][0]["agent"] == "ann");
    CHECK(queue["rows"][0]["target_ms"] == 10'000);
    CHECK(has(world.ask(0, "status")["wrong"], id.hex().substr(0, 12)));
    REQUIRE(world
                .say(1, "ann", Verb::reply, id,
                     [&](DeskCommand& reply) {
                       reply.text = "here it is";
                       reply.seen = {c->unanswered.front().message};
                     })
                .ok);
    CHECK(world.ask(0, "queue")["rows"].empty());
  }

  TEST_CASE("an offer that nobody takes changes no site (rule 17)") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(1, "ann");
    world.write(0, CoreWorld::chat, "4711", "hello?");
    world.run(Duration{1'000});
    const auto id = world.conversation(0, CourseState::ringing)->id;
    CHECK(world.core(0).home().find(id)->site_changes == 0);
    world.add_agent(1, "eve");
    REQUIRE(world.say(1, "ann", Verb::decline, id).ok);
    world.run(Duration{1'000});
    REQUIRE(world.core(0).home().find(id)->agent == "eve");
    CHECK(world.core(0).home().find(id)->site_changes == 0);
    REQUIRE(world.say(1, "eve", Verb::accept, id).ok);
    CHECK(world.core(0).home().find(id)->site_changes == 1);
  }

  TEST_CASE("a conversation that changed sites too often is an alarm in the status (rule 17)") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(0, "bob");
    world.add_agent(1, "ann");
    world.write(0, CoreWorld::chat, "4711", "hello?");
    const auto id = world.conversation(0)->id;
    std::size_t at = 0;
    for (int moves = 0; moves < 4; ++moves) {
      const Conversation* c = world.core(0).home().find(id);
      at = c->agent == "bob" ? 0 : 1;
      REQUIRE(world.say(at, c->agent, Verb::accept, id).ok);
      const std::string to = at == 0 ? "ann" : "bob";
      if (moves == 3) {  // to nobody who is there, so that it waits
        REQUIRE(world.core(0).presence("bob", Presence::not_ready, "", world.now()).ok());
        REQUIRE(world.core(1).presence("ann", Presence::not_ready, "", world.now()).ok());
      }
      REQUIRE(world
                  .say(at, at == 0 ? "bob" : "ann", Verb::transfer, id,
                       [&](DeskCommand& t) {
                         t.to_agent = moves == 3 ? "" : to;
                         t.to_node = moves == 3 ? NodeId{} : world.host(1 - at).id;
                       })
                  .ok);
      world.run(Duration{500});
    }
    REQUIRE(world.core(0).home().find(id)->site_changes >= 3);
    const Json wrong = world.ask(0, "status")["wrong"];
    CHECK(has(wrong, "changed sites"));
    CHECK(has(wrong, "crossfloor assign"));
    REQUIRE(world.core(0).presence("bob", Presence::ready, "", world.now()).ok());
    world.run(Duration{7'000});  // ann, who had it last, is waited for
    CHECK_FALSE(has(world.ask(0, "status")["wrong"], "changed sites"));
  }

  TEST_CASE("a command of somebody who has it no more is told who has it now (rule 13)") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(1, "ann");
    const auto id = chat_at_the_other_site(world);
    world.add_agent(0, "bob");
    REQUIRE(world
                .say(1, "ann", Verb::transfer, id,
                     [&](DeskCommand& transfer) {
                       transfer.to_agent = "bob";
                       transfer.to_node = world.host(0).id;
                     })
                .ok);
    REQUIRE(world.say(0, "bob", Verb::accept, id).ok);
    world.run(Duration{200});
    for (const Verb verb : {Verb::reply, Verb::close, Verb::accept, Verb::transfer}) {
      CAPTURE(word_of(verb));
      const auto late = world.say(1, "ann", verb, id, [](auto& c) {
        c.text = "my draft";
        c.reason = "x";
      });
      CHECK_FALSE(late.ok);
      CHECK(late.code == "stale");
      CHECK(late.holder == "bob");
      CHECK(late.epoch == world.core(0).home().find(id)->epoch);
    }
  }

  TEST_CASE("what an account is set to counts also at nodes that do not host it") {
    CoreWorld world({"helsinki", "warsaw"});
    auto& account = world.host(0).settings.accounts[CoreWorld::chat];
    account.hosts = {"helsinki"};
    account.next_target = Duration{7'000};
    account.requeue_when_late = true;
    account.optional_skills = {"cars"};
    account.times.pull_margin = Duration{0};
    account.times.agent_gone_after = Duration{5'000};
    account.times.lease = Duration{44'000};
    world.host(1).settings.accounts.erase(CoreWorld::chat);
    world.start();
    const AccountSettings* known = world.core(1).home().account(CoreWorld::chat);
    REQUIRE(known);
    CHECK(known->next_target == Duration{7'000});
    CHECK(known->requeue_when_late);
    CHECK(known->optional_skills == std::vector<std::string>{"cars"});
    CHECK(known->times.pull_margin == Duration{0});
    CHECK(known->times.agent_gone_after == Duration{5'000});
    CHECK(known->times.lease == Duration{44'000});
    CHECK_FALSE(known->times.last_agent_wait);
  }

  TEST_CASE("an account's optional skills decide who is asked first (rule 11)") {
    CoreWorld world({"helsinki"});
    world.host(0).settings.accounts[CoreWorld::chat].optional_skills = {"cars"};
    world.start();
    world.add_agent(0, "bob");
    auto carl = world.record_of(0, "carl");
    carl.skills = {"cars"};
    world.add_agent(0, carl);
    for (int i = 0; i < 3; ++i) world.write(0, CoreWorld::chat, std::to_string(i), "hello?");
    std::map<std::string, int> had;
    for (const auto& [id, c] : world.core(0).home().conversations()) ++had[c.agent];
    CHECK(had["carl"] == 2);
    CHECK(had[""] == 1);
    world.run(Duration{7'500});  // a quarter of the target
    had.clear();
    for (const auto& [id, c] : world.core(0).home().conversations()) ++had[c.agent];
    CHECK(had["bob"] == 1);
  }

  TEST_CASE("gone for longer than the account says, it goes back with the draft as a note") {
    CoreWorld world({"helsinki", "warsaw"});
    for (std::size_t i = 0; i < 2; ++i) {
      world.host(i).settings.accounts[CoreWorld::chat].times.agent_gone_after = Duration{5'000};
    }
    world.start();
    world.add_agent(1, "ann");
    const auto id = chat_at_the_other_site(world);
    world.core(1).draft("ann", id, "I think that your par");
    world.core(1).connection("ann", false, world.now());
    world.run(Duration{4'500});
    CHECK(world.core(0).home().find(id)->state == CourseState::active);
    world.run(Duration{1'000});
    const Conversation* c = world.core(0).home().find(id);
    CHECK(c->state == CourseState::waiting);
    CHECK(c->prefer_agent == "ann");
    CHECK(has(world.ask(0, "conversation", {{"id", id.hex()}}), "I think that your par"));
    CHECK(has(world.ask(0, "explain", {{"id", id.hex()}}), "back to the queue"));
  }

  TEST_CASE("an agent joins two handles of a customer, and takes it back") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(1, "ann");
    const auto id = chat_at_the_other_site(world);
    world.write(0, "acme-mail", "ada@example.com", "a letter");
    CustomerLink link{{}, id, "email", "ada@example.com", true, "ann", "said so"};
    REQUIRE(world.say_link(1, link).ok);
    world.run(Duration{200});
    const auto customer = [&] {
      return world.ask(0, "customer", {{"handle", std::string(CoreWorld::chat) + ":4711"}});
    };
    CHECK(has(customer(), "acme-mail"));
    link.linked = false;
    link.reason = "two people";
    REQUIRE(world.say_link(1, link).ok);
    world.run(Duration{200});
    CHECK_FALSE(has(customer(), "acme-mail"));
    SUBCASE("what cannot be is refused") {
      link.channel = "pigeon";
      CHECK(world.say_link(1, link).code == "malformed");
      link.channel = "chat";
      link.external_id = "4711";
      CHECK(world.say_link(1, link).code == "conflict");
      link.conversation = {};
      CHECK(world.say_link(1, link).code == "not_found");
    }
  }
}
