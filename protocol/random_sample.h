// Random content for any described struct (protocol/fields.h), so that every message is tested in
// round trips without a line of its own.
#pragma once

#include "protocol/crypto.h"
#include "protocol/fields.h"

namespace crossfloor {

namespace sample_detail {

// Valid UTF-8 of up to `limit` bytes, with empty, long, and non-ASCII ones among them.
std::string random_text(Random& random, std::size_t limit);
// Small numbers, extremes, and all between.
std::uint64_t random_bits(Random& random);

// Lists and trees get shorter as they nest, so that types which hold themselves come to an end.
struct Sampler {
  Random& random;
  int depth = 0;

  std::size_t count(const Rule& rule) {
    std::size_t most = depth >= 4 ? 0 : depth >= 2 ? 2 : 5;
    if (rule.max_items > 0 && rule.max_items < most) most = rule.max_items;
    const std::size_t least = rule.required && most > 0 ? 1 : 0;
    return least + random.below(most - least + 1);
  }

  template <typename N>
  N number(const Rule& rule) {
    auto value = static_cast<N>(random_bits(random));
    if (!rule.min && !rule.max) return value;
    const std::int64_t low = rule.min.value_or(0);
    const std::int64_t high = rule.max.value_or(low + 1000);
    return static_cast<N>(
        low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low) + 1)));
  }

  template <typename F>
  void fill(F& out, const Rule& rule) {
    if constexpr (std::is_same_v<F, bool>) {
      out = random.below(2) == 1;
    } else if constexpr (std::is_integral_v<F>) {
      out = number<F>(rule);
    } else if constexpr (std::is_floating_point_v<F>) {
      // Quarters, which every text form gives back exactly.
      out = static_cast<F>(static_cast<double>(random.below(4'000'000)) / 4 - 500'000);
    } else if constexpr (std::is_same_v<F, HybridTime>) {
      out.value = random_bits(random);
    } else if constexpr (std::is_same_v<F, Duration>) {
      out = Duration{number<std::int64_t>(rule)};
    } else if constexpr (std::is_same_v<F, WallTime>) {
      out = wall_from_ms(static_cast<std::int64_t>(random.below(std::uint64_t{1} << 42)));
    } else if constexpr (NamedEnum<F>) {
      out = static_cast<F>(random.below(names_of(F{}).size()));
    } else if constexpr (IdField<F>) {
      out = random.id<F>();
    } else if constexpr (std::is_same_v<F, std::string>) {
      const std::size_t limit =
          rule.max_bytes == 0 ? 40 : std::min<std::size_t>(rule.max_bytes, 40);
      do out = random_text(random, limit);
      while (rule.required && out.empty());
    } else if constexpr (std::is_same_v<F, FreeJson>) {
      out.text = random.below(2) == 0 ? "" : R"({"a":[1,"b"],"c":null})";
    } else if constexpr (OptionalField<F>) {
      out.reset();
      if (rule.required || random.below(2) == 1) fill(out.emplace(), rule);
    } else if constexpr (VectorField<F>) {
      Rule inner = rule;
      inner.max_items = 0;
      out.clear();
      const std::size_t size = count(rule);
      ++depth;
      for (std::size_t i = 0; i < size; ++i) {
        typename F::value_type item{};
        fill(item, inner);
        out.push_back(std::move(item));
      }
      --depth;
    } else if constexpr (VariantField<F>) {
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        const auto pick = random.below(sizeof...(I));
        (void)((I == pick ? (fill(out.template emplace<I>(), Rule{}), true) : false) || ...);
      }
      (std::make_index_sequence<std::variant_size_v<F>>{});
    } else {
      static_assert(Described<F>);
      ++depth;
      F::fields(out, *this);
      --depth;
    }
  }

  template <typename F>
  void operator()(const char*, F& out, const Rule& rule = {}) {
    fill(out, rule);
  }
};

}  // namespace sample_detail

// Keeps the Rules, so that a sample is also good as JSON. The same state of `random` gives the same
// sample.
template <typename T>
T random_sample(Random& random) {
  T out{};
  sample_detail::Sampler{random}.fill(out, Rule{});
  return out;
}

}  // namespace crossfloor
