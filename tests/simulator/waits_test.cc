// The perfect queue by hand, and the whole mesh against it.
#include "tools/simulator/waits.h"

#include <doctest/doctest.h>

#include "tools/simulator/campaign.h"
#include "tools/simulator/scenario.h"

using namespace crossfloor;
using namespace crossfloor::simulator;

namespace {

constexpr Instant at(int seconds) {
  return Instant{Duration{seconds * 1'000}};
}

// In seconds.
PieceOfWork piece(int came, int rang, int freed) {
  return {at(came), at(rang), at(freed)};
}

Waits waits_of(std::size_t slots, const std::vector<PieceOfWork>& work) {
  Waits waits;
  waits.add_slots(slots);
  for (const auto& one : work) waits.add(one);
  return waits;
}

}  // namespace

TEST_SUITE("waits against a perfect queue") {
  TEST_CASE("each piece keeps a slot of the perfect queue for as long as one of the mesh") {
    // 10 s, 10 s and 4 s of work; one slot. The perfect queue begins at 0, 10 and 20.
    const auto told =
        waits_of(1, {piece(0, 1, 11), piece(2, 13, 23), piece(3, 26, 30)}).figures(at(0), at(40));
    CHECK(told.pieces == 3);
    CHECK(told.mean == doctest::Approx((1 + 11 + 23) / 3.0));
    CHECK(told.perfect_mean == doctest::Approx((0 + 8 + 17) / 3.0));
    CHECK(told.p95 == 23);
    CHECK(told.perfect_p95 == 17);
    CHECK(told.busy == doctest::Approx(24 / 40.0));
    CHECK(told.at_once == 1);  // the first, for whom the mesh took a second
  }

  TEST_CASE("the perfect queue serves in the order of coming, whatever the mesh did") {
    // The mesh served the later one first, and told of it first: 4 s, then 6 s of work.
    const auto told = waits_of(1, {piece(5, 10, 14), piece(1, 14, 20)}).figures(at(0), at(20));
    CHECK(told.mean == doctest::Approx((13 + 5) / 2.0));
    CHECK(told.perfect_mean == doctest::Approx((0 + 2) / 2.0));  // 1 to 7, then 7 to 11
  }

  TEST_CASE("with two slots the third waits for the first that is free") {
    // 10 s and 3 s of work, then 5 s.
    const auto told =
        waits_of(2, {piece(0, 0, 10), piece(1, 1, 4), piece(2, 6, 11)}).figures(at(0), at(10));
    CHECK(told.slots == 2);
    CHECK(told.mean == doctest::Approx(4 / 3.0));
    CHECK(told.perfect_mean == doctest::Approx(2 / 3.0));  // from 4 on
    CHECK(told.busy == doctest::Approx((10 + 3 + 4) / 20.0));
    CHECK(told.at_once == 0);
  }

  TEST_CASE("what came outside the counted span is replayed, and not told") {
    const std::vector<PieceOfWork> work{piece(0, 0, 20), piece(10, 21, 31), piece(30, 33, 35)};
    const auto told = waits_of(1, work).figures(at(10), at(30));
    CHECK(told.pieces == 1);
    CHECK(told.mean == 11);
    CHECK(told.perfect_mean == 10);  // behind the first, which does not count
    CHECK(told.busy == doctest::Approx((10 + 9) / 20.0));
  }

  TEST_CASE("the line tells of one run, of many with intervals, and of none") {
    WaitFigures one{1'000, 60, 0.92, 6, 30, 4, 25, 0.25};
    CHECK(wait_line({one}) ==
          "waits: 1000 pieces of work, 60 slots 92.0 % busy; mean 6.00 s, P95 30.00 s; a perfect "
          "queue's 4.00 s, 25.00 s; 1.500 x as long; where that has a free slot 0.25 s");
    WaitFigures other = one;
    other.mean = 8;
    other.perfect_mean = 6;
    // Both together: 14 ÷ 10. Means 7 ± 12.706 × √2 ÷ √2, as two values have one degree of freedom.
    // The ratio by leaving out one: 8 ÷ 6 and 6 ÷ 4, each 1 ÷ 12 from their middle.
    CHECK(wait_line({one, other}) ==
          "waits: 2000 pieces of work, 60 slots 92.0 % ±0.0 busy; mean 7.00 s ±12.71, P95 30.00 s "
          "±0.00; a perfect queue's 5.00 s ±12.71, 25.00 s ±0.00; 1.400 x as long ±1.059; where "
          "that has a free slot 0.25 s ±0.00");
    CHECK(wait_line({}) == "waits: no run to compare");
    CHECK(wait_line({WaitFigures{}}) == "waits: no work to compare");
  }

  TEST_CASE("a busy mesh makes customers wait a little longer than the perfect queue") {
    Options options = read_scenario("busy").value();
    options.seed = 3;
    options.people.handling_mean = Duration{15'000};
    options.people.arrivals_every = Duration{543};  // 30 s of work, 60 slots: 92 %
    options.shape.length = Duration{600'000};
    options.shape.heal = Duration{240'000};
    World world(options);
    world.run();
    const Waits& waits = world.facts().waits;
    CHECK(waits.slots() == 60);
    // Each piece of work is seen from its ring to its end.
    CHECK(waits.pieces().size() == world.facts().accepted);
    CHECK(world.facts().accepted >= world.facts().acknowledged.size() - 10);
    const auto told = waits.figures(at(61), at(601));
    MESSAGE(wait_line({told}));
    CHECK(told.busy > 0.8);
    CHECK(told.busy < 1);
    CHECK(told.mean > told.perfect_mean);
    CHECK(told.perfect_mean > 0.1);
    CHECK(told.mean < 1.25 * told.perfect_mean + 0.2);
    // A message reaches its home and a ring its agent: some links of 8 to 25 ms, some commits.
    CHECK(told.at_once > 0.01);
    CHECK(told.at_once < 0.3);
  }
}
