#include "node/desk/handling_guard.h"

#include <algorithm>

namespace crossfloor {
namespace {

// Several estimates of one thing, each as heavy as it is sure.
class Pooled {
 public:
  void add(const Slowdown& each) {
    if (!std::isfinite(each.variance)) return;
    sum_ += each.log / each.variance;
    weight_ += 1 / each.variance;
  }
  Slowdown take() const { return weight_ > 0 ? Slowdown{sum_ / weight_, 1 / weight_} : Slowdown{}; }

 private:
  double sum_ = 0, weight_ = 0;
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// What others tell. One who tells nonsense must not decide for all: nobody counts for more than
// twice the usual evidence, or says more than two deviations from what is usual.
Slowdown pooled_told(std::vector<Slowdown> told) {
  std::erase_if(told, [](const Slowdown& each) { return !std::isfinite(each.variance); });
  constexpr std::size_t enough_to_compare = 3;
  if (told.size() >= enough_to_compare) {
    std::vector<double> logs, variances;
    for (const auto& each : told) {
      logs.push_back(each.log);
      variances.push_back(each.variance);
    }
    const double usual = median(std::move(logs));
    const double least = median(std::move(variances)) / 2;
    for (auto& each : told) {
      each.variance = std::max(each.variance, least);
      const double most = 2 * std::sqrt(each.variance);
      each.log = std::clamp(each.log, usual - most, usual + most);
    }
  }
  Pooled all;
  for (const auto& each : told) all.add(each);
  return all.take();
}

// Squared variation coefficients that are believed.
constexpr double least_variation = 0.2, most_variation = 4;

double share_between(double value, double from, double to) {
  return std::clamp((value - from) / (to - from), 0.0, 1.0);
}

}  // namespace

void HandlingGuard::add(Mean& mean, Duration handling) const {
  mean.cases = std::min(mean.cases + 1, options_.window);
  mean.ms += (static_cast<double>(handling.count()) - mean.ms) / mean.cases;
}

void HandlingGuard::note(Own& own, const Mean& mean, Duration handling) const {
  constexpr double smoothing = 0.002;
  const double off = static_cast<double>(handling.count()) / std::max(mean.ms, 1.0) - 1;
  if (mean.cases >= options_.cases_wanted) own.scatter += (off * off - own.scatter) * smoothing;
  if (++own.untold * 20 < own.local.cases + own.remote.cases) return;
  own.untold = 0;
  own.told = {own.local.spent_ms(), own.local.cases, own.remote.spent_ms(), own.remote.cases};
}

void HandlingGuard::local(ChannelKind kind, Duration handling) {
  auto& own = own_[kind];
  add(own.local, handling);
  note(own, own.local, handling);
}

void HandlingGuard::remote(const NodeId& home, ChannelKind kind, Duration handling) {
  auto& own = own_[kind];
  add(own.remote, handling);
  add(pairs_[{home, kind}], handling);
  note(own, own.remote, handling);
}

void HandlingGuard::under_way(const std::vector<UnderWay>& all) {
  for (auto& [kind, own] : own_) own.local.under_way_ms = own.remote.under_way_ms = 0;
  for (auto& [home, mean] : pairs_) mean.under_way_ms = 0;
  for (const auto& [home, kind, so_far] : all) {
    const auto it = own_.find(kind);
    if (it == own_.end()) continue;
    auto& own = it->second;
    const double ms =
        std::min(static_cast<double>(so_far.count()), options_.longest * own.local.ms);
    (home ? own.remote : own.local).under_way_ms += ms;
    if (!home) continue;
    const auto pair = pairs_.find({*home, kind});
    if (pair != pairs_.end()) pair->second.under_way_ms += ms;
  }
}

void HandlingGuard::remember(ChannelKind kind, const HandlingTimes& times) {
  auto& own = own_[kind];
  own.local = {std::min(times.local_cases, options_.window), times.local_ms};
  own.remote = {std::min(times.remote_cases, options_.window), times.remote_ms};
  own.told = times;
}

HandlingTimes HandlingGuard::told(ChannelKind kind) const {
  const auto it = own_.find(kind);
  return it == own_.end() ? HandlingTimes{} : it->second.told;
}

void HandlingGuard::weigh(ChannelKind kind, const std::vector<HandlingTimes>& others) {
  auto& own = own_[kind];
  std::vector<Slowdown> each_told;
  // Nobody remembers more cases than the window: who says so must not outweigh all others.
  const auto told = [&](double cases, double ms) {
    return Mean{std::min(cases, options_.window), ms};
  };
  for (const auto& each : others) {
    each_told.push_back(of(told(each.local_cases, each.local_ms),
                           told(each.remote_cases, each.remote_ms), own.scatter));
  }
  own.others = pooled_told(std::move(each_told));
}

// In a given time the number n of cases is a matter of chance, so that the logarithm of time ÷ n is
// too large by half its variance, which is scatter / n.
Slowdown HandlingGuard::of(const Mean& local, const Mean& remote, double scatter) const {
  if (local.cases < options_.cases_wanted || remote.cases < options_.cases_wanted) return {};
  const double ratio = remote.spent_ms() / local.spent_ms();
  if (!std::isfinite(ratio) || ratio <= 0) return {};
  const double variation = std::clamp(scatter, least_variation, most_variation);
  const double bias = variation / 2 * (1 / local.cases - 1 / remote.cases);
  return {std::log(ratio) + bias, variation * (1 / local.cases + 1 / remote.cases)};
}

Slowdown HandlingGuard::slowdown(const NodeId& home, ChannelKind kind) const {
  const auto it = own_.find(kind);
  if (it == own_.end()) return {};
  const auto& own = it->second;
  Pooled mesh;
  mesh.add(own.others);
  mesh.add(of(own.local, own.remote, own.scatter));
  const Slowdown found = mesh.take();
  const auto pair = pairs_.find({home, kind});
  if (pair == pairs_.end() || !std::isfinite(found.variance)) {
    return {found.log, found.variance, found.variance};
  }
  // The mesh says what to expect of a pair, as far as pairs are alike.
  Pooled both;
  both.add({found.log, found.variance + options_.between_pairs * options_.between_pairs});
  both.add(of(own.local, pair->second, own.scatter));
  const auto of_pair = both.take();
  // What the mesh knows has the pair's cases in it: they must not make sure twice.
  return {of_pair.log, found.variance, std::max(of_pair.variance, found.variance)};
}

// What is not known well enough may be slow, as long as that is fair.
double HandlingGuard::unsure(const Own& own, const Slowdown& found, double longer) const {
  const double tails = std::sqrt(std::clamp(own.scatter, 1.0, most_variation));
  const auto up_to = [&](double to) {
    return share_between(std::sqrt(found.variance) / tails, options_.unsure_from, to);
  };
  const double unfair_by =
      std::lerp(options_.unfair_by, options_.unfair_by_at_first, up_to(options_.unsure_at_first));
  return (1 - share_between(longer, 0, unfair_by)) * up_to(options_.unsure_to);
}

// What it is slower, less so many deviations as it must be sure.
double HandlingGuard::slow(const Own& own, const Slowdown& found, double longer,
                           Duration oldest) const {
  if (!std::isfinite(found.variance)) return 0;
  const double unfair = share_between(longer, 0, options_.unfair_by);
  const double long_line =
      share_between(static_cast<double>(oldest.count()) / std::max(own.local.ms, 1.0),
                    options_.long_line_from, options_.long_line_to);
  const double suspected_by =
      std::lerp(options_.suspected_by, options_.suspected_by_at_last, long_line);
  const double deviation =
      std::lerp(std::sqrt(found.variance), std::sqrt(found.pair_variance), unfair);
  const double less = std::lerp(suspected_by, options_.sure_by, unfair) * deviation;
  return share_between(std::expm1(found.log - less), options_.slow_from, options_.slow_to);
}

Duration HandlingGuard::reserve(const NodeId& home, ChannelKind kind, double longer,
                                Duration oldest) const {
  const auto it = own_.find(kind);
  if (it == own_.end() || it->second.local.cases < options_.cases_wanted) return Duration{0};
  const auto& own = it->second;
  const auto found = slowdown(home, kind);
  const double share = std::max(slow(own, found, longer, oldest), unsure(own, found, longer));
  return Duration{static_cast<std::int64_t>(share * options_.most * own.local.ms)};
}

}  // namespace crossfloor
