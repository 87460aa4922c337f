// When customers write, from a recording instead of from dice: a table of comma-separated values
// with a header, of which the column `ms` says how long after the beginning each message comes, and
// the column `customer`, if there is one, whose it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/result.h"
#include "protocol/time.h"

namespace crossfloor::simulator {

struct Arrival {
  Duration after{0};
  std::optional<std::size_t> customer;
};

// In the order of their times. Errors: malformed, with the line.
Result<std::vector<Arrival>> parse_arrivals(const std::string& table, const std::string& where);
// `name`: a file of configs/scenarios/arrivals without its ending, or a path. Error: not_found.
Result<std::vector<Arrival>> read_arrivals(const std::string& name);

}  // namespace crossfloor::simulator
