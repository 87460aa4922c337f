#include "tools/simulator/gossip_table.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <thread>

namespace crossfloor::simulator {
namespace {

// The larger the mesh, the more pairs one run watches, and the longer it takes.
int runs_of(int nodes) {
  if (nodes >= 1'000) return 6;
  if (nodes >= 256) return 24;
  return nodes >= 64 ? 40 : 200;
}

double seconds(Duration span) {
  return static_cast<double>(span.count()) / 1'000;
}

GossipOptions options_of(const GossipTable& table, const GossipCell& cell, int run) {
  GossipOptions options;
  options.seed = table.first_seed + static_cast<std::uint64_t>(run);
  options.nodes = cell.nodes;
  options.wan = cell.wan;
  options.loss = cell.loss;
  options.slow = cell.slow;
  options.watch = table.watch;
  if (cell.wan) options.quiet = Duration{60'000};
  return options;
}

// The chance of `count` or fewer.
double poisson_share(std::int64_t count, double mean) {
  double term = std::exp(-mean);
  double sum = term;
  for (std::int64_t k = 1; k <= count; ++k) {
    term *= mean / static_cast<double>(k);
    sum += term;
  }
  return sum;
}

// The mean at which `count` or fewer have this chance.
double mean_for(std::int64_t count, double chance) {
  double low = 0;
  double high = static_cast<double>(count) + 10 + 5 * std::sqrt(static_cast<double>(count) + 1);
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (poisson_share(count, middle) > chance ? low : high) = middle;
  }
  return high;
}

}  // namespace

std::vector<GossipCell> cells_of(const GossipTable& table) {
  std::vector<GossipCell> cells;
  for (const bool wan : {false, true}) {
    if (wan ? !table.wan : !table.lan) continue;
    for (const int nodes : table.nodes) {
      const int runs = table.runs > 0 ? table.runs : runs_of(nodes);
      for (const double loss : table.losses) cells.push_back({nodes, wan, loss, 0, runs});
      for (const int slow : table.slow) {
        if (slow > 0 && slow < nodes) cells.push_back({nodes, wan, 0, slow, runs});
      }
    }
  }
  return cells;
}

void add(const GossipFigures& figures, GossipSums& sums) {
  ++sums.runs;
  sums.undetected += !figures.detected;
  sums.not_whole += !figures.whole;
  sums.first += seconds(figures.first);
  sums.all += seconds(figures.all);
  sums.worst = std::max(sums.worst, seconds(figures.all));
  sums.false_deaths += figures.false_deaths;
  sums.believers += figures.believers;
  sums.deaths_at_slow += figures.deaths_at_slow;
  sums.deaths_of_slow += figures.deaths_of_slow;
  sums.suspicions += figures.false_suspicions;
  sums.messages += figures.messages;
  sums.bytes += figures.bytes;
  sums.lasted += seconds(figures.lasted);
}

GossipSums measure(const GossipTable& table, const GossipCell& cell,
                   const std::function<void(int)>& told) {
  std::vector<GossipFigures> figures(static_cast<std::size_t>(cell.runs));
  std::mutex mutex;
  std::atomic<int> next{0};
  int done = 0;
  const auto work = [&] {
    for (int run = next++; run < cell.runs; run = next++) {
      figures[static_cast<std::size_t>(run)] = GossipWorld(options_of(table, cell, run)).run();
      const std::lock_guard lock(mutex);
      told(++done);
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < table.jobs; ++i) others.emplace_back(work);
  work();
  for (auto& other : others) other.join();
  // In the order of the seeds, whoever was ready first: the same sums, to the last digit.
  GossipSums sums;
  for (const auto& one : figures) add(one, sums);
  return sums;
}

Duration memberlist_detects(bool wan, int nodes) {
  const double interval = wan ? 5'000 : 1'000;
  const double mult = wan ? 6 : 4;
  const double probe = interval * std::exp(1.0) / (std::exp(1.0) - 1);
  const double suspicion = mult * std::max(1.0, std::log10(nodes)) * interval;
  return Duration{static_cast<std::int64_t>(probe + suspicion)};
}

Interval poisson_interval(std::int64_t count) {
  if (count > 200) {
    const auto mean = static_cast<double>(count);
    return {mean - 1.96 * std::sqrt(mean), mean + 1.96 * std::sqrt(mean)};
  }
  return {count == 0 ? 0 : mean_for(count - 1, 0.975), mean_for(count, 0.025)};
}

}  // namespace crossfloor::simulator
