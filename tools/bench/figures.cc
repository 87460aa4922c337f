#include "tools/bench/figures.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace crossfloor::bench {
namespace {

std::string number(double value) {
  char text[64];
  std::snprintf(text, sizeof text, std::abs(value) >= 100 ? "%.0f" : "%.3g", value);
  return text;
}

const char* verdict(const Figure& figure) {
  if (figure.kind == Figure::Limit::none) return "";
  return figure.reached() ? "reached" : "NOT REACHED";
}

}  // namespace

bool Figure::reached() const {
  switch (kind) {
    case Limit::at_least:
      return value >= limit;
    case Limit::at_most:
      return value <= limit;
    default:
      return true;
  }
}

Figure told(std::string what, double value, std::string unit) {
  return {std::move(what), value, std::move(unit), Figure::Limit::none, 0, ""};
}
Figure at_least(std::string what, double value, std::string unit, double limit,
                std::string against) {
  return {std::move(what),         value, std::move(unit),
          Figure::Limit::at_least, limit, std::move(against)};
}
Figure at_most(std::string what, double value, std::string unit, double limit,
               std::string against) {
  return {std::move(what),        value, std::move(unit),
          Figure::Limit::at_most, limit, std::move(against)};
}

std::string table(const std::vector<Figure>& figures) {
  std::size_t widest = 4;
  for (const auto& figure : figures) widest = std::max(widest, figure.what.size());
  char line[512];
  std::snprintf(line, sizeof line, "%-*s  %16s  %12s  %8s  %s\n", static_cast<int>(widest), "what",
                "figure", "limit", "of limit", "");
  std::string out = line;
  for (const auto& figure : figures) {
    const std::string value = number(figure.value) + " " + figure.unit;
    std::string limit;
    std::string share;
    if (figure.kind != Figure::Limit::none) {
      limit = (figure.kind == Figure::Limit::at_least ? ">= " : "<= ") + number(figure.limit);
      share = number(figure.value / figure.limit);
    }
    std::snprintf(line, sizeof line, "%-*s  %16s  %12s  %8s  %s%s%s\n", static_cast<int>(widest),
                  figure.what.c_str(), value.c_str(), limit.c_str(), share.c_str(), verdict(figure),
                  figure.against.empty() ? "" : "; to ", figure.against.c_str());
    out += line;
  }
  return out;
}

std::string json(const std::vector<Figure>& figures) {
  auto all = nlohmann::ordered_json::array();
  for (const auto& figure : figures) {
    nlohmann::ordered_json one{
        {"what", figure.what}, {"figure", figure.value}, {"unit", figure.unit}};
    if (figure.kind != Figure::Limit::none) {
      one["limit"] = figure.limit;
      one["limit_is"] = figure.kind == Figure::Limit::at_least ? "at least" : "at most";
      one["ratio"] = figure.value / figure.limit;
      one["reached"] = figure.reached();
    }
    if (!figure.against.empty()) one["against"] = figure.against;
    all.push_back(std::move(one));
  }
  return all.dump(2) + "\n";
}

bool all_reached(const std::vector<Figure>& figures) {
  return std::all_of(figures.begin(), figures.end(),
                     [](const Figure& figure) { return figure.reached(); });
}

double percentile(std::vector<double> samples, double share) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  const double at = std::ceil(share * static_cast<double>(samples.size())) - 1;
  const auto index = static_cast<std::size_t>(std::max(at, 0.0));
  return samples[std::min(index, samples.size() - 1)];
}

}  // namespace crossfloor::bench
