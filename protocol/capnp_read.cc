// Reads what anybody may have sent. Cap'n Proto's own readers check every pointer; its limits of
// traversal and nesting, and ours of items, bound what a message can cost.
#include <capnp/any.h>
#include <capnp/dynamic.h>
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include "protocol/capnp_plan.h"

namespace crossfloor::capnp_detail {
namespace {

using Kind = ValueShape::Kind;
using Place = FieldPlan::Place;

// One struct on the wire. What an older node left out lies behind the end of its sections.
struct Sections {
  explicit Sections(capnp::AnyStruct::Reader from)
      : data(from.getDataSection()), pointers(from.getPointerSection()) {}

  std::uint64_t bits(std::size_t bit, std::size_t size) const {
    const std::size_t at = bit / 8;
    if (at + size > data.size()) return 0;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{data[at + i]} << (8 * i);
    return value;
  }
  bool flag(std::size_t bit) const { return (bits(bit, 1) >> bit % 8 & 1) != 0; }
  capnp::AnyPointer::Reader pointer(std::size_t index) const {
    if (index >= pointers.size()) return {};
    return pointers[static_cast<capnp::uint>(index)];
  }

  capnp::Data::Reader data;
  capnp::List<capnp::AnyPointer>::Reader pointers;
};

ByteView view_of(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}

char* member_at(void* object, std::size_t offset) {
  return static_cast<char*>(object) + offset;
}

// One decoding: where it stands, for the error's path, and what it may still spend.
class Reading {
 public:
  explicit Reading(std::size_t items) : items_left_(items) { path_.reserve(16); }

  bool failed() const { return error_.has_value(); }
  const Error& error() const { return *error_; }
  void fail(ErrorCode code, std::string what) {  // the first one counts
    if (!error_) error_ = Error{code, std::move(what), path(), ""};
  }

  void read_struct(const StructPlan& plan, const Sections& from, void* out) {
    for (const auto& field : plan.fields) {
      path_.push_back({field.name, 0});
      read_field(field, from, member_at(out, field.offset));
      if (failed()) return;  // steps stay on the path: it says where
      path_.pop_back();
    }
  }

  void read_variant(const UnionPlan& plan, const ValueShape& shape, const Sections& from,
                    void* out) {
    const auto kind = from.bits(plan.discriminant_at * 8, 2);
    const int index = kind < plan.alternatives.size() ? plan.alternatives[kind] : -1;
    if (index < 0) {
      return fail(ErrorCode::not_found, "unknown message kind " + std::to_string(kind));
    }
    const auto& member = plan.members[static_cast<std::size_t>(index)];
    void* alternative = shape.variant->emplace(out, static_cast<std::size_t>(index));
    if (member.place == Place::data) return;
    path_.push_back({member.name, 0});
    if (member.place == Place::here) {
      read_struct(*member.fields, from, alternative);
    } else {
      read_struct(*member.fields, Sections(from.pointer(member.pointer).getAs<capnp::AnyStruct>()),
                  alternative);
    }
    if (!failed()) path_.pop_back();
  }

 private:
  struct Step {
    const char* name;
    std::size_t index;
  };

  std::string path() const {
    std::string out;
    for (const auto& [name, index] : path_) {
      if (name == nullptr) {
        out += "[" + std::to_string(index) + "]";
      } else {
        out += (out.empty() ? "" : ".") + std::string(name);
      }
    }
    return out;
  }

  void read_field(const FieldPlan& field, const Sections& from, void* out) {
    const ValuePlan& value = field.value;
    if (field.place == Place::data) return read_data(field, from, out);
    if (field.place == Place::here) {
      if (value.variant != nullptr) return read_variant(*value.variant, *value.shape, from, out);
      return read_struct(*value.structure, from, out);
    }
    const auto pointer = from.pointer(field.at);
    if (value.optional != nullptr) {
      value.optional->reset(out);
      if (pointer.isNull()) return;
      out = value.optional->emplace(out);
    }
    switch (value.shape->kind) {
      case Kind::text:
        if (value.is_text) return set_text(pointer.getAs<capnp::Text>(), out);
        return set_bytes(pointer.getAs<capnp::Data>(), out);
      case Kind::id:
        if (pointer.isNull()) return static_cast<void>(std::memset(out, 0, value.shape->size));
        return set_id(*value.shape, pointer.getAs<capnp::Data>(), out);
      case Kind::structure:
        return read_struct(*value.structure, Sections(pointer.getAs<capnp::AnyStruct>()), out);
      case Kind::variant:
        return read_variant(*value.variant, *value.shape,
                            Sections(pointer.getAs<capnp::AnyStruct>()), out);
      default:
        return read_list(value, pointer.getAs<capnp::DynamicList>(value.type.asList()), out);
    }
  }

  void read_data(const FieldPlan& field, const Sections& from, void* out) {
    const ValueShape& shape = *field.value.shape;
    if (shape.kind == Kind::boolean) {
      *static_cast<bool*>(out) = from.flag(field.at) != (field.standard != 0);
    } else if (shape.kind == Kind::words) {
      set_word(shape, from.bits(field.at, 2) ^ field.standard, out);
    } else {
      store_bits(out, shape.size, from.bits(field.at, shape.size) ^ field.standard);
    }
  }

  void set_word(const ValueShape& shape, std::uint64_t ordinal, void* out) {
    if (ordinal < shape.words.size()) return store_bits(out, shape.size, ordinal);
    if (const auto unknown = unknown_word(shape)) return store_bits(out, shape.size, *unknown);
    fail(ErrorCode::malformed, "unknown value " + std::to_string(ordinal));
  }

  void set_text(capnp::Text::Reader text, void* out) {
    const ByteView view(text.begin(), text.size());
    if (!is_valid_utf8(view)) return fail(ErrorCode::malformed, "text that is not valid UTF-8");
    static_cast<std::string*>(out)->assign(view);
  }
  static void set_bytes(capnp::Data::Reader data, void* out) {
    static_cast<std::string*>(out)->assign(view_of(data));
  }
  void set_id(const ValueShape& shape, capnp::Data::Reader data, void* out) {
    if (data.size() != shape.size) {
      return fail(ErrorCode::malformed,
                  std::to_string(data.size()) + " bytes instead of " + std::to_string(shape.size));
    }
    std::memcpy(out, data.begin(), shape.size);
  }

  void read_list(const ValuePlan& plan, capnp::DynamicList::Reader items, void* out) {
    if (items.size() > items_left_) {
      return fail(ErrorCode::too_large, "a list of " + std::to_string(items.size()) +
                                            " items; only " + std::to_string(items_left_) +
                                            " more are allowed here");
    }
    items_left_ -= items.size();
    const ListAccess& access = *plan.shape->list;
    void* first = access.resize(out, items.size());
    for (capnp::uint i = 0; i < items.size(); ++i) {
      if (access.stride == 0) {
        access.set_bit(out, i, items[i].as<bool>());
        continue;
      }
      path_.push_back({nullptr, i});
      read_item(*plan.element, items[i], member_at(first, i * access.stride));
      if (failed()) return;
      path_.pop_back();
    }
  }

  void read_item(const ValuePlan& plan, const capnp::DynamicValue::Reader& item, void* out) {
    const ValueShape& shape = *plan.shape;
    switch (shape.kind) {
      case Kind::boolean:
        break;  // a std::vector<bool>, read above
      case Kind::integer:
        return store_bits(out, shape.size,
                          shape.is_signed ? static_cast<std::uint64_t>(item.as<std::int64_t>())
                                          : item.as<std::uint64_t>());
      case Kind::floating:
        if (shape.size == 8) {
          *static_cast<double*>(out) = item.as<double>();
        } else {
          *static_cast<float*>(out) = item.as<float>();
        }
        return;
      case Kind::words:
        return set_word(shape, item.as<capnp::DynamicEnum>().getRaw(), out);
      case Kind::text:
        if (plan.is_text) return set_text(item.as<capnp::Text>(), out);
        return set_bytes(item.as<capnp::Data>(), out);
      case Kind::id:
        return set_id(shape, item.as<capnp::Data>(), out);
      case Kind::structure:
        return read_struct(*plan.structure,
                           Sections(capnp::AnyStruct::Reader(item.as<capnp::DynamicStruct>())),
                           out);
      case Kind::variant:
        return read_variant(*plan.variant, shape,
                            Sections(capnp::AnyStruct::Reader(item.as<capnp::DynamicStruct>())),
                            out);
      case Kind::list:
        return read_list(plan, item.as<capnp::DynamicList>(), out);
      case Kind::optional:
        break;  // never an element
    }
  }

  std::vector<Step> path_;
  std::size_t items_left_;
  std::optional<Error> error_;
};

Status check_frame(ByteView bytes, const CapnpLimits& limits) {
  if (bytes.size() > limits.max_bytes) {
    return Error{ErrorCode::too_large,
                 "a message of " + std::to_string(bytes.size()) + " bytes; the limit is " +
                     std::to_string(limits.max_bytes),
                 "", ""};
  }
  const bool whole = bytes.size() >= 16 && get_le32(bytes.data()) == 0 &&
                     bytes.size() - 8 == std::size_t{get_le32(bytes.data() + 4)} * 8;
  if (whole) return {};
  return Error{ErrorCode::malformed,
               std::to_string(bytes.size()) + " bytes that are not one whole Cap'n Proto segment",
               "", ""};
}

}  // namespace

Status decode(const RootPlan& plan, ByteView bytes, const CapnpLimits& limits, void* out) {
  if (auto frame = check_frame(bytes, limits); !frame.ok()) return frame;
  const std::size_t words = bytes.size() / 8;
  std::unique_ptr<capnp::word[]> copy;
  const auto* begin = reinterpret_cast<const capnp::word*>(bytes.data());
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(capnp::word) != 0) {
    copy = std::make_unique<capnp::word[]>(words);
    std::memcpy(copy.get(), bytes.data(), words * 8);
    begin = copy.get();
  }
  capnp::ReaderOptions options;
  // Everything is read once, so whoever points twice at the same bytes runs into this limit.
  options.traversalLimitInWords = words + 64;
  options.nestingLimit = limits.max_nesting;
  Reading reading(limits.max_items);
  try {
    capnp::FlatArrayMessageReader message(kj::arrayPtr(begin, words), options);
    const Sections root(message.getRoot<capnp::AnyStruct>());
    if (plan.variant != nullptr) {
      reading.read_variant(*plan.variant, *plan.shape, root, out);
    } else {
      reading.read_struct(*plan.structure, root, out);
    }
  } catch (const kj::Exception& problem) {
    reading.fail(ErrorCode::malformed,
                 std::string("not readable as Cap'n Proto: ") + problem.getDescription().cStr());
  }
  if (reading.failed()) return reading.error();
  return {};
}

}  // namespace crossfloor::capnp_detail
