// The table of a described struct's fields as JSON, for docs/: the documents say what the reader
// checks, because both look at the same Rule.
#pragma once

#include "protocol/json_codec.h"

namespace crossfloor {

struct FieldRow {
  std::string name;  // dotted: "customer.name", "attachments[].size"
  std::string type;
  bool required = false;
  std::string limit;
  std::string default_value;  // as JSON; empty if it is left out or has none
  std::string example;        // as JSON
  std::string doc;
};

std::string markdown_table(const std::vector<FieldRow>& rows);

namespace json_detail {

std::string integer_limit(const Rule& rule, std::size_t size, bool is_signed);
std::string size_limit(const Rule& rule, bool is_list);
std::string one_of(const std::vector<const char*>& words);

template <typename F>
std::string type_text(const Rule& rule) {
  if constexpr (std::is_same_v<F, bool>) {
    return "true or false";
  } else if constexpr (std::is_integral_v<F>) {
    return "whole number";
  } else if constexpr (std::is_floating_point_v<F>) {
    return "number";
  } else if constexpr (std::is_same_v<F, HybridTime>) {
    return "text: milliseconds.counter";
  } else if constexpr (std::is_same_v<F, Duration>) {
    return "whole number of milliseconds";
  } else if constexpr (std::is_same_v<F, WallTime>) {
    return "time as in RFC 3339";
  } else if constexpr (NamedEnum<F>) {
    return "one of " + one_of(words<F>());
  } else if constexpr (IdField<F>) {
    return "text: " + std::to_string(F::size * 2) + " hexadecimal digits";
  } else if constexpr (std::is_same_v<F, std::string>) {
    return rule.binary ? "text: hexadecimal" : "text";
  } else if constexpr (std::is_same_v<F, FreeJson>) {
    return "object of any fields";
  } else if constexpr (OptionalField<F>) {
    return type_text<typename F::value_type>(rule);
  } else if constexpr (VectorField<F>) {
    return "list of " + type_text<typename F::value_type>(rule);
  } else if constexpr (VariantField<F>) {
    return "object; its `type` is one of " + one_of(alternative_names<F>());
  } else {
    return "object";
  }
}

template <typename F>
std::string limit_text(const Rule& rule) {
  if constexpr (OptionalField<F>) {
    return limit_text<typename F::value_type>(rule);
  } else if constexpr (std::is_integral_v<F> && !std::is_same_v<F, bool>) {
    return integer_limit(rule, sizeof(F), std::is_signed_v<F>);
  } else if constexpr (std::is_floating_point_v<F> || std::is_same_v<F, Duration>) {
    return integer_limit(rule, 8, true);
  } else {
    return size_limit(rule, VectorField<F>);
  }
}

struct Describe {
  std::vector<FieldRow>& rows;
  std::string prefix;
  std::string condition;  // which alternative the fields belong to
  int depth = 0;

  template <typename F>
  void operator()(const char* name, const F& value, const Rule& rule = {}) const {
    FieldRow row{prefix + name, type_text<F>(rule),  rule.required, limit_text<F>(rule), "",
                 rule.example,  condition + rule.doc};
    constexpr bool is_leaf = !OptionalField<F> && !Described<F> && !VariantField<F> &&
                             !std::is_same_v<F, FreeJson> && !IdField<F>;
    if constexpr (is_leaf) {
      if (!rule.required) row.default_value = dump_json(write(value, rule));
    }
    rows.push_back(std::move(row));
    inside<F>(prefix + name);
  }

 private:
  // The fields of what a field holds. Types may hold themselves, so not without end.
  template <typename F>
  void inside(const std::string& name) const {
    if constexpr (OptionalField<F>) {
      inside<typename F::value_type>(name);
    } else if constexpr (VectorField<F>) {
      inside<typename F::value_type>(name + "[]");
    } else if constexpr (VariantField<F>) {
      if (depth >= 4) return;
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        (alternative<std::variant_alternative_t<I, F>>(name), ...);
      }
      (std::make_index_sequence<std::variant_size_v<F>>{});
    } else if constexpr (Described<F>) {
      if (depth >= 4) return;
      const F sample{};
      F::fields(sample, Describe{rows, name + ".", condition, depth + 1});
    }
  }
  template <typename A>
  void alternative(const std::string& name) const {
    const A sample{};
    A::fields(sample, Describe{rows, name + ".", condition + "(if `type` is `" + A::name + "`) ",
                               depth + 1});
  }
};

}  // namespace json_detail

template <Described T>
std::vector<FieldRow> describe() {
  std::vector<FieldRow> rows;
  const T sample{};
  T::fields(sample, json_detail::Describe{rows, "", ""});
  return rows;
}

}  // namespace crossfloor
