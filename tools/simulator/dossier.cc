#include "tools/simulator/dossier.h"

#include <nlohmann/json.hpp>
#include <ostream>

#include "node/core/inspect.h"
#include "tools/simulator/world.h"

namespace crossfloor::simulator {
namespace {

using Json = nlohmann::ordered_json;

// Ages differ with each node's clock, and would make all of them different.
void drop_ages(Json& value) {
  if (value.is_object()) {
    for (auto at = value.begin(); at != value.end();) {
      const std::string& name = at.key();
      const bool age = name.ends_with("age_ms") || name == "waiting_ms";
      at = age ? value.erase(at) : std::next(at);
    }
  }
  if (!value.is_structured()) return;
  for (auto& part : value) drop_ages(part);
}

std::string lines_of(const Json& rows) {
  std::string out;
  for (const auto& row : rows) out += "      " + row.dump() + "\n";
  return out;
}

}  // namespace

void write_dossier(const World& world, const std::string& conversation, std::ostream& out) {
  std::map<std::string, std::string> told;  // to who says so
  const std::string question = Json{{"id", conversation}}.dump();
  for (const auto& node : world.nodes().all()) {
    if (!node->up) continue;
    auto answer = Inspector(*node->core).answer("conversation", question, node->now(world.now()));
    if (!answer.ok()) continue;
    Json& said = answer.value();
    drop_ages(said);
    std::string text = "      " + said["conversation"].dump() + "\n";
    if (said.contains("homes")) text += lines_of(said["homes"]);
    text += lines_of(said["rows"]);
    std::string& who = told[std::move(text)];
    who += (who.empty() ? "" : ", ") + node->site;
  }
  for (const auto& [text, who] : told) out << "    " << who << ":\n" << text;
}

}  // namespace crossfloor::simulator
