// Shell completion: the shells ask this program what may come next, so that what they offer is
// always what it takes.
#pragma once

#include "tools/crossfloor/cli.h"

namespace crossfloor::cli {

inline constexpr const char* complete_words = "complete-words";  // what the scripts call

void add_completion(CLI::App& app, Context& context);  // completion SHELL

// What may stand where the last of `words` stands, one a line, with what it means behind a tab.
void complete(const CLI::App& app, const std::vector<std::string>& words, std::ostream& out);

}  // namespace crossfloor::cli
