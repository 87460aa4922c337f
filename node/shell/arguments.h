// The command line of crossfloord.
#pragma once

#include <string>

#include "protocol/result.h"

namespace crossfloor {

struct Arguments {
  enum class Verb { run, check_config, rebuild, version, help };
  Verb verb = Verb::run;
  std::string config = "/etc/crossfloor/site.toml";
};

// Errors: malformed, with the argument at fault.
Result<Arguments> parse_arguments(int count, const char* const* arguments);

extern const char* const usage_text;
extern const char* const version_text;

}  // namespace crossfloor
