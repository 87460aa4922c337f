// An agent's record as people write it, on a command line or in a CSV file, turned into what the
// node takes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/crossfloor/answer.h"

namespace crossfloor::cli {

struct AgentField {
  const char* name;
  const char* about;
  const char* example;
};
// All but `name`, in the order of help.
const std::vector<AgentField>& agent_fields();

using AgentTexts = std::map<std::string, std::string>;  // field -> as written; empty: not given

// Errors: malformed, with the field and the mend.
Result<Json> agent_arguments(const AgentTexts& texts);

// "chat:3 email:5:helper" of the list in an answer.
std::string channels_text(const Json& channels);

}  // namespace crossfloor::cli
