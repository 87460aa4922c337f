// Asks the node: HTTP over its control.sock, or HTTPS with a token.
#pragma once

#include <string>

#include "protocol/time.h"
#include "tools/crossfloor/cli.h"

namespace crossfloor::cli {

// Sends POST /v1/operator/<question> with a JSON object, and returns the JSON of the answer.
// Errors: unavailable (nobody answers: exit code 3), forbidden, unauthenticated, or whatever the
// node said.
Result<std::string> ask_node(const Context& context, const std::string& question,
                             const std::string& arguments, Duration within = Duration{15'000});

// Whether somebody could be asked at all: --node was given, or control.sock is there.
bool node_is_there(const Context& context);

}  // namespace crossfloor::cli
