#include "protocol/membership.h"

#include <doctest/doctest.h>

#include <optional>
#include <set>

#include "tests/protocol/membership_world.h"

using namespace crossfloor;
using namespace crossfloor::test;
using namespace std::chrono_literals;

namespace {

const auto lan = MembershipOptions::lan();
const WallTime boot{1'700'000'000s};
constexpr Generation own_generation = 100;
Now at(Duration since_start) {
  return {Instant{1'000s} + since_start, boot + since_start};
}

MemberMark mark(int number, std::uint32_t incarnation = 0) {
  return {static_cast<Generation>(number), ms_of(boot), incarnation, 0};
}
MemberNews news(int number, MemberState state, int accuser = 0, std::uint32_t incarnation = 0) {
  return {node_id(number), static_cast<Generation>(number),      ms_of(boot), incarnation,
          state,           accuser ? node_id(accuser) : NodeId{}};
}

// Node 100 with peers 1 to 4, all heard at second 0 unless said otherwise.
struct Dialogue {
  SeededRandom random{1};
  Membership core{{node_id(100), own_generation, boot}, lan, random};
  MembershipOutbox out;

  explicit Dialogue(int peers = 4) {
    for (int i = 1; i <= peers; ++i) core.add_member(node_id(i), "site", "eu");
    core.tick(at(0s), out);
    for (int i = 1; i <= peers; ++i) say(i, Ack{mark(i), 0, {}, {}, {}}, 0s);
    out = {};
  }
  void say(int from, MembershipMessage message, Duration when) {
    core.receive(node_id(from), message, at(when), out);
  }
  void rumour(int from, MemberNews about, Duration when) {
    say(from, News{mark(from), {std::move(about)}}, when);
  }
  // Ticks at each deadline up to `when`, with every peer but `silent` pinging now and then, so that
  // only the silent one is doubted.
  void run(Duration from, Duration to, int silent) {
    for (Duration now = from; now <= to; now += 50ms) {
      if (now.count() % 500 == 0) {
        for (int i = 1; i <= 4; ++i) {
          if (i != silent) say(i, Ping{mark(i), 0, {}}, now);
        }
      }
      if (const auto due = core.deadline(); due && *due <= at(now).steady) core.tick(at(now), out);
    }
  }
  std::vector<MemberEventKind> events(int of) const {
    std::vector<MemberEventKind> kinds;
    for (const auto& event : out.events) {
      if (event.node == node_id(of)) kinds.push_back(event.kind);
    }
    return kinds;
  }
  template <typename Message>
  std::vector<Message> sent(int to) const {
    std::vector<Message> messages;
    for (const auto& [id, message] : out.messages) {
      if (id != node_id(to)) continue;
      if (const auto* one = std::get_if<Message>(&message)) messages.push_back(*one);
    }
    return messages;
  }
  MemberState state(int number) const { return *core.state(node_id(number)); }
};

using Kinds = std::vector<MemberEventKind>;

}  // namespace

TEST_SUITE("membership") {
  TEST_CASE("a member from a certificate is tried at once and counts as dead until heard") {
    SeededRandom random(1);
    Membership core({node_id(100), own_generation, boot}, lan, random);
    core.add_member(node_id(1), "oslo", "eu", "10.0.0.1:7440");
    CHECK(core.state(node_id(1)) == MemberState::dead);
    CHECK_FALSE(core.dead_since(node_id(1)));
    CHECK(core.deadline() <= at(0s).steady);
    MembershipOutbox out;
    core.tick(at(0s), out);
    REQUIRE(out.messages.size() == 1);
    CHECK(std::holds_alternative<Ping>(out.messages[0].second));
    CHECK(core.dead_since(node_id(1)) == at(0s).steady);
    CHECK_FALSE(core.last_heard(node_id(1)));
    core.receive(node_id(1), Ack{mark(1), 0, {}, {}, {}}, at(1s), out);
    CHECK(core.state(node_id(1)) == MemberState::alive);
    CHECK(core.last_heard(node_id(1)) == at(1s).steady);
    CHECK(out.events == std::vector<MemberEvent>{{MemberEventKind::joined, node_id(1)}});
    CHECK(core.find(node_id(1))->site == "oslo");
  }

  TEST_CASE("who has no certificate is neither heard nor believed in") {
    Dialogue talk;
    talk.say(9, Ping{mark(9), 1, {}}, 1s);
    talk.rumour(1, news(9, MemberState::alive), 1s);
    CHECK(talk.out.messages.empty());
    CHECK_FALSE(talk.core.state(node_id(9)));
  }

  TEST_CASE("live nodes are listed in id order with the own one, the suspect among them") {
    Dialogue talk;
    talk.core.link_reset(node_id(2), at(1s), talk.out);
    CHECK(talk.core.live() ==
          std::vector{node_id(1), node_id(2), node_id(3), node_id(4), node_id(100)});
    CHECK(talk.core.live_count() == 5);
  }

  TEST_CASE("a forgotten member is gone, also from what is under way") {
    Dialogue talk;
    talk.core.link_reset(node_id(2), at(1s), talk.out);
    talk.core.forget(node_id(2));
    talk.out = {};
    talk.run(1s, 30s, 2);
    CHECK(talk.events(2).empty());
    CHECK(talk.sent<Ping>(2).empty());
    CHECK(talk.core.live_count() == 4);
  }

  TEST_CASE("a ping is answered with its number") {
    Dialogue talk;
    talk.say(1, Ping{mark(1), 42, {}}, 1s);
    REQUIRE(talk.sent<Ack>(1).size() == 1);
    CHECK(talk.sent<Ack>(1)[0].number == 42);
    CHECK(talk.sent<Ack>(1)[0].mark.generation == own_generation);
  }

  TEST_CASE("who does not answer is asked again, then through others, then suspected, then dead") {
    Dialogue talk;
    talk.run(50ms, 30s, 3);
    CHECK(talk.events(3) == Kinds{MemberEventKind::suspected, MemberEventKind::died});
    CHECK(talk.state(3) == MemberState::dead);
    CHECK(talk.core.dead_since(node_id(3)));
    CHECK(talk.core.last_heard(node_id(3)) == at(0s).steady);
    const auto requests = talk.sent<PingRequest>(1).size() + talk.sent<PingRequest>(2).size() +
                          talk.sent<PingRequest>(4).size();
    CHECK(requests >= 3);
    for (int other : {1, 2, 4}) CHECK(talk.events(other).empty());
  }

  TEST_CASE("one unanswered question is put again and again until it ends, by the same roads") {
    Dialogue talk;
    talk.core.link_reset(node_id(3), at(100ms), talk.out);
    std::vector<Duration> asked;
    std::set<int> helpers;
    std::set<std::uint64_t> numbers;
    for (Duration now = 100ms; now < 1'100ms; now += 10ms) {
      for (int other : {1, 2, 4}) talk.say(other, Ping{mark(other), 0, {}}, now);
      talk.core.tick(at(now), talk.out);
      const auto pings = talk.sent<Ping>(3);
      for (const Ping& ping : pings) {
        asked.push_back(now);
        numbers.insert(ping.number);
      }
      for (int other : {1, 2, 4}) {
        auto requests = talk.sent<PingRequest>(other);
        std::erase_if(requests, [](const auto& request) { return request.target != node_id(3); });
        if (!requests.empty()) helpers.insert(other);
        CHECK(requests.size() == (now > 100ms ? pings.size() : 0));
      }
      talk.out = {};
    }
    CHECK(asked == std::vector<Duration>{100ms, 500ms, 620ms, 740ms, 860ms, 980ms});
    CHECK(helpers == std::set<int>{1, 2, 4});
    CHECK(numbers.size() == 1);
  }

  TEST_CASE(
      "nobody is given up on hearsay alone: who has not tried the suspect yet does so first") {
    Dialogue talk(200);  // so many that only some look for themselves at once
    for (int accuser : {5, 6, 7}) {
      talk.rumour(accuser, news(3, MemberState::suspect, accuser), 5s);
    }
    CHECK(talk.state(3) == MemberState::suspect);
    std::optional<Duration> asked;
    for (Duration now = 5s; now < 20s && !asked; now += 10ms) {
      talk.out = {};
      talk.core.tick(at(now), talk.out);
      REQUIRE(talk.state(3) == MemberState::suspect);
      if (!talk.sent<Ping>(3).empty()) asked = now;
    }
    REQUIRE(asked);
    CHECK(*asked >= 5s + patience_min(lan, 201));
    const auto number = talk.sent<Ping>(3)[0].number;
    SUBCASE("an answer acquits it") {
      talk.say(3, Ack{mark(3, 1), number, {}, {}, {}}, *asked + 500ms);
      CHECK(talk.state(3) == MemberState::alive);
    }
    SUBCASE("silence does not") {
      for (Duration now = *asked; now < *asked + 1s; now += 10ms) {
        talk.core.tick(at(now), talk.out);
        REQUIRE(talk.state(3) == MemberState::suspect);
      }
      for (Duration now = *asked + 1s; now <= *asked + 8s; now += 10ms) {  // at its worst health
        talk.core.tick(at(now), talk.out);
      }
      CHECK(talk.state(3) == MemberState::dead);
    }
  }

  TEST_CASE("an answer through a helper counts, but only to what was asked") {
    Dialogue talk;
    Ack forged{mark(1), 7, node_id(3), mark(3, 5), {}};
    talk.say(1, forged, 500ms);
    CHECK(talk.core.last_heard(node_id(3)) == at(0s).steady);
    talk.core.link_reset(node_id(3), at(1s), talk.out);
    talk.core.tick(at(1s), talk.out);
    REQUIRE(talk.sent<Ping>(3).size() == 1);
    talk.say(1, Ack{mark(1), talk.sent<Ping>(3)[0].number, node_id(3), mark(3, 1), {}}, 1'200ms);
    CHECK(talk.state(3) == MemberState::alive);
    CHECK(talk.core.last_heard(node_id(3)) == at(1'200ms).steady);
  }

  TEST_CASE("a helper asks, passes the answer on, and says so if there is none") {
    Dialogue talk;
    talk.say(1, PingRequest{mark(1), 70, node_id(2), {}}, 100ms);
    REQUIRE(talk.sent<Ping>(2).size() == 1);
    const auto number = talk.sent<Ping>(2)[0].number;
    talk.core.tick(at(430ms), talk.out);
    REQUIRE(talk.sent<Nack>(1).size() == 1);
    CHECK(talk.sent<Nack>(1)[0].number == 70);
    talk.say(2, Ack{mark(2), number, {}, {}, {}}, 500ms);  // late, still worth passing on
    REQUIRE(talk.sent<Ack>(1).size() == 1);
    CHECK(talk.sent<Ack>(1)[0].number == 70);
    CHECK(talk.sent<Ack>(1)[0].subject == node_id(2));
    CHECK(talk.sent<Ack>(1)[0].subject_mark->generation == 2);
  }

  TEST_CASE("a reset link is a suspicion at once, and an answer ends it") {
    Dialogue talk;
    talk.core.link_reset(node_id(2), at(1s), talk.out);
    CHECK(talk.state(2) == MemberState::suspect);
    talk.core.tick(at(1s), talk.out);
    REQUIRE(talk.sent<Ping>(2).size() == 1);
    // The buddy system: it is told that it is suspected.
    const auto told = talk.sent<Ping>(2)[0].news;
    REQUIRE_FALSE(told.empty());
    CHECK(told[0].node == node_id(2));
    CHECK(told[0].state == MemberState::suspect);
    CHECK(told[0].accuser == node_id(100));
    talk.say(2, Ack{mark(2, 1), talk.sent<Ping>(2)[0].number, {}, {}, {}}, 1'100ms);
    CHECK(talk.events(2) == Kinds{MemberEventKind::suspected, MemberEventKind::alive});
  }

  TEST_CASE("further accusers shorten the patience") {
    for (int accusers : {1, 3}) {
      CAPTURE(accusers);
      Dialogue talk;
      talk.run(50ms, 1'500ms, 3);
      talk.out = {};
      for (int i = 0; i < accusers; ++i) {
        talk.rumour(std::vector{1, 2, 4}[i], news(3, MemberState::suspect, std::vector{1, 2, 4}[i]),
                    1'600ms);
      }
      CHECK(talk.state(3) == MemberState::suspect);
      Duration died{};
      for (Duration now = 1'650ms; died == Duration{} && now < 60s; now += 50ms) {
        talk.run(now, now, 3);
        if (talk.state(3) == MemberState::dead) died = now;
      }
      if (accusers == 3) CHECK(died <= 1'600ms + patience_min(lan, 5) + 50ms);
      if (accusers == 1) CHECK(died > 1'600ms + patience_min(lan, 5) + 500ms);
    }
  }

  TEST_CASE("an accuser counts against a suspect that was heard just before it was lost") {
    Dialogue talk;
    talk.say(2, Ping{mark(2), 0, {}}, 5s);
    talk.core.link_reset(node_id(2), at(5'100ms), talk.out);
    for (const int accuser : {1, 3, 4}) {
      talk.rumour(accuser, news(2, MemberState::suspect, accuser), 5'200ms);
    }
    talk.run(5'250ms, 5'250ms + patience_min(lan, 5), 2);
    CHECK(talk.state(2) == MemberState::dead);
  }

  TEST_CASE("own ears weigh more than a rumour, and the slandered is told") {
    for (auto said : {MemberState::suspect, MemberState::dead}) {
      Dialogue talk;
      talk.say(2, Ping{mark(2), 0, {}}, 5s);
      talk.out = {};
      talk.rumour(1, news(2, said, 1), 5'500ms);
      talk.rumour(3, news(2, said, 1), 5'600ms);
      CHECK(talk.state(2) == MemberState::alive);
      REQUIRE(talk.sent<News>(2).size() == 1);  // once
      CHECK(talk.sent<News>(2)[0].news[0].state == said);
    }
  }

  TEST_CASE("a rumour about one not heard lately is believed and checked at once") {
    Dialogue talk;
    talk.run(50ms, 1'500ms, 2);
    talk.out = {};
    talk.rumour(1, news(2, MemberState::suspect, 1), 1'550ms);
    CHECK(talk.state(2) == MemberState::suspect);
    CHECK(talk.core.deadline() <= at(1'550ms).steady);
    talk.rumour(1, news(2, MemberState::dead, 1), 1'600ms);
    CHECK(talk.events(2) == Kinds{MemberEventKind::suspected, MemberEventKind::died});
  }

  TEST_CASE("old news changes nothing, newer news wins") {
    Dialogue talk;
    talk.run(50ms, 2s, 2);
    talk.rumour(1, news(2, MemberState::alive, 0, 5), 2s);
    talk.out = {};
    talk.rumour(1, news(2, MemberState::suspect, 1, 4), 2s);
    CHECK(talk.state(2) == MemberState::alive);
    talk.rumour(1, news(2, MemberState::dead, 1, 5), 2s);
    CHECK(talk.state(2) == MemberState::dead);
    talk.rumour(1, news(2, MemberState::alive, 0, 5), 2s);
    CHECK(talk.state(2) == MemberState::dead);
    talk.rumour(1, news(2, MemberState::alive, 0, 6), 2s);
    CHECK(talk.state(2) == MemberState::alive);
  }

  TEST_CASE("what is said against oneself is refuted, to the one who said it first of all") {
    Dialogue talk;
    MemberNews slander{node_id(100),         own_generation, ms_of(boot), 0,
                       MemberState::suspect, node_id(3)};
    talk.say(1, Ping{mark(1), 1, {slander}}, 100ms);
    CHECK(talk.sent<Ack>(1)[0].mark.incarnation == 1);
    CHECK(talk.core.health() == 1);  // something seems to be wrong with us
    talk.rumour(2, slander, 100ms);  // known already
    CHECK(talk.core.own_mark().incarnation == 1);
    slander.incarnation = 1;
    slander.state = MemberState::dead;
    talk.rumour(2, slander, 100ms);
    REQUIRE(talk.sent<News>(2).size() == 1);
    CHECK(talk.sent<News>(2)[0].mark.incarnation == 2);
    talk.out = {};
    talk.core.tick(at(300ms), talk.out);
    bool told = false;
    for (int i = 1; i <= 4; ++i) {
      for (const News& gossip : talk.sent<News>(i)) {
        for (const MemberNews& item : gossip.news) {
          told |= item.node == node_id(100) && item.incarnation == 2 &&
                  item.state == MemberState::alive;
        }
      }
    }
    CHECK(told);
  }

  TEST_CASE("incarnations cannot be used up") {
    Dialogue talk;
    talk.rumour(1, {node_id(100), own_generation, ms_of(boot), UINT32_MAX, MemberState::dead, {}},
                1s);
    CHECK(talk.core.own_mark().started_ms == ms_of(boot) + 1);
    CHECK(talk.core.own_mark().incarnation == 0);
    talk.rumour(1, {node_id(100), 7, INT64_MAX, 0, MemberState::dead, {}}, 1s);
    CHECK(talk.core.own_mark().started_ms == ms_of(boot) + 1);  // no such time
  }

  TEST_CASE("who is said to have started at the end of all time outbids it and is believed") {
    Dialogue slandered;
    MemberNews about{node_id(100), 7, (std::int64_t{1} << 53) - 1, 0, MemberState::left, {}};
    slandered.rumour(2, about, 1s);
    const MemberMark own = slandered.core.own_mark();
    CHECK(own.started_ms == about.started_ms + 1);

    Dialogue listener;
    MemberNews same = about;
    same.node = node_id(1);
    listener.rumour(2, same, 1s);
    CHECK(listener.core.state(node_id(1)) == MemberState::left);
    listener.say(1, Ping{own, 0, {}}, 2s);
    CHECK(listener.core.state(node_id(1)) == MemberState::alive);
  }

  TEST_CASE("a new start refutes all that was said of the older one") {
    Dialogue talk;
    talk.run(50ms, 2s, 2);
    talk.rumour(1, news(2, MemberState::dead, 1, 9), 2s);
    talk.out = {};
    talk.say(2, Ping{{77, ms_of(boot) + 5'000, 0, 0}, 1, {}}, 3s);
    CHECK(talk.events(2) == Kinds{MemberEventKind::restarted, MemberEventKind::alive});
    talk.rumour(1, news(2, MemberState::dead, 1, 10), 3s);
    CHECK(talk.state(2) == MemberState::alive);
    CHECK(talk.core.find(node_id(2))->mark.generation == 77);
  }

  TEST_CASE("a start whose clock went back learns to outbid the former one") {
    Dialogue talk;
    talk.say(2, Ping{{77, ms_of(boot) - 5'000, 0, 0}, 1, {}}, 3s);
    CHECK(talk.core.find(node_id(2))->mark.generation == 2);
    REQUIRE_FALSE(talk.sent<News>(2).empty());
    SeededRandom random(2);
    Membership restarted({node_id(2), 77, boot - 5s}, lan, random);
    restarted.add_member(node_id(100), "site", "eu");
    MembershipOutbox answers;
    restarted.receive(node_id(100), talk.sent<News>(2)[0], at(3s), answers);
    REQUIRE(answers.messages.size() == 1);
    talk.say(2, answers.messages[0].second, 3s);
    CHECK(talk.core.find(node_id(2))->mark.generation == 77);
    CHECK(talk.events(2) == Kinds{MemberEventKind::restarted});
  }

  TEST_CASE("a dead member's own word is proof of life at once, and alive when it has refuted") {
    Dialogue talk;
    talk.run(50ms, 2s, 2);
    talk.rumour(1, news(2, MemberState::dead, 1), 2s);
    talk.out = {};
    talk.say(2, Ping{mark(2), 1, {}}, 3s);
    CHECK(talk.state(2) == MemberState::dead);
    CHECK(talk.core.last_heard(node_id(2)) == at(3s).steady);
    REQUIRE(talk.sent<Ack>(2).size() == 1);
    CHECK(talk.sent<Ack>(2)[0].news[0].state == MemberState::dead);
    talk.say(2, News{mark(2, 1), {}}, 3s);
    CHECK(talk.state(2) == MemberState::alive);
  }

  TEST_CASE("who leaves tells all, then neither speaks nor listens") {
    Dialogue talk;
    talk.core.leave(at(1s), talk.out);
    for (int i = 1; i <= 4; ++i) {
      REQUIRE(talk.sent<News>(i).size() == 1);
      CHECK(talk.sent<News>(i)[0].news[0].state == MemberState::left);
    }
    talk.out = {};
    talk.say(1, Ping{mark(1), 1, {}}, 1s);
    talk.core.tick(at(5s), talk.out);
    CHECK(talk.out.messages.empty());
    CHECK_FALSE(talk.core.deadline());
  }

  TEST_CASE("a member that left is not tried again, until it speaks under a new start") {
    Dialogue talk;
    talk.rumour(2, news(2, MemberState::left), 1s);
    CHECK(talk.events(2) == Kinds{MemberEventKind::left});
    talk.out = {};
    talk.run(1s, 20s, 2);
    CHECK(talk.sent<Ping>(2).empty());
    talk.say(2, Ping{{77, ms_of(boot) + 5'000, 0, 0}, 1, {}}, 20s);
    CHECK(talk.state(2) == MemberState::alive);
  }

  TEST_CASE("the node doubts itself when helpers do not even excuse themselves") {
    Dialogue talk;
    // Nobody answers anything, only some rumours drip in so that it does not think itself alone.
    for (Duration now = 50ms; now < 4s; now += 50ms) {
      if (const auto due = talk.core.deadline(); due && *due <= at(now).steady) {
        talk.core.tick(at(now), talk.out);
      }
    }
    CHECK(talk.core.health() >= 3);
    CHECK(talk.core.health() <= 7);
  }

  TEST_CASE("a standstill delays every verdict by as long") {
    Dialogue talk;
    talk.core.link_reset(node_id(2), at(100ms), talk.out);
    talk.core.standstill(20s);
    talk.out = {};
    talk.core.tick(at(20'100ms), talk.out);
    CHECK(talk.events(2).empty());
    CHECK(talk.core.health() == 1);
    talk.run(20'150ms, 40s, 2);
    CHECK(talk.events(2) == Kinds{MemberEventKind::died});
  }

  TEST_CASE("a standstill is noticed without being told") {
    Dialogue talk;
    talk.core.link_reset(node_id(2), at(100ms), talk.out);
    talk.out = {};
    talk.core.tick(at(30s), talk.out);
    CHECK(talk.out.events.empty());
    CHECK(talk.core.health() == 1);
  }
}
