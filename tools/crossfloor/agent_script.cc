#include "tools/crossfloor/agent_script.h"

#include <algorithm>
#include <cmath>

#include "tools/crossfloor/csv.h"

namespace crossfloor::cli {
namespace {

constexpr std::size_t max_quoted = 4'000;  // bytes of {seen} and of {earlier}

// Not in the middle of a letter.
std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  text.resize(most);
  return text + "…";
}

std::string join(const std::vector<const client::HistoryItem*>& items) {
  std::string out;
  for (const auto* item : items) out += (out.empty() ? "" : " / ") + item->text;
  return cut(std::move(out), max_quoted);
}

// Columns by name, in any order, others are no matter.
Result<std::vector<std::vector<std::string>>> columns(std::string_view csv,
                                                      const std::vector<std::string>& wanted) {
  CsvReader reader(csv);
  auto header = reader.next();
  std::vector<std::size_t> places;
  for (const auto& name : wanted) {
    if (!header || !header->ok()) break;
    const auto& titles = header->value().fields;
    const auto at = std::find(titles.begin(), titles.end(), name);
    if (at != titles.end()) places.push_back(static_cast<std::size_t>(at - titles.begin()));
  }
  if (places.size() != wanted.size()) {
    std::string list;
    for (const auto& name : wanted) list += (list.empty() ? "" : ",") + name;
    return Error{ErrorCode::malformed, "the columns " + list + " are wanted", "line 1",
                 "name them in the first line"};
  }
  std::vector<std::vector<std::string>> out;
  while (auto record = reader.next()) {
    if (!record->ok()) return record->error();
    std::vector<std::string> row;
    for (const auto place : places) {
      if (place >= record->value().fields.size()) {
        return Error{ErrorCode::malformed, "too few fields",
                     "line " + std::to_string(record->value().line), ""};
      }
      row.push_back(record->value().fields[place]);
    }
    out.push_back(std::move(row));
  }
  return out;
}

std::string filled(std::string_view shape, const std::map<std::string, std::string>& values) {
  std::string out;
  while (!shape.empty()) {
    const auto open = shape.find('{');
    out += shape.substr(0, open);
    if (open == std::string_view::npos) break;
    const auto close = shape.find('}', open);
    const auto name = close == std::string_view::npos ? std::string_view()
                                                      : shape.substr(open + 1, close - open - 1);
    const auto known = values.find(std::string(name));
    if (known == values.end()) {
      out += '{';
      shape.remove_prefix(open + 1);
    } else {
      out += known->second;
      shape.remove_prefix(close + 1);
    }
  }
  return out;
}

}  // namespace

Duration HandlingTime::draw(Random& random) const {
  const double mean_ms = static_cast<double>(mean.count());
  double drawn = mean_ms;
  if (shape == Shape::exponential) {
    drawn = -mean_ms * std::log(1.0 - random.unit());
  } else if (shape == Shape::lognormal) {
    constexpr double two_pi = 6.283185307179586;
    const double radius = std::sqrt(-2.0 * std::log(1.0 - random.unit()));
    const double normal = radius * std::cos(two_pi * random.unit());
    drawn = mean_ms * std::exp(spread * normal - spread * spread / 2);
  }
  return Duration{static_cast<std::int64_t>(std::clamp(drawn, 0.0, 20.0 * mean_ms))};
}

Result<RecordedReplies> read_replies(std::string_view csv) {
  auto rows = columns(csv, {"external_id", "reply"});
  if (!rows.ok()) return rows.error();
  RecordedReplies out;
  for (auto& row : rows.value()) {
    if (!row[1].empty()) out[row[0]].push_back(std::move(row[1]));
  }
  return out;
}

Result<std::vector<Account>> read_accounts(std::string_view csv) {
  auto rows = columns(csv, {"name", "password"});
  if (!rows.ok()) return rows.error();
  std::vector<Account> out;
  for (auto& row : rows.value()) out.push_back({std::move(row[0]), std::move(row[1])});
  return out;
}

std::vector<PlannedReply> plan_replies(const AnswerPlan& plan, const client::ConversationView& view,
                                       const std::vector<client::HistoryItem>& items) {
  std::vector<const client::HistoryItem*> unanswered;
  std::vector<const client::HistoryItem*> earlier;
  for (const auto& item : items) {
    if (!item.message || item.direction != client::HistoryDirection::in) continue;
    const bool open = std::find(view.unanswered.begin(), view.unanswered.end(), *item.message) !=
                      view.unanswered.end();
    if (open && item.revision == client::Revision::first) {
      unanswered.push_back(&item);
    } else if (!open && item.revision != client::Revision::deleted) {
      earlier.push_back(&item);
    }
  }
  const auto oldest_first = [](const client::HistoryItem* a, const client::HistoryItem* b) {
    return a->cursor < b->cursor;
  };
  std::sort(unanswered.begin(), unanswered.end(), oldest_first);
  std::sort(earlier.begin(), earlier.end(), oldest_first);

  std::vector<PlannedReply> replies;
  std::vector<const client::HistoryItem*> rest;
  for (const auto* item : unanswered) {
    const auto known = plan.recorded == nullptr ? RecordedReplies::const_iterator()
                                                : plan.recorded->find(item->external_id);
    if (plan.recorded == nullptr || known == plan.recorded->end()) {
      rest.push_back(item);
      continue;
    }
    for (const std::string& text : known->second) {
      replies.push_back({text, {*item->message}, item->is_public});
    }
  }
  if (rest.empty() || plan.reply_template.empty()) return replies;
  PlannedReply reply;
  reply.is_public = rest.back()->is_public;
  reply.text = filled(plan.reply_template, {{"agent", plan.agent},
                                            {"site", plan.site},
                                            {"customer", rest.back()->author},
                                            {"count", std::to_string(rest.size())},
                                            {"seen", join(rest)},
                                            {"earlier", join(earlier)}});
  for (const auto* item : rest) reply.seen.push_back(*item->message);
  replies.push_back(std::move(reply));
  return replies;
}

}  // namespace crossfloor::cli
