// The two ways in which others write a point of time to us.
#pragma once

#include <optional>
#include <string_view>

#include "protocol/time.h"

namespace crossfloor {

// RFC 3339, as "2026-01-31T09:30:00.250+02:00" or "…Z"; years 1970 to 9999. Digits beyond the
// millisecond are cut off; a leap second is the first of the next minute.
std::optional<WallTime> parse_rfc3339(std::string_view text);

// IMF-fixdate of RFC 9110, as "Sat, 31 Jan 2026 07:30:00 GMT". The day's name is not compared.
std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace crossfloor
