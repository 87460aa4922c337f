// `crossfloor`: the command line of operators and site admins.
#include <pwd.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <iostream>

#include "tools/crossfloor/cli.h"
#include "tools/crossfloor/families.h"

namespace crossfloor::cli {
namespace {

// Families of verbs, in the order in which help lists them.
const std::vector<Family> families = {
    // One a line, so that families added side by side do not conflict.
    // clang-format off
    add_look_verbs,
    add_history_verbs,
    add_wait_verb,
    add_mend_verbs,
    add_agent_verbs,
    add_agent_client,
    add_verify_verb,
    add_replay_verb,
    add_send_verb,
    add_customers_verb,
    add_mesh_verbs,
    // clang-format on
};

std::string person() {
  const char* behind_sudo = std::getenv("SUDO_USER");
  if (behind_sudo != nullptr && *behind_sudo != '\0') return behind_sudo;
  if (const passwd* entry = ::getpwuid(::getuid())) return entry->pw_name;
  return "uid " + std::to_string(::getuid());
}

}  // namespace
}  // namespace crossfloor::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // `crossfloor conversations | head` ends in peace
  try {
    crossfloor::cli::Context context{.out = std::cout,
                                     .err = std::cerr,
                                     .terminal = ::isatty(STDOUT_FILENO) == 1,
                                     .json = false,
                                     .data = {},
                                     .url = {},
                                     .token_file = {},
                                     .authorities = {},
                                     .who = crossfloor::cli::person(),
                                     .run = {}};
    return crossfloor::cli::run_cli({argv + 1, argv + argc}, crossfloor::cli::families, context);
  } catch (const std::exception& wrong) {
    std::cerr << "crossfloor: a fault of this program: " << wrong.what() << "\n";
    return 1;
  }
}
