// JSON as a tree, parsed strictly: nothing that two readers could understand differently gets in.
//
// nlohmann-json's parser does the work behind it, event by event; its headers stay in the .cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"

namespace crossfloor {

struct JsonLimits {
  std::size_t max_bytes = 256 * 1024;
  std::size_t max_values = 20'000;  // of all objects and lists together, at any depth
  std::size_t max_nesting = 16;     // objects and lists
};

struct JsonValue {
  enum class Kind { null, boolean, integer, natural, decimal, text, list, object };
  Kind kind = Kind::null;
  bool boolean = false;
  std::int64_t integer = 0;        // below zero
  std::uint64_t natural = 0;       // zero and above
  double decimal = 0;              // with point or exponent, or too long for 64 bits
  std::string text;                // of decimals: the digits as they were written, if parsed
  std::vector<JsonValue> items;    // of lists; of objects: the values
  std::vector<std::string> names;  // of objects: the names, in the order of `items`

  static JsonValue of_bool(bool value);
  static JsonValue of_integer(std::int64_t value);
  static JsonValue of_natural(std::uint64_t value);
  static JsonValue of_decimal(double value);
  static JsonValue of_text(std::string value);
  static JsonValue empty_list();
  static JsonValue empty_object();

  void add(std::string name, JsonValue value);
  const JsonValue* find(std::string_view name) const;  // nullptr if none, or not an object
  const char* kind_name() const;                       // for people: "text", "number", …
};

// Refuses invalid UTF-8, duplicate names in one object, anything behind the value, and what is over
// a limit. Errors name the line and column or the dotted field, and never the content.
Result<JsonValue> parse_json(std::string_view text, const JsonLimits& limits = {});

// Compact, without line breaks. Bytes that are not UTF-8 become U+FFFD; NaN and infinity, null.
std::string dump_json(const JsonValue& value);

}  // namespace crossfloor
