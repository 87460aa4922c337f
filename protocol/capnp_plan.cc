#include "protocol/capnp_plan.h"

#include <cstdio>
#include <map>

#include "protocol/check.h"

namespace crossfloor::capnp_detail {
namespace {

using capnp::StructSchema;
using Kind = ValueShape::Kind;
using Place = FieldPlan::Place;

constexpr std::uint16_t no_discriminant = 0xffff;

[[noreturn]] void misfit(StructSchema schema, const char* name) {
  std::fprintf(stderr, "schema %s does not fit its struct at '%s'\n",
               schema.getProto().getDisplayName().cStr(), name);
  invariant_broken("described structs fit their schemas (check_schema)", __FILE__, __LINE__);
}

WireSize size_of(StructSchema schema) {
  const auto proto = schema.getProto().getStruct();
  return {proto.getDataWordCount(), proto.getPointerCount()};
}

// Bits of a number, enum or bool in the data section.
std::uint32_t bits_of(const ValueShape& shape) {
  if (shape.kind == Kind::boolean) return 1;
  if (shape.kind == Kind::words) return 16;
  return shape.size * 8;
}

bool lies_in_data(const ValueShape& shape) {
  return shape.kind == Kind::boolean || shape.kind == Kind::integer ||
         shape.kind == Kind::floating || shape.kind == Kind::words;
}

std::uint64_t bits_of_default(capnp::schema::Value::Reader value) {
  using Value = capnp::schema::Value;
  switch (value.which()) {
    case Value::BOOL:
      return value.getBool() ? 1 : 0;
    case Value::INT8:
      return static_cast<std::uint8_t>(value.getInt8());
    case Value::INT16:
      return static_cast<std::uint16_t>(value.getInt16());
    case Value::INT32:
      return static_cast<std::uint32_t>(value.getInt32());
    case Value::INT64:
      return static_cast<std::uint64_t>(value.getInt64());
    case Value::UINT8:
      return value.getUint8();
    case Value::UINT16:
      return value.getUint16();
    case Value::UINT32:
      return value.getUint32();
    case Value::UINT64:
      return value.getUint64();
    case Value::ENUM:
      return value.getEnum();
    case Value::FLOAT32: {
      const float number = value.getFloat32();
      return load_bits(&number, sizeof number, false);
    }
    case Value::FLOAT64: {
      const double number = value.getFloat64();
      return load_bits(&number, sizeof number, false);
    }
    default:
      return 0;
  }
}

// Makes the plans of one root. A type may hold itself, so plans are found by (shape, schema).
class Planner {
 public:
  explicit Planner(RootPlan& root) : root_(root) {}

  const StructPlan* structure(const StructShape& shape, StructSchema schema) {
    const auto [at, fresh] = structs_.try_emplace({&shape, schema.getProto().getId()}, nullptr);
    if (!fresh) return at->second;
    root_.structs.push_back(std::make_unique<StructPlan>());
    StructPlan* plan = root_.structs.back().get();
    at->second = plan;
    plan->size = size_of(schema);
    for (const auto& field : shape.fields) plan->fields.push_back(field_of(field, schema));
    return plan;
  }

  const UnionPlan* variant(const ValueShape& shape, StructSchema schema) {
    const auto [at, fresh] = unions_.try_emplace({&shape, schema.getProto().getId()}, nullptr);
    if (!fresh) return at->second;
    root_.unions.push_back(std::make_unique<UnionPlan>());
    UnionPlan* plan = root_.unions.back().get();
    at->second = plan;
    plan->size = size_of(schema);
    plan->discriminant_at = schema.getProto().getStruct().getDiscriminantOffset() * 2;
    for (const auto& alternative : shape.alternatives) {
      const auto member = member_of(alternative, schema);
      if (plan->alternatives.size() <= member.discriminant) {
        plan->alternatives.resize(member.discriminant + 1u, -1);
      }
      plan->alternatives[member.discriminant] = static_cast<int>(plan->members.size());
      plan->members.push_back(member);
    }
    return plan;
  }

 private:
  FieldPlan field_of(const FieldShape& shape, StructSchema schema) {
    FieldPlan plan;
    plan.name = shape.name;
    plan.offset = shape.offset;
    const auto found = find_field(schema, shape.name);
    if (!found) {
      if (shape.value->kind != Kind::variant || schema.getUnionFields().size() == 0) {
        misfit(schema, shape.name);
      }
      plan.place = Place::here;
      plan.value.shape = shape.value;
      plan.value.variant = variant(*shape.value, schema);
      return plan;
    }
    const auto proto = found->getProto();
    if (!roughly_fits(*shape.value, found->getType()) ||
        proto.getDiscriminantValue() != no_discriminant) {
      misfit(schema, shape.name);
    }
    plan.value = value_of(*shape.value, found->getType());
    if (!proto.isSlot()) {
      plan.place = Place::here;
    } else if (lies_in_data(*plan.value.shape)) {
      plan.at = proto.getSlot().getOffset() * bits_of(*plan.value.shape);
      plan.standard = bits_of_default(proto.getSlot().getDefaultValue());
    } else {
      if (proto.getSlot().getHadExplicitDefault()) misfit(schema, shape.name);
      plan.place = Place::pointer;
      plan.at = proto.getSlot().getOffset();
    }
    return plan;
  }

  UnionPlan::Member member_of(const Alternative& alternative, StructSchema schema) {
    const auto found = find_field(schema, alternative.name);
    if (!found || !(found->getType().isStruct() || found->getType().isVoid())) {
      misfit(schema, alternative.name);
    }
    const auto proto = found->getProto();
    UnionPlan::Member member{alternative.name, proto.getDiscriminantValue()};
    if (found->getType().isVoid()) return member;
    member.place = proto.isSlot() ? Place::pointer : Place::here;
    if (proto.isSlot()) member.pointer = proto.getSlot().getOffset();
    member.fields = structure(alternative.fields(), found->getType().asStruct());
    return member;
  }

  ValuePlan value_of(const ValueShape& shape, capnp::Type type) {
    ValuePlan plan;
    plan.shape = &shape;
    if (shape.kind == Kind::optional) {
      plan.shape = shape.inner;
      plan.optional = shape.optional;
    }
    plan.type = type;
    plan.is_text = type.isText();
    switch (plan.shape->kind) {
      case Kind::list:
        plan.element = std::make_unique<const ValuePlan>(
            value_of(*plan.shape->inner, type.asList().getElementType()));
        break;
      case Kind::structure:
        plan.structure = structure(plan.shape->fields(), type.asStruct());
        break;
      case Kind::variant:
        plan.variant = variant(*plan.shape, type.asStruct());
        break;
      default:
        break;
    }
    return plan;
  }

  RootPlan& root_;
  std::map<std::pair<const void*, std::uint64_t>, StructPlan*> structs_;
  std::map<std::pair<const void*, std::uint64_t>, UnionPlan*> unions_;
};

void make_plan(RootPlan& plan, const ValueShape& shape, StructSchema schema) {
  plan.schema = schema;
  plan.shape = &shape;
  plan.size = size_of(schema);
  Planner planner(plan);
  if (shape.kind == Kind::variant) {
    plan.variant = planner.variant(shape, schema);
  } else {
    plan.structure = planner.structure(shape.fields(), schema);
  }
}

}  // namespace

struct PlanCache::Node {
  RootPlan plan;
  Node* next = nullptr;
};

const RootPlan& PlanCache::plan(const ValueShape& shape, StructSchema schema) {
  Node* const first = first_.load(std::memory_order_acquire);
  for (Node* node = first; node != nullptr; node = node->next) {
    if (node->plan.schema == schema) return node->plan;
  }
  Node* fresh = new Node;
  make_plan(fresh->plan, shape, schema);
  fresh->next = first;
  while (!first_.compare_exchange_weak(fresh->next, fresh, std::memory_order_acq_rel)) {
  }
  return fresh->plan;
}

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

std::optional<StructSchema::Field> find_field(StructSchema schema, const char* snake_case) {
  KJ_IF_MAYBE (field, schema.findFieldByName(camel_case(snake_case).c_str())) {
    return *field;
  }
  return std::nullopt;
}

bool roughly_fits(const ValueShape& shape, capnp::Type type) {
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
      return type.isList() && roughly_fits(*shape.inner, type.asList().getElementType());
    case Kind::optional:  // absent is a null pointer
      return !lies_in_data(*shape.inner) && roughly_fits(*shape.inner, type);
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

}  // namespace crossfloor::capnp_detail
