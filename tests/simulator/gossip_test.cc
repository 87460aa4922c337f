#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tools/simulator/gossip_report.h"

using namespace crossfloor;
using namespace crossfloor::simulator;

TEST_SUITE("gossip's figures") {
  TEST_CASE("a death among eight is seen within the bound, and nobody alive is called dead") {
    for (const std::uint64_t seed : {1, 2, 3}) {
      CAPTURE(seed);
      GossipOptions options;
      options.seed = seed;
      const GossipFigures figures = GossipWorld(options).run();
      CHECK(figures.whole);
      CHECK(figures.detected);
      CHECK(figures.first <= figures.all);
      CHECK(figures.all <= death_bound(MembershipOptions::lan(), 8));
      CHECK(figures.false_deaths == 0);
      CHECK(figures.messages > 1);
    }
  }

  TEST_CASE("a quarter of all datagrams lost kills nobody") {
    GossipOptions options;
    options.loss = 0.25;
    const GossipFigures figures = GossipWorld(options).run();
    CHECK(figures.detected);
    CHECK(figures.false_deaths == 0);
    CHECK(figures.messages > 5);  // for every second probe has to be repeated
  }

  TEST_CASE("the same seed gives the same figures") {
    GossipOptions options;
    options.loss = 0.4;
    options.slow = 2;
    const GossipFigures one = GossipWorld(options).run();
    const GossipFigures two = GossipWorld(options).run();
    CHECK(one.all == two.all);
    CHECK(one.messages == two.messages);
    CHECK(one.false_suspicions == two.false_suspicions);
  }

  TEST_CASE("the arithmetic beside it") {
    CHECK(poisson_interval(0).low == 0);
    CHECK(poisson_interval(0).high == doctest::Approx(3.689).epsilon(0.001));
    CHECK(poisson_interval(10).low == doctest::Approx(4.795).epsilon(0.001));
    CHECK(poisson_interval(10).high == doctest::Approx(18.39).epsilon(0.001));
    CHECK(poisson_interval(900).low == doctest::Approx(841.2).epsilon(0.001));
    CHECK(memberlist_detects(false, 8) == Duration{5'581});
    CHECK(memberlist_detects(true, 8) == Duration{37'909});
  }

  TEST_CASE("the cells: losses without slow nodes, fewer slow nodes than nodes") {
    GossipTable table;
    table.nodes = {8, 64};
    CHECK(cells_of(table).size() == 2 * (6 + 7));
    table.wan = false;
    table.losses = {0.25};
    table.slow = {0, 4};
    table.runs = 3;
    const auto cells = cells_of(table);
    REQUIRE(cells.size() == 4);
    CHECK(cells[0].loss == 0.25);
    CHECK(cells[0].slow == 0);
    CHECK(cells[1].loss == 0);
    CHECK(cells[1].slow == 4);
    CHECK(cells[3].nodes == 64);
    CHECK(cells[3].runs == 3);
  }

  TEST_CASE("the table is written row by row, as Markdown and as JSON, and says how many") {
    GossipTable table;
    table.nodes = {4};
    table.losses = {0, 0.1};
    table.slow = {1};
    table.runs = 2;
    table.wan = false;
    table.watch = Duration{10'000};
    std::ostringstream markdown;
    std::ostringstream progress;
    write_gossip_table(table, false, markdown, progress);
    CHECK(markdown.str().starts_with("## LAN profile"));
    CHECK(markdown.str().find("\n| 4 | 10 % | 0 | 2 | ") != std::string::npos);
    CHECK(markdown.str().find("\n| 4 | 0 % | 1 | 2 | ") != std::string::npos);
    CHECK(progress.str().find("3 rows, 6 runs, ") != std::string::npos);
    std::ostringstream rows;
    write_gossip_table(table, true, rows, progress);
    const auto parsed = nlohmann::json::parse(rows.str());
    CHECK(parsed.size() == 3);
  }
}
