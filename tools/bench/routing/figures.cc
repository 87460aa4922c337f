#include "tools/bench/routing/figures.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "protocol/check.h"

namespace crossfloor::bench {
namespace {

double seconds(Duration span) {
  return static_cast<double>(span.count()) / 1000.0;
}

double wait_of(const Cell& cell, const Arrival& arrival, const Outcome::Case& one) {
  return one.worker < 0 ? seconds(cell.patience) : seconds(one.started - arrival.at);
}

// Two-sided 95 % points of Student's t for 1, 2, … degrees of freedom.
double student_t(std::size_t freedom) {
  constexpr double points[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365,
                               2.306,  2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
                               2.131,  2.120, 2.110, 2.101, 2.093, 2.086};
  return freedom <= std::size(points) ? points[freedom - 1] : 2.0;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

Estimate jackknife(double all, const std::vector<double>& without) {
  if (without.size() < 2) return {all, 0};
  const auto n = static_cast<double>(without.size());
  const double middle = mean_of(without);
  double squares = 0;
  for (const double value : without) squares += (value - middle) * (value - middle);
  return {all, student_t(without.size() - 1) * std::sqrt(squares * (n - 1) / n)};
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto at = std::min(values.size() - 1,
                           static_cast<std::size_t>(share * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

Waits waits_of(const Cell& cell, const Workload& workload, const Outcome& outcome) {
  std::vector<double> all;
  Waits waits;
  waits.site_sums.resize(static_cast<std::size_t>(cell.sites));
  waits.site_counts.resize(static_cast<std::size_t>(cell.sites));
  double returned = 0, met = 0, remote = 0, late_sum = 0, late = 0;
  const auto last_tenth = cell.length - (cell.length - cell.warm_up) / 10;
  for (std::size_t i = 0; i < workload.arrivals.size(); ++i) {
    const auto& arrival = workload.arrivals[i];
    const auto& one = outcome.cases[i];
    if (arrival.at < cell.warm_up) continue;
    const double wait = wait_of(cell, arrival, one);
    all.push_back(wait);
    waits.site_sums[static_cast<std::size_t>(arrival.site)] += wait;
    waits.site_counts[static_cast<std::size_t>(arrival.site)] += 1;
    if (arrival.at >= last_tenth) {
      late_sum += wait;
      late += 1;
    }
    waits.within_20 += wait <= 20;
    waits.within_300 += wait <= 300;
    if (one.worker < 0) {
      waits.gone += 1;
      continue;
    }
    remote += workload.workers[static_cast<std::size_t>(one.worker)].site != arrival.site;
    if (arrival.returns_of >= 0) {
      returned += 1;
      met += outcome.cases[static_cast<std::size_t>(arrival.returns_of)].worker == one.worker;
    }
  }
  const auto count = static_cast<double>(all.size());
  XF_CHECK(count > 0);
  waits.mean = mean_of(all);
  waits.within_20 /= count;
  waits.within_300 /= count;
  waits.gone /= count;
  waits.remote = remote / count;
  waits.late_mean = late > 0 ? late_sum / late : 0;
  waits.same_agent = returned > 0 ? met / returned : 0;
  waits.p95 = quantile(std::move(all), 0.95);
  return waits;
}

namespace {

// Over all seeds but `without`.
Fairness fairness_of(const std::vector<Waits>& mesh, const std::vector<Waits>& pooled,
                     std::size_t without) {
  const auto sites = mesh.front().site_sums.size();
  std::vector<double> beyond(sites), counts(sites);
  double pooled_sum = 0, all = 0;
  for (std::size_t seed = 0; seed < mesh.size(); ++seed) {
    if (seed == without) continue;
    for (std::size_t site = 0; site < sites; ++site) {
      beyond[site] += mesh[seed].site_sums[site] - pooled[seed].site_sums[site];
      counts[site] += pooled[seed].site_counts[site];
      pooled_sum += pooled[seed].site_sums[site];
      all += pooled[seed].site_counts[site];
    }
  }
  const auto mean = [&](std::size_t site) {
    return pooled_sum / all + beyond[site] / counts[site];
  };
  double best = INFINITY;
  for (std::size_t site = 0; site < sites; ++site) {
    if (counts[site] > 0) best = std::min(best, mean(site));
  }
  if (counts[0] <= 0 || best <= 0) return {{1, 0}, 0};
  return {{mean(0) / best, 0}, mean(0) - best};
}

}  // namespace

Fairness fairness(const std::vector<Waits>& mesh, const std::vector<Waits>& pooled) {
  XF_CHECK(mesh.size() == pooled.size() && !mesh.empty());
  std::vector<double> without;
  for (std::size_t i = 0; i < mesh.size(); ++i) {
    without.push_back(fairness_of(mesh, pooled, i).ratio.mean);
  }
  auto found = fairness_of(mesh, pooled, mesh.size());
  found.ratio = jackknife(found.ratio.mean, without);
  return found;
}

std::vector<double> waits_within(const Cell& cell, const Workload& workload, const Outcome& outcome,
                                 const Span& span) {
  std::vector<double> waits;
  for (std::size_t i = 0; i < workload.arrivals.size(); ++i) {
    const auto& arrival = workload.arrivals[i];
    if (arrival.site != span.site || arrival.at < span.from || arrival.at >= span.to) continue;
    waits.push_back(wait_of(cell, arrival, outcome.cases[i]));
  }
  return waits;
}

namespace {

bool crosses(const Cell& cell, const Workload& workload, const Outcome& outcome, std::size_t i) {
  const auto& one = outcome.cases[i];
  if (one.worker < 0 || one.started < cell.cut->to) return false;
  const int asked = workload.arrivals[i].site;
  const int served = workload.workers[static_cast<std::size_t>(one.worker)].site;
  return asked != served && (asked == cell.cut->site || served == cell.cut->site);
}

}  // namespace

Duration sharing_again(const Cell& cell, const Workload& workload, const Outcome& outcome) {
  Duration first = Duration::max();
  for (std::size_t i = 0; i < workload.arrivals.size(); ++i) {
    if (crosses(cell, workload, outcome, i)) first = std::min(first, outcome.cases[i].started);
  }
  return first - cell.cut->to;
}

bool much_to_share(const Cell& cell, const Workload& workload, const Outcome& perfect) {
  constexpr Duration soon{3'000};
  constexpr int enough = 3;
  int shared = 0;
  for (std::size_t i = 0; i < workload.arrivals.size(); ++i) {
    const auto started = perfect.cases[i].started;
    const bool waited = started > workload.arrivals[i].at;
    shared += waited && started <= cell.cut->to + soon && crosses(cell, workload, perfect, i);
  }
  return shared >= enough;
}

Duration backlog_gone(const Cell& cell, const Workload& workload, const Outcome& outcome) {
  const auto& span = *cell.cut;
  std::vector<std::pair<Duration, int>> changes;  // of those waiting there; others by a thousand
  const auto note = [&](Duration at, int by, int site) {
    changes.push_back({at, site == span.site ? by : by * 1'000'000});
  };
  for (std::size_t i = 0; i < workload.arrivals.size(); ++i) {
    const auto& arrival = workload.arrivals[i];
    note(arrival.at, 1, arrival.site);
    const auto& one = outcome.cases[i];
    note(one.worker < 0 ? arrival.at + cell.patience : one.started, -1, arrival.site);
  }
  std::sort(changes.begin(), changes.end());
  std::int64_t there = 0, elsewhere = 0;
  for (const auto& [at, by] : changes) {
    if (at >= span.to) {
      const double others = static_cast<double>(elsewhere) / std::max(cell.sites - 1, 1);
      const double share = others * std::max(cell.hot, cell.load) / cell.load;
      if (static_cast<double>(there) <= std::max(share, 1.0)) return at - span.to;
    }
    (std::abs(by) >= 1'000'000 ? elsewhere : there) += by > 0 ? 1 : -1;
  }
  return cell.length - span.to;
}

Estimate estimate(const std::vector<double>& by_seed) {
  Estimate out;
  if (by_seed.empty()) return out;
  out.mean = mean_of(by_seed);
  if (by_seed.size() < 2) return out;
  double squares = 0;
  for (const double value : by_seed) squares += (value - out.mean) * (value - out.mean);
  const auto n = static_cast<double>(by_seed.size());
  out.half = student_t(by_seed.size() - 1) * std::sqrt(squares / (n - 1) / n);
  return out;
}

Estimate excess(const std::vector<double>& one, const std::vector<double>& other) {
  XF_CHECK(one.size() == other.size() && !one.empty());
  const double ones = std::accumulate(one.begin(), one.end(), 0.0);
  const double others = std::accumulate(other.begin(), other.end(), 0.0);
  if (others <= 0) return {};
  std::vector<double> without;
  for (std::size_t i = 0; i < one.size(); ++i) {
    without.push_back((ones - one[i]) / (others - other[i]) - 1);
  }
  return jackknife(ones / others - 1, without);
}

double erlang_c_wait(int servers, double load) {
  const double offered = load * servers;
  double blocked = 1;  // Erlang B, by its recursion
  for (int i = 1; i <= servers; ++i) blocked = offered * blocked / (i + offered * blocked);
  const double waits = blocked / (1 - load * (1 - blocked));
  return waits / (servers * (1 - load));
}

}  // namespace crossfloor::bench
