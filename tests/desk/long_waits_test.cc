#include "node/desk/long_waits.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/desk/people.h"

using namespace crossfloor;
using namespace std::chrono_literals;

namespace {

constexpr auto chat = ChannelKind::chat;
const NodeId here = node_of(1), there = node_of(2);

}  // namespace

TEST_SUITE("long waits") {
  TEST_CASE("of whom nothing is known, nobody says that they wait longer") {
    LongWaits waits(here);
    CHECK(waits.longer(there, chat) == 0);
    waits.look({{{here, chat}, 10s}}, 100);
    CHECK(waits.longer(there, chat) == 0);
    waits.look({{{here, chat}, 10s}, {{there, ChannelKind::email}, 100s}}, 100);
    CHECK(waits.longer(there, chat) == 0);
  }

  TEST_CASE("it is a share of the wait here") {
    for (const auto& [wait, longer] :
         {std::pair{0s, -1.0}, {50s, -0.5}, {100s, 0.0}, {105s, 0.05}, {900s, 8.0}}) {
      LongWaits waits(here);
      waits.look({{{here, chat}, 100s}, {{there, chat}, wait}}, 100);
      CHECK(waits.longer(there, chat) == doctest::Approx(longer));
    }
  }

  TEST_CASE("it is a mean of as many looks, in which nobody waiting counts, too") {
    LongWaits waits(here);
    for (int i = 0; i < 100; ++i) {
      waits.look({{{here, chat}, 100s}, {{there, chat}, i % 2 ? 220s : 0s}}, 100);
    }
    CHECK(waits.longer(there, chat) == doctest::Approx(0.1).epsilon(0.05));
    CHECK(waits.oldest(chat) == 100s);
    CHECK(waits.oldest(ChannelKind::email) == 0s);
    for (int i = 0; i < 500; ++i) waits.look({{{here, chat}, 50s}, {{there, chat}, 0s}}, 100);
    CHECK(waits.longer(there, chat) < -0.98);
    CHECK(waits.oldest(chat).count() == doctest::Approx(50'000).epsilon(0.05));
  }

  TEST_CASE("a node unheard of for a while keeps its mean, and loses it in the end") {
    LongWaits waits(here);
    waits.look({{{here, chat}, 100s}, {{there, chat}, 200s}}, 100);
    for (int i = 0; i < 99; ++i) waits.look({{{here, chat}, 100s}}, 100);
    CHECK(waits.longer(there, chat) == doctest::Approx(1));
    for (int i = 0; i < 3; ++i) waits.look({{{here, chat}, 100s}}, 100);
    CHECK(waits.longer(there, chat) == 0);
  }

  TEST_CASE("who comes back waits far longer, until its line is as short as that here") {
    LongWaits waits(here);
    const auto look = [&](Duration waited_there) {
      waits.look({{{here, chat}, 100s}, {{there, chat}, waited_there}}, 1000);
    };
    for (int i = 0; i < 100; ++i) look(100s);
    waits.came_back(there);
    CHECK(waits.longer(there, chat) == INFINITY);
    CHECK(waits.longer(node_of(3), chat) == 0);
    look(0s);  // from before it fell silent
    CHECK(waits.longer(there, chat) == INFINITY);
    look(600s);
    look(126s);
    CHECK(waits.longer(there, chat) == INFINITY);
    look(124s);
    CHECK(waits.longer(there, chat) < 0.1);
    look(600s);
    CHECK(waits.longer(there, chat) < 0.2);

    waits.came_back(there);  // what waits there for nobody here is no matter of this node's
    for (int i = 0; i < 2; ++i) {
      waits.look({{{here, chat}, 100s}, {{there, ChannelKind::email}, 600s}}, 1000);
    }
    CHECK(waits.longer(there, chat) < 0.2);
  }
}
