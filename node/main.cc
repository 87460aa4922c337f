// crossfloord: one node of a mesh. Arguments, config, what the node stands on, then its event loop.
#include <cstdio>
#include <exception>

#include "node/runtime/log.h"
#include "node/shell/arguments.h"
#include "node/shell/node_lives.h"

namespace crossfloor {
namespace {

int complain(const std::vector<Error>& errors, int code) {
  for (const auto& error : errors) std::fprintf(stderr, "%s\n", error.text().c_str());
  return code;
}

int rebuild_rows_now(Config config, const Crypto& crypto) {
  auto laid = Foundation::lay(std::move(config), crypto, machine_now().wall);
  if (laid.foundation == nullptr) {
    return complain(laid.complaints.errors,
                    laid.complaints.config_at_fault ? NodeLives::wrong_input : NodeLives::failed);
  }
  if (auto done = rebuild(*laid.foundation, crypto); !done.ok()) {
    return complain({done.error()}, NodeLives::failed);
  }
  return 0;
}

int run(const Arguments& arguments) {
  auto loaded = load_config(arguments.config);
  if (!loaded.ok()) return complain(loaded.complaints, NodeLives::wrong_input);
  if (arguments.verb == Arguments::Verb::check_config) return 0;
  log_setup(loaded.config->log.level);
  const LogThread log_thread;
  const SodiumCrypto crypto;
  if (arguments.verb == Arguments::Verb::rebuild) {
    return rebuild_rows_now(std::move(*loaded.config), crypto);
  }
  return NodeLives(std::move(*loaded.config), crypto, complain).run();
}

int main_with(int count, char** words) {
  capture_signals();
  const auto arguments = parse_arguments(count, words);
  if (!arguments.ok()) return complain({arguments.error()}, NodeLives::wrong_input);
  switch (arguments.value().verb) {
    case Arguments::Verb::version:
      std::fputs(version_text, stdout);
      return 0;
    case Arguments::Verb::help:
      std::fputs(usage_text, stdout);
      return 0;
    default:
      return run(arguments.value());
  }
}

}  // namespace
}  // namespace crossfloor

int main(int count, char** words) {
  try {
    return crossfloor::main_with(count, words);
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "crossfloord: %s\n", exception.what());
  } catch (const kj::Exception& exception) {
    std::fprintf(stderr, "crossfloord: %s\n", exception.getDescription().cStr());
  }
  return 1;
}
