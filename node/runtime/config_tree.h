// A parsed TOML file as plain values with line numbers, so that only one file needs the parser.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"

namespace crossfloor {

struct ConfigTree {
  enum class Kind { text, integer, fraction, flag, list, table, date };
  Kind kind = Kind::table;
  int line = 0;
  std::string text;
  std::int64_t integer = 0;
  bool flag = false;
  std::vector<ConfigTree> items;              // list
  std::map<std::string, ConfigTree> members;  // table

  const char* kind_text() const;  // "a text", "a whole number", …
};

// One complaint at most: a file that does not parse has no structure to complain about further.
Result<ConfigTree> parse_config_tree(std::string_view toml, const std::string& file_name);

}  // namespace crossfloor
