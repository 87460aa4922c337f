#include "tools/bench/routing/mesh_world.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tools/bench/routing/central_queue.h"
#include "tools/bench/routing/figures.h"

using namespace crossfloor;
using namespace crossfloor::bench;

namespace {

Cell three_sites(double load) {
  Cell cell;
  cell.sites = 3;
  cell.agents = 5;
  cell.load = load;
  cell.length = Duration{6 * 3'600'000};
  cell.warm_up = Duration{1'800'000};
  return cell;
}

}  // namespace

TEST_SUITE("routing bench: mesh") {
  TEST_CASE("everybody is served once, by an agent who has room and the skill") {
    auto cell = three_sites(0.85);
    cell.capacity = 3;
    cell.skills = 3;
    const auto workload = make_workload(cell, 3);
    const auto outcome = MeshWorld(cell, workload, 3).run();
    CHECK(outcome.overloads == 0);
    for (std::size_t i = 0; i < outcome.cases.size(); ++i) {
      const auto& one = outcome.cases[i];
      REQUIRE(one.worker >= 0);
      CHECK(one.started >= workload.arrivals[i].at);
      const auto serves = workload.workers[static_cast<std::size_t>(one.worker)].serves;
      CHECK((serves >> workload.arrivals[i].service & 1) == 1);
    }
  }

  TEST_CASE("each class of a floor with skills asks for one of them") {
    auto cell = three_sites(0.85);
    cell.skills = 3;
    const auto workload = make_workload(cell, 3);
    REQUIRE(workload.services.size() == 3);
    for (const auto& service : workload.services) CHECK(service.skills.size() == 1);
  }

  TEST_CASE("the same seed gives the same run") {
    const auto cell = three_sites(0.9);
    const auto workload = make_workload(cell, 5);
    const auto one = MeshWorld(cell, workload, 5).run();
    const auto other = MeshWorld(cell, workload, 5).run();
    CHECK(one.unicasts == other.unicasts);
    CHECK(one.gossip_bytes == other.gossip_bytes);
    for (std::size_t i = 0; i < one.cases.size(); ++i) {
      REQUIRE(one.cases[i].started == other.cases[i].started);
    }
  }

  TEST_CASE("three sites wait about as long as one floor, and far shorter than alone") {
    const auto cell = three_sites(0.85);
    double mesh = 0, pooled = 0, alone = 0;
    for (const std::uint64_t seed : {1, 2, 3, 4}) {
      const auto workload = make_workload(cell, seed);
      mesh += waits_of(cell, workload, MeshWorld(cell, workload, seed).run()).mean;
      const auto of = [&](Sharing sharing) {
        return waits_of(cell, workload, central_queue(cell, workload, sharing, Duration{0})).mean;
      };
      pooled += of(Sharing::pooled);
      alone += of(Sharing::isolated);
    }
    CHECK(mesh > pooled * 0.95);  // another order is another luck
    CHECK(mesh < pooled * 1.05);
    CHECK(alone > pooled * 2);
  }

  // docs/routing.md, "Who is next": weights are at most 2.5. An agent of another site may prefer
  // the own customers by up to two handling times while the mesh is full: 300 s here on average,
  // and what a node measures of it is a tenth more at most.
  TEST_CASE("at 97 % load nobody is so unimportant as to be passed by for long") {
    auto cell = three_sites(0.97);
    cell.priorities = true;
    cell.length = Duration{24 * 3'600'000};
    const auto workload = make_workload(cell, 11);
    const auto outcome = MeshWorld(cell, workload, 11).run();
    const Duration reserve{660'000};
    int tested = 0;
    for (std::size_t i = 0; i < outcome.cases.size(); ++i) {
      const auto& arrival = workload.arrivals[i];
      if (arrival.priority > 0 || arrival.mood > 0) continue;
      REQUIRE(outcome.cases[i].worker >= 0);
      const Duration waited = outcome.cases[i].started - arrival.at;
      const Duration bound = arrival.at + waited * 3 / 5 + reserve * 2 / 5;
      tested += waited > reserve * 3 / 2;  // else nobody who could come before had to wait
      for (std::size_t j = i + 1; j < outcome.cases.size(); ++j) {
        if (workload.arrivals[j].at <= bound) continue;
        if (outcome.cases[j].started >= outcome.cases[i].started) continue;
        FAIL("customer " << i << " waited " << waited.count() << " ms and was passed by " << j);
      }
    }
    MESSAGE(tested << " waited for so long that it was put to the test");
    CHECK(tested > 5);
  }

  TEST_CASE("a site that is cut off goes on alone and shares again when it heals") {
    auto cell = three_sites(0.9);
    cell.hot = 2;  // so that others' agents are wanted as soon as they can be had
    cell.length = Duration{3 * 3'600'000};
    cell.cut = Span{0, Duration{3'600'000}, Duration{4'200'000}};
    const auto workload = make_workload(cell, 7);
    const auto outcome = MeshWorld(cell, workload, 7).run();
    CHECK(outcome.overloads == 0);
    for (std::size_t i = 0; i < outcome.cases.size(); ++i) {
      const auto& one = outcome.cases[i];
      REQUIRE(one.worker >= 0);
      const int served = workload.workers[static_cast<std::size_t>(one.worker)].site;
      const int asked = workload.arrivals[i].site;
      // What was under way when the links went may still arrive.
      const bool meanwhile = one.started > cell.cut->from && one.started < cell.cut->to;
      if (meanwhile && (asked == 0 || served == 0)) CHECK(asked == served);
    }
    CHECK(sharing_again(cell, workload, outcome) < Duration{10'000});
  }

  TEST_CASE("a drained site's agents get nothing new, and its customers are served by others") {
    auto cell = three_sites(0.6);
    cell.hot = 0;
    cell.length = Duration{2 * 3'600'000};
    cell.drain = Span{1, Duration{1'800'000}, Duration{5'400'000}};
    const auto workload = make_workload(cell, 9);
    const auto outcome = MeshWorld(cell, workload, 9).run();
    int elsewhere = 0;
    for (std::size_t i = 0; i < outcome.cases.size(); ++i) {
      const auto& one = outcome.cases[i];
      const int served = workload.workers[static_cast<std::size_t>(one.worker)].site;
      // What was offered or pulled in the moment before is still taken.
      if (one.started < cell.drain->from + Duration{1'000} || one.started >= cell.drain->to) {
        continue;
      }
      CHECK(served != 1);
      elsewhere += workload.arrivals[i].site == 1;
    }
    CHECK(elsewhere > 20);
  }
}
