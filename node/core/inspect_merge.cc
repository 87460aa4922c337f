#include "node/core/inspect_merge.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "node/core/inspect_parts.h"

namespace crossfloor {
namespace {

using namespace inspect_parts;
using Json = nlohmann::ordered_json;

std::int64_t number(const Json& row, const char* name) {
  const auto at = row.find(name);
  return at != row.end() && at->is_number() ? at->get<std::int64_t>() : 0;
}

std::string text(const Json& row, const char* name) {
  const auto at = row.find(name);
  return at != row.end() && at->is_string() ? at->get<std::string>() : std::string();
}

void append(Json& list, const Json& more) {
  if (!list.is_array()) list = Json::array();
  if (!more.is_array()) return;
  for (const Json& row : more) {
    if (row.is_object()) list.push_back(row);
  }
}

// The first of those that several nodes tell of.
void keep_first(Json& rows, const char* name) {
  std::set<std::string> seen;
  Json kept = Json::array();
  for (Json& row : rows) {
    const std::string key = text(row, name);
    if (!key.empty() && !seen.insert(key).second) continue;
    kept.push_back(std::move(row));
  }
  rows = std::move(kept);
}

template <typename Key>
void sort_rows(Json& rows, Key key) {
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const Json& a, const Json& b) { return key(a) < key(b); });
}

// Hosts of one account must be configured alike. The settings in which rows of it differ, as far as
// both tell them: a newer version may have more.
std::set<std::string> differences(const std::vector<const Json*>& rows) {
  std::set<std::string> settings;
  std::map<std::string, std::string> first;
  for (const Json* row : rows) {
    const auto prints = row->find("prints");
    if (prints == row->end() || !prints->is_object()) continue;
    for (const auto& [setting, print] : prints->items()) {
      const auto [at, fresh] = first.emplace(setting, print.dump());
      if (!fresh && at->second != print.dump()) settings.insert(setting);
    }
  }
  return settings;
}

std::map<std::string, std::vector<const Json*>> by_account(const Json& rows) {
  std::map<std::string, std::vector<const Json*>> accounts;
  for (const Json& row : rows) accounts[text(row, "account")].push_back(&row);
  return accounts;
}

// Sites whose values of these settings are equal stand together: "helsinki+london against warsaw".
std::string sides(const std::vector<const Json*>& rows, const std::set<std::string>& settings) {
  std::map<std::string, std::set<std::string>> groups;
  for (const Json* row : rows) {
    std::string values;
    for (const std::string& setting : settings) {
      const auto prints = row->find("prints");
      const bool told = prints != row->end() && prints->contains(setting);
      values += (told ? prints->at(setting).dump() : "") + " ";
    }
    groups[values].insert(text(*row, "site"));
  }
  std::string who;
  for (const auto& [values, names] : groups) {
    std::string group;
    for (const std::string& name : names) group += (group.empty() ? "" : "+") + name;
    who += (who.empty() ? "" : " against ") + group;
  }
  return who;
}

void compare_accounts(const Json& accounts, Json& wrong) {
  for (const auto& [account, rows] : by_account(accounts)) {
    const auto settings = differences(rows);
    if (settings.empty()) continue;
    std::string names;
    for (const std::string& setting : settings) names += (names.empty() ? "" : ", ") + setting;
    wrong.push_back(complaint(
        Urgency::config_differs,
        "account " + account + " is configured differently at " + sides(rows, settings) + ": " +
            names,
        "crossfloor accounts --account " + account,
        "make its [[account]] equal in all site.toml, then: systemctl restart crossfloord"));
  }
}

void merge_status(Json& own) {
  const Json accounts = own["accounts"];
  Json& wrong = own["wrong"];
  compare_accounts(accounts, wrong);
  keep_first(wrong, "same");
  sort_rows(wrong, [](const Json& row) { return number(row, "urgency"); });
  own.erase("accounts");
  sort_rows(own["rows"], [](const Json& row) { return text(row, "site"); });
}

// Nodes that did not answer are rows, too, as far as the asked one knows them.
void merge_sites(Json& own) {
  std::set<std::string> answered;
  for (const Json& row : own["rows"]) answered.insert(text(row, "node"));
  for (const Json& member : own["members"]) {
    if (answered.insert(text(member, "node")).second) {
      Json row = member;
      row["told_by"] = own["site"];
      own["rows"].push_back(std::move(row));
    }
  }
  own.erase("members");
  sort_rows(own["rows"], [](const Json& row) { return text(row, "site") + text(row, "node"); });
}

void mark_differing_accounts(Json& rows) {
  std::map<std::string, std::set<std::string>> differing;
  for (const auto& [account, own] : by_account(rows)) differing[account] = differences(own);
  for (Json& row : rows) {
    const auto& settings = differing[text(row, "account")];
    row["differs"] = !settings.empty();
    row["differing"] = settings;
  }
  sort_rows(rows, [](const Json& row) { return text(row, "account") + " " + text(row, "site"); });
}

}  // namespace

void merge_answers(const std::string& question, Json& own, const std::vector<Json>& others) {
  std::int64_t left_out = number(own, "left_out");
  for (const Json& other : others) {
    append(own["rows"], other.value("rows", Json::array()));
    left_out += number(other, "left_out");
    for (const char* sum : {"waiting", "not_placed"}) {
      if (own.contains(sum)) own[sum] = number(own, sum) + number(other, sum);
    }
    for (const char* list : {"wrong", "accounts"}) {
      if (own.contains(list)) append(own[list], other.value(list, Json::array()));
    }
  }
  if (left_out > 0) own["left_out"] = left_out;
  Json& rows = own["rows"];
  if (question == "status") {
    merge_status(own);
  } else if (question == "sites") {
    merge_sites(own);
  } else if (question == "accounts") {
    mark_differing_accounts(rows);
  } else if (question == "queue") {
    // The order of the line: age against target.
    sort_rows(rows, [](const Json& row) {
      const auto target = std::max<std::int64_t>(1, number(row, "target_ms"));
      return -static_cast<double>(number(row, "age_ms")) / static_cast<double>(target);
    });
  } else if (question == "conversations") {
    keep_first(rows, "conversation");
    sort_rows(rows, [](const Json& row) {
      return std::pair(-number(row, "waiting_ms"), number(row, "last_age_ms"));
    });
  } else if (question == "agents") {
    sort_rows(rows, [](const Json& row) { return text(row, "site") + " " + text(row, "agent"); });
  } else if (question == "outbox") {
    keep_first(rows, "reply");
    sort_rows(rows, [](const Json& row) { return -number(row, "age_ms"); });
  } else if (question == "links") {
    sort_rows(rows,
              [](const Json& row) { return text(row, "site") + " " + text(row, "peer_site"); });
  }
}

namespace {

std::string why_not_settled(const Json& answer) {
  std::map<std::string, std::string> vectors;  // regions held -> hash, which must be one
  for (const Json& row : answer["rows"]) {
    const std::string site = text(row, "site");
    if (!row.value("ready", false)) return site + " is not ready: " + text(row, "why_not");
    const std::vector<std::pair<const char*, const char*>> zeros = {
        {"missing_entries", "entries are missing at "},
        {"heard_but_missing", "streams were heard of but are not whole at "},
        {"not_placed", "messages are not placed yet at "},
        {"intakes_waiting", "messages are not durable yet at "},
        {"commands_waiting", "commands wait for their home at "}};
    for (const auto& [name, what] : zeros) {
      if (number(row, name) > 0) return std::to_string(number(row, name)) + " " + what + site;
    }
    const std::string regions = row.value("regions", Json::array()).dump();
    const auto [at, fresh] = vectors.emplace(regions, text(row, "vector_hash"));
    if (!fresh && at->second != text(row, "vector_hash")) {
      return "the nodes do not hold the same entries yet";
    }
  }
  return "";
}

}  // namespace

void judge_wait(Json& answer, const std::string& condition, std::size_t count) {
  std::string why;
  const Json& rows = answer["rows"];
  const Json own = rows.empty() ? Json::object() : rows[0];
  if (condition == "ready") {
    if (!own.value("ready", false)) why = text(own, "why_not");
  } else if (condition == "joined") {
    const auto live = static_cast<std::size_t>(number(own, "members_live"));
    const auto linked = static_cast<std::size_t>(number(own, "connected")) + 1;
    const std::size_t joined = std::min(live, linked);
    if (joined < count) {
      why = std::to_string(joined) + " of " + std::to_string(count) + " nodes are joined";
    }
  } else if (condition == "settled") {
    for (const Json& peer : answer.value("asked", Json::array())) {
      if (peer.value("reachable", false) && !peer.value("answered", false)) {
        why = text(peer, "site") + " did not answer";
      }
    }
    if (why.empty()) why = why_not_settled(answer);
  } else {
    std::int64_t waiting = 0;
    for (const Json& row : rows) {
      waiting += number(row, "waiting") + number(row, "ringing") + number(row, "not_placed");
    }
    if (waiting > static_cast<std::int64_t>(count)) {
      why = std::to_string(waiting) + " customers wait";
    }
  }
  answer["met"] = why.empty();
  if (!why.empty()) answer["why"] = why;
}

}  // namespace crossfloor
