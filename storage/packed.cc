#include "storage/packed.h"

#include <cstring>

#include "protocol/check.h"

namespace crossfloor {
namespace {

using Kind = ValueShape::Kind;

const char* at_offset(const void* object, std::size_t offset) {
  return static_cast<const char*>(object) + offset;
}
char* at_offset(void* object, std::size_t offset) {
  return static_cast<char*>(object) + offset;
}

void append_number(Bytes& out, std::uint64_t value) {
  char buffer[10];
  std::size_t size = 0;
  while (value >= 0x80) {
    buffer[size++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  buffer[size++] = static_cast<char>(value);
  out.append(buffer, size);
}

std::uint64_t fold_sign(std::uint64_t value) {
  return value << 1 ^ (value >> 63 ? ~std::uint64_t{0} : 0);
}
std::uint64_t unfold_sign(std::uint64_t value) {
  return value >> 1 ^ (value & 1 ? ~std::uint64_t{0} : 0);
}

bool is_zero(const char* bytes, std::size_t size) {
  static constexpr char zeros[64] = {};
  return std::memcmp(bytes, zeros, size) == 0;
}

void append_struct(Bytes& out, const StructShape& shape, const void* value) {
  XF_CHECK(shape.fields.size() < 256);
  out.push_back(static_cast<char>(shape.fields.size()));
  for (const auto& field : shape.fields) {
    append_packed(out, *field.value, at_offset(value, field.offset));
  }
}

class Reading {
 public:
  explicit Reading(ByteView bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }

  // False: the bytes cannot be what they should.
  bool read(const ValueShape& shape, void* out) {
    switch (shape.kind) {
      case Kind::boolean:
        return read_flag(*static_cast<bool*>(out));
      case Kind::words: {
        std::uint64_t word = 0;
        if (!read_number(word) || word >= shape.words.size()) return false;
        store_bits(out, shape.size, word);
        return true;
      }
      case Kind::integer: {
        std::uint64_t value = 0;
        if (!read_number(value)) return false;
        if (shape.is_signed) value = unfold_sign(value);
        store_bits(out, shape.size, value);
        return load_bits(out, shape.size, shape.is_signed) == value;
      }
      case Kind::text: {
        ByteView text;
        if (!read_bytes(text)) return false;
        static_cast<std::string*>(out)->assign(text);
        return true;
      }
      case Kind::id: {
        bool given = false;
        if (!read_flag(given) || (given && rest_.size() < shape.size)) return false;
        if (!given) return std::memset(out, 0, shape.size) != nullptr;
        std::memcpy(out, rest_.data(), shape.size);
        rest_.remove_prefix(shape.size);
        return true;
      }
      case Kind::optional: {
        bool given = false;
        if (!read_flag(given)) return false;
        shape.optional->reset(out);
        return !given || read(*shape.inner, shape.optional->emplace(out));
      }
      case Kind::list:
        return read_list(shape, out);
      case Kind::structure:
        return read_struct(shape.fields(), out);
      default:
        return false;
    }
  }

 private:
  bool read_flag(bool& out) {
    if (rest_.empty() || static_cast<unsigned char>(rest_.front()) > 1) return false;
    out = rest_.front() == 1;
    rest_.remove_prefix(1);
    return true;
  }

  bool read_number(std::uint64_t& out) {
    out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return false;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      out |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return byte != 0 || shift == 0;  // each number has one form
    }
    return false;
  }

  bool read_bytes(ByteView& out) {
    std::uint64_t size = 0;
    if (!read_number(size) || size > rest_.size()) return false;
    out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }

  bool read_list(const ValueShape& shape, void* out) {
    std::uint64_t size = 0;
    if (!read_number(size) || size > rest_.size()) return false;  // an item is a byte at least
    XF_CHECK(shape.list->stride != 0);
    void* first = shape.list->resize(out, size);
    for (std::size_t i = 0; i < size; ++i) {
      if (!read(*shape.inner, at_offset(first, i * shape.list->stride))) return false;
    }
    return true;
  }

  bool read_struct(const StructShape& shape, void* out) {
    if (rest_.empty()) return false;
    const std::size_t count = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    if (count > shape.fields.size()) return false;
    for (std::size_t i = 0; i < count; ++i) {
      const auto& field = shape.fields[i];
      if (!read(*field.value, at_offset(out, field.offset))) return false;
    }
    return true;
  }

  ByteView rest_;
};

}  // namespace

void append_packed(Bytes& out, const ValueShape& shape, const void* value) {
  switch (shape.kind) {
    case Kind::boolean:
      out.push_back(*static_cast<const bool*>(value) ? 1 : 0);
      return;
    case Kind::words:
      return append_number(out, load_bits(value, shape.size, false));
    case Kind::integer: {
      const auto bits = load_bits(value, shape.size, shape.is_signed);
      return append_number(out, shape.is_signed ? fold_sign(bits) : bits);
    }
    case Kind::text: {
      const auto& text = *static_cast<const std::string*>(value);
      append_number(out, text.size());
      out.append(text);
      return;
    }
    case Kind::id: {
      const char* bytes = static_cast<const char*>(value);
      const bool given = !is_zero(bytes, shape.size);
      out.push_back(given ? 1 : 0);
      if (given) out.append(bytes, shape.size);
      return;
    }
    case Kind::optional: {
      const void* held = shape.optional->get(value);
      out.push_back(held != nullptr ? 1 : 0);
      if (held != nullptr) append_packed(out, *shape.inner, held);
      return;
    }
    case Kind::list: {
      const std::size_t size = shape.list->size(value);
      append_number(out, size);
      if (size == 0) return;
      XF_CHECK(shape.list->stride != 0);
      const void* items = shape.list->items(value);
      for (std::size_t i = 0; i < size; ++i) {
        append_packed(out, *shape.inner, at_offset(items, i * shape.list->stride));
      }
      return;
    }
    case Kind::structure:
      return append_struct(out, shape.fields(), value);
    case Kind::floating:
    case Kind::variant:
      break;
  }
  XF_CHECK(false && "a field of a kind that rows may not have");
}

Status read_packed(ByteView bytes, const ValueShape& shape, void* out) {
  Reading reading(bytes);
  if (reading.read(shape, out) && reading.done()) return {};
  return Error{ErrorCode::corrupt, "not readable in its packed form", "", ""};
}

}  // namespace crossfloor
