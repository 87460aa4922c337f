// wait: the one way in which tests, demos and admins wait for something.
#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <ostream>
#include <thread>

#include "tools/crossfloor/answer.h"
#include "tools/crossfloor/families.h"
#include "tools/crossfloor/spans.h"

namespace crossfloor::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Wanted {
  std::string condition;
  std::uint64_t count = 0;
  bool counted = false;
  std::string timeout = "30s";
};

Exit wait_for(Context& context, const Wanted& wanted, Duration timeout) {
  Json arguments = {{"for", wanted.condition}, {"count", wanted.count}};
  // Whether it runs and who is joined, the node knows alone.
  if (wanted.condition == "ready" || wanted.condition == "joined") arguments["local"] = true;
  const auto since = Clock::now();
  std::string why;
  bool reached = false;
  for (;;) {
    auto answer = ask(context, "wait", arguments);
    const auto waited = std::chrono::duration_cast<Duration>(Clock::now() - since);
    if (answer.ok() && flag(answer.value(), "met")) {
      if (context.json) {
        context.out << Json{{"met", true}, {"waited_ms", waited.count()}}.dump() << "\n";
      }
      return Exit::fine;
    }
    // A node that is not up yet, or that refuses for now, is what waiting is for.
    if (!answer.ok() && answer.error().code != ErrorCode::unavailable &&
        answer.error().code != ErrorCode::full) {
      return fail(context, answer.error());
    }
    reached = answer.ok();
    why = answer.ok() ? text(answer.value(), "why") : answer.error().what;
    if (waited >= timeout) {
      return fail(
          context,
          Error{ErrorCode::unavailable,
                "not " + wanted.condition + " after " + age_text(waited.count()) + ": " + why, "",
                "see `crossfloor status`, or wait longer with --timeout"},
          reached ? Exit::problem : Exit::unreachable);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace

void add_wait_verb(CLI::App& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  CLI::App* verb =
      add_verb(app, "wait",
               "Waits until something is so\n"
               "  ready      the node takes part\n"
               "  joined N   it sees N nodes, itself included, and is linked to them\n"
               "  settled    nothing is under way, and all nodes in reach hold the same entries\n"
               "  waiting N  at most N customers wait for an agent anywhere",
               {"crossfloor wait ready --timeout 30s", "crossfloor wait joined 3",
                "crossfloor wait settled --timeout 2m", "crossfloor wait waiting 0"});
  verb->add_option("CONDITION", wanted->condition, "ready, joined, settled or waiting")
      ->required()
      ->check(CLI::IsMember({"ready", "joined", "settled", "waiting"}));
  verb->add_option("N", wanted->count, "of joined and waiting");
  verb->add_option("--timeout", wanted->timeout, "how long at most: 500ms, 30s, 2m")
      ->capture_default_str();
  on_run(verb, context, [&context, wanted, verb] {
    const bool counts = wanted->condition == "joined" || wanted->condition == "waiting";
    const bool counted = verb->get_option("N")->count() > 0;
    const auto timeout = parse_span(wanted->timeout);
    if (counted && !counts) {
      return fail(context,
                  Error{ErrorCode::malformed, wanted->condition + " takes no number", "",
                        "see: crossfloor wait --help"},
                  Exit::usage);
    }
    if (!counted && wanted->condition == "joined") {
      return fail(context,
                  Error{ErrorCode::malformed, "joined needs the number of nodes", "",
                        "crossfloor wait joined 3"},
                  Exit::usage);
    }
    if (!timeout) {
      return fail(context,
                  Error{ErrorCode::malformed, "'" + wanted->timeout + "' is no time", "--timeout",
                        "write 500ms, 30s, 2m or 1h"},
                  Exit::usage);
    }
    return wait_for(context, *wanted, *timeout);
  });
}

}  // namespace crossfloor::cli
