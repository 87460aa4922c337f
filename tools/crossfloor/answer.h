// What verbs that look have in common: one question, its JSON, and how it is shown.
#pragma once

#include <nlohmann/json.hpp>

#include "tools/crossfloor/cli.h"
#include "tools/crossfloor/table.h"

namespace crossfloor::cli {

using Json = nlohmann::ordered_json;

// Fields of answers, which may lack any of them: another version may have written them.
std::string text(const Json& row, const char* name);
std::int64_t number(const Json& row, const char* name);
bool flag(const Json& row, const char* name);
const Json& list(const Json& row, const char* name);  // an empty one if there is none
std::string joined(const Json& list, const char* between = ",");
std::string age(const Json& row, const char* name);  // "" if the row has none

Result<Json> ask(const Context& context, const std::string& question, const Json& arguments);

// Which rows of a long table are shown; JSON always has all.
struct Pages {
  std::size_t rows = 0;  // of one page; 0: all of them, or with --watch what the terminal holds
  std::size_t page = 1;
};

using Show = std::function<Exit(const Json& answer, std::ostream& out, const Look& look)>;

// Asks, and shows: as JSON, or by `show` with what could not be asked behind it. With `watch`,
// again and again, each second, until it is interrupted.
Exit look_at(Context& context, const std::string& question, const Json& arguments, bool watch,
             const Show& show, const Pages& pages = {});

// Does something that must be done once, and says so.
Exit act(Context& context, const std::string& verb, Json arguments, const std::string& reason,
         const std::function<std::string(const Json&)>& said);

}  // namespace crossfloor::cli
