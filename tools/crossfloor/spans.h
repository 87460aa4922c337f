// Spans of time as people write them.
#pragma once

#include <optional>
#include <string_view>

#include "protocol/time.h"

namespace crossfloor::cli {

// "500ms", "30s", "2m", "1h", "3d"; a bare number is seconds. Nothing if it is none, or over a
// year.
std::optional<Duration> parse_span(std::string_view text);

}  // namespace crossfloor::cli
