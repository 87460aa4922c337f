#include "tools/crossfloor/cli.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "tests/crossfloor/cli_world.h"
#include "tools/crossfloor/families.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

void add_greetings(CLI::App& app, cli::Context& context) {
  CLI::App* group = cli::add_group(app, "say", "Says things");
  cli::on_run(group, context, [&context] {
    context.out << "nothing\n";
    return cli::Exit::fine;
  });
  auto name = std::make_shared<std::string>();
  CLI::App* verb = cli::add_verb(*group, "hello", "Says hello", {"crossfloor say hello Ada"});
  verb->add_option("NAME", *name, "whom to greet")->required();
  cli::on_run(verb, context, [&context, name] {
    if (*name == "nobody") {
      return cli::fail(context, Error{ErrorCode::not_found, "nobody is here", "NAME", "call them"});
    }
    context.out << "hello " << *name << " of " << context.data << context.url << "\n";
    return cli::Exit::fine;
  });
}

Ran greet(const std::vector<std::string>& arguments) {
  return run({add_greetings}, arguments);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("command line") {
  TEST_CASE("common options work behind every verb") {
    CHECK(greet({"say", "hello", "ada", "--data", "/x"}).out == "hello ada of /x\n");
    CHECK(greet({"--data", "/x", "say", "hello", "ada"}).out == "hello ada of /x\n");
    CHECK(greet({"say", "hello", "ada", "--node", "/y"}).out == "hello ada of /y\n");
    CHECK(has(greet({"say", "hello", "ada", "--node", "https://h:1"}).out, "https://h:1"));
  }

  TEST_CASE("CROSSFLOOR_NODE names a default that options win over") {
    ::setenv("CROSSFLOOR_NODE", "/from-the-environment", 1);
    CHECK(has(greet({"say", "hello", "ada"}).out, "/from-the-environment"));
    CHECK(greet({"say", "hello", "ada", "--data", "/x"}).out == "hello ada of /x\n");
    ::unsetenv("CROSSFLOOR_NODE");
    CHECK(greet({"say", "hello", "ada"}).out == "hello ada of /var/lib/crossfloor\n");
  }

  TEST_CASE("what is not understood is exit code 2 and names the help that helps") {
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{"say", "hello"},
                                               {"say", "hello", "a", "b"},
                                               {"sing"},
                                               {"say", "hello", "a", "--x"}}) {
      const Ran ran = greet(arguments);
      CAPTURE(arguments.back());
      CHECK(ran.code == 2);
      CHECK(ran.out.empty());
      CHECK(has(ran.err, "--help"));
    }
    CHECK(has(greet({"say", "hello"}).err, "crossfloor say hello --help"));
    CHECK(greet({}).code == 2);
    CHECK(run({cli::add_mesh_verbs}, {"mesh"}).code == 2);
  }

  TEST_CASE("a group may do something without a verb, and its verbs win") {
    CHECK(greet({"say"}).out == "nothing\n");
    CHECK(has(greet({"say", "hello", "ada"}).out, "hello ada"));
  }

  TEST_CASE("help has examples and is no error") {
    const Ran ran = greet({"say", "hello", "--help"});
    CHECK(ran.code == 0);
    CHECK(has(ran.out, "crossfloor say hello Ada"));
    CHECK(has(ran.out, "Usage: crossfloor say hello [OPTIONS] NAME"));
    for (const auto& verb : std::vector<std::vector<std::string>>{{"mesh", "init"},
                                                                  {"mesh", "admit"},
                                                                  {"mesh", "apply"},
                                                                  {"mesh", "revoke"},
                                                                  {"node", "keygen"}}) {
      auto arguments = verb;
      arguments.push_back("--help");
      CAPTURE(verb.back());
      CHECK(has(run({cli::add_mesh_verbs}, arguments).out, "Examples:\n  crossfloor"));
    }
  }

  TEST_CASE("errors are text for people and JSON for programs") {
    const Ran text = greet({"say", "hello", "nobody"});
    CHECK(text.code == 1);
    CHECK(has(text.err, "mend: call them"));
    const Ran json = greet({"say", "hello", "nobody", "--json"});
    CHECK(json.code == 1);
    CHECK(json.json()["error"]["mend"] == "call them");
  }

  TEST_CASE("completion offers what the parser takes") {
    CHECK(greet({"complete-words", "s"}).out == "say\tSays things\n");
    CHECK(greet({"complete-words", "say", ""}).out == "hello\tSays hello\n");
    CHECK(has(greet({"complete-words", "say", "hello", "--js"}).out, "--json\t"));
    CHECK(greet({"complete-words", "say", "hello", "--data", ""}).out.empty());
    CHECK(greet({"complete-words", "--json", "sa"}).out == "say\tSays things\n");
    for (const char* shell : {"bash", "zsh", "fish"}) {
      CHECK(has(greet({"completion", shell}).out, "complete-words"));
    }
    CHECK(greet({"completion", "csh"}).code == 2);
  }
}
