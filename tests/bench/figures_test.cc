#include "tools/bench/routing/figures.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace crossfloor;
using namespace crossfloor::bench;

TEST_SUITE("routing bench: figures") {
  TEST_CASE("the interval of a mean is Student's") {
    const auto found = estimate({1, 2, 3});
    CHECK(found.mean == doctest::Approx(2));
    CHECK(found.half == doctest::Approx(4.303 / std::sqrt(3.0)).epsilon(0.001));
    CHECK(estimate({7}).half == 0);
  }

  TEST_CASE("the same customers under two models differ by little, however much seeds differ") {
    const auto found = excess({102, 1020, 10.2}, {100, 1000, 10});
    CHECK(found.mean == doctest::Approx(0.02));
    CHECK(found.half == doctest::Approx(0).epsilon(1e-9));
  }

  TEST_CASE("a quantile is a value that was seen") {
    CHECK(quantile({5, 1, 4, 2, 3}, 0.5) == 3);
    CHECK(quantile({5, 1, 4, 2, 3}, 0.99) == 5);
    CHECK(quantile({}, 0.5) == 0);
  }

  TEST_CASE("only who came after the warm-up counts, and who left waited as long as patience") {
    Cell cell;
    cell.sites = 2;
    cell.patience = Duration{30'000};
    cell.warm_up = Duration{1'000};
    cell.length = Duration{100'000};
    Workload workload;
    workload.workers = {{0, {}, {}, 1}, {1, {}, {}, 1}};
    workload.arrivals = {{Duration{500}, 0}, {Duration{2'000}, 0}, {Duration{3'000}, 1}};
    Outcome outcome;
    outcome.cases = {{Duration{90'000}, 0}, {Duration{12'000}, 1}, {Duration{-1}, -1}};
    const auto waits = waits_of(cell, workload, outcome);
    CHECK(waits.mean == doctest::Approx(20));
    CHECK(waits.gone == doctest::Approx(0.5));
    CHECK(waits.within_20 == doctest::Approx(0.5));
    CHECK(waits.remote == doctest::Approx(0.5));
  }

  TEST_CASE("fairness is what a site's customers waited beyond the same customers of one floor") {
    Waits pooled, mesh;
    pooled.site_sums = {300, 100};  // luck: 30 s and 10 s for each of ten
    pooled.site_counts = mesh.site_counts = {10, 10};
    mesh.site_sums = {310, 90};
    CHECK(fairness({mesh}, {pooled}).ratio.mean == doctest::Approx(21.0 / 19));
    CHECK(fairness({mesh}, {pooled}).apart_s == doctest::Approx(2));
    CHECK(fairness({pooled}, {pooled}).ratio.mean == doctest::Approx(1));
  }

  TEST_CASE("after a cut, the first conversation that crosses the border counts") {
    Cell cell;
    cell.sites = 2;
    cell.hot = 0;
    cell.length = Duration{100'000};
    cell.cut = Span{0, Duration{0}, Duration{50'000}};
    Workload workload;
    workload.workers = {{0, {}, {}, 1}, {1, {}, {}, 1}};
    workload.arrivals = {
        {Duration{500}, 0}, {Duration{2'000}, 0}, {Duration{49'000}, 0}, {Duration{51'000}, 1}};
    Outcome outcome;
    outcome.cases = {
        {Duration{1'000}, 0}, {Duration{52'000}, 0}, {Duration{53'000}, 1}, {Duration{51'000}, 1}};
    CHECK(sharing_again(cell, workload, outcome) == Duration{3'000});
    CHECK(backlog_gone(cell, workload, outcome) == Duration{3'000});
    CHECK(waits_within(cell, workload, outcome, *cell.cut).size() == 3);
  }

  TEST_CASE("much is to share where three who waited cross the border within three seconds") {
    Cell cell;
    cell.sites = 2;
    cell.cut = Span{0, Duration{10'000}, Duration{50'000}};
    Workload workload;
    workload.workers = {{0, {}, {}, 1}, {1, {}, {}, 1}};
    const auto perfect = [&](const std::vector<std::pair<int, int>>& came_and_started_s) {
      Outcome outcome;
      workload.arrivals.clear();
      for (const auto& [came, started] : came_and_started_s) {
        workload.arrivals.push_back({Duration{came * 1'000}, 0, 0, Duration{1'000}});
        outcome.cases.push_back({Duration{started * 1'000}, 1});
      }
      return outcome;
    };
    auto outcome = perfect({{20, 50}, {30, 50}, {40, 53}});
    CHECK(much_to_share(cell, workload, outcome));
    outcome.cases[0].worker = 0;
    CHECK_FALSE(much_to_share(cell, workload, outcome));
    outcome = perfect({{20, 50}, {30, 50}, {40, 54}});  // too late
    CHECK_FALSE(much_to_share(cell, workload, outcome));
    outcome = perfect({{20, 50}, {30, 50}, {51, 51}});  // did not wait
    CHECK_FALSE(much_to_share(cell, workload, outcome));
  }
}
