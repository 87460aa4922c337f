#include "tools/bench/routing/workload.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "protocol/check.h"

namespace crossfloor::bench {
namespace {

constexpr std::size_t max_services = 64;

double exponential(Random& random, double mean) {
  return -mean * std::log(1.0 - random.unit());
}

double normal(Random& random) {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - random.unit()));
  return radius * std::cos(2.0 * std::numbers::pi * random.unit());
}

double lognormal(Random& random, double mean, double cv) {
  const double sigma2 = std::log(1.0 + cv * cv);
  return std::exp(std::log(mean) - sigma2 / 2 + std::sqrt(sigma2) * normal(random));
}

Duration whole_ms(double ms) {
  return Duration{std::max<std::int64_t>(std::llround(ms), 1)};
}

std::string skill_name(int number) {
  return "skill-" + std::to_string(number);
}

// The shares in which languages are asked for; what each agent speaks is drawn apart.
const char* language_of(double drawn) {
  return drawn < 0.60 ? "en" : drawn < 0.85 ? "fi" : "sv";
}

std::vector<ServiceClass> services_of(const Cell& cell) {
  std::vector<ServiceClass> services;
  const std::vector<std::string> languages =
      cell.languages ? std::vector<std::string>{"en", "fi", "sv"} : std::vector<std::string>{"en"};
  for (const auto& language : languages) {
    for (int skill = 0; skill < std::max(cell.skills, 1); ++skill) {
      std::vector<std::string> skills;
      if (cell.skills > 0) skills.push_back(skill_name(skill));
      services.push_back({"acme", ChannelKind::chat, std::move(skills), language});
    }
  }
  return services;
}

std::vector<Worker> workers_of(const Cell& cell, const std::vector<ServiceClass>& services,
                               Random& random) {
  std::vector<Worker> workers;
  for (int site = 0; site < cell.sites; ++site) {
    for (int i = 0; i < cell.agents; ++i) {
      Worker worker{site, {}, {"en"}, 0};
      while (cell.skills > 0 && worker.skills.empty()) {
        for (int skill = 0; skill < cell.skills; ++skill) {
          if (random.below(2) == 1) worker.skills.push_back(skill_name(skill));
        }
      }
      if (cell.languages && random.unit() < 0.5) worker.languages.push_back("fi");
      if (cell.languages && random.unit() < 0.4) worker.languages.push_back("sv");
      const Abilities abilities{{"acme"}, worker.languages, worker.skills};
      for (std::size_t s = 0; s < services.size(); ++s) {
        if (matches(abilities, services[s])) worker.serves |= std::uint64_t{1} << s;
      }
      workers.push_back(std::move(worker));
    }
  }
  return workers;
}

// Asked for per millisecond, site by site.
std::vector<double> rates_of(const Cell& cell) {
  const double one_site = static_cast<double>(cell.agents) * cell.capacity /
                          static_cast<double>(cell.mean_handling.count());
  std::vector<double> rates(static_cast<std::size_t>(cell.sites), cell.load * one_site);
  if (cell.hot > 0 && cell.sites > 1) {
    rates[0] = cell.hot * one_site;
    const double others = (cell.load * cell.sites - cell.hot) / (cell.sites - 1);
    XF_CHECK(others > 0);
    std::fill(rates.begin() + 1, rates.end(), others * one_site);
  }
  return rates;
}

}  // namespace

Workload make_workload(const Cell& cell, std::uint64_t seed) {
  // One source for each question, so that a variant changes only what it is about.
  SeededRandom people(seed * 4 + 0), arrivals(seed * 4 + 1), times(seed * 4 + 2),
      customers(seed * 4 + 3);
  Workload workload;
  workload.services = services_of(cell);
  XF_CHECK(workload.services.size() <= max_services);
  workload.workers = workers_of(cell, workload.services, people);
  const auto rates = rates_of(cell);
  double all = 0;
  for (const double rate : rates) all += rate;
  for (double at = exponential(arrivals, 1 / all); at < static_cast<double>(cell.length.count());
       at += exponential(arrivals, 1 / all)) {
    Arrival one;
    one.at = whole_ms(at);
    double drawn = arrivals.unit() * all;
    while (one.site + 1 < cell.sites && drawn >= rates[static_cast<std::size_t>(one.site)]) {
      drawn -= rates[static_cast<std::size_t>(one.site++)];
    }
    const auto language = std::string(cell.languages ? language_of(customers.unit()) : "en");
    const auto skill =
        cell.skills > 0 ? static_cast<int>(customers.below(static_cast<std::uint64_t>(cell.skills)))
                        : 0;
    const int per_language = std::max(cell.skills, 1);
    one.service = (language == "en" ? 0 : language == "fi" ? 1 : 2) * per_language + skill;
    const auto mean = static_cast<double>(cell.mean_handling.count());
    one.handling =
        whole_ms(cell.handling == Handling::exponential ? exponential(times, mean)
                                                        : lognormal(times, mean, cell.handling_cv));
    if (cell.priorities) {
      one.priority = static_cast<std::uint32_t>(customers.below(4));
      one.mood = static_cast<std::uint32_t>(customers.below(3));
    }
    if (cell.returning > 0 && customers.unit() < cell.returning && !workload.arrivals.empty()) {
      const auto earlier = customers.below(workload.arrivals.size());
      const auto& before = workload.arrivals[earlier];
      if (before.at + before.handling < one.at) {
        one.returns_of = static_cast<int>(earlier);
        one.service = before.service;
      }
    }
    workload.arrivals.push_back(one);
  }
  return workload;
}

AgentRecord record_of(const Cell& cell, const Workload& workload, int worker) {
  const auto& one = workload.workers[static_cast<std::size_t>(worker)];
  AgentRecord record;
  record.name = "agent-" + std::to_string(worker);
  record.brands = {"acme"};
  record.languages = one.languages;
  record.skills = one.skills;
  const auto maximum = static_cast<std::uint32_t>(cell.capacity);
  record.channels = {{ChannelKind::chat, Duty::primary, maximum, 12 / maximum}};
  return record;
}

}  // namespace crossfloor::bench
