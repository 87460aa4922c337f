#include "tools/crossfloor/answer.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <ostream>
#include <sstream>
#include <thread>

#include "tools/crossfloor/node_client.h"

namespace crossfloor::cli {
namespace {

Look look_of(const Context& context) {
  Look look;
  if (!context.terminal) return look;
  const char* no_colour = std::getenv("NO_COLOR");
  look.colour = no_colour == nullptr || *no_colour == '\0';
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
    look.width = size.ws_col;
    look.height = size.ws_row;
  }
  return look;
}

// What is missing from the answer, so that it is not taken for the whole.
void show_gaps(const Json& answer, std::ostream& out, const Look& look) {
  for (const Json& peer : list(answer, "asked")) {
    if (flag(peer, "answered")) continue;
    std::string line =
        "without " + text(peer, "site") + " (" + short_id(text(peer, "node")) + "): ";
    if (flag(peer, "reachable")) {
      line += "it did not answer within 2 s";
    } else {
      line += "cannot be reached";
      if (peer.contains("gone_ms")) line += " for " + age(peer, "gone_ms");
    }
    out << tinted(harmless(line), Tint::warning, look.colour) << "\n";
  }
  if (const auto left = number(answer, "left_out"); left > 0) {
    out << tinted(std::to_string(left) + " more are left out", Tint::dim, look.colour) << "\n";
  }
  if (!text(answer, "next").empty()) {
    out << tinted("there is more: --after " + text(answer, "next"), Tint::dim, look.colour) << "\n";
  }
}

// Cuts the rows to the wanted page; what to say of the others.
std::string cut_to_page(Json& answer, const Pages& pages, std::size_t rows) {
  if (rows == 0 || list(answer, "rows").size() <= rows) return "";
  Json& all = answer["rows"];
  const std::size_t count = all.size(), last_page = (count + rows - 1) / rows;
  const std::size_t page = std::min(std::max<std::size_t>(pages.page, 1), last_page);
  const std::size_t from = (page - 1) * rows, to = std::min(count, from + rows);
  Json kept = Json::array();
  for (std::size_t i = from; i < to; ++i) kept.push_back(std::move(all[i]));
  all = std::move(kept);
  std::string said = "rows " + std::to_string(from + 1) + " to " + std::to_string(to) + " of " +
                     std::to_string(count);
  if (page < last_page) said += "; more with --page " + std::to_string(page + 1);
  return said;
}

Exit show_answer(Context& context, Json answer, const Show& show, const Pages& pages, bool watch,
                 std::ostream& out) {
  constexpr std::size_t around = 6;  // lines of a screen that are no rows
  const Look look = look_of(context);
  std::size_t rows = pages.rows;
  if (rows == 0 && watch && look.height > 2 * around) rows = look.height - around;
  const std::string rest = cut_to_page(answer, pages, rows);
  const Exit exit = show(answer, out, look);
  if (!rest.empty()) out << tinted(rest, Tint::dim, look.colour) << "\n";
  show_gaps(answer, out, look);
  return exit;
}

Exit show_once(Context& context, const std::string& question, const Json& arguments,
               const Show& show, const Pages& pages, bool watch, std::ostream& out) {
  auto answer = ask(context, question, arguments);
  if (!answer.ok()) return fail(context, answer.error());
  if (!context.json) {
    return show_answer(context, std::move(answer).value(), show, pages, watch, out);
  }
  const bool compact = watch;
  out << answer.value().dump(compact ? -1 : 2, ' ', false, Json::error_handler_t::replace) << "\n";
  std::ostringstream nothing;
  return show(answer.value(), nothing, Look{});
}

}  // namespace

std::string text(const Json& row, const char* name) {
  const auto at = row.find(name);
  return at != row.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::int64_t number(const Json& row, const char* name) {
  const auto at = row.find(name);
  return at != row.end() && at->is_number() ? at->get<std::int64_t>() : 0;
}

bool flag(const Json& row, const char* name) {
  const auto at = row.find(name);
  return at != row.end() && at->is_boolean() && at->get<bool>();
}

const Json& list(const Json& row, const char* name) {
  static const Json none = Json::array();
  const auto at = row.find(name);
  return at != row.end() && at->is_array() ? *at : none;
}

std::string joined(const Json& items, const char* between) {
  std::string all;
  for (const Json& item : items) {
    if (!item.is_string()) continue;
    all += (all.empty() ? "" : between) + item.get<std::string>();
  }
  return all;
}

std::string age(const Json& row, const char* name) {
  return row.contains(name) ? age_text(number(row, name)) : "";
}

Result<Json> ask(const Context& context, const std::string& question, const Json& arguments) {
  auto answer =
      ask_node(context, question, arguments.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!answer.ok()) return answer.error();
  Json json = Json::parse(answer.value(), nullptr, false);
  if (!json.is_object()) {
    return Error{ErrorCode::corrupt, "the node's answer is no JSON object", "",
                 "is it a node of Crossfloor that answers there?"};
  }
  return json;
}

Exit look_at(Context& context, const std::string& question, const Json& arguments, bool watch,
             const Show& show, const Pages& pages) {
  if (!watch) return show_once(context, question, arguments, show, pages, false, context.out);
  const bool redraw = context.terminal && !context.json;
  for (bool first = true;; first = false) {
    std::ostringstream screen;
    const Exit exit = show_once(context, question, arguments, show, pages, true, screen);
    // A node that goes away while it is watched may come back: it is asked on.
    if (exit == Exit::usage || (first && exit == Exit::unreachable)) return exit;
    if (redraw) {
      // Drawn over what was there, so that nothing flickers.
      std::string text = "\x1b[H";
      for (const char c : screen.str()) text += c == '\n' ? "\x1b[K\n" : std::string(1, c);
      context.out << text << "\x1b[J" << std::flush;
    } else {
      context.out << screen.str() << "\n" << std::flush;
    }
    if (!context.out) return Exit::fine;  // whoever read it went away
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

Exit act(Context& context, const std::string& verb, Json arguments, const std::string& reason,
         const std::function<std::string(const Json&)>& said) {
  arguments["by"] = context.who;
  arguments["reason"] = reason;
  auto answer = ask(context, verb, arguments);
  if (!answer.ok()) return fail(context, answer.error());
  if (context.json) {
    context.out << answer.value().dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    context.out << harmless(said(answer.value())) << "\n";
  }
  return Exit::fine;
}

}  // namespace crossfloor::cli
