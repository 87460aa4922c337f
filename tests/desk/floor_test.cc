#include "node/desk/floor.h"

#include <doctest/doctest.h>

#include "tests/desk/people.h"

using namespace crossfloor;

namespace {

const NodeId home = node_of(1);

struct Desk {
  Floor floor{{}};
  Nonce last = 0;

  void on_duty(const AgentRecord& record, Duration when = 0s) {
    floor.set_agent(record, at(when));
    REQUIRE(floor.log_in(record.name, at(when)).ok());
    REQUIRE(floor.set_presence(record.name, Presence::ready, "", at(when)).ok());
  }
  std::optional<std::string> hold(const Need& need, Duration when) {
    return floor.hold_best(need, home, ++last, at(when + 3s).steady, at(when));
  }
  // Rings the agent of the last hold.
  Floor::RingOutcome ring(std::uint64_t conversation, std::uint64_t epoch, const char* agent,
                          Duration when, ServiceClass service = chat_class()) {
    Assignment assignment;
    assignment.conversation = talk(conversation);
    assignment.epoch = epoch_of(epoch);
    assignment.nonce = last;
    assignment.agent = agent;
    assignment.service = std::move(service);
    assignment.ring_ms = 20'000;
    return floor.ring(home, assignment, at(when));
  }
  void work(std::uint64_t conversation, const char* agent, Duration when = 0s,
            ServiceClass service = chat_class()) {
    auto need = need_of(talk(conversation), service);
    need.only_agent = agent;
    REQUIRE(hold(need, when) == agent);
    REQUIRE(ring(conversation, 1, agent, when, service) == Floor::RingOutcome::rings);
    REQUIRE(floor.accept(talk(conversation), epoch_of(1), agent, at(when)).ok());
  }
  std::vector<WorkLost> lost() {
    std::vector<WorkLost> out;
    for (const auto& event : floor.take_events()) {
      if (const auto* gone = std::get_if<WorkLost>(&event)) out.push_back(*gone);
    }
    return out;
  }
};

}  // namespace

TEST_SUITE("floor") {
  TEST_CASE("a slot goes from free to held, ringing, busy, wrapping up and free again") {
    Desk desk;
    desk.on_duty(agent_named("ann"));
    CHECK(desk.floor.free_slots(chat_class()) == FreeSlots{3, 0});
    REQUIRE(desk.hold(need_of(talk(1)), 0s) == "ann");
    CHECK(desk.floor.free_slots(chat_class()) == FreeSlots{2, 0});
    REQUIRE(desk.ring(1, 1, "ann", 1s) == Floor::RingOutcome::rings);
    CHECK(desk.floor.work_of(talk(1))->state == SlotState::ringing);
    REQUIRE(desk.floor.accept(talk(1), epoch_of(1), "ann", at(2s)).ok());
    CHECK(desk.floor.work_of(talk(1))->state == SlotState::busy);
    CHECK_FALSE(desk.floor.deadline());
    REQUIRE(desk.floor.wrap_up(talk(1), epoch_of(1), at(10s).steady, at(3s)).ok());
    CHECK(desk.floor.free_slots(chat_class()) == FreeSlots{2, 0});
    desk.floor.tick(at(10s));
    CHECK(desk.floor.free_slots(chat_class()) == FreeSlots{3, 0});
    const auto events = desk.floor.take_events();
    CHECK(std::get<WrapUpOver>(events.back()).conversation == talk(1));
  }

  TEST_CASE("neither limit of a record is passed, whoever asks by whatever way") {
    Desk desk;
    desk.on_duty(agent_named("ann"));  // 12 units, 3 chats of 4, e-mails of 2
    desk.work(1, "ann");
    desk.work(2, "ann");
    auto mail = need_of(talk(3), email_class());
    mail.helpers = true;
    REQUIRE(desk.hold(mail, 0s) == "ann");  // 10 of 12 units
    CHECK(desk.floor.free_slots(chat_class()) == FreeSlots{0, 0});
    auto forced = need_of(talk(4));
    forced.only_agent = "ann";
    CHECK_FALSE(desk.hold(forced, 0s));
    CHECK(desk.floor.why_not(forced) == DeclineReason::full);
    CHECK_FALSE(desk.floor.hold_agent("ann", {ChannelKind::chat, ChannelKind::email}, {}, home, 99,
                                      at(3s).steady, at(0s)));
    CHECK(desk.floor.hold_agent("ann", {ChannelKind::email}, {}, home, 99, at(3s).steady, at(0s)));
    CHECK_FALSE(desk.floor.profile("ann"));
    CHECK(desk.floor.view("ann")->units_used == 12);
  }

  TEST_CASE("a pull's hold counts against every kind that it may bring") {
    Desk desk;
    auto record = agent_named("ann");
    record.channels[1].maximum = 1;
    desk.on_duty(record);
    REQUIRE(desk.floor.hold_agent("ann", {ChannelKind::chat, ChannelKind::email}, {}, home, 7,
                                  at(1s).steady, at(0s)));
    CHECK(desk.floor.free_slots(email_class()) == FreeSlots{0, 0});
    CHECK(desk.floor.free_slots(chat_class()) == FreeSlots{2, 0});
    desk.last = 7;
    REQUIRE(desk.ring(1, 1, "ann", 0s, email_class()) == Floor::RingOutcome::rings);
    CHECK(desk.floor.free_slots(chat_class()) == FreeSlots{2, 0});  // 10 of 12 units are left
    CHECK(desk.floor.view("ann")->units_used == 2);
  }

  TEST_CASE("the best fitting agent can do least, has most free share, the longest idle time") {
    Desk desk;
    auto skilled = agent_named("abe");
    skilled.skills = {"cars"};
    desk.on_duty(skilled, 0s);
    desk.on_duty(agent_named("cid"), 1s);
    desk.on_duty(agent_named("bob"), 2s);
    CHECK(desk.floor.best(need_of(talk(1))) == "cid");  // idle since 1 s, and not skilled
    desk.work(1, "cid", 3s);
    CHECK(desk.floor.best(need_of(talk(2))) == "bob");
    desk.work(2, "bob", 3s);
    CHECK(desk.floor.best(need_of(talk(3))) == "cid");
    CHECK(desk.floor.best(need_of(talk(3), chat_class({"cars"}))) == "abe");
    auto fluent = agent_named("ada");
    fluent.languages.push_back("sv");
    fluent.brands.push_back("other");
    desk.on_duty(fluent, 4s);
    CHECK(desk.floor.best(need_of(talk(3))) == "cid");  // busier, and free for less else
  }

  TEST_CASE("primaries come before helpers, and helpers only when they are asked for") {
    Desk desk;
    desk.on_duty(agent_named("ann"));  // helper for e-mail
    CHECK_FALSE(desk.floor.best(need_of(talk(1), email_class())));
    auto need = need_of(talk(1), email_class());
    need.helpers = true;
    CHECK(desk.floor.best(need) == "ann");
    auto mailer = agent_named("zoe");
    mailer.channels = {{ChannelKind::email, Duty::primary, 6, 0}};
    mailer.skills = {"many", "more"};
    desk.on_duty(mailer);
    CHECK(desk.floor.best(need) == "zoe");
    CHECK(desk.floor.free_slots(email_class()) == FreeSlots{6, 6});
    CHECK(desk.floor.on_duty(ChannelKind::email) == 1);
  }

  TEST_CASE("a commit that comes after its hold has ended rings nobody") {
    Desk desk;
    desk.on_duty(agent_named("ann"));
    REQUIRE(desk.hold(need_of(talk(1)), 0s));
    desk.floor.tick(at(3s));
    CHECK(desk.ring(1, 1, "ann", 3s) == Floor::RingOutcome::no_hold);
    CHECK(desk.floor.free_slots(chat_class()) == FreeSlots{3, 0});
    CHECK(desk.lost().empty());
  }

  TEST_CASE("holds and commits that come twice are one") {
    Desk desk;
    desk.on_duty(agent_named("ann"));
    REQUIRE(desk.floor.hold_best(need_of(talk(1)), home, 5, at(3s).steady, at(0s)) == "ann");
    CHECK(desk.floor.hold_best(need_of(talk(1)), home, 5, at(3s).steady, at(1s)) == "ann");
    CHECK_FALSE(desk.floor.hold_best(need_of(talk(1)), node_of(2), 5, at(3s).steady, at(1s)));
    CHECK(desk.floor.view("ann")->units_used == 4);
    desk.last = 5;
    CHECK(desk.ring(1, 1, "ann", 1s) == Floor::RingOutcome::rings);
    CHECK(desk.ring(1, 1, "ann", 1s) == Floor::RingOutcome::already);
    CHECK_FALSE(desk.floor.hold_best(need_of(talk(1)), home, 5, at(9s).steady, at(2s)));
    CHECK(desk.floor.view("ann")->units_used == 4);
  }

  TEST_CASE("a higher epoch takes the place of a lower one, a lower one is stale") {
    Desk desk;
    desk.on_duty(agent_named("ann"));
    desk.on_duty(agent_named("bob"));
    desk.work(1, "ann");
    auto need = need_of(talk(1));
    need.only_agent = "bob";
    REQUIRE(desk.hold(need, 1s) == "bob");
    CHECK(desk.ring(1, 2, "bob", 1s) == Floor::RingOutcome::rings);
    CHECK(desk.floor.view("ann")->units_used == 0);
    CHECK_FALSE(desk.floor.release(talk(1), epoch_of(1), at(1s)));
    CHECK(desk.ring(1, 1, "ann", 1s) == Floor::RingOutcome::stale);
    const auto late = desk.floor.accept(talk(1), epoch_of(1), "ann", at(1s));
    REQUIRE_FALSE(late.ok());
    CHECK(late.error().code == ErrorCode::stale);
    CHECK(late.error().what.find("bob") != std::string::npos);
  }

  TEST_CASE("after a miss the work goes back and the agent is not ready (rule 12)") {
    Desk desk;
    desk.on_duty(agent_named("ann"));
    REQUIRE(desk.hold(need_of(talk(1)), 0s));
    REQUIRE(desk.ring(1, 1, "ann", 0s) == Floor::RingOutcome::rings);
    CHECK(desk.floor.deadline() == at(20s).steady);
    desk.floor.tick(at(20s));
    const auto lost = desk.lost();
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].reason == BackReason::missed);
    CHECK(lost[0].home == home);
    CHECK(desk.floor.view("ann")->presence == Presence::not_ready);
    CHECK_FALSE(desk.floor.best(need_of(talk(2))));
    CHECK(desk.floor.set_presence("ann", Presence::ready, "", at(21s)).ok());
    CHECK(desk.floor.best(need_of(talk(2))) == "ann");
  }

  TEST_CASE("declined or missed by the only fitting ones is told apart from nobody and full") {
    Desk desk;
    auto need = need_of(talk(1));
    CHECK(desk.floor.why_not(need) == DeclineReason::nobody);
    desk.on_duty(agent_named("ann"));
    need.excluded = {"ann"};
    CHECK_FALSE(desk.hold(need, 0s));
    CHECK(desk.floor.why_not(need) == DeclineReason::only_excluded);
    desk.on_duty(agent_named("bob"));
    REQUIRE(desk.floor.set_presence("bob", Presence::not_ready, "lunch", at(0s)).ok());
    CHECK(desk.floor.why_not(need) == DeclineReason::full);
  }

  TEST_CASE("a lost connection gives rings back at once and active work after its time (rule 21)") {
    Desk desk;
    desk.on_duty(agent_named("ann"));
    desk.work(1, "ann");
    desk.work(2, "ann", 0s, email_class());
    REQUIRE(desk.hold(need_of(talk(3)), 1s));
    REQUIRE(desk.ring(3, 1, "ann", 1s) == Floor::RingOutcome::rings);
    desk.floor.connection_lost("ann", at(2s));
    auto lost = desk.lost();
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].conversation == talk(3));
    CHECK(lost[0].reason == BackReason::connection_lost);
    CHECK_FALSE(desk.floor.best(need_of(talk(4))));

    SUBCASE("back in time keeps the work") {
      desk.floor.connection_back("ann", at(61s));
      desk.floor.tick(at(4000s));
      CHECK(desk.lost().empty());
      CHECK(desk.floor.best(need_of(talk(4))) == "ann");
    }
    SUBCASE("too late loses the chat first and the e-mail after an hour") {
      desk.floor.tick(at(62s));
      lost = desk.lost();
      REQUIRE(lost.size() == 1);
      CHECK(lost[0].conversation == talk(1));
      CHECK(lost[0].reason == BackReason::agent_gone);
      desk.floor.tick(at(3602s));
      CHECK(desk.lost().size() == 1);
    }
  }

  TEST_CASE("disabling an agent and logging out end all work at once") {
    Desk desk;
    auto record = agent_named("ann");
    desk.on_duty(record);
    desk.work(1, "ann");
    SUBCASE("disabled") {
      record.disabled = true;
      desk.floor.set_agent(record, at(1s));
      const auto lost = desk.lost();
      REQUIRE(lost.size() == 1);
      CHECK(lost[0].reason == BackReason::disabled);
      const auto again = desk.floor.log_in("ann", at(2s));
      REQUIRE_FALSE(again.ok());
      CHECK(again.error().code == ErrorCode::forbidden);
    }
    SUBCASE("logged out") {
      REQUIRE(desk.floor.log_out("ann", at(1s)).ok());
      CHECK(desk.lost().size() == 1);
      CHECK(desk.floor.view("ann")->units_used == 0);
    }
    CHECK(desk.floor.available().empty());
  }

  TEST_CASE("going on a break drops holds but not what rings or is at work") {
    Desk desk;
    desk.on_duty(agent_named("ann"));
    desk.work(1, "ann");
    REQUIRE(desk.hold(need_of(talk(2)), 0s));
    REQUIRE(desk.floor.set_presence("ann", Presence::not_ready, "lunch", at(1s)).ok());
    CHECK(desk.ring(2, 1, "ann", 1s) == Floor::RingOutcome::no_hold);
    CHECK(desk.floor.work_of(talk(1))->state == SlotState::busy);
  }

  TEST_CASE("work that home confirms after a restart counts against the capacity") {
    Desk desk;
    desk.floor.set_agent(agent_named("ann"), at(0s));
    CHECK(desk.floor.restore("ann", node_of(2), talk(1), epoch_of(1), ChannelKind::chat, 0s, 42,
                             at(0s)));
    REQUIRE(desk.floor.log_in("ann", at(1s)).ok());
    REQUIRE(desk.floor.set_presence("ann", Presence::ready, "", at(1s)).ok());
    CHECK(desk.floor.free_slots(chat_class()) == FreeSlots{2, 0});
    desk.floor.tick(at(100s));
    CHECK(desk.lost().empty());
  }

  TEST_CASE("what home confirms beyond the capacity is not taken up") {
    Desk desk;
    desk.on_duty(agent_named("ann"));
    for (std::uint64_t i = 1; i <= 3; ++i) desk.work(i, "ann");
    CHECK_FALSE(desk.floor.restore("ann", node_of(2), talk(9), epoch_of(1), ChannelKind::chat, 0s,
                                   42, at(0s)));
    CHECK(desk.floor.restore("ann", node_of(1), talk(3), epoch_of(1), ChannelKind::chat, 0s, 43,
                             at(0s)));  // is there already
    CHECK(desk.floor.view("ann")->units_used == 12);
    CHECK_FALSE(desk.floor.restore("bob", node_of(2), talk(9), epoch_of(1), ChannelKind::chat, 0s,
                                   42, at(0s)));
  }

  TEST_CASE("what an agent has ended takes no slot, and stays until home has heard it") {
    Desk desk;
    desk.on_duty(agent_named("ann"));
    for (std::uint64_t i = 1; i <= 3; ++i) desk.work(i, "ann");
    (void)desk.floor.take_freed();
    CHECK_FALSE(desk.floor.ends(talk(1), "bob", at(1s)));
    CHECK_FALSE(desk.floor.ends(talk(9), "ann", at(1s)));
    REQUIRE(desk.floor.ends(talk(1), "ann", at(1s)));
    CHECK_FALSE(desk.floor.ends(talk(1), "ann", at(2s)));  // a command that was repeated
    CHECK(desk.floor.take_freed() == std::set<std::string>{"ann"});
    CHECK(desk.floor.view("ann")->units_used == 8);
    CHECK(desk.floor.work_of(talk(1))->ended_at == at(1s).steady);
    REQUIRE(desk.hold(need_of(talk(4)), 2s));
    CHECK(desk.ring(4, 1, "ann", 2s) == Floor::RingOutcome::rings);
    CHECK(desk.floor.view("ann")->units_used == 12);
    (void)desk.floor.take_freed();
    SUBCASE("heard: no slot gets free a second time") {
      CHECK(desk.floor.release(talk(1), epoch_of(1), at(3s)));
      CHECK(desk.floor.take_freed().empty());
      CHECK(desk.floor.view("ann")->units_used == 12);
    }
    SUBCASE("refused: the agent goes on with it, if there is room") {
      CHECK_FALSE(desk.floor.goes_on(talk(1)));
      CHECK(desk.floor.release(talk(4), epoch_of(1), at(3s)));
      CHECK(desk.floor.goes_on(talk(1)));
      CHECK(desk.floor.work_of(talk(1))->state == SlotState::busy);
      CHECK(desk.floor.view("ann")->units_used == 12);
    }
    SUBCASE("refused, and the agent is away: it waits as long for the agent as other work does") {
      CHECK(desk.floor.release(talk(4), epoch_of(1), at(3s)));
      desk.floor.connection_lost("ann", at(4s));
      CHECK(desk.floor.goes_on(talk(1)));
      desk.floor.tick(at(63s));
      CHECK(desk.floor.work_of(talk(1)));
      desk.floor.tick(at(64s));
      CHECK_FALSE(desk.floor.work_of(talk(1)));
    }
    SUBCASE("who leaves loses what is at work, not what is over") {
      REQUIRE(desk.floor.log_out("ann", at(3s)).ok());
      CHECK(desk.lost().size() == 3);
      CHECK(desk.floor.work_of(talk(1))->state == SlotState::ending);
      CHECK_FALSE(desk.floor.goes_on(talk(1)));  // should home refuse it now
    }
    SUBCASE("a removed agent leaves nothing behind") {
      desk.floor.remove_agent("ann", at(3s));
      CHECK(desk.floor.works().empty());
    }
    SUBCASE("no wrap-up begins after the end") {
      CHECK_FALSE(desk.floor.wrap_up(talk(1), epoch_of(1), at(9s).steady, at(3s)).ok());
    }
  }

  TEST_CASE("a wrap-up that its agent ends makes room for what was held behind it") {
    Desk desk;
    desk.on_duty(agent_named("ann"));
    for (std::uint64_t i = 1; i <= 3; ++i) desk.work(i, "ann");
    const Nonce wrap_up = desk.floor.work_of(talk(1))->nonce;
    CHECK_FALSE(
        desk.floor.hold_behind(wrap_up, home, 90, at(9s).steady, at(0s)));  // no wrap-up yet
    REQUIRE(desk.floor.wrap_up(talk(1), epoch_of(1), at(5s).steady, at(0s)).ok());
    REQUIRE(desk.floor.hold_behind(wrap_up, home, 90, at(9s).steady, at(4s)));
    REQUIRE(desk.floor.ends(talk(1), "ann", at(4500ms)));
    CHECK(desk.floor.view("ann")->units_used == 12);
    desk.last = 90;
    CHECK(desk.ring(4, 1, "ann", 4500ms) == Floor::RingOutcome::rings);
    CHECK_FALSE(desk.floor.goes_on(talk(1)));
  }

  TEST_CASE("a hold behind a wrap-up takes nothing until that is over") {
    Desk desk;
    desk.on_duty(agent_named("ann"));
    for (std::uint64_t i = 1; i <= 3; ++i) desk.work(i, "ann");
    const Nonce wrap_up = desk.floor.work_of(talk(1))->nonce;
    REQUIRE(desk.floor.wrap_up(talk(1), epoch_of(1), at(5s).steady, at(0s)).ok());
    CHECK(desk.floor.take_soon(at(3900ms)).empty());
    CHECK(desk.floor.take_soon(at(4s)) == std::vector<Nonce>{wrap_up});
    CHECK(desk.floor.take_soon(at(4s)).empty());
    REQUIRE(desk.floor.hold_behind(wrap_up, home, 90, at(9s).steady, at(4s)));
    CHECK_FALSE(desk.floor.hold_behind(wrap_up, home, 91, at(9s).steady, at(4s)));  // one is enough
    CHECK(desk.floor.view("ann")->units_used == 12);
    desk.last = 90;
    CHECK(desk.ring(4, 1, "ann", 4s) == Floor::RingOutcome::not_yet);
    desk.floor.tick(at(5s));
    CHECK(desk.floor.view("ann")->units_used == 12);
    CHECK(desk.floor.free_slots(chat_class()) == FreeSlots{0, 0});
    CHECK(desk.ring(4, 1, "ann", 5s) == Floor::RingOutcome::rings);
  }

  TEST_CASE("a freed slot names its agent once") {
    Desk desk;
    desk.on_duty(agent_named("ann"));
    CHECK(desk.floor.take_freed() == std::set<std::string>{"ann"});
    desk.work(1, "ann");
    desk.floor.take_freed();
    CHECK(desk.floor.release(talk(1), epoch_of(1), at(1s)));
    CHECK(desk.floor.take_freed() == std::set<std::string>{"ann"});
    CHECK(desk.floor.take_freed().empty());
  }
}
