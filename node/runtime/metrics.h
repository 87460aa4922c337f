// The node's figures, for Prometheus. Names are snake_case with the unit at the end, counters end
// in _total: crossfloor_messages_in_total, crossfloor_commit_seconds.
//
//   Counter& refused = metrics.counter("crossfloor_intake_refused_total", "Messages refused",
//                                      {{"reason", "signature"}});
//   refused.add();
//
// Asking twice for the same name and labels gives the same figure. A name has one kind and one help
// text. Label values come from small fixed sets or the config, never from what a customer sends;
// after 1,000 label sets of one name all further ones share the figure labelled "other".
// From any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace crossfloor {

class Counter {
 public:
  explicit Counter(prometheus::Counter& counter) : counter_(counter) {}
  void add(double amount = 1);  // not negative
  double value() const;

 private:
  prometheus::Counter& counter_;
};

class Gauge {
 public:
  explicit Gauge(prometheus::Gauge& gauge) : gauge_(gauge) {}
  void set(double value);
  void add(double amount);
  double value() const;

 private:
  prometheus::Gauge& gauge_;
};

class Histogram {
 public:
  explicit Histogram(prometheus::Histogram& histogram) : histogram_(histogram) {}
  void observe(double value);

 private:
  prometheus::Histogram& histogram_;
};

class Metrics {
 public:
  using Labels = std::map<std::string, std::string>;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The references stay valid as long as this.
  Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  // `bounds` ascend; those of the first call for a name hold.
  Histogram& histogram(const std::string& name, const std::string& help,
                       const std::vector<double>& bounds, const Labels& labels = {});

  // From 100 µs to 10 s, for whatever people or syncs wait for.
  static std::vector<double> seconds();

  // The text exposition format, for GET /metrics ("text/plain; version=0.0.4").
  std::string text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crossfloor
