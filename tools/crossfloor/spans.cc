#include "tools/crossfloor/spans.h"

#include <charconv>

namespace crossfloor::cli {

std::optional<Duration> parse_span(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const std::int64_t ms = unit == "ms"                ? 1
                          : unit == "s" || unit == "" ? 1000
                          : unit == "m"               ? 60'000
                          : unit == "h"               ? 3'600'000
                          : unit == "d"               ? 86'400'000
                                                      : 0;
  constexpr std::int64_t year = 366LL * 86'400'000;
  if (ms == 0 || number > year / ms) return std::nullopt;
  return Duration{number * ms};
}

}  // namespace crossfloor::cli
