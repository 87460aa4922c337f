// Writes Cap'n Proto's encoding (https://capnproto.org/encoding.html) of one segment: objects lie
// in the order in which they are written, each right behind the one before, as Cap'n Proto's own
// builder lays them. Framing: 0 (number of segments less one), its words, the segment.
#include "protocol/capnp_plan.h"
#include "protocol/check.h"

namespace crossfloor::capnp_detail {
namespace {

using Kind = ValueShape::Kind;

constexpr std::size_t header = 8;
constexpr std::size_t word = 8;

// Sizes of list elements, as a list's pointer says them.
enum ElementSize : std::uint64_t {
  bit = 1,
  byte = 2,
  two_bytes = 3,
  four = 4,
  eight = 5,
  pointers = 6,
  composite = 7
};

const char* member_at(const void* object, std::size_t offset) {
  return static_cast<const char*>(object) + offset;
}

class Writer {
 public:
  explicit Writer(const RootPlan& plan) {
    out_.reserve(1024);
    out_.append(header + word, '\0');
    root_ = add_struct(header, plan.size);
  }

  Bytes finish() && {
    set(4, 4, out_.size() / word - 1);
    return std::move(out_);
  }

  // Where a struct's sections lie in `out_`.
  struct Place {
    std::size_t data = 0;
    std::size_t pointers = 0;
  };
  Place root() const { return root_; }

  void write_struct(const StructPlan& plan, const void* object, Place to) {
    for (const auto& field : plan.fields) {
      const void* value = member_at(object, field.offset);
      switch (field.place) {
        case FieldPlan::Place::data:
          write_data(field, value, to.data);
          break;
        case FieldPlan::Place::pointer:
          write_field(field.value, value, to.pointers + field.at * word);
          break;
        case FieldPlan::Place::here:
          if (field.value.variant != nullptr) {
            write_variant(*field.value.variant, *field.value.shape, value, to);
          } else {
            write_struct(*field.value.structure, value, to);
          }
          break;
      }
    }
  }

  void write_variant(const UnionPlan& plan, const ValueShape& shape, const void* variant,
                     Place to) {
    const auto& member = plan.members[shape.variant->index(variant)];
    set(to.data + plan.discriminant_at, 2, member.discriminant);
    if (member.place == FieldPlan::Place::data) return;
    const Place inner = member.place == FieldPlan::Place::here
                            ? to
                            : add_struct(to.pointers + member.pointer * word, member.fields->size);
    write_struct(*member.fields, shape.variant->get(variant), inner);
  }

 private:
  void set(std::size_t at, std::size_t size, std::uint64_t value) {
    for (std::size_t i = 0; i < size; ++i) {
      out_[at + i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
    }
  }

  // Room for `words` more, all zero; their place.
  std::size_t add(std::size_t words) {
    const std::size_t at = out_.size();
    XF_CHECK(words < (std::size_t{1} << 28) && at < (std::size_t{1} << 31));
    out_.append(words * word, '\0');
    return at;
  }

  // The distance that a pointer at `from` says: from the word behind it, in words.
  static std::uint64_t distance(std::size_t from, std::size_t to) {
    return static_cast<std::uint32_t>(
               (static_cast<std::int64_t>(to) - static_cast<std::int64_t>(from + word)) /
               static_cast<std::int64_t>(word))
           << 2;
  }

  Place add_struct(std::size_t pointer, WireSize size) {
    const std::uint64_t sizes = std::uint64_t{size.data} << 32 | std::uint64_t{size.pointers} << 48;
    if (size.data + size.pointers == 0) {  // it points at itself, so that it is not null
      set(pointer, word, 0xffff'fffc | sizes);
      return {};
    }
    const std::size_t at = add(size.data + std::size_t{size.pointers});
    set(pointer, word, (distance(pointer, at) & 0xffff'ffff) | sizes);
    return {at, at + size.data * word};
  }

  std::size_t add_list(std::size_t pointer, ElementSize size, std::size_t count,
                       std::size_t words) {
    const std::size_t at = add(words);
    set(pointer, word,
        (distance(pointer, at) & 0xffff'ffff) | 1 | std::uint64_t{size} << 32 |
            std::uint64_t{count} << 35);
    return at;
  }

  void add_bytes(std::size_t pointer, ByteView bytes, bool is_text) {
    const std::size_t size = bytes.size() + (is_text ? 1 : 0);
    const std::size_t at = add_list(pointer, ElementSize::byte, size, (size + word - 1) / word);
    out_.replace(at, bytes.size(), bytes);
  }

  static std::uint64_t bits_of(const ValueShape& shape, const void* value) {
    if (shape.kind == Kind::boolean) return *static_cast<const bool*>(value) ? 1 : 0;
    return load_bits(value, shape.size, false);
  }

  void write_data(const FieldPlan& field, const void* value, std::size_t data) {
    const std::uint64_t bits = bits_of(*field.value.shape, value) ^ field.standard;
    if (field.value.shape->kind == Kind::boolean) {
      if (bits != 0) out_[data + field.at / 8] |= static_cast<char>(1 << field.at % 8);
      return;
    }
    set(data + field.at / 8, field.value.shape->kind == Kind::words ? 2 : field.value.shape->size,
        bits);
  }

  // A null pointer reads as empty text and as an empty list.
  void write_field(const ValuePlan& plan, const void* value, std::size_t pointer) {
    if (plan.optional != nullptr) {
      value = plan.optional->get(value);
      if (value == nullptr) return;
    } else if (plan.shape->kind == Kind::text && static_cast<const std::string*>(value)->empty()) {
      return;
    }
    write_pointer(plan, value, pointer);
  }

  void write_pointer(const ValuePlan& plan, const void* value, std::size_t pointer) {
    switch (plan.shape->kind) {
      case Kind::text:
        return add_bytes(pointer, *static_cast<const std::string*>(value), plan.is_text);
      case Kind::id:
        return add_bytes(pointer, {static_cast<const char*>(value), plan.shape->size}, false);
      case Kind::structure:
        return write_struct(*plan.structure, value, add_struct(pointer, plan.structure->size));
      case Kind::variant:
        return write_variant(*plan.variant, *plan.shape, value,
                             add_struct(pointer, plan.variant->size));
      default:
        return write_list(plan, value, pointer);
    }
  }

  void write_list(const ValuePlan& plan, const void* list, std::size_t pointer) {
    const ListAccess& access = *plan.shape->list;
    const std::size_t count = access.size(list);
    if (count == 0) return;
    const ValuePlan& element = *plan.element;
    switch (element.shape->kind) {
      case Kind::boolean:
        return write_bools(access, list, count, pointer);
      case Kind::integer:
      case Kind::floating:
      case Kind::words:
        return write_numbers(element, access, list, count, pointer);
      case Kind::structure:
      case Kind::variant:
        return write_composite(element, access, list, count, pointer);
      default:
        break;
    }
    const std::size_t at = add_list(pointer, ElementSize::pointers, count, count);
    for (std::size_t i = 0; i < count; ++i) {
      write_pointer(element, member_at(access.items(list), i * access.stride), at + i * word);
    }
  }

  void write_bools(const ListAccess& access, const void* list, std::size_t count,
                   std::size_t pointer) {
    const std::size_t at = add_list(pointer, ElementSize::bit, count, (count + 63) / 64);
    for (std::size_t i = 0; i < count; ++i) {
      if (access.bit(list, i)) out_[at + i / 8] |= static_cast<char>(1 << i % 8);
    }
  }

  void write_numbers(const ValuePlan& element, const ListAccess& access, const void* list,
                     std::size_t count, std::size_t pointer) {
    const std::size_t size = element.shape->kind == Kind::words ? 2 : element.shape->size;
    const auto code = size == 1   ? ElementSize::byte
                      : size == 2 ? ElementSize::two_bytes
                      : size == 4 ? ElementSize::four
                                  : ElementSize::eight;
    const std::size_t at = add_list(pointer, code, count, (count * size + word - 1) / word);
    for (std::size_t i = 0; i < count; ++i) {
      set(at + i * size, size,
          bits_of(*element.shape, member_at(access.items(list), i * access.stride)));
    }
  }

  // Structs lie side by side behind a tag that says how many, and their sizes.
  void write_composite(const ValuePlan& element, const ListAccess& access, const void* list,
                       std::size_t count, std::size_t pointer) {
    const bool is_struct = element.structure != nullptr;
    const WireSize size = is_struct ? element.structure->size : element.variant->size;
    const std::size_t words = size.data + std::size_t{size.pointers};
    const std::size_t tag =
        add_list(pointer, ElementSize::composite, words * count, words * count + 1);
    set(tag, word,
        std::uint64_t{count} << 2 | std::uint64_t{size.data} << 32 |
            std::uint64_t{size.pointers} << 48);
    for (std::size_t i = 0; i < count; ++i) {
      const void* item = member_at(access.items(list), i * access.stride);
      const std::size_t at = tag + word + i * words * word;
      const Place to{at, at + size.data * word};
      if (is_struct) {
        write_struct(*element.structure, item, to);
      } else {
        write_variant(*element.variant, *element.shape, item, to);
      }
    }
  }

  Bytes out_;
  Place root_;
};

}  // namespace

Bytes encode(const RootPlan& plan, const void* value) {
  Writer writer(plan);
  if (plan.variant != nullptr) {
    writer.write_variant(*plan.variant, *plan.shape, value, writer.root());
  } else {
    writer.write_struct(*plan.structure, value, writer.root());
  }
  return std::move(writer).finish();
}

}  // namespace crossfloor::capnp_detail
