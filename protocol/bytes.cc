#include "protocol/bytes.h"

namespace crossfloor {
namespace {

template <typename T>
void put_le(Bytes& out, T value) {
  char bytes[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  out.append(bytes, sizeof(T));
}
template <typename T>
void put_be(Bytes& out, T value) {
  char bytes[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
  }
  out.append(bytes, sizeof(T));
}
template <typename T>
T get_le(const char* at) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) {
    value = static_cast<T>((value << 8) | static_cast<unsigned char>(at[i]));
  }
  return value;
}
template <typename T>
T get_be(const char* at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>((value << 8) | static_cast<unsigned char>(at[i]));
  }
  return value;
}

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char byte : bytes) {
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  Bytes out;
  out.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = nibble(hex[i]);
    const int low = nibble(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

bool is_valid_utf8(ByteView text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t more = 0;
    std::uint32_t point = 0;
    if (lead < 0x80) {
      ++i;
      continue;
    }
    if ((lead & 0xE0) == 0xC0) {
      more = 1;
      point = lead & 0x1F;
    } else if ((lead & 0xF0) == 0xE0) {
      more = 2;
      point = lead & 0x0F;
    } else if ((lead & 0xF8) == 0xF0) {
      more = 3;
      point = lead & 0x07;
    } else {
      return false;
    }
    if (i + more >= text.size()) return false;
    for (std::size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0) != 0x80) return false;
      point = (point << 6) | (next & 0x3F);
    }
    static constexpr std::uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (point < least[more] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) {
      return false;
    }
    i += more + 1;
  }
  return true;
}

void put_le16(Bytes& out, std::uint16_t value) {
  put_le(out, value);
}
void put_le32(Bytes& out, std::uint32_t value) {
  put_le(out, value);
}
void put_le64(Bytes& out, std::uint64_t value) {
  put_le(out, value);
}
void put_be32(Bytes& out, std::uint32_t value) {
  put_be(out, value);
}
void put_be64(Bytes& out, std::uint64_t value) {
  put_be(out, value);
}
std::uint16_t get_le16(const char* at) {
  return get_le<std::uint16_t>(at);
}
std::uint32_t get_le32(const char* at) {
  return get_le<std::uint32_t>(at);
}
std::uint64_t get_le64(const char* at) {
  return get_le<std::uint64_t>(at);
}
std::uint32_t get_be32(const char* at) {
  return get_be<std::uint32_t>(at);
}
std::uint64_t get_be64(const char* at) {
  return get_be<std::uint64_t>(at);
}

}  // namespace crossfloor
