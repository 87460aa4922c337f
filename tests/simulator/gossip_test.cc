#include <doctest/doctest.h>

#include "tools/simulator/gossip_table.h"

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
    CHECK(figures.false_suspicions > 0);
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
    CHECK(poisson_upper(0) == doctest::Approx(3.689).epsilon(0.001));
    CHECK(poisson_upper(10) == doctest::Approx(18.39).epsilon(0.001));
    CHECK(memberlist_detects(false, 8) == Duration{5'581});
    CHECK(memberlist_detects(true, 8) == Duration{37'909});
  }
}
