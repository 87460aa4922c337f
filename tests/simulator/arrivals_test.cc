#include "tools/simulator/arrivals.h"

#include <doctest/doctest.h>

#include "tools/simulator/checker.h"

using namespace crossfloor;
using namespace crossfloor::simulator;

TEST_SUITE("recorded arrivals") {
  TEST_CASE("come in the order of their times, whatever the order of rows and columns") {
    auto read = parse_arrivals("customer,note,ms\r\n7,x,2000\r\n3,y,15\n\n", "a table");
    REQUIRE(read.ok());
    REQUIRE(read.value().size() == 2);
    CHECK(read.value()[0].after == Duration{15});
    CHECK(read.value()[0].customer == 3);
    CHECK(read.value()[1].after == Duration{2'000});
    CHECK(read.value()[1].customer == 7);
  }

  TEST_CASE("need not say whose they are") {
    auto read = parse_arrivals("ms\n10\n", "a table");
    REQUIRE(read.ok());
    CHECK_FALSE(read.value()[0].customer);
  }

  TEST_CASE("say where a table is wrong") {
    struct Case {
      const char* table;
      const char* where;
    };
    for (const auto& [table, where] :
         {Case{"", "a table:1"}, Case{"time\n1\n", "a table:1"}, Case{"ms\n1\nx\n", "a table:3"},
          Case{"ms\n-1\n", "a table:2"}, Case{"ms,customer\n1\n", "a table:2"},
          Case{"ms\n99999999999999999999\n", "a table:2"}}) {
      CAPTURE(table);
      auto read = parse_arrivals(table, "a table");
      REQUIRE_FALSE(read.ok());
      CHECK(read.error().where == where);
    }
  }

  TEST_CASE("bring as many messages as the recording has, when it has them") {
    Options options;
    options.seed = 5;
    options.people.arrivals_from = "morning";
    options.people.customers = 60;
    options.shape.length = Duration{120'000};
    options.shape.heal = Duration{1'000};
    auto recorded = read_arrivals("morning");
    REQUIRE(recorded.ok());
    std::uint64_t within = 0;
    for (const auto& one : recorded.value()) within += one.after < options.shape.length;
    World world(options);
    world.run();
    CHECK(world.customers().written() == within);
  }
}
