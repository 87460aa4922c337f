// conversation, customer, explain: what happened, and why.
#include <CLI/CLI.hpp>
#include <ctime>
#include <memory>
#include <ostream>

#include "tools/crossfloor/answer.h"
#include "tools/crossfloor/families.h"

namespace crossfloor::cli {
namespace {

std::string clock_text(std::int64_t ms) {
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

// A text in lines of its own, behind a bar.
void print_text(const std::string& raw, std::ostream& out, const Look& look) {
  const std::string all = harmless(raw, true);
  for (std::size_t at = 0; at <= all.size();) {
    const std::size_t end = std::min(all.find('\n', at), all.size());
    out << tinted("      │ ", Tint::dim, look.colour) << all.substr(at, end - at) << "\n";
    at = end + 1;
  }
}

std::string who_of(const Json& line) {
  const std::string what = text(line, "what");
  std::string who = text(line, "agent");
  if (what == "customer") return text(line, "from").empty() ? "customer" : text(line, "from");
  if (who.empty()) who = text(line, "by");
  if (!text(line, "agent_site").empty()) who += " at " + text(line, "agent_site");
  if (who.empty() && !text(line, "home_site").empty()) who = text(line, "home_site");
  return who;
}

void print_line(const Json& line, std::ostream& out, const Look& look) {
  const std::string what = text(line, "what");
  const Tint tint = what == "customer"                       ? Tint::warning
                    : what == "reply" || what == "accepted"  ? Tint::good
                    : what == "refused" || what == "unknown" ? Tint::bad
                                                             : Tint::none;
  out << tinted(clock_text(number(line, "time_ms")) + " (" + age(line, "age_ms") + " ago)",
                Tint::dim, look.colour)
      << "  " << tinted(harmless(what), tint, look.colour);
  if (const std::string who = who_of(line); !who.empty()) out << "  " << harmless(who);
  if (!text(line, "why").empty()) out << "  — " << harmless(text(line, "why"));
  if (line.contains("attempt")) out << "  try " << number(line, "attempt");
  if (!text(line, "sender_site").empty())
    out << "  sent by " << harmless(text(line, "sender_site"));
  if (line.contains("public")) out << (flag(line, "public") ? "  public" : "  private");
  out << tinted("  @" + harmless(text(line, "written_by")), Tint::dim, look.colour) << "\n";
  if (!text(line, "text").empty()) print_text(text(line, "text"), out, look);
}

void print_candidates(const Json& candidates, std::int64_t left_out, std::ostream& out,
                      const Look& look) {
  for (const Json& one : candidates) {
    const std::string why_not = text(one, "why_not");
    std::string who = text(one, "agent");
    if (!text(one, "site").empty()) who += (who.empty() ? "" : " at ") + text(one, "site");
    out << "        "
        << tinted(why_not.empty() ? "✓ " : "· ", why_not.empty() ? Tint::good : Tint::dim,
                  look.colour)
        << harmless(who);
    if (!text(one, "known").empty()) out << ": " << harmless(text(one, "known"));
    if (number(one, "known_age_ms") > 0) out << " (" << age(one, "known_age_ms") << " old)";
    if (!why_not.empty()) out << " — not: " << harmless(why_not);
    out << "\n";
  }
  if (left_out > 0) out << "        and " << left_out << " more\n";
}

// What was known when it was decided, and how old that was.
void print_trace(const Json& trace, std::ostream& out, const Look& look) {
  out << "      rule " << number(trace, "rule") << " " << harmless(text(trace, "rule_name"))
      << ": waited " << age(trace, "age_ms") << ", " << number(trace, "waiting")
      << " waited at home; chosen " << harmless(text(trace, "chosen_agent"))
      << (text(trace, "site").empty() ? "" : " at " + harmless(text(trace, "site"))) << "\n";
  print_candidates(list(trace, "candidates"), number(trace, "candidates_left_out"), out, look);
  if (list(trace, "weighed").empty()) return;
  out << "      why it asked here: what it knew of the lines\n";
  print_candidates(list(trace, "weighed"), number(trace, "weighed_left_out"), out, look);
}

void print_head(const Json& c, std::ostream& out, const Look& look) {
  out << "Conversation " << text(c, "conversation") << "\n  " << harmless(text(c, "account"))
      << ", brand " << harmless(text(c, "brand")) << ", " << harmless(text(c, "channel"))
      << (flag(c, "public") ? ", public" : "") << "\n  ";
  out << text(c, "state") << " for " << age(c, "state_age_ms");
  if (!text(c, "reason").empty()) out << " (" << harmless(text(c, "reason")) << ")";
  if (!text(c, "agent").empty()) {
    out << ", with " << harmless(text(c, "agent")) << " at " << harmless(text(c, "agent_site"));
  }
  out << "; home " << harmless(text(c, "home_site")) << ", term " << number(c, "term") << "\n";
  if (number(c, "unanswered") > 0) {
    const bool late = flag(c, "late");
    out << "  "
        << tinted("unanswered for " + age(c, "waiting_ms") + ", target " + age(c, "target_ms"),
                  late ? Tint::bad : Tint::warning, look.colour)
        << "\n";
  }
  if (number(c, "handled_twice") > 0) {
    out << "  " << tinted("handled twice in a cut", Tint::bad, look.colour) << "\n";
  }
  out << "\n";
}

Exit show_conversation(const Json& answer, std::ostream& out, const Look& look) {
  if (answer.contains("conversation")) print_head(answer["conversation"], out, look);
  for (const Json& line : list(answer, "rows")) print_line(line, out, look);
  return Exit::fine;
}

Exit show_explain(const Json& answer, std::ostream& out, const Look& look) {
  if (answer.contains("conversation")) print_head(answer["conversation"], out, look);
  for (const Json& line : list(answer, "rows")) {
    print_line(line, out, look);
    if (line.contains("trace")) print_trace(line["trace"], out, look);
  }
  if (answer.contains("now")) {
    const Json& now = answer["now"];
    out << "\nNow: " << harmless(text(now, "stage")) << " for " << age(now, "age_ms") << ", target "
        << age(now, "target_ms") << ", " << number(now, "offers") << " offers, "
        << number(now, "excluded") << " agents excluded\n";
  }
  return Exit::fine;
}

Exit show_customer(const Json& answer, std::ostream& out, const Look& look) {
  out << list(answer, "handles").size() << " handles, newest conversation first\n\n";
  for (const Json& c : list(answer, "rows")) {
    print_head(c, out, look);
    for (const Json& line : list(c, "timeline")) print_line(line, out, look);
    if (flag(c, "more")) {
      out << "  … more: crossfloor conversation " << short_id(text(c, "conversation")) << "\n";
    }
    out << "\n";
  }
  return Exit::fine;
}

struct Wanted {
  std::string id;
  std::string after;
  std::uint64_t limit = 0;
  bool watch = false;
};

void add_history(CLI::App& app, Context& context, const std::string& name, const std::string& about,
                 const std::vector<std::string>& examples, const std::string& argument,
                 const std::string& argument_name, const std::string& cursor, Show show) {
  auto wanted = std::make_shared<Wanted>();
  CLI::App* verb = add_verb(app, name, about, examples);
  // Not `required`: `customer link` has none. It is asked for below.
  verb->add_option(
      argument_name, wanted->id,
      argument == "id" ? "its id, or the first 4 or more digits" : "account:external_id");
  verb->add_option("--after", wanted->after, "go on where the page before ended");
  verb->add_option("--limit", wanted->limit, "at most so many");
  verb->add_flag("-w,--watch", wanted->watch, "redraw every second, until interrupted");
  on_run(verb, context, [&context, name, argument, argument_name, cursor, show, wanted] {
    if (wanted->id.empty()) {
      return fail(context,
                  Error{ErrorCode::malformed, argument_name + " is required", "",
                        "see: crossfloor " + name + " --help"},
                  Exit::usage);
    }
    Json arguments = {{argument, wanted->id}};
    if (!wanted->after.empty()) arguments[cursor] = wanted->after;
    if (wanted->limit > 0) arguments["limit"] = wanted->limit;
    return look_at(context, name, arguments, wanted->watch, show);
  });
}

}  // namespace

void add_history_verbs(CLI::App& app, Context& context) {
  add_history(app, context, "conversation", "What was said and done in one conversation",
              {"crossfloor conversation 5f0c1d2e", "crossfloor conversation 5f0c1d2e --watch"},
              "id", "ID", "after", show_conversation);
  add_history(app, context, "explain", "Why a conversation went where it went",
              {"crossfloor explain 5f0c1d2e", "crossfloor explain 5f0c1d2e --json"}, "id", "ID",
              "after", show_explain);
  add_history(
      app, context, "customer", "A customer's whole history, over all linked handles",
      {"crossfloor customer acme-chat:4711",
       "crossfloor customer link acme-chat:4711 acme-mail:ada@example.com --reason 'said so'",
       "crossfloor customer unlink acme-chat:4711 acme-mail:ada@example.com --reason "
       "'two people'"},
      "handle", "HANDLE", "before", show_customer);
}

}  // namespace crossfloor::cli
