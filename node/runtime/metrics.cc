#include "node/runtime/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>

#include "protocol/check.h"

namespace crossfloor {

void Counter::add(double amount) {
  counter_.Increment(amount);
}
double Counter::value() const {
  return counter_.Value();
}
void Gauge::set(double value) {
  gauge_.Set(value);
}
void Gauge::add(double amount) {
  gauge_.Increment(amount);
}
double Gauge::value() const {
  return gauge_.Value();
}
void Histogram::observe(double value) {
  histogram_.Observe(value);
}

namespace {

constexpr std::size_t kMostLabelSets = 1000;

// One name: its family and the figures in it by their labels.
template <typename Ours, typename Theirs>
struct Figures {
  prometheus::Family<Theirs>* family = nullptr;
  std::vector<double> bounds;
  std::map<Metrics::Labels, std::unique_ptr<Ours>> by_labels;
};

// All figures of one kind.
template <typename Ours, typename Theirs>
class Shelf {
 public:
  template <typename Build, typename Make>
  Ours& get(const std::string& name, Metrics::Labels labels, Build build, Make make) {
    auto& figures = names_[name];
    if (figures.family == nullptr) figures.family = &build();
    if (!figures.by_labels.contains(labels) && figures.by_labels.size() >= kMostLabelSets) {
      for (auto& [key, value] : labels) value = "other";
    }
    auto& figure = figures.by_labels[labels];
    if (!figure) figure = std::make_unique<Ours>(make(figures, labels));
    return *figure;
  }

 private:
  std::map<std::string, Figures<Ours, Theirs>> names_;
};

}  // namespace

struct Metrics::Impl {
  // The library throws if one name is asked for as two kinds; that is a bug of ours.
  void check_kind(const std::string& name, int kind) {
    const auto [at, fresh] = kinds.emplace(name, kind);
    XF_CHECK(fresh || at->second == kind);
  }

  std::mutex mutex;
  prometheus::Registry registry;
  std::map<std::string, int> kinds;
  Shelf<Counter, prometheus::Counter> counters;
  Shelf<Gauge, prometheus::Gauge> gauges;
  Shelf<Histogram, prometheus::Histogram> histograms;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  impl_->check_kind(name, 0);
  return impl_->counters.get(
      name, labels,
      [&]() -> auto& {
        return prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry);
      },
      [](auto& figures, const Labels& chosen) { return Counter(figures.family->Add(chosen)); });
}

Gauge& Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  impl_->check_kind(name, 1);
  return impl_->gauges.get(
      name, labels,
      [&]() -> auto& {
        return prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry);
      },
      [](auto& figures, const Labels& chosen) { return Gauge(figures.family->Add(chosen)); });
}

Histogram& Metrics::histogram(const std::string& name, const std::string& help,
                              const std::vector<double>& bounds, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  impl_->check_kind(name, 2);
  return impl_->histograms.get(
      name, labels,
      [&]() -> auto& {
        return prometheus::BuildHistogram().Name(name).Help(help).Register(impl_->registry);
      },
      [&](auto& figures, const Labels& chosen) {
        if (figures.bounds.empty()) figures.bounds = bounds;
        return Histogram(
            figures.family->Add(chosen, prometheus::Histogram::BucketBoundaries(figures.bounds)));
      });
}

std::vector<double> Metrics::seconds() {
  return {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02,
          0.05,   0.1,    0.2,    0.5,   1,     2,     5,    10};
}

std::string Metrics::text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace crossfloor
