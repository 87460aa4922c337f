// Puts wild values into the numbers and times of a message or of an entry's body: the ends of their
// ranges, where what adds one to them overflows, and times years away. All else stays as it was, so
// that the whole still looks like something that a member might say.
#pragma once

#include <array>
#include <limits>

#include "protocol/fields.h"
#include "tools/simulator/dice.h"

namespace crossfloor::simulator {

class Wild {
 public:
  // `chance`: of each number to become a wild one.
  Wild(Dice& dice, double chance) : dice_(dice), chance_(chance) {}

  template <typename T>
  void put_into(T& value) {
    if constexpr (Described<T>) {
      T::fields(value, [this](const char*, auto& field, auto&&...) { put_into(field); });
    } else if constexpr (VariantField<T>) {
      std::visit([this](auto& one) { put_into(one); }, value);
    } else if constexpr (VectorField<T>) {
      for (auto&& one : value) put_into(one);
    } else if constexpr (OptionalField<T>) {
      if (value) put_into(*value);
    } else if constexpr (std::is_same_v<T, HybridTime>) {
      if (dice_.chance(chance_)) value = time();
    } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      if (dice_.chance(chance_)) value = number<T>();
    }
  }

  HybridTime time() {
    constexpr std::uint64_t years = std::uint64_t{10} * 365 * 24 * 3'600 * 1'000 << 16;
    constexpr std::uint64_t now = std::uint64_t{1'700'000'000'000} << 16;
    const std::array wild{std::uint64_t{0}, std::uint64_t{1}, now - years, now + years,
                          UINT64_MAX >> 1,  UINT64_MAX - 1,   UINT64_MAX};
    return {wild[dice_.below(wild.size())]};
  }

 private:
  template <typename T>
  T number() {
    constexpr T most = std::numeric_limits<T>::max();
    constexpr std::array<T, 7> wild{std::numeric_limits<T>::min(),
                                    0,
                                    1,
                                    static_cast<T>(most / 2),
                                    static_cast<T>(most / 2 + 1),
                                    static_cast<T>(most - 1),
                                    most};
    return wild[dice_.below(wild.size())];
  }

  Dice& dice_;
  double chance_;
};

}  // namespace crossfloor::simulator
