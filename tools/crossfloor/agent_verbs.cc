// agent list, add, set, disable, enable, logout, import: the records of agents, while nodes run.
//
// `crossfloor agent` without a verb is the terminal client, which another family adds.
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "node/runtime/files.h"
#include "protocol/agent_record.h"
#include "tools/crossfloor/agent_fields.h"
#include "tools/crossfloor/answer.h"
#include "tools/crossfloor/csv.h"
#include "tools/crossfloor/families.h"

namespace crossfloor::cli {
namespace {

constexpr std::size_t most_csv = 4 << 20;

struct Wanted {
  std::string name;
  AgentTexts texts;
  bool ask_password = false;
  std::string password_file;
  std::string reason;
  std::string file;
  bool check_only = false;
  bool update = false;
};

// Read without being shown, if a person types it.
Result<std::string> read_password() {
  const bool person = ::isatty(STDIN_FILENO) == 1;
  termios before{};
  if (person) {
    std::cerr << "Password: " << std::flush;
    ::tcgetattr(STDIN_FILENO, &before);
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string password;
  const bool read = static_cast<bool>(std::getline(std::cin, password));
  if (person) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::cerr << "\n";
  }
  if (!read || password.empty()) {
    return Error{ErrorCode::malformed, "no password was given on standard input", "password", ""};
  }
  return password;
}

Status take_password(Wanted& wanted) {
  if (!wanted.password_file.empty()) {
    auto text = read_private_file(wanted.password_file, 4096);
    if (!text.ok()) return text.error();
    wanted.texts["password"] = text.value().substr(0, text.value().find_first_of("\r\n"));
  } else if (wanted.ask_password) {
    auto password = read_password();
    if (!password.ok()) return password.error();
    wanted.texts["password"] = password.value();
  }
  return {};
}

Exit write_agent(Context& context, Wanted wanted, const std::string& verb) {
  if (auto status = take_password(wanted); !status.ok()) return fail(context, status.error());
  auto arguments = agent_arguments(wanted.texts);
  if (!arguments.ok()) return fail(context, arguments.error(), Exit::usage);
  if (verb == "agent_set" && arguments.value().empty()) {
    return fail(context,
                Error{ErrorCode::malformed, "nothing is to be changed", "",
                      "see: crossfloor agent set --help"},
                Exit::usage);
  }
  arguments.value()["name"] = wanted.name;
  return act(context, verb, arguments.value(), wanted.reason, [](const Json& done) {
    return "agent " + text(done, "agent") + (flag(done, "disabled") ? " is disabled" : " is set") +
           " at " + text(done, "site") +
           (flag(done, "can_log_in") ? "" : "; without a password there is no log-in yet");
  });
}

// ---- import -----------------------------------------------------------------------------

struct Row {
  std::size_t line = 0;
  AgentTexts fields;
};

std::string line_text(std::size_t line) {
  return "line " + std::to_string(line);
}

// Every record below the head line, its fields by the names of the head line.
std::vector<Row> read_rows(const std::string& text, std::vector<Error>& complaints) {
  std::vector<Row> rows;
  std::vector<std::string> names;
  CsvReader reader(text);
  while (auto record = reader.next()) {
    if (!record->ok()) {
      complaints.push_back(record->error());
      continue;
    }
    const CsvRecord& read = record->value();
    if (names.empty()) {
      names = read.fields;
      continue;
    }
    if (read.fields.size() != names.size()) {
      complaints.push_back({ErrorCode::malformed,
                            "has " + std::to_string(read.fields.size()) + " fields, not " +
                                std::to_string(names.size()) + " as the head line",
                            line_text(read.line), "put texts with commas into quotes"});
      continue;
    }
    Row row{read.line, {}};
    for (std::size_t i = 0; i < names.size(); ++i) row.fields[names[i]] = read.fields[i];
    rows.push_back(std::move(row));
  }
  if (names.empty()) {
    complaints.push_back({ErrorCode::malformed, "the file is empty", line_text(1),
                          "begin with a head line: name,brands,channels,…"});
  }
  return rows;
}

struct Import {
  std::size_t line;
  Json arguments;
};

// All complaints at once, before anything is sent.
void check_rows(const std::vector<Row>& rows, std::vector<Import>& out,
                std::vector<Error>& complaints) {
  std::map<std::string, std::size_t> seen;
  for (const Row& row : rows) {
    const std::string where = line_text(row.line);
    AgentTexts texts = row.fields;
    const std::string name = texts.count("name") ? texts["name"] : "";
    texts.erase("name");
    auto arguments = agent_arguments(texts);
    if (name.empty()) {
      complaints.push_back({ErrorCode::malformed, "the name is missing", where, ""});
    } else if (const auto [at, fresh] = seen.emplace(name, row.line); !fresh) {
      complaints.push_back({ErrorCode::conflict,
                            name + " stands in line " + std::to_string(at->second) + " already",
                            where, ""});
    } else if (!arguments.ok()) {
      Error error = arguments.error();
      error.where = where + ", " + error.where;
      complaints.push_back(error);
    } else {
      arguments.value()["name"] = name;
      out.push_back({row.line, std::move(arguments.value())});
    }
  }
}

struct Imported {
  std::size_t added = 0;
  std::size_t changed = 0;
  Json refused = Json::array();
};

Result<Imported> send_rows(Context& context, const std::vector<Import>& rows,
                           const Wanted& wanted) {
  Imported done;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (context.terminal && !context.json) {
      context.out << "\r" << i + 1 << " of " << rows.size() << " agents" << std::flush;
    }
    Json arguments = rows[i].arguments;
    arguments["by"] = context.who;
    arguments["reason"] = wanted.reason;
    auto answer = ask(context, "agent_add", arguments);
    if (answer.ok()) {
      ++done.added;
      continue;
    }
    if (answer.error().code == ErrorCode::conflict && wanted.update) {
      answer = ask(context, "agent_set", arguments);
      if (answer.ok()) {
        ++done.changed;
        continue;
      }
    }
    if (answer.error().code == ErrorCode::unavailable) return answer.error();
    done.refused.push_back({{"line", rows[i].line},
                            {"name", rows[i].arguments["name"]},
                            {"what", answer.error().what},
                            {"mend", answer.error().mend}});
  }
  if (context.terminal && !context.json) context.out << "\n";
  return done;
}

Exit import_file(Context& context, const Wanted& wanted) {
  auto text = read_file(wanted.file, most_csv);
  if (!text.ok()) return fail(context, text.error());
  std::vector<Error> complaints;
  std::vector<Import> imports;
  check_rows(read_rows(text.value(), complaints), imports, complaints);
  if (!complaints.empty()) {
    for (std::size_t i = 0; i + 1 < complaints.size() && !context.json; ++i) {
      fail(context, complaints[i]);
    }
    return fail(context, complaints.back());
  }
  if (wanted.check_only) {
    context.out << (context.json ? Json{{"agents", imports.size()}}.dump()
                                 : std::to_string(imports.size()) + " agents; nothing was sent")
                << "\n";
    return Exit::fine;
  }
  auto done = send_rows(context, imports, wanted);
  if (!done.ok()) return fail(context, done.error());
  const Imported& d = done.value();
  if (context.json) {
    context.out << Json{{"added", d.added}, {"changed", d.changed}, {"refused", d.refused}}.dump(2)
                << "\n";
  } else {
    context.out << d.added << " added, " << d.changed << " changed, " << d.refused.size()
                << " refused\n";
    for (const Json& one : d.refused) {
      context.err << "line " << number(one, "line") << ", " << harmless(cli::text(one, "name"))
                  << ": " << harmless(cli::text(one, "what")) << "\n";
      if (!cli::text(one, "mend").empty()) {
        context.err << "  mend: " << harmless(cli::text(one, "mend")) << "\n";
      }
    }
  }
  return d.refused.empty() ? Exit::fine : Exit::problem;
}

// ---- the verbs --------------------------------------------------------------------------

void reason_option(CLI::App* verb, Wanted& wanted) {
  verb->add_option("--reason", wanted.reason, "why; it is written down with your name")
      ->required()
      ->type_name("TEXT");
}

void record_options(CLI::App* verb, Wanted& wanted) {
  for (const AgentField& field : agent_fields()) {
    if (std::string(field.name) == "password") continue;  // never on a command line
    std::string option = "--" + std::string(field.name);
    std::replace(option.begin(), option.end(), '_', '-');
    verb->add_option(option, wanted.texts[field.name], field.about)->type_name(field.example);
  }
  verb->add_flag("--password", wanted.ask_password, "read a password from standard input");
  verb->add_option("--password-file", wanted.password_file, "its first line is the password (0600)")
      ->type_name("FILE");
}

void add_list(CLI::App& agent, Context& context) {
  auto all = std::make_shared<bool>(false);
  CLI::App* verb = add_verb(agent, "list", "All agents and what they may do",
                            {"crossfloor agent list", "crossfloor agent list --all --json"});
  verb->add_flag("--all", *all, "disabled ones, too");
  on_run(verb, context, [&context, all] {
    Json arguments = Json::object();
    if (*all) arguments["all"] = true;
    return look_at(context, "agents", arguments, false,
                   [](const Json& answer, std::ostream& out, const Look& look) {
                     Table table({"AGENT", "NAME", "SITE", "TEAM", "BRANDS", "LANGUAGES", "SKILLS",
                                  "CHANNELS", ">UNITS", "LOG-IN"});
                     for (const Json& row : list(answer, "rows")) {
                       const bool open = flag(row, "can_log_in") && !flag(row, "disabled");
                       table.add({text(row, "agent"),
                                  text(row, "display_name"),
                                  text(row, "site"),
                                  text(row, "team"),
                                  joined(list(row, "brands")),
                                  joined(list(row, "languages")),
                                  joined(list(row, "skills")),
                                  channels_text(list(row, "channels")),
                                  std::to_string(number(row, "units_total")),
                                  {flag(row, "disabled") ? "disabled"
                                   : open                ? "yes"
                                                         : "no password",
                                   open ? Tint::good : Tint::warning}});
                     }
                     table.print(out, look);
                     return Exit::fine;
                   });
  });
}

void add_writing(CLI::App& agent, Context& context, const std::string& name,
                 const std::string& about, const std::vector<std::string>& examples) {
  auto wanted = std::make_shared<Wanted>();
  CLI::App* verb = add_verb(agent, name, about, examples);
  verb->add_option("NAME", wanted->name, "log-in name: a-z A-Z 0-9 . _ - @")->required();
  if (name == "add" || name == "set") record_options(verb, *wanted);
  reason_option(verb, *wanted);
  on_run(verb, context, [&context, wanted, name] {
    if (name == "disable" || name == "enable") {
      wanted->texts["disabled"] = name == "disable" ? "true" : "false";
    }
    if (name == "logout") {
      return act(
          context, "agent_logout", {{"name", wanted->name}}, wanted->reason,
          [](const Json& done) { return "agent " + text(done, "agent") + " is logged out"; });
    }
    return write_agent(context, *wanted, name == "add" ? "agent_add" : "agent_set");
  });
}

void add_import(CLI::App& agent, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  std::string names = "name";
  for (const AgentField& field : agent_fields()) names += std::string(",") + field.name;
  CLI::App* verb = add_verb(agent, "import",
                            "Adds agents from a CSV file, whose head line names any of\n  " + names,
                            {"crossfloor agent import agents.csv --reason 'new team'",
                             "crossfloor agent import agents.csv --check --reason -",
                             "crossfloor agent import agents.csv --update --reason 'new brands'"});
  verb->add_option("FILE.csv", wanted->file, "lists within a field are separated by blanks")
      ->required();
  verb->add_flag("--check", wanted->check_only, "look whether it is right, and send nothing");
  verb->add_flag("--update", wanted->update, "change the records of agents that are there already");
  reason_option(verb, *wanted);
  on_run(verb, context, [&context, wanted] { return import_file(context, *wanted); });
}

}  // namespace

void add_agent_verbs(CLI::App& app, Context& context) {
  CLI::App* agent = add_group(app, "agent", "Agents' records, and work as an agent");
  add_list(*agent, context);
  add_writing(*agent, context, "add", "Adds an agent to a site",
              {"crossfloor agent add ada --display-name 'Ada L.' --brands acme --languages 'en fi' "
               "--channels 'chat:3 email:5:helper' --password --reason 'new colleague'",
               "crossfloor agent add bob --site warsaw --brands acme --channels social:4 "
               "--password-file bob.pw --reason 'new colleague'"});
  add_writing(*agent, context, "set", "Changes an agent's record; work that runs may end",
              {"crossfloor agent set ada --channels 'chat:2 social:2' --reason 'trained'",
               "crossfloor agent set ada --password --reason 'forgot it'"});
  add_writing(*agent, context, "disable", "Ends an agent's sessions, and bars the log-in",
              {"crossfloor agent disable ada --reason 'left us'"});
  add_writing(*agent, context, "enable", "Lets a disabled agent log in again",
              {"crossfloor agent enable ada --reason 'came back'"});
  add_writing(*agent, context, "logout", "Ends an agent's session; the work goes back to the line",
              {"crossfloor agent logout ada --reason 'forgot to'"});
  add_import(*agent, context);
}

}  // namespace crossfloor::cli
