#include "node/desk/lease_ledger.h"

#include <doctest/doctest.h>

#include "tests/desk/people.h"

using namespace crossfloor;

namespace {

const NodeId home_id = node_of(1);
const NodeId lessee_id = node_of(2);

// One home and one lessee, and the messages between them, which a test may keep back or drop.
struct PairOfNodes {
  SeededRandom random{7};
  LeaseLedger home{home_id, {}, random};
  LeaseLedger lessee{lessee_id, {}, random};
  std::vector<LeaseEvent> at_home, at_lessee;
  bool cut = false;

  void lease(std::uint64_t number, Duration term, Duration held, Duration when) {
    home.granted({lessee_id, talk(number), epoch_of(number), "ann", ChannelKind::chat, term},
                 at(when));
    lessee.taken(home_id, talk(number), epoch_of(number), term, at(held).steady, at(when));
    home.accepted(talk(number), epoch_of(number));
  }
  void deliver(LeaseOutbox& from_home, LeaseOutbox& from_lessee, Duration now) {
    while (!from_home.messages.empty() || !from_lessee.messages.empty()) {
      LeaseOutbox next_home, next_lessee;
      if (!cut) {
        for (auto& [to, message] : from_home.messages) {
          lessee.receive(home_id, message, at(now), next_lessee);
        }
        for (auto& [to, message] : from_lessee.messages) {
          home.receive(lessee_id, message, at(now), next_home);
        }
      }
      collect(from_home, from_lessee);
      from_home = std::move(next_home);
      from_lessee = std::move(next_lessee);
    }
    collect(from_home, from_lessee);
  }
  void collect(LeaseOutbox& from_home, LeaseOutbox& from_lessee) {
    for (auto& event : from_home.events) at_home.push_back(event);
    for (auto& event : from_lessee.events) at_lessee.push_back(event);
    from_home.events.clear();
    from_lessee.events.clear();
  }
  // Ticks both at every deadline up to `end`; messages take no time.
  void run(Duration end) {
    for (;;) {
      std::optional<Instant> next = home.deadline();
      const auto other = lessee.deadline();
      if (other && (!next || *other < *next)) next = other;
      if (!next || *next > at(end).steady) return;
      const Duration now = *next - Instant{};
      LeaseOutbox from_home, from_lessee;
      lessee.tick(at(now), from_lessee);
      home.tick(at(now), from_home);
      deliver(from_home, from_lessee, now);
    }
  }
};

}  // namespace

TEST_SUITE("lease ledger") {
  TEST_CASE("one renewal every third of the shortest lease keeps all leases of a pair") {
    PairOfNodes pair;
    pair.lease(1, 30s, 0s, 1s);
    pair.lease(2, 600s, 0s, 1s);
    pair.lease(3, 120s, 0s, 1s);
    CHECK(pair.lessee.deadline() == at(11s).steady);
    pair.run(3600s);
    CHECK(pair.at_home.empty());
    CHECK(pair.at_lessee.empty());
    CHECK(pair.lessee.held() == 3);
    LeaseOutbox out;
    pair.lessee.tick({*pair.lessee.deadline(), {}}, out);
    CHECK(out.messages.size() == 1);
  }

  TEST_CASE("when the link is cut the lessee ends first, then home takes the work back") {
    PairOfNodes pair;
    pair.lease(1, 30s, 0s, 2s);
    pair.run(25s);  // last renewal at 22 s
    pair.cut = true;
    pair.run(51s);
    CHECK(pair.at_home.empty());
    CHECK(pair.at_lessee.empty());
    SUBCASE("with messages that take no time both end at one instant, the lessee before") {
      pair.run(52s);
      REQUIRE(pair.at_lessee.size() == 1);
      CHECK(std::get<LeaseEnded>(pair.at_lessee[0]).why == LeaseEnded::Why::expired);
      REQUIRE(pair.at_home.size() == 1);
      const auto& lost = std::get<LeaseLost>(pair.at_home[0]);
      CHECK(lost.epoch == epoch_of(1));
      CHECK(lost.agent == "ann");
      CHECK(lost.why == LeaseLost::Why::expired);
    }
    SUBCASE("home that stood still waits for as long again") {
      pair.home.stood_still(5s);
      pair.run(56s);
      CHECK(pair.at_lessee.size() == 1);
      CHECK(pair.at_home.empty());
      pair.run(57s);
      CHECK(pair.at_home.size() == 1);
    }
  }

  TEST_CASE("a renewal counts from its sending at the lessee and from its receipt at home") {
    PairOfNodes pair;
    pair.lease(1, 30s, 0s, 1s);
    LeaseOutbox renew, answer, none;
    pair.lessee.tick(at(11s), renew);
    REQUIRE(renew.messages.size() == 1);
    pair.home.receive(lessee_id, renew.messages[0].second, at(14s), answer);
    REQUIRE(answer.messages.size() == 1);
    pair.lessee.receive(home_id, answer.messages[0].second, at(17s), none);
    LeaseOutbox out;
    pair.lessee.tick(at(40s), out);
    CHECK(pair.lessee.held() == 1);
    pair.lessee.tick(at(41s), out);
    CHECK(pair.lessee.held() == 0);
    pair.home.tick(at(43s), out);
    CHECK(pair.home.given() == 1);
    pair.home.tick(at(44s), out);
    CHECK(pair.home.given() == 0);
  }

  TEST_CASE("a new lease counts at the lessee from its hold, so it ends before home's") {
    PairOfNodes pair;
    pair.lease(1, 30s, 0s, 2s);
    pair.cut = true;
    pair.run(30s);
    CHECK(pair.at_lessee.size() == 1);
    CHECK(pair.at_home.empty());
    pair.run(32s);
    CHECK(pair.at_home.size() == 1);
  }

  TEST_CASE("when the sets differ home's truth wins") {
    PairOfNodes pair;
    for (std::uint64_t i = 1; i <= 80; ++i) pair.lease(i, 30s, 0s, 1s);  // three pages
    pair.home.ended(talk(40));                    // the lessee did not hear of it
    pair.lessee.dropped(talk(70), epoch_of(70));  // home did not hear of it
    pair.home.granted({lessee_id, talk(50), epoch_of(150), "bob", ChannelKind::chat, 30s}, at(2s));
    pair.run(120s);
    REQUIRE(pair.at_lessee.size() == 2);
    std::set<ConversationId> ended;
    for (const auto& event : pair.at_lessee) {
      CHECK(std::get<LeaseEnded>(event).why == LeaseEnded::Why::voided);
      ended.insert(std::get<LeaseEnded>(event).conversation);
    }
    CHECK(ended == std::set{talk(40), talk(50)});
    std::map<ConversationId, LeaseLost::Why> lost;
    for (const auto& event : pair.at_home) {
      lost[std::get<LeaseLost>(event).conversation] = std::get<LeaseLost>(event).why;
    }
    REQUIRE(lost.size() == 2);
    CHECK(lost.at(talk(70)) == LeaseLost::Why::unknown_to_lessee);
    CHECK(lost.at(talk(50)) == LeaseLost::Why::expired);  // given, but never taken up
    CHECK(pair.lessee.held() == 77);
    CHECK(pair.home.given() == 77);
  }

  TEST_CASE("what was given after home asked for the set is not judged by it") {
    PairOfNodes pair;
    pair.lease(1, 30s, 0s, 1s);
    pair.home.ended(talk(1));
    pair.lease(2, 30s, 0s, 1s);
    LeaseOutbox renew, renewed, set, verdict;
    pair.lessee.tick(at(11s), renew);
    pair.home.receive(lessee_id, renew.messages[0].second, at(11s), renewed);
    pair.lessee.receive(home_id, renewed.messages[0].second, at(11s), set);
    pair.home.granted({lessee_id, talk(3), epoch_of(3), "ann", ChannelKind::chat, 30s}, at(12s));
    pair.home.accepted(talk(3), epoch_of(3));
    pair.home.receive(lessee_id, set.messages[0].second, at(13s), verdict);
    CHECK(verdict.events.empty());
    CHECK(std::get<LeaseVerdict>(verdict.messages[0].second).voided.size() == 1);
  }

  TEST_CASE("a restarted lessee learns from each home what it has, and what rang is taken back") {
    PairOfNodes pair;
    for (std::uint64_t i = 1; i <= 45; ++i) pair.lease(i, 30s, 0s, 1s);
    pair.home.granted({lessee_id, talk(99), epoch_of(99), "bob", ChannelKind::chat, 30s}, at(2s));
    SeededRandom random(8);
    pair.lessee = LeaseLedger(lessee_id, {}, random);
    LeaseOutbox none, asked;
    const NodeId dead = node_of(3);
    pair.lessee.resume({home_id, dead, lessee_id}, at(10s), asked);
    CHECK(asked.messages.size() == 2);
    std::erase_if(asked.messages, [&](const auto& each) { return each.first == dead; });
    pair.deliver(none, asked, 10s);
    CHECK(pair.lessee.resuming());
    CHECK(pair.at_lessee.size() == 45);
    CHECK(std::get<LeaseResumed>(pair.at_lessee[0]).agent == "ann");
    REQUIRE(pair.at_home.size() == 1);
    CHECK(std::get<LeaseLost>(pair.at_home[0]).conversation == talk(99));
    LeaseOutbox out;
    pair.lessee.node_lost(dead, out);
    REQUIRE(out.events.size() == 1);
    CHECK(std::holds_alternative<ResumeDone>(out.events[0]));
    pair.run(300s);
    CHECK(pair.lessee.held() == 45);
  }

  TEST_CASE(
      "asked again in mid-life a home tells what is at work, and what rings goes on ringing") {
    PairOfNodes pair;
    pair.lease(1, 30s, 0s, 1s);
    LeaseOutbox none, first;
    pair.lessee.ask(home_id, at(1s), first);
    CHECK_FALSE(pair.lessee.resuming());  // nothing waits for it
    pair.deliver(none, first, 1s);
    CHECK(pair.at_lessee.size() == 1);
    pair.home.granted({lessee_id, talk(2), epoch_of(2), "bob", ChannelKind::chat, 30s}, at(2s));
    LeaseOutbox again;
    pair.lessee.ask(home_id, at(3s), again);
    REQUIRE(again.messages.size() == 1);
    CHECK(std::get<Resume>(again.messages[0].second).still_running);
    pair.deliver(none, again, 3s);
    CHECK(pair.at_home.empty());
    REQUIRE(pair.at_lessee.size() == 2);
    CHECK(std::get<LeaseResumed>(pair.at_lessee[1]).conversation == talk(1));
    CHECK(pair.home.given() == 2);
  }

  TEST_CASE("what was given a moment before the set was asked for is not missed in it") {
    PairOfNodes pair;
    pair.lease(1, 30s, 0s, 1s);
    pair.home.granted({lessee_id, talk(2), epoch_of(2), "ann", ChannelKind::chat, 30s}, at(10s));
    pair.home.accepted(talk(2), epoch_of(2));  // taken over: the lessee has not heard of it yet
    pair.run(11s);
    CHECK(pair.at_home.empty());
    pair.run(21s);
    REQUIRE(pair.at_home.size() == 1);
    CHECK(std::get<LeaseLost>(pair.at_home[0]).conversation == talk(2));
  }

  TEST_CASE(
      "under loss, doubling and delay no lessee outlasts its home, and all agree in the end") {
    const std::uint64_t seed = 20261124;
    CAPTURE(seed);
    SeededRandom random(seed);
    LeaseLedger home(home_id, {}, random);
    LeaseLedger lessee(lessee_id, {}, random);
    struct Flying {
      bool to_home;
      LeaseMessage message;
    };
    std::multimap<Duration, Flying> wire;
    std::map<ConversationId, Epoch> home_has, lessee_has;
    std::uint64_t next = 0;
    int losses = 0;
    for (Duration now = 0s; now < 1800s; now += 100ms) {
      const bool calm = now > 1500s;
      LeaseOutbox from_home, from_lessee;
      if (!calm && random.below(20) == 0) {
        const auto number = ++next;
        const auto conversation = talk(random.below(30));
        home.granted({lessee_id, conversation, epoch_of(number), "a", ChannelKind::chat, 30s},
                     at(now));
        home.accepted(conversation, epoch_of(number));
        home_has[conversation] = epoch_of(number);
        if (random.below(10) > 0) {  // else the lessee never hears of it
          lessee.taken(home_id, conversation, epoch_of(number), 30s, at(now).steady, at(now));
          lessee_has[conversation] = epoch_of(number);
        }
      }
      lessee.tick(at(now), from_lessee);
      home.tick(at(now), from_home);
      while (!wire.empty() && wire.begin()->first <= now) {
        const auto flying = wire.begin()->second;
        wire.erase(wire.begin());
        if (flying.to_home) {
          home.receive(lessee_id, flying.message, at(now), from_home);
        } else {
          lessee.receive(home_id, flying.message, at(now), from_lessee);
        }
      }
      for (auto* out : {&from_home, &from_lessee}) {
        for (auto& [to, message] : out->messages) {
          for (int copies = 0; copies < 2; ++copies) {
            if (!calm && random.below(100) < 35) continue;
            wire.insert({now + Duration{random.below(3000)}, {to == home_id, message}});
          }
        }
      }
      for (const auto& event : from_lessee.events) {
        const auto& ended = std::get<LeaseEnded>(event);
        if (lessee_has[ended.conversation] == ended.epoch) lessee_has.erase(ended.conversation);
      }
      for (const auto& event : from_home.events) {
        const auto& lost = std::get<LeaseLost>(event);
        ++losses;
        home_has.erase(lost.conversation);
        // Whatever home gives up, the lessee has given up before.
        const auto it = lessee_has.find(lost.conversation);
        REQUIRE((it == lessee_has.end() || it->second != lost.epoch));
      }
    }
    CHECK(losses > 0);
    CHECK(home_has == lessee_has);
    CHECK(lessee.held() == home.given());
  }
}
