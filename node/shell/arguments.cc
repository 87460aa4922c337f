#include "node/shell/arguments.h"

#include <string_view>

namespace crossfloor {

const char* const usage_text =
    "crossfloord: one node of a Crossfloor mesh\n"
    "\n"
    "  crossfloord --config FILE    run (default: /etc/crossfloor/site.toml)\n"
    "    --check-config             say what is wrong with the config, and end\n"
    "    --rebuild                  make all projections anew from the log, and end\n"
    "    --version\n"
    "    --help\n"
    "\n"
    "Ready when it prints one line: ready mesh=HOST:PORT http=HOST:PORT\n"
    "SIGTERM ends it, SIGHUP reads the TLS certificate again. The log goes to standard error.\n"
    "Exit codes: 0 ended as asked, 1 cannot run or failed, 2 wrong arguments or config.\n";

const char* const version_text = "crossfloord " CROSSFLOOR_VERSION "\n";

Result<Arguments> parse_arguments(int count, const char* const* arguments) {
  Arguments out;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    if (word == "--config" && i + 1 < count) {
      out.config = arguments[++i];
    } else if (word.substr(0, 9) == "--config=") {
      out.config = word.substr(9);
    } else if (word == "--check-config") {
      out.verb = Arguments::Verb::check_config;
    } else if (word == "--rebuild") {
      out.verb = Arguments::Verb::rebuild;
    } else if (word == "--version") {
      out.verb = Arguments::Verb::version;
    } else if (word == "--help" || word == "-h") {
      out.verb = Arguments::Verb::help;
    } else if (word == "--config") {
      return Error{ErrorCode::malformed, "--config names no file", "", "crossfloord --help"};
    } else {
      return Error{ErrorCode::malformed, "unknown argument " + std::string(word), "",
                   "crossfloord --help"};
    }
  }
  if (out.config.empty()) {
    return Error{ErrorCode::malformed, "--config names no file", "", "crossfloord --help"};
  }
  return out;
}

}  // namespace crossfloor
