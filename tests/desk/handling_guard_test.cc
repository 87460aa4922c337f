#include "node/desk/handling_guard.h"

#include <doctest/doctest.h>

#include "tests/desk/agents_for_tests.h"

using namespace crossfloor;
using namespace std::chrono_literals;

namespace {

constexpr auto chat = ChannelKind::chat;
const NodeId home = node_of(9);

void fill(HandlingGuard& guard, int cases, Duration remote, const NodeId& of = home) {
  for (int i = 0; i < cases; ++i) {
    guard.local(chat, 1000ms);
    guard.remote(of, chat, remote);
  }
}

}  // namespace

TEST_SUITE("handling guard") {
  TEST_CASE("nothing is asked for before anything is known of the own handling times") {
    HandlingGuard guard({});
    fill(guard, 19, 2000ms);
    CHECK(guard.reserve(home, chat, 0, 0s) == 0ms);
  }

  TEST_CASE("where nobody helped yet it is not known whether help is slow") {
    HandlingGuard guard({});
    for (int i = 0; i < 20; ++i) guard.local(chat, 1000ms);
    for (const auto oldest : {0s, 2s, 3600s}) {
      CHECK(guard.reserve(home, chat, 0, oldest) == 2000ms);
      CHECK(guard.reserve(home, chat, 0.375, oldest) == 1000ms);
      CHECK(guard.reserve(home, chat, INFINITY, oldest) == 0ms);
    }
  }

  TEST_CASE("what is not sure is taken for slow, and the more is known, the less") {
    HandlingGuard guard({});
    fill(guard, 200, 1000ms);
    CHECK(guard.reserve(home, chat, 0, 0s) == 2000ms);
    fill(guard, 3000, 1000ms);
    CHECK(guard.reserve(home, chat, 0, 0s) == 0ms);
  }

  TEST_CASE("handling times that vary more are suspected no longer than others") {
    HandlingGuard guard({});
    for (int i = 0; i < 6000; ++i) {
      const auto takes = i % 5 == 0 ? 4600ms : 100ms;  // squared variation coefficient 3.2
      guard.local(chat, takes);
      guard.remote(home, chat, takes);
    }
    REQUIRE(std::sqrt(guard.slowdown(home, chat).variance) > 0.0325);
    CHECK(guard.reserve(home, chat, 0, 0s) == 0ms);
  }

  TEST_CASE("the reserve grows with the slowdown, up to two handling times") {
    for (const auto& [remote, wanted] :
         {std::pair{1010ms, 0ms}, {1025ms, 1100ms}, {1035ms, 2000ms}, {1100ms, 2000ms}}) {
      CAPTURE(remote.count());
      HandlingGuard guard({});
      fill(guard, 5000, remote);
      CHECK(guard.reserve(home, chat, 0, 0s).count() ==
            doctest::Approx(wanted.count()).epsilon(0.2));
    }
  }

  TEST_CASE("what the other nodes measured makes sure sooner") {
    HandlingGuard guard({});
    fill(guard, 30, 1000ms);
    REQUIRE(guard.reserve(home, chat, 0, 0s) == 2000ms);
    guard.weigh(chat, {{500, 4000, 500, 4000}, {2000, 4000, 2000, 4000}});
    CHECK(guard.reserve(home, chat, 0, 0s) == 0ms);
    guard.weigh(chat, {{500, 4000, 540, 4000}, {2000, 4000, 2160, 4000}});
    CHECK(guard.reserve(home, chat, 0, 0s) == 2000ms);
    guard.weigh(chat, {});
    CHECK(std::sqrt(guard.slowdown(home, chat).variance) > 0.1);
  }

  TEST_CASE("who claims to have seen everything counts for one node") {
    HandlingGuard guard({});
    fill(guard, 5000, 1100ms);
    guard.weigh(chat, {{1000, 4e9, 1000, 4e9}});
    CHECK(guard.reserve(node_of(8), chat, 0, 0s) == 2000ms);
  }

  TEST_CASE("one who tells nonsense does not decide for all") {
    HandlingGuard guard({});
    fill(guard, 1000, 1000ms);
    std::vector<HandlingTimes> told(8, {1000, 1000, 1000, 1000});
    told.push_back({1000, 10'000, 3000, 10'000});
    guard.weigh(chat, told);
    CHECK(guard.slowdown(home, chat).log < 0.015);
    told.back() = {3000, 10'000, 1000, 10'000};
    guard.weigh(chat, told);
    CHECK(guard.slowdown(home, chat).log > -0.015);
  }

  TEST_CASE("what is only suspected counts as far as it may; what is sure always does") {
    HandlingGuard unsure({}), suspects({}), sure({});
    fill(unsure, 200, 1000ms);
    fill(suspects, 4000, 1026ms);
    fill(sure, 4000, 1060ms);
    for (const auto* guard : {&unsure, &suspects}) {
      const auto most = guard->reserve(home, chat, 0, 0s);
      CHECK(most > 300ms);
      CHECK(guard->reserve(home, chat, -0.5, 0s) == most);
      CHECK(guard->reserve(home, chat, 0.05, 0s) < most);
      CHECK(guard->reserve(home, chat, 0.05, 0s) > 0ms);
      CHECK(guard->reserve(home, chat, 0.75, 0s) == 0ms);
      CHECK(guard->reserve(home, chat, INFINITY, 0s) == 0ms);
    }
    CHECK(sure.reserve(home, chat, INFINITY, 0s) == 2000ms);
  }

  TEST_CASE("the less is known, the longer others' customers may wait") {
    HandlingGuard hardly({}), fairly({});
    fill(hardly, 200, 1000ms);  // told to 10 %
    fill(fairly, 800, 900ms);   // told to 2.2 %, and it is none slower
    for (const auto& [guard, unfair_by] : {std::pair{&hardly, 0.75}, {&fairly, 0.198}}) {
      const auto most = guard->reserve(home, chat, 0, 0s);
      CHECK(most > 300ms);
      CHECK(guard->reserve(home, chat, unfair_by / 2, 0s).count() * 2 ==
            doctest::Approx(most.count()).epsilon(0.05));
      CHECK(guard->reserve(home, chat, unfair_by * 0.95, 0s) > 0ms);
      CHECK(guard->reserve(home, chat, unfair_by * 1.05, 0s) == 0ms);
    }
  }

  TEST_CASE("where everybody waits for long, less makes suspicious, as long as it is fair") {
    HandlingGuard guard({});
    fill(guard, 6000, 1018ms);  // told to 0.8 %
    CHECK(guard.reserve(home, chat, 0, 500ms) == 0ms);
    CHECK(guard.reserve(home, chat, 0, 1s) > 0ms);
    CHECK(guard.reserve(home, chat, 0, 1s) < 2000ms);
    CHECK(guard.reserve(home, chat, 0, 1500ms) == 2000ms);
    CHECK(guard.reserve(home, chat, 0, 1h) == 2000ms);
    CHECK(guard.reserve(home, chat, 0.75, 1h) == 0ms);
    HandlingGuard surely_not({});
    fill(surely_not, 10'000, 980ms);
    CHECK(surely_not.reserve(home, chat, 0, 1h) == 0ms);
  }

  TEST_CASE("a pair of nodes counts for itself as far as it is sure") {
    HandlingGuard guard({});
    const auto slow = node_of(8);
    fill(guard, 5000, 1000ms);
    for (int i = 0; i < 3000; ++i) guard.remote(slow, chat, 1200ms);
    guard.weigh(chat, {{1000, 10'000, 1000, 10'000}});
    CHECK(guard.reserve(home, chat, 0, 0s) == 0ms);
    CHECK(guard.reserve(slow, chat, 0, 0s) > 500ms);
  }

  TEST_CASE("a pair of which little is known is suspected, but not surely slow") {
    HandlingGuard guard({});
    const auto unlucky = node_of(8);
    fill(guard, 5000, 1000ms);
    guard.weigh(chat, {{1000, 10'000, 1000, 10'000}});
    for (int i = 0; i < 100; ++i) guard.remote(unlucky, chat, 1130ms);
    CHECK(guard.reserve(unlucky, chat, 0, 0s) > 0ms);
    CHECK(guard.reserve(unlucky, chat, INFINITY, 0s) == 0ms);
  }

  TEST_CASE("the time that was spent on what is not over counts, but not for ever") {
    HandlingGuard guard({});
    fill(guard, 1000, 1000ms);
    const auto slowdown = [&](const NodeId& of) { return std::exp(guard.slowdown(of, chat).log); };
    REQUIRE(slowdown(home) == doctest::Approx(1));
    const UnderWay remote{home, chat, 2000ms}, local{std::nullopt, chat, 2000ms};
    guard.under_way({remote, remote, remote, remote, remote, {home, ChannelKind::email, 1h}});
    CHECK(slowdown(home) == doctest::Approx(1.01));
    CHECK(slowdown(node_of(8)) == doctest::Approx(1.01));
    guard.under_way({local, local, remote, remote, local});
    CHECK(slowdown(home) == doctest::Approx(1.004 / 1.006));
    guard.under_way({{home, chat, 24h}});
    CHECK(slowdown(home) == doctest::Approx(1.004));
    for (int i = 0; i < 1000; ++i) guard.local(chat, 1000ms);  // what is told is told anew
    CHECK(guard.told(chat).remote_ms == doctest::Approx(1004));
    guard.under_way({});
    CHECK(slowdown(home) == doctest::Approx(1).epsilon(0.001));
  }

  TEST_CASE("work that is as slow as other seems as slow in the mean, from few cases, too") {
    SeededRandom random(5);
    const auto handled = [&](Duration within, auto&& over) {  // gives what is not over
      for (;;) {
        const Duration takes{static_cast<std::int64_t>(-300'000 * std::log(1 - random.unit())) + 1};
        if (takes > within) return within;
        within -= takes;
        over(takes);
      }
    };
    constexpr int guards = 4'000;
    double sum = 0;
    for (int i = 0; i < guards; ++i) {
      HandlingGuard guard({});
      const auto own = handled(480 * 300s, [&](Duration takes) { guard.local(chat, takes); });
      const auto others =
          handled(60 * 300s, [&](Duration takes) { guard.remote(home, chat, takes); });
      guard.under_way({{std::nullopt, chat, own}, {home, chat, others}});
      sum += guard.slowdown(node_of(8), chat).log;
    }
    CHECK(std::abs(sum / guards) < 0.006);
  }

  TEST_CASE("slow handling times scatter; so the mean of few of them says little") {
    SeededRandom random(3);
    HandlingGuard guard({});
    const auto drawn = [&] {
      return Duration{static_cast<std::int64_t>(-300'000 * std::log(1 - random.unit())) + 1};
    };
    const auto more = [&](int cases) {
      for (int i = 0; i < cases; ++i) {
        guard.local(chat, drawn());
        guard.remote(home, chat, drawn());
      }
      return std::sqrt(guard.slowdown(home, chat).variance);
    };
    CHECK(more(200) == doctest::Approx(0.1).epsilon(0.3));
    CHECK(more(4800) == doctest::Approx(0.02).epsilon(0.3));
  }

  TEST_CASE("what was measured before a start counts as if it were measured now") {
    HandlingGuard before({}), after({});
    fill(before, 5000, 1100ms);
    after.remember(chat, before.told(chat));
    CHECK(after.told(chat) == before.told(chat));
    CHECK(after.reserve(home, chat, INFINITY, 0s) == 2000ms);
    fill(after, 5000, 900ms);
    CHECK(after.reserve(home, chat, 0, 0s) == 0ms);
  }

  TEST_CASE("others are told anew when there is a twentieth more to tell") {
    HandlingGuard guard({});
    int told = 0;
    HandlingTimes last;
    for (int i = 1; i <= 1000; ++i) {
      guard.local(chat, 1000ms);
      const auto now = guard.told(chat);
      CHECK(now.local_cases >= i * 0.95 - 1);
      told += now.local_cases != last.local_cases;
      last = now;
    }
    CHECK(told < 100);
  }
}
