#include "protocol/capnp_codec.h"

#include <capnp/any.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstdio>

#include "protocol/check.h"

namespace crossfloor::capnp_detail {
namespace {

using capnp::StructSchema;
using Kind = Shape::Kind;

[[noreturn]] void misfit(StructSchema schema, const char* name) {
  std::fprintf(stderr, "schema %s does not fit its struct at '%s'\n",
               schema.getProto().getDisplayName().cStr(), name);
  invariant_broken("described structs fit their schemas (check_schema)", __FILE__, __LINE__);
}

std::optional<StructSchema::Field> find(StructSchema schema, const char* snake_case) {
  KJ_IF_MAYBE (field, schema.findFieldByName(camel_case(snake_case).c_str())) {
    return *field;
  }
  return std::nullopt;
}

TypePlan plan_type(capnp::Type type) {
  TypePlan plan;
  plan.type = type;
  plan.is_text = type.isText();
  if (type.isEnum()) plan.words = type.asEnum();
  if (type.isList()) {
    plan.element = std::make_shared<const TypePlan>(plan_type(type.asList().getElementType()));
  }
  return plan;
}

// Whether encoding can go on at all; whether it fits in detail is check_schema's business.
bool roughly_fits(const Shape& shape, capnp::Type type) {
  switch (shape.kind) {
    case Kind::boolean:
      return type.isBool();
    case Kind::text:
      return type.isText() || type.isData();
    case Kind::id:
      return type.isData();
    case Kind::words:
      return type.isEnum();
    case Kind::structure:
      return type.isStruct();
    case Kind::variant:
      return type.isStruct() && type.asStruct().getUnionFields().size() > 0;
    case Kind::list:
      return type.isList() && roughly_fits(*shape.element, type.asList().getElementType());
    case Kind::floating:
      return shape.size == 8 ? type.isFloat64() : type.isFloat32();
    case Kind::integer:
      switch (shape.size) {
        case 1:
          return shape.is_signed ? type.isInt8() : type.isUInt8();
        case 2:
          return shape.is_signed ? type.isInt16() : type.isUInt16();
        case 4:
          return shape.is_signed ? type.isInt32() : type.isUInt32();
        default:
          return shape.is_signed ? type.isInt64() : type.isUInt64();
      }
  }
  return false;
}

std::string wanted(const Shape& shape) {
  const std::string bits = std::to_string(shape.size * 8);
  switch (shape.kind) {
    case Kind::boolean:
      return "Bool";
    case Kind::text:
      return "Text or Data";
    case Kind::id:
      return "Data";
    case Kind::words:
      return "an enum";
    case Kind::structure:
      return "a struct";
    case Kind::variant:
      return "a union";
    case Kind::list:
      return "a List of " + wanted(*shape.element);
    case Kind::floating:
      return "Float" + bits;
    case Kind::integer:
      return (shape.is_signed ? "Int" : "UInt") + bits;
  }
  return "";
}

void complain(SchemaCheck& check, const std::string& what) {
  check.complaints.push_back(check.path + ": " + what);
}

void check_words(const Shape& shape, capnp::EnumSchema schema, SchemaCheck& check) {
  const auto enumerants = schema.getEnumerants();
  if (enumerants.size() != shape.words.size()) {
    complain(check, std::to_string(enumerants.size()) + " enumerants for " +
                        std::to_string(shape.words.size()) + " words");
    return;
  }
  for (const auto enumerant : enumerants) {
    const std::string name = enumerant.getProto().getName().cStr();
    const auto word = camel_case(shape.words[enumerant.getOrdinal()]);
    if (name != word) complain(check, "enumerant " + name + " stands where the word is " + word);
  }
}

void check_value(const Shape& shape, capnp::Type type, SchemaCheck& check) {
  if (!roughly_fits(shape, type)) return complain(check, "is not " + wanted(shape));
  if (shape.kind == Kind::list) {
    return check_value(*shape.element, type.asList().getElementType(), check);
  }
  if (shape.kind == Kind::words) return check_words(shape, type.asEnum(), check);
  if (shape.check != nullptr) shape.check(type.asStruct(), check);
}

bool is_obsolete(const std::string& name) {
  return name.starts_with("obsolete");
}

void build(capnp::MessageBuilder& message, const void* value, void (*write)(const void*, Builder),
           StructSchema schema) {
  write(value, message.initRoot<capnp::DynamicStruct>(schema));
}

// Cap'n Proto's framing of one segment: 0 (number of segments less one), its words, the segment.
Bytes framed(kj::ArrayPtr<const capnp::word> segment) {
  const auto content = segment.asBytes();
  Bytes out;
  out.reserve(8 + content.size());
  put_le32(out, 0);
  put_le32(out, static_cast<std::uint32_t>(segment.size()));
  out.append(reinterpret_cast<const char*>(content.begin()), content.size());
  return out;
}

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

std::string camel_case(std::string_view snake_case) {
  std::string out;
  bool raise = false;
  for (const char c : snake_case) {
    if (c == '_' || c == '-') {
      raise = true;
      continue;
    }
    out.push_back(raise && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    raise = false;
  }
  return out;
}

StructPlan make_plan(StructSchema schema, const std::vector<FieldShape>& fields) {
  StructPlan plan;
  plan.schema = schema;
  for (const auto& [name, shape] : fields) {
    FieldPlan field;
    field.name = name;
    if (const auto found = find(schema, name)) {
      if (!roughly_fits(shape, found->getType())) misfit(schema, name);
      field.field = *found;
      field.type = plan_type(found->getType());
    } else {
      if (shape.kind != Kind::variant || schema.getUnionFields().size() == 0) misfit(schema, name);
      field.is_own_union = true;
    }
    plan.fields.push_back(std::move(field));
  }
  return plan;
}

UnionPlan make_union_plan(StructSchema schema, const std::vector<const char*>& names) {
  UnionPlan plan;
  plan.schema = schema;
  plan.alternatives.assign(schema.getFields().size(), -1);
  for (const char* name : names) {
    const auto member = find(schema, name);
    if (!member || !(member->getType().isStruct() || member->getType().isVoid())) {
      misfit(schema, name);
    }
    plan.alternatives[member->getIndex()] = static_cast<int>(plan.members.size());
    plan.members.push_back(*member);
    plan.is_void.push_back(member->getType().isVoid());
  }
  return plan;
}

void check_struct(StructSchema schema, const std::vector<FieldShape>& fields, SchemaCheck& check) {
  const std::string here = check.path;
  std::set<std::string> known;
  bool uses_own_union = false;
  for (const auto& [name, shape] : fields) {
    check.path = here + "." + camel_case(name);
    known.insert(camel_case(name));
    if (const auto found = find(schema, name)) {
      check_value(shape, found->getType(), check);
    } else if (shape.kind == Kind::variant && schema.getUnionFields().size() > 0 &&
               !uses_own_union) {
      uses_own_union = true;
      shape.check(schema, check);
    } else {
      complain(check, "is not in the schema; wanted: " + wanted(shape));
    }
  }
  check.path = here;
  for (const auto field : schema.getFields()) {
    const std::string name = field.getProto().getName().cStr();
    const bool in_union = field.getProto().getDiscriminantValue() != 0xffff;
    if (known.contains(name) || (in_union && uses_own_union) || is_obsolete(name)) continue;
    complain(check, "field " + name + " of the schema is not in the struct");
  }
}

void check_union(StructSchema schema, const std::vector<const char*>& names,
                 const std::vector<void (*)(StructSchema, SchemaCheck&)>& checks,
                 const std::vector<bool>& have_fields, SchemaCheck& check) {
  const std::string here = check.path;
  std::set<std::string> known;
  for (std::size_t i = 0; i < names.size(); ++i) {
    check.path = here + "." + camel_case(names[i]);
    known.insert(camel_case(names[i]));
    const auto found = find(schema, names[i]);
    if (!found || found->getProto().getDiscriminantValue() == 0xffff) {
      complain(check, "is not a member of the union");
    } else if (found->getType().isStruct()) {
      checks[i](found->getType().asStruct(), check);
    } else if (!found->getType().isVoid()) {
      complain(check, "is neither a struct nor Void");
    } else if (have_fields[i]) {
      complain(check, "is Void, but the alternative has fields");
    }
  }
  check.path = here;
  for (const auto field : schema.getUnionFields()) {
    const std::string name = field.getProto().getName().cStr();
    if (known.contains(name) || is_obsolete(name)) continue;
    complain(check, "member " + name + " of the schema's union is not an alternative");
  }
}

Status verdict(const SchemaCheck& check) {
  if (check.complaints.empty()) return {};
  std::string all;
  for (const auto& complaint : check.complaints) all += (all.empty() ? "" : "\n") + complaint;
  return Error{ErrorCode::malformed, all, "", "make struct and schema agree"};
}

Bytes encode(const void* value, void (*write)(const void*, Builder), StructSchema schema) {
  capnp::word scratch[512] = {};  // most messages fit, and then nothing is allocated
  capnp::MallocMessageBuilder small(kj::arrayPtr(scratch, 512));
  build(small, value, write, schema);
  auto segments = small.getSegmentsForOutput();
  if (segments.size() == 1) return framed(segments[0]);
  // Again, with room for all in one segment. The layout is that of the order of writing, so the
  // same value gives the same bytes by either way.
  std::size_t words = 0;
  for (const auto& segment : segments) words += segment.size();
  capnp::MallocMessageBuilder large(static_cast<capnp::uint>(words));
  build(large, value, write, schema);
  segments = large.getSegmentsForOutput();
  XF_CHECK(segments.size() == 1);
  return framed(segments[0]);
}

void Reading::fail(ErrorCode code, std::string what) {
  if (!error_) error_ = Error{code, std::move(what), path(), ""};
}

std::string Reading::path() const {
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

bool Reading::take_items(std::size_t count) {
  if (count > items_left_) {
    fail(ErrorCode::too_large, "a list of " + std::to_string(count) + " items; only " +
                                   std::to_string(items_left_) + " more are allowed here");
    return false;
  }
  items_left_ -= count;
  return true;
}

void Reading::unknown_member(Reader from) {
  // The dynamic API hides the number of a member that it does not know.
  const auto offset = from.getSchema().getProto().getStruct().getDiscriminantOffset() * 2;
  const auto data = capnp::AnyStruct::Reader(from).getDataSection();
  unsigned kind = 0;
  if (offset + 2 <= data.size()) kind = data[offset] | unsigned{data[offset + 1]} << 8;
  fail(ErrorCode::not_found, "unknown message kind " + std::to_string(kind));
}

void Reading::unknown_word(std::uint16_t ordinal) {
  fail(ErrorCode::malformed, "unknown value " + std::to_string(ordinal));
}

void Reading::wrong_size(std::size_t want, std::size_t got) {
  fail(ErrorCode::malformed, std::to_string(got) + " bytes instead of " + std::to_string(want));
}

void Reading::not_utf8() {
  fail(ErrorCode::malformed, "text that is not valid UTF-8");
}

Status decode(ByteView bytes, StructSchema schema, const CapnpLimits& limits, void* out,
              void (*read)(Reader, void*, Reading&)) {
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
    read(message.getRoot<capnp::DynamicStruct>(schema), out, reading);
  } catch (const kj::Exception& problem) {
    reading.fail(ErrorCode::malformed,
                 std::string("not readable as Cap'n Proto: ") + problem.getDescription().cStr());
  }
  if (reading.failed()) return reading.error();
  return {};
}

}  // namespace crossfloor::capnp_detail
