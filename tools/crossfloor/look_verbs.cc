// status, sites, agents, queue, conversations, links, outbox, accounts, streams: what is there now.
#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "tools/crossfloor/answer.h"
#include "tools/crossfloor/families.h"

namespace crossfloor::cli {
namespace {

std::string count(const Json& row, const char* name) {
  return std::to_string(number(row, name));
}

Cell count_if(const Json& row, const char* name, Tint tint) {
  return {count(row, name), number(row, name) > 0 ? tint : Tint::dim};
}

Cell site_state(const Json& row) {
  const std::string state = text(row, "state");
  const bool well = state == "alive" || state.empty();
  std::string shown = state.empty() ? (flag(row, "acting") ? "alive" : "catching up") : state;
  if (flag(row, "drained")) shown += ", drained";
  if (!well && row.contains("heard_age_ms"))
    shown += ", heard " + age(row, "heard_age_ms") + " ago";
  return {shown, !well ? Tint::bad : shown == "alive" ? Tint::good : Tint::warning};
}

// ---- status -----------------------------------------------------------------------------

Exit show_status(const Json& answer, std::ostream& out, const Look& look) {
  Table table({"SITE", "STATE", ">WAITING", ">OLDEST", ">LATE", ">RINGING", ">ACTIVE", ">PENDING",
               ">AGENTS", ">READY", ">REPLIES", ">LAG"});
  for (const Json& row : list(answer, "rows")) {
    const bool late = number(row, "late") > 0;
    table.add(
        {text(row, "site"),
         site_state(row),
         {std::to_string(number(row, "waiting") + number(row, "not_placed")),
          late ? Tint::bad : Tint::none},
         {number(row, "oldest_ms") > 0 ? age(row, "oldest_ms") : "", late ? Tint::bad : Tint::none},
         count_if(row, "late", Tint::bad),
         count_if(row, "ringing", Tint::none),
         count_if(row, "active", Tint::none),
         count_if(row, "pending", Tint::none),
         count(row, "agents"),
         count(row, "agents_ready"),
         count_if(row, "replies_open", Tint::none),
         count_if(row, "lag_entries", Tint::warning)});
  }
  table.print(out, look);
  constexpr int notes_from = 120;  // what is as somebody wanted it
  bool wrong = false;
  out << "\n";
  for (const Json& line : list(answer, "wrong")) {
    const bool note = number(line, "urgency") >= notes_from;
    wrong = wrong || !note;
    out << tinted(note ? "· " : "✗ ", note ? Tint::dim : Tint::bad, look.colour)
        << harmless(text(line, "site")) << ": " << harmless(text(line, "what")) << "\n"
        << "    see:  " << harmless(text(line, "show")) << "\n"
        << "    mend: " << harmless(text(line, "mend")) << "\n";
  }
  if (list(answer, "wrong").empty()) {
    out << tinted("✓ nothing is wrong", Tint::good, look.colour) << "\n";
  }
  return wrong ? Exit::problem : Exit::fine;
}

// ---- sites, links -----------------------------------------------------------------------

Exit show_sites(const Json& answer, std::ostream& out, const Look& look) {
  Table table({"SITE", "#NODE", "REGION", "STATE", ">OPEN HERE", ">WAITING", ">AGENTS", ">READY",
               "CERTIFICATE", "ADDRESS"});
  for (const Json& row : list(answer, "rows")) {
    const bool own = row.contains("open");
    const bool known = row.contains("gossiped");
    const Json gossiped = known ? row["gossiped"] : Json::object();
    std::string waiting = own ? count(row, "waiting") : "";
    if (!own && known) {
      waiting = count(gossiped, "waiting") + " (" + age(gossiped, "age_ms") + " old)";
    }
    std::string ends;
    if (row.contains("certificate_ends_in_ms")) {
      const auto left = number(row, "certificate_ends_in_ms");
      ends = left > 0 ? "ends in " + age_text(left) : "is over";
    }
    table.add({text(row, "site"), short_id(text(row, "node")), text(row, "region"), site_state(row),
               own ? count(row, "open") : "", waiting, own ? count(row, "agents") : "",
               own ? count(row, "agents_ready") : "", ends, joined(list(row, "addresses"), " ")});
  }
  table.print(out, look);
  return Exit::fine;
}

Exit show_links(const Json& answer, std::ostream& out, const Look& look) {
  Table table({"FROM", "TO", "STATE", ">HEARD", "LIVE LINK", ">MISSING HERE", ">COMPARED",
               ">NOT ON ITS DISK", ">QUEUED", ">LOST", ">TOO FAST", "ADDRESS"});
  for (const Json& row : list(answer, "rows")) {
    const std::string state = text(row, "state");
    const bool live = flag(row, "live_link");
    const std::string heard = row.contains("heard_age_ms") ? age(row, "heard_age_ms") + " ago" : "";
    const std::string compared =
        row.contains("compared_age_ms") ? age(row, "compared_age_ms") + " ago" : "";
    table.add({text(row, "site"),
               text(row, "peer_site"),
               {state, state == "alive" ? Tint::good : Tint::bad},
               heard,
               {live ? "up" : "down", live ? Tint::good : Tint::bad},
               row.contains("lag_entries") ? count_if(row, "lag_entries", Tint::warning) : Cell(""),
               compared,
               row.contains("not_on_its_disk") ? count(row, "not_on_its_disk") : "",
               count_if(row, "frames_queued", Tint::warning),
               count_if(row, "frames_dropped", Tint::none),
               count_if(row, "frames_over_rate", Tint::bad),
               text(row, "address")});
  }
  table.print(out, look);
  return Exit::fine;
}

// ---- agents, queue ----------------------------------------------------------------------

Exit show_agents(const Json& answer, std::ostream& out, const Look& look) {
  Table table(
      {"AGENT", "SITE", "TEAM", "STATE", ">UNITS", "CHANNELS", "WORKS ON", "LANGUAGES", "BRANDS"});
  for (const Json& row : list(answer, "rows")) {
    std::string state = text(row, "presence");
    if (flag(row, "disabled")) state = "disabled";
    const bool gone = state != "logged_out" && !flag(row, "disabled") && !flag(row, "connected");
    if (gone) state += ", connection lost";
    if (!text(row, "reason").empty()) state += " (" + text(row, "reason") + ")";
    std::string channels, works;
    for (const Json& channel : list(row, "channels")) {
      if (text(channel, "duty") == "off") continue;
      channels += (channels.empty() ? "" : " ") + text(channel, "kind") + " " +
                  count(channel, "used") + "/" + count(channel, "maximum");
      if (text(channel, "duty") == "helper") channels += " helper";
    }
    for (const Json& slot : list(row, "slots")) {
      works += (works.empty() ? "" : ", ") + short_id(text(slot, "conversation")) + " " +
               text(slot, "state");
      if (text(slot, "home_site") != text(row, "site")) works += " of " + text(slot, "home_site");
    }
    table.add({text(row, "agent"),
               text(row, "site"),
               text(row, "team"),
               {state, gone                               ? Tint::bad
                       : text(row, "presence") == "ready" ? Tint::good
                                                          : Tint::dim},
               count(row, "units_used") + "/" + count(row, "units_total"),
               channels,
               works,
               joined(list(row, "languages")),
               joined(list(row, "brands"))});
  }
  table.print(out, look);
  if (table.empty()) {
    out << "No agents. Add one: crossfloor agent add NAME --brands … --channels chat:3 --password "
           "--reason …\n";
  }
  return Exit::fine;
}

Exit show_queue(const Json& answer, std::ostream& out, const Look& look) {
  Table table({"#CONVERSATION", "HOME", ">AGE", ">TARGET", "BRAND", "CHANNEL", "LANGUAGE", "SKILLS",
               ">PRIORITY", "STAGE", "WITH"});
  for (const Json& row : list(answer, "rows")) {
    std::string with = text(row, "agent");
    if (!text(row, "at_site").empty()) with += " at " + text(row, "at_site");
    if (number(row, "excluded") > 0) with += " (" + count(row, "excluded") + " declined)";
    table.add({short_id(text(row, "conversation")),
               text(row, "site"),
               {age(row, "age_ms"), flag(row, "late") ? Tint::bad : Tint::none},
               age(row, "target_ms"),
               text(row, "brand"),
               text(row, "channel"),
               text(row, "language"),
               joined(list(row, "skills")),
               count(row, "priority"),
               text(row, "stage"),
               with});
  }
  if (table.empty()) {
    out << "Nobody waits.\n";
  } else {
    table.print(out, look);
  }
  if (number(answer, "not_placed") > 0) {
    const bool one = number(answer, "not_placed") == 1;
    out << count(answer, "not_placed")
        << (one ? " message is not placed" : " messages are not placed")
        << " in a conversation yet\n";
  }
  return Exit::fine;
}

// ---- conversations, outbox --------------------------------------------------------------

Exit show_conversations(const Json& answer, std::ostream& out, const Look& look) {
  Table table({"#CONVERSATION", "ACCOUNT", "STATE", ">FOR", ">UNANSWERED", ">SINCE", "AGENT",
               "HOME", ">IN", ">OUT", "NOTES"});
  for (const Json& row : list(answer, "rows")) {
    std::string agent = text(row, "agent");
    if (!text(row, "agent_site").empty()) agent += " at " + text(row, "agent_site");
    std::string notes;
    const auto note = [&](const std::string& what) { notes += (notes.empty() ? "" : ", ") + what; };
    if (row.contains("home_reachable") && !flag(row, "home_reachable")) note("home unreachable");
    if (number(row, "handled_twice") > 0) note("handled twice");
    if (number(row, "replies_open") > 0) note(count(row, "replies_open") + " replies on their way");
    if (flag(row, "public")) note("public");
    const bool waits = number(row, "unanswered") > 0;
    table.add({short_id(text(row, "conversation")),
               text(row, "account"),
               text(row, "state"),
               age(row, "state_age_ms"),
               waits ? count(row, "unanswered") : "",
               {waits ? age(row, "waiting_ms") : "", flag(row, "late") ? Tint::bad : Tint::none},
               agent,
               text(row, "home_site"),
               count(row, "messages_in"),
               count(row, "messages_out"),
               notes});
  }
  if (table.empty()) {
    out << "No open conversations.\n";
  } else {
    table.print(out, look);
  }
  return Exit::fine;
}

Exit show_outbox(const Json& answer, std::ostream& out, const Look& look) {
  Table table({"#REPLY", "#CONVERSATION", "ACCOUNT", "SENDER", "STATE", ">AGE", ">TRIES", "NEXT",
               "REASON"});
  bool person = false;
  for (const Json& row : list(answer, "rows")) {
    const std::string state = text(row, "state");
    const bool stuck = state == "needs_person" || state == "refused" || state == "no_host";
    person = person || stuck;
    std::string next = row.contains("next_in_ms") ? "in " + age(row, "next_in_ms") : "";
    if (!text(row, "behind").empty()) next = "behind " + short_id(text(row, "behind"));
    table.add({short_id(text(row, "reply")),
               short_id(text(row, "conversation")),
               text(row, "account"),
               text(row, "sender_site"),
               {state, stuck ? Tint::bad : Tint::none},
               age(row, "age_ms"),
               count(row, "attempts"),
               next,
               text(row, "reason")});
  }
  if (table.empty()) {
    out << "No replies are on their way.\n";
  } else {
    table.print(out, look);
  }
  if (person) {
    out << "\nUnknown ones: crossfloor outbox resolve ID sent|resend --reason …; others: "
           "crossfloor "
           "outbox retry ID --reason …\n";
  }
  return person ? Exit::problem : Exit::fine;
}

// ---- accounts, streams ------------------------------------------------------------------

Exit show_accounts(const Json& answer, std::ostream& out, const Look& look) {
  Table table({"ACCOUNT", "AT", "BRAND", "CHANNEL", "REGION", ">TARGET", "HOST ORDER", ">OPEN",
               ">WAITING", "CONFIG"});
  bool differs = false;
  for (const Json& row : list(answer, "rows")) {
    std::string order;
    for (const Json& host : list(row, "host_order")) {
      order += (order.empty() ? "" : " ") + text(host, "site") + (flag(host, "live") ? "" : "✗");
    }
    differs = differs || flag(row, "differs");
    table.add({text(row, "account"),
               text(row, "site") + (flag(row, "hosted_here") ? "" : " (no host)"),
               text(row, "brand"),
               text(row, "channel"),
               text(row, "region"),
               age(row, "target_ms"),
               order,
               count(row, "open_here"),
               count(row, "waiting_here"),
               {flag(row, "differs") ? "DIFFERS: " + joined(list(row, "differing"), ", ") : "alike",
                flag(row, "differs") ? Tint::bad : Tint::dim}});
  }
  table.print(out, look);
  return differs ? Exit::problem : Exit::fine;
}

Exit show_streams(const Json& answer, std::ostream& out, const Look& look) {
  Table table({"ORIGIN", "#NODE", "#GENERATION", "REGION", ">ENTRIES", "HASH", "NOTES"});
  bool wrong = false;
  for (const Json& row : list(answer, "rows")) {
    std::string notes = flag(row, "forked") ? "FORKED" : "";
    if (row.contains("heard_of")) {
      notes +=
          (notes.empty() ? "" : ", ") + std::string("heard of up to ") + count(row, "heard_of");
    }
    wrong = wrong || flag(row, "forked");
    table.add({text(row, "origin_site"),
               short_id(text(row, "origin")),
               text(row, "generation"),
               text(row, "region"),
               count(row, "sequence"),
               text(row, "hash").substr(0, 16),
               {notes, Tint::warning}});
  }
  table.print(out, look);
  return wrong ? Exit::problem : Exit::fine;
}

// What `mesh revoke --last-good` reads.
Exit show_last_good(const Json& answer, std::ostream& out, const Look&) {
  for (const Json& row : list(answer, "rows")) {
    out << text(row, "generation") << " " << text(row, "region") << " " << count(row, "sequence")
        << " " << text(row, "hash") << "\n";
  }
  return Exit::fine;
}

// ---- the verbs --------------------------------------------------------------------------

struct Wanted {
  Json arguments = Json::object();
  std::map<std::string, std::string> filters;
  bool all = false;
  bool watch = false;
  bool last_good = false;
  Pages pages;
};

// A verb whose options are filters of the question with the same names.
CLI::App* add_look(CLI::App& app, Context& context, const std::string& name,
                   const std::string& about, const std::vector<std::string>& examples,
                   const std::vector<std::pair<std::string, std::string>>& filters,
                   std::shared_ptr<Wanted> wanted, Show show) {
  CLI::App* verb = add_verb(app, name, about, examples);
  for (const auto& [filter, what] : filters) {
    verb->add_option("--" + filter, wanted->filters[filter], what)->type_name("NAME");
  }
  verb->add_flag("-w,--watch", wanted->watch, "redraw every second, until interrupted");
  verb->add_option("--rows", wanted->pages.rows,
                   "rows of a page (default: all; with --watch what the terminal holds)")
      ->check(CLI::PositiveNumber);
  verb->add_option("--page", wanted->pages.page, "which page")->check(CLI::PositiveNumber);
  on_run(verb, context, [&context, name, wanted, show] {
    for (const auto& [filter, value] : wanted->filters) {
      if (!value.empty()) wanted->arguments[filter] = value;
    }
    if (wanted->all) wanted->arguments["all"] = true;
    return look_at(context, name, wanted->arguments, wanted->watch,
                   wanted->last_good ? Show(show_last_good) : show, wanted->pages);
  });
  return verb;
}

void add_streams(CLI::App& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  CLI::App* verb =
      add_look(app, context, "streams", "The logs that this node holds, and up to where",
               {"crossfloor streams", "crossfloor streams london",
                "crossfloor streams london --last-good > london.good"},
               {}, wanted, show_streams);
  verb->add_option("NODE", wanted->filters["node"], "of this site or node only");
  verb->add_flag("--last-good", wanted->last_good, "lines for `mesh revoke --last-good`");
}

}  // namespace

void add_look_verbs(CLI::App& app, Context& context) {
  const auto fresh = [] { return std::make_shared<Wanted>(); };
  add_look(app, context, "status", "How it goes at every site, and what is wrong",
           {"crossfloor status", "crossfloor status --watch",
            "crossfloor status --json | jq '.wrong[].what'"},
           {}, fresh(), show_status);
  add_look(app, context, "sites", "Sites and nodes, alive or not",
           {"crossfloor sites", "crossfloor sites --node https://10.1.0.4:7480 --token-file token"},
           {}, fresh(), show_sites);
  auto agents = fresh();
  add_look(app, context, "agents", "Who is there, and what they work on",
           {"crossfloor agents", "crossfloor agents --site warsaw --watch"},
           {{"site", "only this site"}, {"team", "only this team"}, {"agent", "only this agent"}},
           agents, show_agents)
      ->add_flag("--all", agents->all, "disabled agents, too");
  add_look(app, context, "queue", "Who waits, in the order of the line",
           {"crossfloor queue", "crossfloor queue --brand acme --channel chat --watch"},
           {{"site", "only conversations whose home is there"},
            {"brand", "only this brand"},
            {"channel", "only this kind: chat, social, email, call, other"}},
           fresh(), show_queue);
  add_look(app, context, "conversations", "Open conversations, who waits longest first",
           {"crossfloor conversations", "crossfloor conversations --state waiting",
            "crossfloor conversations --agent ada"},
           {{"site", "only those whose home is there"},
            {"brand", "only this brand"},
            {"account", "only this channel account"},
            {"state", "waiting, ringing, active, pending, wrap-up"},
            {"agent", "only those of this agent"}},
           fresh(), show_conversations);
  add_look(app, context, "links", "Ways between nodes, and how far behind each is",
           {"crossfloor links", "crossfloor links --watch"}, {}, fresh(), show_links);
  add_look(
      app, context, "outbox", "Replies on their way, and those that need a person",
      {"crossfloor outbox", "crossfloor outbox resolve 5f0c1d2e sent --reason 'seen on the page'",
       "crossfloor outbox retry 5f0c1d2e --reason 'their server is back'"},
      {{"account", "only this channel account"}, {"state", "only this state"}}, fresh(),
      show_outbox);
  add_look(app, context, "accounts", "Channel accounts, their hosts, and whether configs agree",
           {"crossfloor accounts", "crossfloor accounts --account acme-chat"},
           {{"account", "only this one"}}, fresh(), show_accounts);
  add_streams(app, context);
}

}  // namespace crossfloor::cli
