// Scenario files: options by table and name, as in configs/scenarios/.
#pragma once

#include "tools/simulator/options.h"

namespace crossfloor::simulator {

// `name`: a file of configs/scenarios without ".toml", or a path. Errors: not_found, malformed,
// with the line.
Result<Options> read_scenario(const std::string& name);
Result<Options> parse_scenario(const std::string& text, const std::string& where);
std::vector<std::string> scenario_names();

}  // namespace crossfloor::simulator
