// Described structs (protocol/fields.h) to and from JSON, strictly: what comes in is either exactly
// understood or refused with the field and the mend.
//
//   Id, Rule{.binary = true}   hexadecimal text
//   enum                       its word
//   64-bit integers            a number; as decimal text beyond ±2^53, which browsers would round.
//                              Either form is read.
//   HybridTime                 text "<milliseconds since 1970>.<counter>"
//   WallTime                   text as in RFC 3339, "2026-11-23T17:04:45.123Z"; read, too: any
//                              offset, and a number of milliseconds since 1970
//   Duration                   a number, milliseconds
//   std::variant               {"type": name of the alternative, … its fields}
//   std::optional              left out if empty; null is read as left out
//   FreeJson                   the object itself; left out if empty
//
// Reading refuses: whatever parse_json refuses, unknown fields, other types, integers out of range,
// texts and lists over their Rule, missing required fields. Other fields may be missing and keep
// the value of a default-made struct.
#pragma once

#include <limits>
#include <nlohmann/json_fwd.hpp>

#include "protocol/fields.h"
#include "protocol/json_value.h"

namespace crossfloor {

template <typename T>
concept JsonRoot = Described<T> || VariantField<T>;

template <JsonRoot T>
JsonValue to_json_value(const T& value);

template <JsonRoot T>
std::string json_text(const T& value) {
  return dump_json(to_json_value(value));
}

// For those who go on working with the JSON; they include <nlohmann/json.hpp>.
nlohmann::ordered_json to_nlohmann(const JsonValue& value);
template <JsonRoot T, typename Json = nlohmann::ordered_json>
Json write_json(const T& value) {
  return to_nlohmann(to_json_value(value));
}

// `where` of an error is the dotted field: "customer.name", "attachments[2].size".
template <JsonRoot T>
Result<T> read_json(std::string_view text, const JsonLimits& limits = {});
template <JsonRoot T>
Result<T> from_json_value(const JsonValue& value);

}  // namespace crossfloor

#include "protocol/json_codec_detail.h"
