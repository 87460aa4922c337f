// The frame of `crossfloor`: the words that all verbs share, and how a family of verbs is added.
//
// A family is a function that adds its verbs to the parser; main.cc has the table of them. A verb
// parses into variables of its own and hands `on_run` what it does, which happens after all of the
// command line was understood:
//
//   void add_greetings(CLI::App& app, Context& context) {
//     auto name = std::make_shared<std::string>();
//     CLI::App* verb = add_verb(app, "greet", "Says hello", {"crossfloor greet Ada"});
//     verb->add_option("NAME", *name, "whom to greet")->required();
//     on_run(verb, context, [&context, name] {
//       context.out << "hello " << *name << "\n";
//       return Exit::fine;
//     });
//   }
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "protocol/result.h"

namespace CLI {
class App;
}

namespace crossfloor::cli {

enum class Exit : int {
  fine = 0,
  problem = 1,      // it was done, and something is wrong; or it could not be done
  usage = 2,        // the command line was not understood
  unreachable = 3,  // the node cannot be reached
  not_proved = 4,   // nothing wrong was found, but not everything could be looked at
};

struct Context {
  std::ostream& out;
  std::ostream& err;
  bool terminal = false;  // `out` is one: colours, and screens that redraw
  bool json = false;
  std::string data;         // the node's data folder, for its control.sock and its files
  std::string url;          // https://host:port instead of control.sock; empty: none
  std::string token_file;   // for `url`
  std::string authorities;  // PEM file of who may vouch for https hosts; empty: the system's
  std::string who;          // the person who runs this, for entries that say who did something

  std::function<Exit()> run;
};

using Family = void (*)(CLI::App& app, Context& context);

// A verb under `parent` with its examples; --json, --data, --node and --token-file work behind it.
// One that exists already (made by another family) is returned as it is.
CLI::App* add_verb(CLI::App& parent, const std::string& name, const std::string& about,
                   const std::vector<std::string>& examples);
// A word that only has verbs below it, such as `mesh`. Made once, shared by families.
CLI::App* add_group(CLI::App& parent, const std::string& name, const std::string& about);
void on_run(CLI::App* verb, Context& context, std::function<Exit()> run);

// Says what is wrong: as text on `err`, or with --json as {"error": …} on `out`.
Exit fail(Context& context, const Error& error);
Exit fail(Context& context, const Error& error, Exit exit);

// What a program called `crossfloor` does with these arguments (without its own name).
int run_cli(const std::vector<std::string>& arguments, const std::vector<Family>& families,
            Context& context);

}  // namespace crossfloor::cli
