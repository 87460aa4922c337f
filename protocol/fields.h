// One description of a struct serves its binary form, its JSON form, its random samples in tests
// and its line in a trace:
//
//   struct Ping {
//     std::uint64_t number = 0;
//     NodeId target;
//     template <class Self, class Visit>
//     static void fields(Self& self, Visit&& visit) {
//       visit("number", self.number);
//       visit("target", self.target);
//     }
//   };
//
// Names are snake_case, as in JSON; the Cap'n Proto schema of the same struct has them in
// camelCase, in any order (protocol/capnp_codec.h checks that each exists). A field may be: bool,
// integer, double, std::string, an Id, HybridTime, Duration, WallTime, FreeJson, an enum with
// `names_of`, another described struct, std::vector or std::optional of these (optional: structs,
// text and ids only, where the binary form is wanted), or a std::variant of described structs, each
// of which then has `static constexpr const char* name`.
//
// A third argument may say what a value must be like when it comes from outside as JSON, and what
// a document says about it: visit("text", self.text, Rule{.required = true, .max_bytes = 65'536}).
// So every visitor takes (const char*, field&) and (const char*, field&, const Rule&).
//
// An enum that is a field says its words by `constexpr auto names_of(E)`, found beside it, which
// returns a std::array<const char*, N> in the order of its values 0, 1, 2 …
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "protocol/hybrid_time.h"
#include "protocol/ids.h"
#include "protocol/time.h"

namespace crossfloor {

// Limits of one field, kept by protocol/json_codec.h; the binary codec has limits of its own.
struct Rule {
  bool required = false;      // must be there and, if text or a list, not empty
  bool binary = false;        // a std::string of raw bytes: hexadecimal in JSON
  std::size_t max_bytes = 0;  // of text, of each text of a list, of a FreeJson; 0: no own limit
  std::size_t max_items = 0;  // of a list; 0: no own limit
  std::optional<std::int64_t> min = std::nullopt;  // of a number
  std::optional<std::int64_t> max = std::nullopt;
  const char* doc = "";      // for the field tables of docs/
  const char* example = "";  // as JSON, for the field tables of docs/
};

// A JSON object that passes through unread, as compact text; "" stands for none.
struct FreeJson {
  std::string text;
  auto operator<=>(const FreeJson&) const = default;
};

namespace fields_detail {
struct Nothing {
  template <typename T>
  void operator()(const char*, T&&) const {}
  template <typename T>
  void operator()(const char*, T&&, const Rule&) const {}
};
template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <typename T>
struct IsVariant : std::false_type {};
template <typename... T>
struct IsVariant<std::variant<T...>> : std::true_type {};
template <typename T>
struct IsId : std::false_type {};
template <std::size_t Size, typename Tag>
struct IsId<Id<Size, Tag>> : std::true_type {};
}  // namespace fields_detail

template <typename T>
concept Described = requires(T& t) {
  T::fields(t, fields_detail::Nothing{});
};
template <typename T>
concept VectorField = fields_detail::IsVector<T>::value;
template <typename T>
concept OptionalField = fields_detail::IsOptional<T>::value;
template <typename T>
concept VariantField = fields_detail::IsVariant<T>::value;
template <typename T>
concept IdField = fields_detail::IsId<T>::value;
template <typename T>
concept NamedEnum = std::is_enum_v<T> && requires(T e) {
  names_of(e);
};

template <NamedEnum E>
const char* word_of(E value) {
  static constexpr auto names = names_of(E{});
  const auto index = static_cast<std::size_t>(value);
  return index < names.size() ? names[index] : "unknown";
}

template <NamedEnum E>
std::optional<E> from_word(std::string_view word) {
  constexpr auto names = names_of(E{});
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (word == names[i]) return static_cast<E>(i);
  }
  return std::nullopt;
}

// Calls `use` with a default-made value of the variant's alternative named `name`; false if none.
template <VariantField V, typename Use>
bool with_alternative(std::string_view name, Use&& use) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return ((std::variant_alternative_t<I, V>::name == name
                 ? (use(std::type_identity<std::variant_alternative_t<I, V>>{}), true)
                 : false) ||
            ...);
  }
  (std::make_index_sequence<std::variant_size_v<V>>{});
}

}  // namespace crossfloor
