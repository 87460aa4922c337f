#include "tools/bench/routing/central_queue.h"

#include <doctest/doctest.h>

#include "tools/bench/routing/figures.h"

using namespace crossfloor;
using namespace crossfloor::bench;

namespace {

Cell floor_of(int sites, int agents, double load) {
  Cell cell;
  cell.sites = sites;
  cell.agents = agents;
  cell.load = load;
  cell.hot = 0;
  cell.length = Duration{2'000'000'000};
  cell.warm_up = Duration{20'000'000};
  return cell;
}

double mean_wait(const Cell& cell, Sharing sharing) {
  double sum = 0;
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    const auto workload = make_workload(cell, seed);
    sum += waits_of(cell, workload, central_queue(cell, workload, sharing, Duration{0})).mean;
  }
  return sum / 4;
}

// Three customers at one moment, each of so many seconds, for the agents of two sites.
struct Small {
  Small() {
    cell.sites = 2;
    cell.warm_up = Duration{0};
    workload.services = {{"acme", ChannelKind::chat, {}, "en"}};
    workload.workers = {{0, {}, {"en"}, 1}, {1, {}, {"en"}, 1}};
  }
  void comes(std::int64_t at, int site, std::int64_t handling) {
    workload.arrivals.push_back({Duration{at}, site, 0, Duration{handling}});
  }
  std::vector<std::pair<std::int64_t, int>> started(Sharing sharing, Duration link = Duration{0}) {
    std::vector<std::pair<std::int64_t, int>> out;
    for (const auto& one : central_queue(cell, workload, sharing, link).cases) {
      out.push_back({one.started.count(), one.worker});
    }
    return out;
  }
  Cell cell;
  Workload workload;
};
using Started = std::vector<std::pair<std::int64_t, int>>;

}  // namespace

TEST_SUITE("routing bench: central queue") {
  TEST_CASE("a pooled floor waits as Erlang's formula says") {
    for (const auto& [agents, load] : {std::pair{5, 0.7}, {10, 0.8}}) {
      CAPTURE(agents);
      const auto cell = floor_of(2, agents, load);
      const double expected = erlang_c_wait(2 * agents, load) * 300;
      CHECK(mean_wait(cell, Sharing::pooled) == doctest::Approx(expected).epsilon(0.05));
    }
  }

  TEST_CASE("sites alone wait as Erlang's formula says of each") {
    const auto cell = floor_of(3, 10, 0.8);
    CHECK(mean_wait(cell, Sharing::isolated) ==
          doctest::Approx(erlang_c_wait(10, 0.8) * 300).epsilon(0.05));
  }

  TEST_CASE("Erlang's formula is the one of the tables") {
    CHECK(erlang_c_wait(1, 0.5) == doctest::Approx(1.0));  // M/M/1: load / (1 - load)
    CHECK(erlang_c_wait(2, 0.5) == doctest::Approx(1.0 / 3));
    CHECK(erlang_c_wait(10, 0.8) == doctest::Approx(0.4092 / 2).epsilon(0.001));
  }

  TEST_CASE("who waits first is served first, wherever an agent gets free") {
    Small small;
    small.comes(0, 0, 10'000);
    small.comes(1'000, 0, 20'000);
    small.comes(2'000, 0, 5'000);
    small.comes(3'000, 1, 5'000);
    CHECK(small.started(Sharing::pooled) == Started{{0, 0}, {1'000, 1}, {10'000, 0}, {15'000, 0}});
    CHECK(small.started(Sharing::isolated) ==
          Started{{0, 0}, {10'000, 0}, {30'000, 0}, {3'000, 1}});
    CHECK(small.started(Sharing::local_first) ==
          Started{{0, 0}, {1'000, 1}, {10'000, 0}, {15'000, 0}});
  }

  TEST_CASE("a dispatcher hears one link late and its word takes one more") {
    Small small;
    small.comes(0, 0, 10'000);
    small.comes(0, 0, 30'000);
    small.comes(0, 1, 1'000);
    CHECK(small.started(Sharing::pooled, Duration{50}) == Started{{100, 0}, {100, 1}, {10'200, 0}});
  }

  TEST_CASE("a site that is cut off serves its own, and the rest is shared when it heals") {
    Small small;
    small.cell.cut = Span{0, Duration{0}, Duration{50'000}};
    small.comes(1'000, 0, 100'000);
    small.comes(2'000, 0, 1'000);
    CHECK(small.started(Sharing::pooled) == Started{{1'000, 0}, {50'000, 1}});
  }

  TEST_CASE("what crosses the border of a cut goes back when its lease ends, with its age") {
    Small small;
    small.cell.cut = Span{0, Duration{10'000}, Duration{100'000}};
    small.comes(0, 0, 200'000);      // at home
    small.comes(1'000, 0, 60'000);   // elsewhere, until 35 s; then it has 26 s left
    small.comes(20'000, 0, 5'000);   // waits behind it, for the own agent or the end of the cut
    small.comes(30'000, 1, 10'000);  // gets the agent who lost it
    const auto outcome = central_queue(small.cell, small.workload, Sharing::pooled, Duration{0},
                                       AcrossCut::goes_back);
    Started started;
    for (const auto& one : outcome.cases) started.push_back({one.started.count(), one.worker});
    CHECK(started == Started{{0, 0}, {1'000, 1}, {126'000, 1}, {35'000, 1}});
    CHECK(small.started(Sharing::pooled) == Started{{0, 0}, {1'000, 1}, {100'000, 1}, {61'000, 1}});
  }

  TEST_CASE("from where a mesh stood when a cut began, a perfect queue goes on") {
    Small small;
    small.cell.cut = Span{0, Duration{10'000}, Duration{100'000}};
    small.comes(0, 0, 60'000);       // had been given to the agent elsewhere
    small.comes(1'000, 0, 50'000);   // waits
    small.comes(2'000, 1, 20'000);   // with the cut site's agent, who has 5 s to go
    small.comes(20'000, 0, 10'000);  // comes while it is cut off
    Outcome mesh;
    mesh.cases = {{Duration{100}, 1}, {Duration{12'000}, 0}, {Duration{3'000}, 0}, {}};
    mesh.open_at_cut = {
        {0, 1, Duration{51'000}}, {1, -1, Duration{50'000}}, {2, 0, Duration{5'000}}};
    const auto started = [&](AcrossCut across) {
      Started out;
      for (const auto& one : queue_after_cut(small.cell, small.workload, mesh, across).cases) {
        out.push_back({one.started.count(), one.worker});
      }
      return out;
    };
    // What waited gets the cut site's agent at 15 s, and at 65 s either what came back from
    // elsewhere, with its age and the 26 s that were left, or who came meanwhile.
    CHECK(started(AcrossCut::goes_back) == Started{{100, 1}, {15'000, 0}, {3'000, 0}, {91'000, 0}});
    CHECK(started(AcrossCut::goes_on) == Started{{100, 1}, {15'000, 0}, {3'000, 0}, {65'000, 0}});
  }

  TEST_CASE("who lost patience takes no agent's time") {
    Small small;
    small.cell.patience = Duration{5'000};
    small.comes(0, 0, 10'000);
    small.comes(0, 0, 10'000);
    small.comes(1'000, 0, 10'000);
    small.comes(8'000, 0, 10'000);
    CHECK(small.started(Sharing::pooled) == Started{{0, 0}, {0, 1}, {-1, -1}, {10'000, 0}});
  }

  TEST_CASE("an agent gets only what fits") {
    Small small;
    small.workload.services.push_back({"acme", ChannelKind::chat, {"cars"}, "en"});
    small.workload.workers[1].serves = 3;
    small.workload.workers[1].skills = {"cars"};
    small.comes(0, 0, 10'000);
    small.workload.arrivals.push_back({Duration{1'000}, 0, 1, Duration{60'000}});
    small.workload.arrivals.push_back({Duration{2'000}, 0, 1, Duration{1'000}});
    small.comes(3'000, 0, 1'000);
    CHECK(small.started(Sharing::pooled) == Started{{0, 0}, {1'000, 1}, {61'000, 1}, {10'000, 0}});
  }
}
