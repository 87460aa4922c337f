#include "node/desk/long_waits.h"

#include <doctest/doctest.h>

#include "tests/desk/people.h"

using namespace crossfloor;
using namespace std::chrono_literals;

namespace {

constexpr auto chat = ChannelKind::chat;
const NodeId here = node_of(1), there = node_of(2);

}  // namespace

TEST_SUITE("long waits") {
  TEST_CASE("who is not known is in doubt") {
    LongWaits waits(here, 0.2);
    CHECK(waits.doubt(there, chat) == 1);
    waits.look({{{here, chat}, 10s}}, 100);
    CHECK(waits.doubt(there, chat) == 1);
    waits.look({{{here, chat}, 10s}, {{there, ChannelKind::email}, 100s}}, 100);
    CHECK(waits.doubt(there, chat) == 1);
  }

  TEST_CASE("the longer its customers wait than those here, the less it is in doubt") {
    for (const auto& [wait, doubt] :
         {std::pair{5s, 1.0}, {100s, 1.0}, {105s, 0.75}, {110s, 0.5}, {120s, 0.0}, {900s, 0.0}}) {
      LongWaits waits(here, 0.2);
      waits.look({{{here, chat}, 100s}, {{there, chat}, wait}}, 100);
      CHECK(waits.doubt(there, chat) == doctest::Approx(doubt));
    }
  }

  TEST_CASE("it is a mean of as many looks, in which nobody waiting counts, too") {
    LongWaits waits(here, 0.2);
    for (int i = 0; i < 100; ++i) {
      waits.look({{{here, chat}, 100s}, {{there, chat}, i % 2 ? 220s : 0s}}, 100);
    }
    CHECK(waits.doubt(there, chat) == doctest::Approx(0.5).epsilon(0.05));
    for (int i = 0; i < 500; ++i) waits.look({{{here, chat}, 100s}, {{there, chat}, 0s}}, 100);
    CHECK(waits.doubt(there, chat) == 1);
  }

  TEST_CASE("a node unheard of for a while keeps its mean, and loses it in the end") {
    LongWaits waits(here, 0.2);
    waits.look({{{here, chat}, 100s}, {{there, chat}, 200s}}, 100);
    for (int i = 0; i < 99; ++i) waits.look({{{here, chat}, 100s}}, 100);
    CHECK(waits.doubt(there, chat) == 0);
    for (int i = 0; i < 3; ++i) waits.look({{{here, chat}, 100s}}, 100);
    CHECK(waits.doubt(there, chat) == 1);
  }

  TEST_CASE("who comes back is in no doubt until its customers wait no longer than those here") {
    LongWaits waits(here, 0.2);
    const auto look = [&](Duration waited_there) {
      waits.look({{{here, chat}, 100s}, {{there, chat}, waited_there}}, 1000);
    };
    for (int i = 0; i < 100; ++i) look(100s);
    CHECK(waits.doubt(there, chat) == 1);
    waits.came_back(there);
    CHECK(waits.doubt(there, chat) == 0);
    CHECK(waits.doubt(node_of(3), chat) == 1);
    look(0s);  // from before it fell silent
    CHECK(waits.doubt(there, chat) == 0);
    look(600s);
    look(121s);
    CHECK(waits.doubt(there, chat) == 0);
    look(119s);
    CHECK(waits.doubt(there, chat) > 0.5);
    look(600s);
    CHECK(waits.doubt(there, chat) > 0.5);
  }
}
