#include "tools/simulator/gossip_table.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <iomanip>
#include <mutex>
#include <ostream>
#include <thread>

namespace crossfloor::simulator {
namespace {

struct Cell {
  int nodes;
  bool wan;
  double loss;
  int slow;
};

struct Sums {
  int runs = 0;
  int undetected = 0;
  double first = 0;
  double all = 0;
  double worst = 0;
  int deaths = 0;
  int deaths_of_slow = 0;
  int suspicions = 0;
  double messages = 0;
  double bytes = 0;
};

int runs_of(const GossipTable& table, int nodes) {
  if (nodes >= 1'000) return 1;
  return nodes >= 256 ? std::max(1, table.runs / 4) : table.runs;
}

Sums measure(const Cell& cell, int runs, int jobs) {
  Sums sums;
  std::mutex mutex;
  std::atomic<int> next{0};
  const auto work = [&] {
    for (int run = next++; run < runs; run = next++) {
      GossipOptions options;
      options.seed = static_cast<std::uint64_t>(run) + 1;
      options.nodes = cell.nodes;
      options.wan = cell.wan;
      options.loss = cell.loss;
      options.slow = cell.slow;
      if (cell.wan) options.quiet = Duration{60'000};
      const GossipFigures figures = GossipWorld(options).run();
      const std::lock_guard lock(mutex);
      ++sums.runs;
      sums.undetected += !figures.detected;
      sums.first += static_cast<double>(figures.first.count()) / 1'000;
      sums.all += static_cast<double>(figures.all.count()) / 1'000;
      sums.worst = std::max(sums.worst, static_cast<double>(figures.all.count()) / 1'000);
      sums.deaths += figures.false_deaths;
      sums.deaths_of_slow += figures.false_deaths_of_slow;
      sums.suspicions += figures.false_suspicions;
      sums.messages += figures.messages;
      sums.bytes += figures.bytes;
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < jobs; ++i) others.emplace_back(work);
  work();
  for (auto& other : others) other.join();
  return sums;
}

void write_row(const Cell& cell, const Sums& sums, std::ostream& out) {
  const double runs = sums.runs;
  // Counts are those of one run: two minutes in which each of n nodes watches all others.
  out << std::fixed << "| " << cell.nodes << " | " << static_cast<int>(cell.loss * 100 + 0.5)
      << " % | " << cell.slow << " | " << sums.runs << " | " << std::setprecision(1)
      << sums.first / runs << " | " << sums.all / runs << " | " << sums.worst
      << (sums.undetected > 0 ? " (not by all)" : "") << " | "
      << static_cast<double>(memberlist_detects(cell.wan, cell.nodes).count()) / 1'000 << " | "
      << std::setprecision(2) << sums.deaths / runs << " (" << poisson_upper(sums.deaths) / runs
      << ") | " << std::setprecision(1) << sums.deaths_of_slow / runs << " | "
      << sums.suspicions / runs << " | " << sums.messages / runs << " | " << std::setprecision(0)
      << sums.bytes / runs << " |\n"
      << std::flush;
}

void write_head(bool wan, std::ostream& out) {
  out << "\n### " << (wan ? "WAN" : "LAN") << " profile\n\n"
      << "| nodes | loss | slow | runs | first sees it, s | all see it, s | worst, s | memberlist "
         "states, s | false deaths (95 % at most) | of or at slow nodes | false suspicions | "
         "messages/s | bytes/s |\n"
      << "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
}

}  // namespace

Duration memberlist_detects(bool wan, int nodes) {
  const double interval = wan ? 5'000 : 1'000;
  const double mult = wan ? 6 : 4;
  const double probe = interval * std::exp(1.0) / (std::exp(1.0) - 1);
  const double suspicion = mult * std::max(1.0, std::log10(nodes)) * interval;
  return Duration{static_cast<std::int64_t>(probe + suspicion)};
}

// The mean for which so few or fewer have a chance of 2.5 %.
double poisson_upper(int count) {
  const auto chance = [count](double mean) {
    double term = std::exp(-mean);
    double sum = term;
    for (int k = 1; k <= count; ++k) {
      term *= mean / k;
      sum += term;
    }
    return sum;
  };
  if (count > 200) return count + 1.96 * std::sqrt(static_cast<double>(count));
  double low = count;
  double high = count + 10 + 5 * std::sqrt(count + 1.0);
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (chance(middle) > 0.025 ? low : high) = middle;
  }
  return high;
}

void write_gossip_table(const GossipTable& table, std::ostream& out) {
  for (const bool wan : {false, true}) {
    if (wan ? !table.wan : !table.lan) continue;
    write_head(wan, out);
    for (const int nodes : table.nodes) {
      std::vector<Cell> cells;
      for (const double loss : {0.0, 0.1, 0.25, 0.4}) cells.push_back({nodes, wan, loss, 0});
      for (const int slow : {1, 4, 16}) {
        if (slow < nodes) cells.push_back({nodes, wan, 0.0, slow});
      }
      for (const Cell& cell : cells) {
        write_row(cell, measure(cell, runs_of(table, nodes), table.jobs), out);
      }
    }
  }
}

}  // namespace crossfloor::simulator
