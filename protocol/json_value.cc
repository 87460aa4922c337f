#include "protocol/json_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "protocol/bytes.h"

namespace crossfloor {
namespace {

// Builds the tree from the parser's events; open objects and lists wait on a stack.
class TreeBuilder {
 public:
  explicit TreeBuilder(const JsonLimits& limits) : limits_(limits) {}

  bool null() { return put({}); }
  bool boolean(bool value) { return put(JsonValue::of_bool(value)); }
  bool number_integer(std::int64_t value) { return put(JsonValue::of_integer(value)); }
  bool number_unsigned(std::uint64_t value) { return put(JsonValue::of_natural(value)); }
  bool number_float(double value, const std::string& digits) {
    auto decimal = JsonValue::of_decimal(value);
    decimal.text = digits;
    return put(std::move(decimal));
  }
  bool string(std::string& value) { return put(JsonValue::of_text(std::move(value))); }
  bool binary(nlohmann::json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(JsonValue::empty_object()); }
  bool start_array(std::size_t) { return open(JsonValue::empty_list()); }
  bool key(std::string& name) {
    open_.back().names.push_back(std::move(name));
    return true;
  }
  bool end_array() { return close(); }
  bool end_object() {
    std::vector<std::string_view> names(open_.back().names.begin(), open_.back().names.end());
    std::sort(names.begin(), names.end());
    const auto twin = std::adjacent_find(names.begin(), names.end());
    if (twin != names.end()) {
      std::string at = path();
      at += (at.empty() ? "" : ".") + std::string(*twin);
      return fail({ErrorCode::malformed, "appears twice", at, "name it once"});
    }
    return close();
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
    bad_at_ = position;
    return false;
  }

  Result<JsonValue> result(std::string_view source) {
    if (error_) return *error_;
    if (bad_at_ == none) return std::move(root_);
    const auto before = source.substr(0, std::min(bad_at_ == 0 ? 0 : bad_at_ - 1, source.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
    return Error{
        ErrorCode::malformed,
        "not valid JSON at line " + std::to_string(line) + ", column " + std::to_string(column), "",
        ""};
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  bool fail(Error error) {
    error_ = std::move(error);
    return false;
  }
  // The field that is being filled: the last names of all that is open, and places in lists.
  std::string path() const {
    std::string out;
    for (std::size_t i = 0; i + 1 < open_.size(); ++i) {
      if (open_[i].kind == JsonValue::Kind::list) {
        out += "[" + std::to_string(open_[i].items.size()) + "]";
      } else {
        out += (out.empty() ? "" : ".") + open_[i].names.back();
      }
    }
    return out;
  }
  bool put(JsonValue value) {
    if (++values_ > limits_.max_values) {
      return fail({ErrorCode::too_large,
                   "more than " + std::to_string(limits_.max_values) + " values", "", ""});
    }
    if (open_.empty()) {
      root_ = std::move(value);
    } else {
      open_.back().items.push_back(std::move(value));
    }
    return true;
  }
  bool open(JsonValue value) {
    if (open_.size() >= limits_.max_nesting) {
      return fail({ErrorCode::too_large,
                   "nested deeper than " + std::to_string(limits_.max_nesting) + " levels", "",
                   ""});
    }
    open_.push_back(std::move(value));
    return true;
  }
  bool close() {
    JsonValue done = std::move(open_.back());
    open_.pop_back();
    return put(std::move(done));
  }

  const JsonLimits& limits_;
  std::vector<JsonValue> open_;
  JsonValue root_;
  std::size_t values_ = 0;
  std::size_t bad_at_ = none;
  std::optional<Error> error_;
};

void dump_text(std::string_view text, std::string& out) {
  static constexpr char hex[] = "0123456789abcdef";
  const bool clean = is_valid_utf8(text);
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out.push_back(hex[byte >> 4]);
      out.push_back(hex[byte & 15]);
    } else if (byte >= 0x80 && !clean) {
      out += "\xef\xbf\xbd";
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void dump(const JsonValue& value, std::string& out) {
  using Kind = JsonValue::Kind;
  switch (value.kind) {
    case Kind::null:
      out += "null";
      return;
    case Kind::boolean:
      out += value.boolean ? "true" : "false";
      return;
    case Kind::integer:
      out += std::to_string(value.integer);
      return;
    case Kind::natural:
      out += std::to_string(value.natural);
      return;
    case Kind::decimal: {
      if (!std::isfinite(value.decimal)) {
        out += "null";
      } else if (!value.text.empty()) {
        out += value.text;
      } else {
        char digits[32];
        const auto end = std::to_chars(digits, digits + sizeof(digits), value.decimal).ptr;
        out.append(digits, end);
      }
      return;
    }
    case Kind::text:
      return dump_text(value.text, out);
    case Kind::list:
    case Kind::object: {
      const bool named = value.kind == Kind::object;
      out.push_back(named ? '{' : '[');
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        if (i > 0) out.push_back(',');
        if (named) {
          dump_text(value.names[i], out);
          out.push_back(':');
        }
        dump(value.items[i], out);
      }
      out.push_back(named ? '}' : ']');
      return;
    }
  }
}

}  // namespace

JsonValue JsonValue::of_bool(bool value) {
  JsonValue out;
  out.kind = Kind::boolean;
  out.boolean = value;
  return out;
}
JsonValue JsonValue::of_integer(std::int64_t value) {
  if (value >= 0) return of_natural(static_cast<std::uint64_t>(value));
  JsonValue out;
  out.kind = Kind::integer;
  out.integer = value;
  return out;
}
JsonValue JsonValue::of_natural(std::uint64_t value) {
  JsonValue out;
  out.kind = Kind::natural;
  out.natural = value;
  return out;
}
JsonValue JsonValue::of_decimal(double value) {
  JsonValue out;
  out.kind = Kind::decimal;
  out.decimal = value;
  return out;
}
JsonValue JsonValue::of_text(std::string value) {
  JsonValue out;
  out.kind = Kind::text;
  out.text = std::move(value);
  return out;
}
JsonValue JsonValue::empty_list() {
  JsonValue out;
  out.kind = Kind::list;
  return out;
}
JsonValue JsonValue::empty_object() {
  JsonValue out;
  out.kind = Kind::object;
  return out;
}

void JsonValue::add(std::string name, JsonValue value) {
  names.push_back(std::move(name));
  items.push_back(std::move(value));
}

const JsonValue* JsonValue::find(std::string_view name) const {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return &items[i];
  }
  return nullptr;
}

const char* JsonValue::kind_name() const {
  switch (kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return "true or false";
    case Kind::integer:
    case Kind::natural:
    case Kind::decimal:
      return "number";
    case Kind::text:
      return "text";
    case Kind::list:
      return "list";
    case Kind::object:
      return "object";
  }
  return "";
}

Result<JsonValue> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return Error{ErrorCode::too_large,
                 std::to_string(text.size()) + " bytes of JSON; the limit is " +
                     std::to_string(limits.max_bytes),
                 "", ""};
  }
  if (!is_valid_utf8(text)) {
    return Error{ErrorCode::malformed, "not valid UTF-8", "", "send UTF-8"};
  }
  TreeBuilder tree(limits);
  nlohmann::json::sax_parse(text.begin(), text.end(), &tree);
  return tree.result(text);
}

std::string dump_json(const JsonValue& value) {
  std::string out;
  dump(value, out);
  return out;
}

}  // namespace crossfloor
