#include "protocol/json_codec.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace crossfloor {
namespace json_detail {
namespace {

using Kind = JsonValue::Kind;

// What JavaScript's numbers hold exactly.
constexpr std::int64_t exact = std::int64_t{1} << 53;

template <typename N>
std::optional<N> whole_number(std::string_view text) {
  N value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size() || text.empty()) {
    return std::nullopt;
  }
  return value;
}

std::string span(const std::string& low, const std::string& high) {
  return "must be from " + low + " to " + high;
}

// Words are ours, so a near miss may be shown; anything else could be somebody's data.
bool is_plain_word(std::string_view text) {
  if (text.empty() || text.size() > 32) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

std::string listed(const std::vector<const char*>& words) {
  std::string out;
  for (const char* word : words) out += (out.empty() ? "" : ", ") + std::string(word);
  return out;
}

bool within(std::size_t bytes, const Rule& rule, JsonReading& reading) {
  if (rule.max_bytes > 0 && bytes > rule.max_bytes) {
    reading.fail(ErrorCode::too_large,
                 std::to_string(bytes) + " bytes; the limit is " + std::to_string(rule.max_bytes));
    return false;
  }
  if (rule.required && bytes == 0) {
    reading.fail(ErrorCode::malformed, "must not be empty");
    return false;
  }
  return true;
}

struct Digits {
  std::string_view rest;
  bool good = true;

  int number(std::size_t count) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest.empty() || rest[0] < '0' || rest[0] > '9') {
        good = false;
        return 0;
      }
      value = value * 10 + (rest[0] - '0');
      rest.remove_prefix(1);
    }
    return value;
  }
  bool next_is(char wanted) {
    if (rest.empty() || rest[0] != wanted) return false;
    rest.remove_prefix(1);
    return true;
  }
  void skip(char wanted) { good = next_is(wanted) && good; }
};

// RFC 3339, section 5.6; fractions finer than a millisecond are cut off. A leap second counts as
// the first of the next minute.
std::optional<WallTime> parse_rfc3339(std::string_view text) {
  namespace c = std::chrono;
  Digits in{text};
  const c::year year{in.number(4)};
  in.skip('-');
  const c::month month{static_cast<unsigned>(in.number(2))};
  in.skip('-');
  const c::day day{static_cast<unsigned>(in.number(2))};
  if (!in.next_is('T') && !in.next_is('t')) in.skip(' ');
  const int hour = in.number(2);
  in.skip(':');
  const int minute = in.number(2);
  in.skip(':');
  const int second = in.number(2);
  int ms = 0;
  if (in.next_is('.')) {
    int weight = 100;
    ms = in.number(1) * weight;
    while (!in.rest.empty() && in.rest[0] >= '0' && in.rest[0] <= '9') {
      weight /= 10;
      ms += in.number(1) * weight;
    }
  }
  int offset = 0;
  if (!in.next_is('Z') && !in.next_is('z')) {
    const int sign = in.next_is('-') ? -1 : 1;
    if (sign == 1) in.skip('+');
    const int hours = in.number(2);
    in.skip(':');
    const int minutes = in.number(2);
    if (hours > 23 || minutes > 59) return std::nullopt;
    offset = sign * (hours * 60 + minutes);
  }
  const c::year_month_day date{year, month, day};
  if (!in.good || !in.rest.empty() || !date.ok() || hour > 23 || minute > 59 || second > 60) {
    return std::nullopt;
  }
  const std::int64_t days = c::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds =
      days * 86'400 + hour * 3'600 + (minute - offset) * 60 + std::int64_t{second};
  return wall_from_ms(seconds * 1'000 + ms);
}

}  // namespace

void JsonReading::fail(ErrorCode code, std::string what, std::string mend) {
  if (error_) return;
  std::string where;
  for (const auto& [name, index] : path_) {
    if (name == nullptr) {
      where += "[" + std::to_string(index) + "]";
    } else {
      where += (where.empty() ? "" : ".") + std::string(name);
    }
  }
  error_ = Error{code, std::move(what), std::move(where), std::move(mend)};
}

void JsonReading::expected(const char* wanted, const JsonValue& got) {
  fail(ErrorCode::malformed, std::string("expected ") + wanted + ", got " + got.kind_name());
}

void JsonReading::missing() {
  fail(ErrorCode::malformed, "missing", "this field is required");
}

void JsonReading::not_one_of(const std::vector<const char*>& words, const JsonValue& got) {
  const std::string shown = is_plain_word(got.text) ? "'" + got.text + "'" : "this";
  fail(ErrorCode::malformed, shown + " is not a known word", "one of: " + listed(words));
}

bool JsonReading::only_knows(const JsonValue& object, const std::vector<const char*>& known,
                             const char* also) {
  for (const auto& name : object.names) {
    const auto is_it = [&](const char* word) { return name == word; };
    if (std::any_of(known.begin(), known.end(), is_it) || (also != nullptr && name == also)) {
      continue;
    }
    if (is_plain_word(name)) enter(name.c_str());
    fail(ErrorCode::malformed, "unknown field", "known here: " + listed(known));
    return false;
  }
  return true;
}

std::int64_t read_signed(const JsonValue& from, std::int64_t low, std::int64_t high, bool wide,
                         const Rule& rule, JsonReading& reading) {
  low = std::max(low, rule.min.value_or(low));
  high = std::min(high, rule.max.value_or(high));
  std::optional<std::int64_t> value;
  if (from.kind == Kind::integer) {
    value = from.integer;
  } else if (from.kind == Kind::natural) {
    if (from.natural <= static_cast<std::uint64_t>(INT64_MAX)) {
      value = static_cast<std::int64_t>(from.natural);
    }
  } else if (wide && from.kind == Kind::text) {
    value = whole_number<std::int64_t>(from.text);
    if (!value) {
      reading.expected("whole number", from);
      return 0;
    }
  } else {
    reading.expected("whole number", from);
    return 0;
  }
  if (!value || *value < low || *value > high) {
    reading.fail(ErrorCode::malformed, span(std::to_string(low), std::to_string(high)));
    return 0;
  }
  return *value;
}

std::uint64_t read_unsigned(const JsonValue& from, std::uint64_t high, bool wide, const Rule& rule,
                            JsonReading& reading) {
  std::uint64_t low = 0;
  if (rule.min && *rule.min > 0) low = static_cast<std::uint64_t>(*rule.min);
  if (rule.max)
    high = std::min(high, static_cast<std::uint64_t>(std::max<std::int64_t>(*rule.max, 0)));
  std::optional<std::uint64_t> value;
  if (from.kind == Kind::natural) {
    value = from.natural;
  } else if (wide && from.kind == Kind::text) {
    value = whole_number<std::uint64_t>(from.text);
    if (!value) {
      reading.expected("whole number", from);
      return 0;
    }
  } else if (from.kind != Kind::integer) {
    reading.expected("whole number", from);
    return 0;
  }
  if (!value || *value < low || *value > high) {
    reading.fail(ErrorCode::malformed, span(std::to_string(low), std::to_string(high)));
    return 0;
  }
  return *value;
}

double read_decimal(const JsonValue& from, const Rule& rule, JsonReading& reading) {
  double value = 0;
  if (from.kind == Kind::decimal) {
    value = from.decimal;
  } else if (from.kind == Kind::natural) {
    value = static_cast<double>(from.natural);
  } else if (from.kind == Kind::integer) {
    value = static_cast<double>(from.integer);
  } else {
    reading.expected("number", from);
    return 0;
  }
  const bool low = rule.min && value < static_cast<double>(*rule.min);
  const bool high = rule.max && value > static_cast<double>(*rule.max);
  if (low || high) {
    reading.fail(ErrorCode::malformed, low ? "must be at least " + std::to_string(*rule.min)
                                           : "must be at most " + std::to_string(*rule.max));
  }
  return value;
}

std::string read_text(const JsonValue& from, const Rule& rule, JsonReading& reading) {
  if (from.kind != Kind::text) {
    reading.expected("text", from);
    return {};
  }
  if (!within(from.text.size(), rule, reading)) return {};
  return from.text;
}

Bytes read_hex(const JsonValue& from, std::size_t exact_size, const Rule& rule,
               JsonReading& reading) {
  if (from.kind != Kind::text) {
    reading.expected("text", from);
    return {};
  }
  const auto bytes = from_hex(from.text);
  if (!bytes || (exact_size > 0 && bytes->size() != exact_size)) {
    reading.fail(ErrorCode::malformed,
                 exact_size > 0
                     ? "expected " + std::to_string(exact_size * 2) + " hexadecimal digits"
                     : "expected an even number of hexadecimal digits");
    return {};
  }
  if (!within(bytes->size(), rule, reading)) return {};
  return *bytes;
}

HybridTime read_hybrid_time(const JsonValue& from, JsonReading& reading) {
  const std::string_view text = from.text;
  const auto point = text.find('.');
  if (from.kind == Kind::text && point != std::string_view::npos) {
    const auto ms = whole_number<std::uint64_t>(text.substr(0, point));
    const auto counter = whole_number<std::uint16_t>(text.substr(point + 1));
    if (ms && counter && *ms < std::uint64_t{1} << 48) return {*ms << 16 | *counter};
  }
  reading.fail(ErrorCode::malformed, "expected text like \"1700000000000.0\"");
  return {};
}

WallTime read_wall_time(const JsonValue& from, JsonReading& reading) {
  if (from.kind == Kind::text) {
    if (const auto time = parse_rfc3339(from.text)) return *time;
  } else if (from.kind == Kind::natural || from.kind == Kind::integer) {
    return wall_from_ms(read_signed(from, INT64_MIN, INT64_MAX, false, {}, reading));
  }
  reading.fail(ErrorCode::malformed, "expected a time as in RFC 3339",
               "write it like 2026-11-23T17:04:45Z");
  return {};
}

FreeJson read_free(const JsonValue& from, const Rule& rule, JsonReading& reading) {
  if (from.kind != Kind::object) {
    reading.expected("object", from);
    return {};
  }
  FreeJson out{dump_json(from)};
  within(out.text.size(), rule, reading);
  return out;
}

bool check_list(const JsonValue& from, const Rule& rule, JsonReading& reading) {
  if (from.kind != Kind::list) {
    reading.expected("list", from);
    return false;
  }
  if (rule.max_items > 0 && from.items.size() > rule.max_items) {
    reading.fail(ErrorCode::too_large, std::to_string(from.items.size()) + " items; the limit is " +
                                           std::to_string(rule.max_items));
    return false;
  }
  if (rule.required && from.items.empty()) {
    reading.fail(ErrorCode::malformed, "must not be empty");
    return false;
  }
  return true;
}

JsonValue wide_signed(std::int64_t value) {
  if (value > exact || value < -exact) return JsonValue::of_text(std::to_string(value));
  return JsonValue::of_integer(value);
}

JsonValue wide_unsigned(std::uint64_t value) {
  if (value > static_cast<std::uint64_t>(exact)) return JsonValue::of_text(std::to_string(value));
  return JsonValue::of_natural(value);
}

JsonValue hybrid_time_text(HybridTime time) {
  return JsonValue::of_text(std::to_string(time.value >> 16) + "." +
                            std::to_string(time.counter()));
}

JsonValue wall_time_text(WallTime time) {
  namespace c = std::chrono;
  const std::int64_t ms = ms_of(time);
  constexpr std::int64_t day_ms = 86'400'000;
  // Years 0 to 9999 have four digits; anything else is some peer's nonsense and stays a number.
  if (ms < -719'528 * day_ms || ms >= 2'932'897 * day_ms) return wide_signed(ms);
  const std::int64_t days = ms >= 0 ? ms / day_ms : (ms - day_ms + 1) / day_ms;
  const std::int64_t rest = ms - days * day_ms;
  const c::year_month_day date{c::sys_days{c::days{days}}};
  char out[128];
  std::snprintf(out, sizeof(out), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(rest / 3'600'000),
                static_cast<int>(rest / 60'000 % 60), static_cast<int>(rest / 1'000 % 60),
                static_cast<int>(rest % 1'000));
  return JsonValue::of_text(out);
}

JsonValue free_value(const FreeJson& free) {
  auto tree = parse_json(free.text);
  if (!tree.ok() || tree.value().kind != Kind::object) return JsonValue::empty_object();
  return std::move(tree).value();
}

}  // namespace json_detail

nlohmann::ordered_json to_nlohmann(const JsonValue& value) {
  using Kind = JsonValue::Kind;
  switch (value.kind) {
    case Kind::null:
      return nullptr;
    case Kind::boolean:
      return value.boolean;
    case Kind::integer:
      return value.integer;
    case Kind::natural:
      return value.natural;
    case Kind::decimal:
      return value.decimal;
    case Kind::text:
      return value.text;
    case Kind::list: {
      auto out = nlohmann::ordered_json::array();
      for (const auto& item : value.items) out.push_back(to_nlohmann(item));
      return out;
    }
    case Kind::object: {
      auto out = nlohmann::ordered_json::object();
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        out[value.names[i]] = to_nlohmann(value.items[i]);
      }
      return out;
    }
  }
  return nullptr;
}

}  // namespace crossfloor
