// Runs `crossfloor` inside the test, as a person at a shell would.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/runtime/temporary_folder.h"
#include "tools/crossfloor/cli.h"

namespace crossfloor::test {

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
  nlohmann::json json() const { return nlohmann::json::parse(out); }
};

inline Ran run(const std::vector<cli::Family>& families, const std::vector<std::string>& arguments,
               bool terminal = false) {
  std::ostringstream out, err;
  cli::Context context{.out = out,
                       .err = err,
                       .terminal = terminal,
                       .json = false,
                       .data = {},
                       .url = {},
                       .token_file = {},
                       .authorities = {},
                       .who = "ada",
                       .run = {}};
  const int code = cli::run_cli(arguments, families, context);
  return {code, out.str(), err.str()};
}

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void put_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

}  // namespace crossfloor::test
