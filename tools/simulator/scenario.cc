#include "tools/simulator/scenario.h"

#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace crossfloor::simulator {
namespace {

const std::filesystem::path folder = CROSSFLOOR_SCENARIOS;

std::string text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  std::ostringstream out;
  if (const auto* share = node.as_floating_point()) out << share->get();
  return out.str();
}

std::string place(const std::string& where, const toml::source_region& source) {
  return where + ":" + std::to_string(source.begin.line);
}

}  // namespace

Result<Options> parse_scenario(const std::string& text, const std::string& where) {
  toml::table file;
  try {
    file = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return Error{ErrorCode::malformed, std::string(error.description()),
                 place(where, error.source()), "see https://toml.io"};
  }
  Options options;
  for (const auto& [group, node] : file) {
    const auto* table = node.as_table();
    if (group == "description" && node.is_string()) continue;
    if (table == nullptr) {
      return Error{ErrorCode::malformed, std::string(group.str()) + " is not in a table",
                   place(where, node.source()), "put it under [shape], [network], …"};
    }
    for (const auto& [key, value] : *table) {
      const std::string name = std::string(group.str()) + "." + std::string(key.str());
      if (auto status = options.set(name, text_of(value)); !status.ok()) {
        Error error = status.error();
        error.where = place(where, value.source());
        return error;
      }
    }
  }
  return options;
}

Result<Options> read_scenario(const std::string& name) {
  const bool is_path = name.find('/') != std::string::npos;
  const auto path = is_path ? std::filesystem::path(name) : folder / (name + ".toml");
  std::ifstream in(path);
  if (!in) {
    std::string known;
    for (const auto& one : scenario_names()) known += (known.empty() ? "" : ", ") + one;
    return Error{ErrorCode::not_found, "there is no scenario " + name, path.string(),
                 "there are: " + known};
  }
  std::ostringstream text;
  text << in.rdbuf();
  auto options = parse_scenario(text.str(), path.string());
  if (options.ok()) options.value().scenario = name;
  return options;
}

std::vector<std::string> scenario_names() {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& file : std::filesystem::directory_iterator(folder, none)) {
    if (file.path().extension() == ".toml") names.push_back(file.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace crossfloor::simulator
