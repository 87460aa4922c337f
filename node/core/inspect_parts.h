// What the parts of Inspector share; not for others.
#pragma once

#include <nlohmann/json.hpp>

#include "node/core/inspect.h"
#include "node/core/node_core.h"

namespace crossfloor {

struct Inspector::Asked {
  Json arguments;

  std::string text(const char* name) const {
    const auto at = arguments.find(name);
    return at == arguments.end() ? std::string() : at->get<std::string>();
  }
  std::uint64_t number(const char* name, std::uint64_t otherwise) const {
    const auto at = arguments.find(name);
    return at == arguments.end() ? otherwise : at->get<std::uint64_t>();
  }
  bool flag(const char* name) const {
    const auto at = arguments.find(name);
    return at != arguments.end() && at->get<bool>();
  }
};

namespace inspect_parts {

inline std::int64_t age_ms(std::int64_t since_ms, Now now) {
  return since_ms == 0 ? 0 : std::max<std::int64_t>(0, ms_of(now.wall) - since_ms);
}
inline std::int64_t age_ms(Instant since, Now now) {
  return (now.steady - since).count();
}

// How urgent a complaint is: lower comes first.
enum class Urgency {
  disk = 0,
  lost = 5,
  fork = 10,
  person_needed = 20,
  unreachable_home = 30,
  unanswered = 40,
  no_host = 50,
  no_path = 60,
  handled_twice = 70,
  config_differs = 80,
  certificate = 90,
  clock = 100,
  lag = 110,
  note = 120,
};

// One line of what is wrong: what, how to see it, and how to mend it. `same`: what several nodes
// may say of one thing, which is shown once.
inline Inspector::Json complaint(Urgency urgency, std::string what, std::string show,
                                 std::string mend, std::string same = {}) {
  Inspector::Json line = {{"urgency", static_cast<int>(urgency)},
                          {"what", std::move(what)},
                          {"show", std::move(show)},
                          {"mend", std::move(mend)}};
  if (!same.empty()) line["same"] = std::move(same);
  return line;
}

inline std::string duration_text(std::int64_t ms) {
  const std::int64_t s = ms / 1000;
  if (s < 120) return std::to_string(s) + " s";
  if (s < 7200) return std::to_string(s / 60) + " min";
  if (s < 172'800) return std::to_string(s / 3600) + " h";
  return std::to_string(s / 86'400) + " days";
}

template <typename T>
std::string hex_or_empty(const T& id) {
  return id.is_zero() ? std::string() : id.hex();
}

}  // namespace inspect_parts
}  // namespace crossfloor
