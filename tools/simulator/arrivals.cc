#include "tools/simulator/arrivals.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace crossfloor::simulator {
namespace {

std::vector<std::string> cells_of(std::string line) {
  if (!line.empty() && line.back() == '\r') line.pop_back();
  std::vector<std::string> cells(1);
  for (const char c : line) {
    if (c == ',') {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

std::optional<std::uint64_t> number_of(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  constexpr std::uint64_t most = 1'000'000'000'000;
  if (error != std::errc{} || end != text.data() + text.size() || value > most) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

Result<std::vector<Arrival>> parse_arrivals(const std::string& table, const std::string& where) {
  std::istringstream in(table);
  std::string line;
  std::getline(in, line);
  const auto names = cells_of(line);
  const auto column = [&](const char* name) {
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  };
  const std::size_t ms = column("ms");
  const std::size_t customer = column("customer");
  if (ms == names.size()) {
    return Error{ErrorCode::malformed, "the table has no column ms", where + ":1",
                 "its first line names the columns: ms,customer"};
  }
  std::vector<Arrival> arrivals;
  for (std::size_t number = 2; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    const auto cells = cells_of(line);
    const auto at = ms < cells.size() ? number_of(cells[ms]) : std::nullopt;
    const bool named = customer < names.size();
    const auto who = named && customer < cells.size() ? number_of(cells[customer]) : std::nullopt;
    if (!at || (named && !who)) {
      return Error{ErrorCode::malformed, "\"" + line + "\" is no arrival",
                   where + ":" + std::to_string(number), "write milliseconds and a whole number"};
    }
    arrivals.push_back({Duration{static_cast<std::int64_t>(*at)}, who});
  }
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const Arrival& a, const Arrival& b) { return a.after < b.after; });
  return arrivals;
}

Result<std::vector<Arrival>> read_arrivals(const std::string& name) {
  const std::filesystem::path path =
      name.find('/') != std::string::npos
          ? std::filesystem::path(name)
          : std::filesystem::path(CROSSFLOOR_SCENARIOS) / "arrivals" / (name + ".csv");
  std::ifstream in(path);
  if (!in) {
    return Error{ErrorCode::not_found, "there is no recording " + name, path.string(),
                 "see configs/scenarios/arrivals"};
  }
  std::ostringstream text;
  text << in.rdbuf();
  return parse_arrivals(text.str(), path.string());
}

}  // namespace crossfloor::simulator
