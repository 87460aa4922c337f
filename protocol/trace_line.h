// One line of text for any described struct, for the traces of simulated runs: the same value gives
// the same line, whatever is empty is left out, and bytes and lists are shortened.
//
//   grant{conversation=3fa1c2d4… epoch=7 history=[{number=1} {number=2} +31] state=ringing}
//
// It shows the beginning of texts, so it is not for the log of a node that serves real people.
#pragma once

#include "protocol/fields.h"

namespace crossfloor {

namespace trace_detail {

std::string short_text(std::string_view text);  // quoted, escaped, at most 24 bytes of it
std::string short_bytes(ByteView bytes);        // hexadecimal, at most 4 bytes of it
std::string number_text(double value);

template <typename T>
std::string line(const T& value);

template <typename F>
std::string show(const F& value, const Rule& rule) {
  if constexpr (std::is_same_v<F, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_integral_v<F>) {
    return std::to_string(value);
  } else if constexpr (std::is_floating_point_v<F>) {
    return number_text(value);
  } else if constexpr (std::is_same_v<F, HybridTime>) {
    return std::to_string(value.value >> 16) + "." + std::to_string(value.counter());
  } else if constexpr (std::is_same_v<F, Duration>) {
    return std::to_string(value.count()) + "ms";
  } else if constexpr (std::is_same_v<F, WallTime>) {
    return std::to_string(ms_of(value)) + "ms";
  } else if constexpr (NamedEnum<F>) {
    return word_of(value);
  } else if constexpr (IdField<F>) {
    return short_bytes(value.view());
  } else if constexpr (std::is_same_v<F, std::string>) {
    return rule.binary || !is_valid_utf8(value) ? short_bytes(value) : short_text(value);
  } else if constexpr (std::is_same_v<F, FreeJson>) {
    return short_text(value.text);
  } else if constexpr (VectorField<F>) {
    constexpr std::size_t shown = 4;
    std::string out = "[";
    for (std::size_t i = 0; i < value.size() && i < shown; ++i) {
      if (i > 0) out += " ";
      out += show<typename F::value_type>(value[i], rule);
    }
    if (value.size() > shown) out += " +" + std::to_string(value.size() - shown);
    return out + "]";
  } else if constexpr (VariantField<F>) {
    return std::visit([](const auto& alternative) { return line(alternative); }, value);
  } else {
    return line(value);
  }
}

struct ShowFields {
  std::string& out;
  template <typename F>
  void operator()(const char* name, const F& value, const Rule& rule = {}) const {
    if constexpr (OptionalField<F>) {
      if (value) (*this)(name, *value, rule);
    } else {
      if constexpr (VectorField<F> || std::is_same_v<F, std::string>) {
        if (value.empty()) return;
      } else if constexpr (std::is_same_v<F, FreeJson>) {
        if (value.text.empty()) return;
      } else if constexpr (IdField<F>) {
        if (value.is_zero()) return;
      }
      if (out.back() != '{') out += " ";
      out += std::string(name) + "=" + show(value, rule);
    }
  }
};

template <typename T>
std::string line(const T& value) {
  std::string out;
  if constexpr (requires { std::string(T::name); }) out = T::name;
  out += "{";
  T::fields(value, ShowFields{out});
  return out + "}";
}

}  // namespace trace_detail

template <typename T>
requires(Described<T> || VariantField<T>) std::string trace_line(const T& value) {
  return trace_detail::show(value, Rule{});
}

}  // namespace crossfloor
