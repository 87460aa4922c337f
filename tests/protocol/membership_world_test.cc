#include "tests/protocol/membership_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

using namespace crossfloor;
using namespace crossfloor::test;
using namespace std::chrono_literals;

namespace {
constexpr int count = 8;
const auto lan = MembershipOptions::lan();
}  // namespace

TEST_SUITE("membership world") {
  TEST_CASE("all find each other soon after a start") {
    for (std::uint64_t seed : {1, 2, 3}) {
      CAPTURE(seed);
      MembershipWorld world(count, seed, lan);
      CHECK(world.run_until([&] { return world.whole(); }, 10s) < 1s);
      CHECK(world.count(MemberEventKind::joined) == count * (count - 1));
      CHECK(world.count(MemberEventKind::alive) == 0);
    }
  }

  TEST_CASE("a node that falls silent is dead for all within the bound") {
    Duration worst{}, sum{};
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      CAPTURE(seed);
      MembershipWorld world(count, seed, lan);
      world.run(20s);
      world.kill(3);
      const Duration took =
          world.run_until([&] { return world.all_see(3, MemberState::dead); }, 60s);
      CHECK(took <= death_bound(lan, count));
      CHECK(world.count(MemberEventKind::died) == count - 1);  // and nobody else is
      worst = std::max(worst, took);
      sum += took;
    }
    MESSAGE("silent death of 1 of 8, LAN: mean " << (sum / 10).count() << " ms, worst "
                                                 << worst.count() << " ms");
    CHECK(sum / 10 < 5'600ms);  // what memberlist's figures come to for eight nodes
  }

  TEST_CASE("a reset of the links makes death known faster") {
    Duration worst{};
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      CAPTURE(seed);
      MembershipWorld world(count, seed, lan);
      world.run(20s);
      world.kill(3, true);
      worst = std::max(worst,
                       world.run_until([&] { return world.all_see(3, MemberState::dead); }, 60s));
    }
    MESSAGE("kill with resets, 1 of 8, LAN: worst " << worst.count() << " ms");
    CHECK(worst <= patience_min(lan, count) + 500ms);
  }

  TEST_CASE("WAN options find a death despite 300 ms of round trip") {
    Duration worst{};
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      CAPTURE(seed);
      MembershipWorld world(count, seed, MembershipOptions::wan());
      world.network = {0.02, 100ms, 150ms};
      world.run(60s);
      CHECK(world.count(MemberEventKind::died) == 0);
      world.kill(3);
      worst = std::max(worst,
                       world.run_until([&] { return world.all_see(3, MemberState::dead); }, 120s));
    }
    MESSAGE("silent death of 1 of 8, WAN, 2 % loss: worst " << worst.count() << " ms");
    CHECK(worst < 40s);
  }

  TEST_CASE("a mesh that was cut in halves is whole again without anybody's help") {
    for (Duration length : {60'000ms, 1'200'000ms}) {
      for (std::uint64_t seed : {1, 2}) {
        if (length > 60s && seed > 1) continue;  // once is enough of the long one
        CAPTURE(seed);
        CAPTURE(length.count());
        MembershipWorld world(count, seed, lan);
        world.run(10s);
        world.cut({0, 1, 2, 3});
        world.run(length);
        for (int i = 0; i < count; ++i) CHECK(world.at(i).live_count() == count / 2);
        world.heal();
        const Duration took = world.run_until([&] { return world.whole(); }, 60s);
        MESSAGE("whole " << took.count() << " ms after a cut of " << length.count() << " ms");
        CHECK(took < 5s);
      }
    }
  }

  TEST_CASE("a node that is cut off from all others sees that soon, and they see it") {
    for (std::uint64_t seed : {1, 2, 3}) {
      CAPTURE(seed);
      MembershipWorld world(count, seed, lan);
      world.run(10s);
      world.cut({5});
      const Duration took = world.run_until([&] { return world.at(5).live_count() == 1; }, 120s);
      MESSAGE("alone after " << took.count() << " ms");
      CHECK(took < 25s);
      CHECK(world.all_see(5, MemberState::dead));
      world.heal();
      CHECK(world.run_until([&] { return world.whole(); }, 60s) < 6s);
    }
  }

  TEST_CASE("a quarter of all messages lost kills nobody") {
    int died = 0, suspected = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      MembershipWorld world(count, seed, lan);
      world.run(10s);
      world.network.loss = 0.25;
      world.run(120s);
      died += world.count(MemberEventKind::died);
      suspected += world.count(MemberEventKind::suspected);
    }
    MESSAGE("25 % loss, 4 x 120 s: " << suspected << " suspicions, " << died << " false deaths");
    CHECK(suspected <= 8);  // of 4 x 120 s x 8 probes
    CHECK(died == 0);
  }

  TEST_CASE("with 40 % lost a false death is rare, and mended as soon as the loss ends") {
    int died = 0, suspected = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      MembershipWorld world(count, seed, lan);
      world.run(10s);
      world.network.loss = 0.4;
      world.run(120s);
      died += world.count(MemberEventKind::died);
      suspected += world.count(MemberEventKind::suspected);
      world.network.loss = 0;
      CHECK(world.run_until([&] { return world.whole(); }, 60s) < 20s);
    }
    MESSAGE("40 % loss, 4 x 120 s: " << suspected << " suspicions, " << died << " false deaths");
    CHECK(suspected > 0);  // or the network lost nothing
    CHECK(died <= 4);
  }

  TEST_CASE("a death is found also while a quarter of all messages is lost") {
    Duration worst{};
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      CAPTURE(seed);
      MembershipWorld world(count, seed, lan);
      world.network.loss = 0.25;
      world.run(60s);
      world.kill(3);
      worst = std::max(worst,
                       world.run_until([&] { return world.all_see(3, MemberState::dead); }, 120s));
    }
    MESSAGE("silent death of 1 of 8, LAN, 25 % loss: worst " << worst.count() << " ms");
    CHECK(worst < 15s);
  }

  TEST_CASE("two who cannot reach each other, but all others can, stay alive for all") {
    for (std::uint64_t seed : {1, 2}) {
      CAPTURE(seed);
      MembershipWorld world(count, seed, lan);
      world.run(10s);
      world.cut_pair(2, 5);
      world.run(120s);
      CHECK(world.count(MemberEventKind::died) == 0);
      CHECK(world.whole());
    }
  }

  TEST_CASE("a large mesh finds a death, and is whole again after a cut") {
    constexpr int many = 40;
    MembershipWorld world(many, 1, lan);
    CHECK(world.run_until([&] { return world.whole(); }, 10s) < 2s);
    world.run(10s);
    world.kill(3);
    const Duration dead =
        world.run_until([&] { return world.all_see(3, MemberState::dead); }, 120s);
    std::set<int> half;
    for (int i = 10; i < 30; ++i) half.insert(i);
    world.cut(half);
    world.run(60s);
    CHECK(world.at(0).live_count() < many / 2);
    world.start(3);
    world.heal();
    const Duration whole = world.run_until([&] { return world.whole(); }, 120s);
    MESSAGE(many << " nodes: death seen by all in " << dead.count() << " ms, whole after a cut in "
                 << whole.count() << " ms");
    CHECK(dead < 12s);
    CHECK(whole < 15s);
  }

  TEST_CASE("a node that stands still for four seconds is not taken for dead") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      CAPTURE(seed);
      MembershipWorld world(count, seed, lan);
      world.run(20s);
      world.pause(3);
      world.run(4s);
      world.resume(3);
      world.run(10s);
      CHECK(world.count(MemberEventKind::died) == 0);
      CHECK(world.whole());
    }
  }

  TEST_CASE("a node that was paused accuses nobody") {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      CAPTURE(seed);
      MembershipWorld world(count, seed, lan);
      world.network = {0, 50ms, 150ms};  // so that questions are open when it stops
      world.run(10s);
      world.pause(2);
      world.run(20s);
      CHECK(world.all_see(2, MemberState::dead));
      world.resume(2, seed % 2 == 0);
      CHECK(world.run_until([&] { return world.whole(); }, 30s) < 5s);
      world.run(20s);
      for (const auto& seen : world.seen_) {
        if (seen.event.kind == MemberEventKind::suspected ||
            seen.event.kind == MemberEventKind::died) {
          CHECK(seen.event.node == node_id(2));
        }
      }
    }
  }

  TEST_CASE("a restart is seen by all, also while the old start is not yet dead") {
    MembershipWorld world(count, 7, lan);
    world.run(10s);
    world.kill(4, true);
    world.run(200ms);
    world.start(4);
    world.run(5s);
    CHECK(world.whole());
    CHECK(world.count(MemberEventKind::restarted) == count - 1);
    CHECK(world.count(MemberEventKind::died) == 0);
  }

  TEST_CASE("who leaves is seen to leave, and is not mourned") {
    MembershipWorld world(count, 8, lan);
    world.run(10s);
    world.leave(6);
    CHECK(world.run_until([&] { return world.all_see(6, MemberState::left); }, 5s) < 100ms);
    world.run(30s);
    CHECK(world.all_see(6, MemberState::left));
    CHECK(world.count(MemberEventKind::suspected) == 0);
    world.start(6);
    CHECK(world.run_until([&] { return world.whole(); }, 5s) < 1s);
  }

  TEST_CASE("an idle node costs the same in a mesh of 4 and of 32") {
    double rate[2];
    int index = 0;
    for (int size : {4, 32}) {
      MembershipWorld world(size, 9, lan);
      world.run(60s);
      world.messages = 0;
      world.run(100s);
      rate[index++] = static_cast<double>(world.messages) / size / 100;
    }
    CHECK(rate[0] == doctest::Approx(2).epsilon(0.05));  // a ping and an answer each second
    CHECK(rate[1] == doctest::Approx(2).epsilon(0.05));
  }

  TEST_CASE("the same seed gives the same run") {
    std::vector<MembershipWorld::Seen> runs[2];
    for (auto& run : runs) {
      MembershipWorld world(count, 10, lan);
      world.network.loss = 0.3;
      world.run(60s);
      run = world.seen_;
    }
    REQUIRE(runs[0].size() == runs[1].size());
    for (std::size_t i = 0; i < runs[0].size(); ++i) {
      CHECK(runs[0][i].at == runs[1][i].at);
      CHECK(runs[0][i].event == runs[1][i].event);
    }
  }
}
