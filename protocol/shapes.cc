#include "protocol/shapes.h"

#include <cstring>

#include "protocol/check.h"

namespace crossfloor {

void shapes_detail::Lister::add(const char* name, const void* field, std::size_t size,
                                const ValueShape& shape) const {
  const auto offset = static_cast<std::size_t>(static_cast<const char*>(field) - sample_);
  XF_CHECK(offset + size <= size_);  // fields() visits what lies in the struct itself
  out_.fields.push_back({name, offset, &shape});
}

namespace {

template <typename Unsigned>
std::uint64_t load(const void* from, bool is_signed) {
  Unsigned value;
  std::memcpy(&value, from, sizeof value);
  if (!is_signed) return value;
  return static_cast<std::uint64_t>(
      static_cast<std::int64_t>(static_cast<std::make_signed_t<Unsigned>>(value)));
}

template <typename Unsigned>
void store(void* to, std::uint64_t bits) {
  const auto value = static_cast<Unsigned>(bits);
  std::memcpy(to, &value, sizeof value);
}

}  // namespace

std::uint64_t load_bits(const void* from, std::size_t size, bool is_signed) {
  switch (size) {
    case 1:
      return load<std::uint8_t>(from, is_signed);
    case 2:
      return load<std::uint16_t>(from, is_signed);
    case 4:
      return load<std::uint32_t>(from, is_signed);
    default:
      return load<std::uint64_t>(from, is_signed);
  }
}

void store_bits(void* to, std::size_t size, std::uint64_t bits) {
  switch (size) {
    case 1:
      return store<std::uint8_t>(to, bits);
    case 2:
      return store<std::uint16_t>(to, bits);
    case 4:
      return store<std::uint32_t>(to, bits);
    default:
      return store<std::uint64_t>(to, bits);
  }
}

std::optional<std::uint64_t> unknown_word(const ValueShape& shape) {
  for (std::size_t i = 0; i < shape.words.size(); ++i) {
    if (std::string_view(shape.words[i]) == "unknown") return i;
  }
  return std::nullopt;
}

}  // namespace crossfloor
