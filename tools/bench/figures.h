// What a bench found out: a table for people, or JSON. A figure with a limit is reached or not;
// one without is told for its own sake.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace crossfloor::bench {

struct Figure {
  enum class Limit { none, at_least, at_most };
  std::string what;
  double value = 0;
  std::string unit;
  Limit kind = Limit::none;
  double limit = 0;
  std::string against;  // what the ratio is to, if `value` is one

  bool reached() const;
};

Figure told(std::string what, double value, std::string unit);
Figure at_least(std::string what, double value, std::string unit, double limit,
                std::string against = "");
Figure at_most(std::string what, double value, std::string unit, double limit,
               std::string against = "");

std::string table(const std::vector<Figure>& figures);
std::string json(const std::vector<Figure>& figures);
bool all_reached(const std::vector<Figure>& figures);

// The value that `share` of the samples do not exceed; 0 of none.
double percentile(std::vector<double> samples, double share);

}  // namespace crossfloor::bench
