#include "tools/bench/routing/runs.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

namespace crossfloor::bench {
namespace {

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

MeshCosts costs_of(const Cell& cell, const Outcome& outcome) {
  const auto count = [](std::uint64_t number) { return static_cast<double>(number); };
  MeshCosts costs;
  costs.unicasts = ratio(count(outcome.unicasts), static_cast<double>(outcome.cases.size()));
  costs.declined = ratio(count(outcome.declines), count(outcome.offers));
  costs.asked_last = ratio(count(outcome.asked_last), static_cast<double>(outcome.cases.size()));
  costs.last_busy = ratio(count(outcome.last_busy), count(outcome.asked_last));
  costs.denied = ratio(count(outcome.denials), count(outcome.pulls));
  costs.gossip = ratio(count(outcome.gossip_bytes),
                       static_cast<double>(cell.length.count()) / 1000 * cell.sites);
  double gap_ms = 0;
  for (const auto gap : outcome.gaps) {
    costs.gaps_ms.push_back(static_cast<double>(gap.count()));
    gap_ms += costs.gaps_ms.back();
  }
  costs.gap_share = ratio(gap_ms, static_cast<double>(outcome.observed.count()));
  costs.requeued = outcome.requeued;
  costs.overloads = outcome.overloads;
  return costs;
}

double seconds_of(Duration span) {
  return static_cast<double>(span.count()) / 1000;
}

}  // namespace

SeedResult run_seed(const Cell& cell, std::uint64_t seed, const RouterOptions& router) {
  const auto begin = std::chrono::steady_clock::now();
  const auto workload = make_workload(cell, seed);
  SeedResult result;
  result.seed = seed;
  result.conversations = workload.arrivals.size();
  const auto central = [&](Sharing sharing, Duration link) {
    return central_queue(cell, workload, sharing, link);
  };
  const auto pooled = central(Sharing::pooled, Duration{0});
  result.pooled = waits_of(cell, workload, pooled);
  result.dispatcher = waits_of(cell, workload, central(Sharing::pooled, cell.link));
  result.local_first = waits_of(cell, workload, central(Sharing::local_first, Duration{0}));
  result.isolated = waits_of(cell, workload, central(Sharing::isolated, Duration{0}));
  const auto mesh = MeshWorld(cell, workload, seed, router).run();
  result.mesh = waits_of(cell, workload, mesh);
  result.costs = costs_of(cell, mesh);
  if (cell.returning > 0) {
    auto without = cell;
    without.last_agent = false;
    result.without_last_agent =
        waits_of(cell, workload, MeshWorld(without, workload, seed, router).run());
  }
  if (cell.cut) {
    result.cut.waits = waits_within(cell, workload, mesh, *cell.cut);
    const auto undisturbed = queue_after_cut(cell, workload, mesh, AcrossCut::goes_on);
    result.cut.undisturbed = waits_within(cell, workload, undisturbed, *cell.cut);
    const auto alone = queue_after_cut(cell, workload, mesh, AcrossCut::goes_back);
    result.cut.alone = waits_within(cell, workload, alone, *cell.cut);
    result.cut.least_backlog_s = seconds_of(backlog_gone(cell, workload, alone));
    result.cut.much_to_share = much_to_share(cell, workload, alone);
    result.cut.sharing_again_s = seconds_of(sharing_again(cell, workload, mesh));
    result.cut.backlog_gone_s = seconds_of(backlog_gone(cell, workload, mesh));
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

std::vector<CellResult> run_cells(const std::vector<Cell>& cells, const RunOptions& options) {
  std::vector<CellResult> results;
  for (const auto& cell : cells) {
    results.push_back({cell, std::vector<SeedResult>(static_cast<std::size_t>(options.seeds))});
  }
  const auto per_cell = static_cast<std::size_t>(options.seeds);
  const auto total = cells.size() * per_cell;
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::size_t done = 0;
  const auto work = [&] {
    for (auto task = next++; task < total; task = next++) {
      const auto& cell = cells[task / per_cell];
      const auto seed = options.first_seed + task % per_cell;
      auto result = run_seed(cell, seed, options.router);
      const std::lock_guard lock(mutex);
      ++done;
      if (options.progress) {
        options.progress(std::to_string(done) + " of " + std::to_string(total) + ": " + cell.name +
                         ", seed " + std::to_string(seed) + ", " +
                         std::to_string(result.conversations) + " conversations, " +
                         std::to_string(static_cast<int>(result.seconds + 0.5)) + " s");
      }
      results[task / per_cell].seeds[task % per_cell] = std::move(result);
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 1; i < options.jobs; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  return results;
}

}  // namespace crossfloor::bench
