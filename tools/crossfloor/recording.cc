#include "tools/crossfloor/recording.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_map>

#include "node/channels/generic_intake.h"
#include "node/channels/timestamps.h"
#include "protocol/bytes.h"
#include "tools/crossfloor/csv.h"

namespace crossfloor::cli {
namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Tools that meet an empty cell in a column of numbers write all of them as floats: "3.0" is 3.
std::string id_text(const std::string& cell) {
  const auto point = cell.find('.');
  if (point == std::string::npos) return cell;
  const std::string_view whole = std::string_view(cell).substr(0, point);
  const std::string_view rest = std::string_view(cell).substr(point + 1);
  const bool zeros = !rest.empty() && rest.find_first_not_of('0') == std::string_view::npos;
  return all_digits(whole) && zeros ? std::string(whole) : cell;
}

std::optional<bool> parse_flag(std::string_view cell) {
  const std::string word = lower(cell);
  for (const char* yes : {"true", "1", "yes", "in"}) {
    if (word == yes) return true;
  }
  for (const char* no : {"false", "0", "no", "out"}) {
    if (word == no) return false;
  }
  return std::nullopt;
}

std::optional<int> month_of(std::string_view word) {
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto at = months.find(word);
  if (word.size() != 3 || at == std::string_view::npos || at % 3 != 0) return std::nullopt;
  return static_cast<int>(at / 3) + 1;
}

// "Tue Oct 31 22:10:47 +0000 2017", turned into what the RFC 3339 reader takes.
std::optional<std::int64_t> parse_asctime_with_zone(std::string_view text) {
  if (text.size() != 30) return std::nullopt;
  for (const std::size_t blank : {3U, 7U, 10U, 19U, 25U}) {
    if (text[blank] != ' ') return std::nullopt;
  }
  const auto month = month_of(text.substr(4, 3));
  if (!month) return std::nullopt;
  const std::string number = *month < 10 ? "0" + std::to_string(*month) : std::to_string(*month);
  const std::string zone = std::string(text.substr(20, 3)) + ":" + std::string(text.substr(23, 2));
  const auto time =
      parse_rfc3339(std::string(text.substr(26, 4)) + "-" + number + "-" +
                    std::string(text.substr(8, 2)) + "T" + std::string(text.substr(11, 8)) + zone);
  return time ? std::optional(ms_of(*time)) : std::nullopt;
}

// @names in a text, in order: letters, digits and '_'.
std::vector<std::string> mentions(std::string_view text) {
  std::vector<std::string> out;
  for (auto at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    auto end = at + 1;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) {
      ++end;
    }
    if (end > at + 1) out.emplace_back(text.substr(at + 1, end - at - 1));
  }
  return out;
}

struct Row {
  RecordedMessage recorded;
  std::string author;  // of a row of a brand without a brand column: the brand
  std::size_t parent = none;
  std::size_t root = none;
};

// Where the mapped columns stand.
struct Places {
  std::map<std::string, std::size_t> of;  // column name → place
  std::size_t count = 0;

  std::optional<std::string> cell(const CsvRecord& record, const std::string& column) const {
    if (column.empty()) return std::nullopt;
    return record.fields[of.at(column)];
  }
};

std::vector<const std::string*> used_columns(const ColumnMap& map) {
  return {&map.external_id, &map.customer, &map.text, &map.time,     &map.parent,    &map.inbound,
          &map.brand,       &map.thread,   &map.name, &map.language, &map.is_public, &map.topic};
}

Result<Places> find_places(const CsvRecord& header, const ColumnMap& map) {
  Places out;
  out.count = header.fields.size();
  for (std::size_t i = 0; i < header.fields.size(); ++i) {
    if (!out.of.emplace(header.fields[i], i).second) out.of[header.fields[i]] = none;
  }
  std::string known;
  for (const auto& name : header.fields) known += (known.empty() ? "" : ", ") + name;
  for (const std::string* column : used_columns(map)) {
    if (column->empty()) continue;
    const auto at = out.of.find(*column);
    if (at == out.of.end()) {
      return Error{ErrorCode::not_found, "the table has no column '" + *column + "'", "--map",
                   "it has: " + known};
    }
    if (at->second == none) {
      return Error{ErrorCode::malformed, "the table has the column '" + *column + "' twice",
                   "line 1", "give each column a name of its own"};
    }
  }
  return out;
}

// The row itself, without what only the whole table can tell; or why it is refused.
Result<Row> read_row(const CsvRecord& record, const Places& places, const ColumnMap& map) {
  if (record.fields.size() != places.count) {
    return Error{ErrorCode::malformed,
                 "has " + std::to_string(record.fields.size()) + " fields, the header " +
                     std::to_string(places.count),
                 "", ""};
  }
  const auto refuse = [](std::string what) {
    return Error{ErrorCode::malformed, std::move(what), "", ""};
  };
  Row row;
  row.recorded.line = record.line;
  IncomingMessage& message = row.recorded.message;
  message.external_id = id_text(places.cell(record, map.external_id).value_or(""));
  if (message.external_id.empty()) return refuse("has no " + map.external_id);
  row.author = places.cell(record, map.customer).value_or("");
  if (const auto cell = places.cell(record, map.inbound)) {
    const auto inbound = parse_flag(*cell);
    if (!inbound) return refuse(map.inbound + " is neither true nor false");
    message.direction = *inbound ? Direction::in : Direction::out;
  }
  message.is_public = map.all_public;
  if (const auto cell = places.cell(record, map.is_public)) {
    const auto flag = parse_flag(*cell);
    if (!flag) return refuse(map.is_public + " is neither true nor false");
    message.is_public = *flag;
  }
  if (const auto cell = places.cell(record, map.time)) {
    const auto time = parse_recorded_time(*cell);
    if (!time) return refuse(map.time + " is not a time");
    message.provider_time_ms = *time;
  }
  message.text = places.cell(record, map.text).value_or("");
  if (message.text.empty()) return refuse("has no " + map.text);
  message.parent_id = id_text(places.cell(record, map.parent).value_or(""));
  message.thread_id = places.cell(record, map.thread).value_or("");
  message.customer.name = places.cell(record, map.name).value_or("");
  message.language = places.cell(record, map.language).value_or("");
  message.topic = places.cell(record, map.topic).value_or("");
  row.recorded.brand = places.cell(record, map.brand).value_or("");
  const bool inbound = message.direction == Direction::in;
  if (inbound && row.author.empty()) return refuse("has no " + map.customer);
  if (inbound || !map.brand.empty()) message.customer.external_id = row.author;
  if (!inbound && map.brand.empty()) row.recorded.brand = row.author;
  return row;
}

// What only the whole table can tell.
class Relations {
 public:
  Relations(std::vector<Row>& rows, const std::set<std::string>& brands) : rows_(rows) {
    for (const auto& brand : brands) brands_.emplace(lower(brand), brand);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      by_id_.emplace(rows_[i].recorded.message.external_id, i);
      const auto& brand = rows_[i].recorded.brand;
      if (!brand.empty()) brands_.emplace(lower(brand), brand);
    }
    find_parents();
    for (std::size_t i = 0; i < rows_.size(); ++i) find_root(i);
    for (std::size_t i = 0; i < rows_.size(); ++i) note_repliers(i);
  }

  void complete(std::size_t i) {
    IncomingMessage& message = rows_[i].recorded.message;
    if (message.thread_id.empty()) message.thread_id = thread_of(rows_[i].root);
    if (rows_[i].recorded.brand.empty()) rows_[i].recorded.brand = brand_of(i);
    if (message.customer.external_id.empty()) message.customer.external_id = customer_of(i);
  }

 private:
  bool is_out(std::size_t i) const { return rows_[i].recorded.message.direction == Direction::out; }

  void find_parents() {
    for (Row& row : rows_) {
      const auto at = by_id_.find(row.recorded.message.parent_id);
      if (at != by_id_.end()) row.parent = at->second;
    }
  }

  // The top of the chain; of a ring, the row at which it was first entered.
  void find_root(std::size_t start) {
    std::vector<std::size_t> chain;
    std::set<std::size_t> seen;
    std::size_t at = start;
    while (rows_[at].root == none && rows_[at].parent != none && seen.insert(at).second) {
      chain.push_back(at);
      at = rows_[at].parent;
    }
    const std::size_t root = rows_[at].root != none ? rows_[at].root : at;
    rows_[at].root = root;
    for (const std::size_t i : chain) rows_[i].root = root;
  }

  // The parent's id if the top's parent is not in the table: then all its answers are one thread.
  std::string thread_of(std::size_t root) const {
    const IncomingMessage& top = rows_[root].recorded.message;
    return rows_[root].parent == none && !top.parent_id.empty() ? top.parent_id : top.external_id;
  }

  // Rows come by time, so the first one noted is the earliest.
  void note_repliers(std::size_t i) {
    if (!is_out(i)) return;
    if (rows_[i].parent != none) answered_by_.emplace(rows_[i].parent, i);
    thread_replier_.emplace(thread_of(rows_[i].root), i);
  }

  std::string brand_of(std::size_t i) const {
    for (const auto& name : mentions(rows_[i].recorded.message.text)) {
      const auto at = brands_.find(lower(name));
      if (at != brands_.end()) return at->second;
    }
    if (const auto at = answered_by_.find(i); at != answered_by_.end()) {
      return rows_[at->second].recorded.brand;
    }
    std::set<std::size_t> seen;
    for (auto at = rows_[i].parent; at != none && seen.insert(at).second; at = rows_[at].parent) {
      if (is_out(at)) return rows_[at].recorded.brand;
    }
    const auto at = thread_replier_.find(thread_of(rows_[i].root));
    return at == thread_replier_.end() ? "" : rows_[at->second].recorded.brand;
  }

  std::string customer_of(std::size_t i) const {
    std::set<std::size_t> seen;
    for (auto at = rows_[i].parent; at != none && seen.insert(at).second; at = rows_[at].parent) {
      if (!is_out(at)) return rows_[at].recorded.message.customer.external_id;
    }
    for (const auto& name : mentions(rows_[i].recorded.message.text)) {
      return brands_.count(lower(name)) != 0 ? "" : name;
    }
    return "";
  }

  std::vector<Row>& rows_;
  std::map<std::string, std::string> brands_;                    // lower case → as it is written
  std::unordered_map<std::string, std::size_t> by_id_;           // looked up, never walked
  std::unordered_map<std::size_t, std::size_t> answered_by_;     // likewise
  std::unordered_map<std::string, std::size_t> thread_replier_;  // likewise
};

std::string* member_of(ColumnMap& map, std::string_view name) {
  const std::pair<const char*, std::string*> members[] = {{"external_id", &map.external_id},
                                                          {"customer", &map.customer},
                                                          {"text", &map.text},
                                                          {"time", &map.time},
                                                          {"parent", &map.parent},
                                                          {"inbound", &map.inbound},
                                                          {"brand", &map.brand},
                                                          {"thread", &map.thread},
                                                          {"name", &map.name},
                                                          {"language", &map.language},
                                                          {"public", &map.is_public},
                                                          {"topic", &map.topic}};
  for (const auto& [word, member] : members) {
    if (name == word) return member;
  }
  return nullptr;
}

}  // namespace

Status ColumnMap::set(std::string_view pairs) {
  while (!pairs.empty()) {
    const auto end = std::min(pairs.find(','), pairs.size());
    const std::string_view pair = pairs.substr(0, end);
    pairs.remove_prefix(std::min(end + 1, pairs.size()));
    const auto sign = pair.find('=');
    std::string* member = member_of(*this, pair.substr(0, sign));
    if (sign == std::string_view::npos || member == nullptr) {
      return Error{ErrorCode::malformed, "'" + std::string(pair) + "' is not field=column", "--map",
                   "fields are external_id, customer, text, time, parent, inbound, brand, thread, "
                   "name, language, public, topic"};
    }
    *member = pair.substr(sign + 1);
  }
  return {};
}

Result<ColumnMap> column_preset(std::string_view name) {
  if (name != "customer-support-on-twitter") {
    return Error{ErrorCode::not_found, "there is no preset '" + std::string(name) + "'", "--preset",
                 "use customer-support-on-twitter, or --map"};
  }
  ColumnMap out;
  out.external_id = "tweet_id";
  out.customer = "author_id";
  out.text = "text";
  out.time = "created_at";
  out.parent = "in_response_to_tweet_id";
  out.inbound = "inbound";
  out.all_public = true;
  return out;
}

std::optional<std::int64_t> parse_recorded_time(std::string_view text) {
  if (all_digits(text) && text.size() <= 14) {
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return text.size() > 11 ? number : number * 1000;
  }
  if (const auto time = parse_rfc3339(text)) return ms_of(*time);
  return parse_asctime_with_zone(text);
}

Result<Recording> read_recording(std::string_view csv, const ColumnMap& columns,
                                 const std::set<std::string>& brands) {
  if (columns.external_id.empty() || columns.customer.empty() || columns.text.empty()) {
    return Error{ErrorCode::malformed, "columns for external_id, customer and text are needed",
                 "--map", "name them, as in --map external_id=id,customer=author,text=body"};
  }
  CsvReader reader(csv);
  const auto header = reader.next();
  if (!header) return Error{ErrorCode::malformed, "the table is empty", "", "it needs a header"};
  if (!header->ok()) return header->error();
  const auto places = find_places(header->value(), columns);
  if (!places.ok()) return places.error();

  Recording out;
  std::vector<Row> rows;
  std::size_t line = 1;
  while (auto record = reader.next()) {
    ++out.rows;
    if (!record->ok()) {
      const std::string& where = record->error().where;  // "line N"
      std::from_chars(where.data() + 5, where.data() + where.size(), line);
      out.refused.push_back({line, record->error().what});
      continue;
    }
    auto row = read_row(record->value(), places.value(), columns);
    if (!row.ok()) {
      out.refused.push_back({record->value().line, row.error().what});
    } else {
      rows.push_back(std::move(row).value());
    }
  }
  // The order of a file is often not that of time.
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return a.recorded.message.provider_time_ms < b.recorded.message.provider_time_ms;
  });
  Relations relations(rows, brands);
  for (std::size_t i = 0; i < rows.size(); ++i) relations.complete(i);
  // A table that cannot tell brands is of the only one, or of whoever takes all.
  const bool tells_brands = !columns.brand.empty() || !columns.inbound.empty();
  for (Row& row : rows) {
    std::string& brand = row.recorded.brand;
    if (brand.empty() && !tells_brands && brands.size() == 1) brand = *brands.begin();
    if (brand.empty() && tells_brands) {
      out.refused.push_back({row.recorded.line, "names no brand, and nobody answered it"});
    } else {
      out.messages.push_back(std::move(row.recorded));
    }
  }
  std::sort(out.refused.begin(), out.refused.end(),
            [](const RefusedRow& a, const RefusedRow& b) { return a.line < b.line; });
  return out;
}

}  // namespace crossfloor::cli
