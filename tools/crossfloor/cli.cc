#include "tools/crossfloor/cli.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tools/crossfloor/completion.h"

namespace crossfloor::cli {
namespace {

constexpr const char* default_data = "/var/lib/crossfloor";

std::string footer_of(const std::vector<std::string>& examples) {
  std::string text;
  if (!examples.empty()) {
    text = "Examples:\n";
    for (const std::string& example : examples) text += "  " + example + "\n";
  }
  return text +
         "\nEverywhere: --json, --data DIR, --node URL --token-file FILE (see `crossfloor --help`)";
}

void add_common_options(CLI::App& app, Context& context, std::string& node) {
  app.add_flag("--json", context.json, "print JSON instead of tables");
  app.add_option("--data", context.data, "data folder of the node on this machine")
      ->type_name("DIR")
      ->default_str(default_data);
  app.add_option("--node", node,
                 "node to speak to: https://host:port, or a data folder (default: $CROSSFLOOR_NODE,"
                 " else the node of --data)")
      ->type_name("URL");
  app.add_option("--token-file", context.token_file, "file with the token for --node https://…")
      ->type_name("FILE");
  app.add_option("--authorities", context.authorities,
                 "PEM file of who may vouch for https hosts, instead of the system's authorities "
                 "(default: $CROSSFLOOR_AUTHORITIES)")
      ->type_name("FILE");
}

bool is_url(const std::string& text) {
  return text.rfind("https://", 0) == 0 || text.rfind("http://", 0) == 0;
}

// --node, else --data, else $CROSSFLOOR_NODE, else the default folder.
void choose_node(Context& context, std::string node) {
  if (node.empty() && context.data.empty()) {
    if (const char* named = std::getenv("CROSSFLOOR_NODE")) node = named;
  }
  if (is_url(node)) {
    context.url = node;
  } else if (!node.empty()) {
    context.data = node;
  }
  if (context.data.empty()) context.data = default_data;
  if (context.authorities.empty()) {
    if (const char* named = std::getenv("CROSSFLOOR_AUTHORITIES")) context.authorities = named;
  }
}

// The deepest verb that was named, for its help.
const CLI::App* named_verb(const CLI::App& app) {
  const CLI::App* verb = &app;
  for (auto below = verb->get_subcommands(); !below.empty(); below = verb->get_subcommands()) {
    verb = below.front();
  }
  return verb;
}

std::string command_of(const CLI::App* verb) {
  std::string name = verb->get_name();
  for (verb = verb->get_parent(); verb; verb = verb->get_parent()) {
    name = verb->get_name() + " " + name;
  }
  return name;
}

Exit usage_error(Context& context, const CLI::App& app, const std::string& what) {
  return fail(
      context,
      Error{ErrorCode::malformed, what, "", "see: " + command_of(named_verb(app)) + " --help"},
      Exit::usage);
}

}  // namespace

CLI::App* add_verb(CLI::App& parent, const std::string& name, const std::string& about,
                   const std::vector<std::string>& examples) {
  const auto known =
      parent.get_subcommands([&](CLI::App* below) { return below->check_name(name); });
  if (!known.empty()) return known.front();
  CLI::App* verb = parent.add_subcommand(name, about);
  verb->footer(footer_of(examples));
  return verb;
}

CLI::App* add_group(CLI::App& parent, const std::string& name, const std::string& about) {
  return add_verb(parent, name, about, {});
}

void on_run(CLI::App* verb, Context& context, std::function<Exit()> run) {
  // Verbs below this one are called first, and win.
  verb->final_callback([&context, run = std::move(run)] {
    if (!context.run) context.run = run;
  });
}

Exit fail(Context& context, const Error& error, Exit exit) {
  if (context.json) {
    nlohmann::ordered_json json = {{"code", name_of(error.code)}, {"what", error.what}};
    if (!error.where.empty()) json["where"] = error.where;
    if (!error.mend.empty()) json["mend"] = error.mend;
    context.out << nlohmann::ordered_json{{"error", json}}.dump(
                       2, ' ', false, nlohmann::json::error_handler_t::replace)
                << "\n";
  } else {
    context.err << "crossfloor: ";
    if (!error.where.empty()) context.err << error.where << ": ";
    context.err << error.what << "\n";
    if (!error.mend.empty()) context.err << "  mend: " << error.mend << "\n";
  }
  return exit;
}

Exit fail(Context& context, const Error& error) {
  return fail(context, error,
              error.code == ErrorCode::unavailable ? Exit::unreachable : Exit::problem);
}

int run_cli(const std::vector<std::string>& arguments, const std::vector<Family>& families,
            Context& context) {
  CLI::App app{"Operates a mesh of contact centres: looks at it, mends it, admits nodes to it.",
               "crossfloor"};
  app.footer(
      "Exit codes: 0 fine, 1 problem found or refused, 2 usage, 3 the node cannot be reached,\n"
      "4 not proved.\n\n"
      "Examples:\n"
      "  crossfloor status                      what is going on, and what is wrong\n"
      "  crossfloor queue --watch               who waits, redrawn every second\n"
      "  crossfloor explain ID                  why that conversation went where it is\n"
      "  crossfloor VERB --help                 examples for each verb");
  app.fallthrough();
  std::string node;
  add_common_options(app, context, node);
  for (const Family family : families) family(app, context);
  add_completion(app, context);
  if (!arguments.empty() && arguments[0] == complete_words) {
    complete(app, {arguments.begin() + 1, arguments.end()}, context.out);
    return 0;
  }

  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    const CLI::App* verb = named_verb(app);
    context.out << verb->help(verb->get_parent() ? command_of(verb->get_parent()) : "");
    return 0;
  } catch (const CLI::ParseError& wrong) {
    return static_cast<int>(usage_error(context, app, wrong.what()));
  }
  if (!context.run) {
    if (arguments.empty()) {
      context.err << app.help();
      return static_cast<int>(Exit::usage);
    }
    return static_cast<int>(usage_error(
        context, app, "'" + command_of(named_verb(app)) + "' needs one of its verbs behind it"));
  }
  choose_node(context, node);
  return static_cast<int>(context.run());
}

}  // namespace crossfloor::cli
