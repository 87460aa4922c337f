// Whether schemas and described structs say the same: a test asks for every root.
#include <set>

#include "protocol/capnp_plan.h"

namespace crossfloor::capnp_detail {
namespace {

using capnp::StructSchema;
using Kind = ValueShape::Kind;

std::string wanted(const ValueShape& shape) {
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
    case Kind::optional:
      return wanted(*shape.inner);
    case Kind::list:
      return "a List of " + wanted(*shape.inner);
    case Kind::floating:
      return "Float" + bits;
    case Kind::integer:
      return (shape.is_signed ? "Int" : "UInt") + bits;
  }
  return "";
}

bool is_obsolete(const std::string& name) {
  return name.starts_with("obsolete");
}

class Checker {
 public:
  explicit Checker(StructSchema root) : path_(root.getShortDisplayName().cStr()) {}

  void check_struct(const StructShape& shape, StructSchema schema) {
    if (!seen_.insert({schema.getProto().getId(), &shape}).second) return;
    const std::string here = path_;
    std::set<std::string> known;
    bool uses_own_union = false;
    for (const auto& [name, offset, value] : shape.fields) {
      path_ = here + "." + camel_case(name);
      known.insert(camel_case(name));
      if (const auto found = find_field(schema, name)) {
        check_value(*value, found->getType());
      } else if (value->kind == Kind::variant && schema.getUnionFields().size() > 0 &&
                 !uses_own_union) {
        uses_own_union = true;
        check_union(*value, schema);
      } else {
        complain("is not in the schema; wanted: " + wanted(*value));
      }
    }
    path_ = here;
    for (const auto field : schema.getFields()) {
      const std::string name = field.getProto().getName().cStr();
      const bool in_union = field.getProto().getDiscriminantValue() != 0xffff;
      if (known.contains(name) || (in_union && uses_own_union) || is_obsolete(name)) continue;
      complain("field " + name + " of the schema is not in the struct");
    }
  }

  void check_union(const ValueShape& shape, StructSchema schema) {
    if (!seen_.insert({schema.getProto().getId(), &shape}).second) return;
    const std::string here = path_;
    std::set<std::string> known;
    for (const auto& alternative : shape.alternatives) {
      path_ = here + "." + camel_case(alternative.name);
      known.insert(camel_case(alternative.name));
      const auto found = find_field(schema, alternative.name);
      if (!found || found->getProto().getDiscriminantValue() == 0xffff) {
        complain("is not a member of the union");
      } else if (found->getType().isStruct()) {
        check_struct(alternative.fields(), found->getType().asStruct());
      } else if (!found->getType().isVoid()) {
        complain("is neither a struct nor Void");
      } else if (!alternative.fields().fields.empty()) {
        complain("is Void, but the alternative has fields");
      }
    }
    path_ = here;
    for (const auto field : schema.getUnionFields()) {
      const std::string name = field.getProto().getName().cStr();
      if (known.contains(name) || is_obsolete(name)) continue;
      complain("member " + name + " of the schema's union is not an alternative");
    }
  }

  Status verdict() const {
    if (complaints_.empty()) return {};
    return Error{ErrorCode::malformed, complaints_, "", "make struct and schema agree"};
  }

 private:
  void complain(const std::string& what) {
    if (!complaints_.empty()) complaints_ += "\n";
    complaints_ += path_ + ": " + what;
  }

  void check_value(const ValueShape& shape, capnp::Type type) {
    if (!roughly_fits(shape, type)) return complain("is not " + wanted(shape));
    switch (shape.kind) {
      case Kind::optional:
        return check_value(*shape.inner, type);
      case Kind::list:
        return check_value(*shape.inner, type.asList().getElementType());
      case Kind::words:
        return check_words(shape, type.asEnum());
      case Kind::structure:
        return check_struct(shape.fields(), type.asStruct());
      case Kind::variant:
        return check_union(shape, type.asStruct());
      default:
        return;
    }
  }

  void check_words(const ValueShape& shape, capnp::EnumSchema schema) {
    const auto enumerants = schema.getEnumerants();
    if (enumerants.size() != shape.words.size()) {
      complain(std::to_string(enumerants.size()) + " enumerants for " +
               std::to_string(shape.words.size()) + " words");
      return;
    }
    for (const auto enumerant : enumerants) {
      const std::string name = enumerant.getProto().getName().cStr();
      const auto word = camel_case(shape.words[enumerant.getOrdinal()]);
      if (name != word) complain("enumerant " + name + " stands where the word is " + word);
    }
  }

  std::string path_;
  std::string complaints_;
  std::set<std::pair<std::uint64_t, const void*>> seen_;  // types may nest in themselves
};

}  // namespace

Status check_schema(const ValueShape& shape, StructSchema schema) {
  Checker checker(schema);
  if (shape.kind == Kind::variant) {
    checker.check_union(shape, schema);
  } else {
    checker.check_struct(shape.fields(), schema);
  }
  return checker.verdict();
}

}  // namespace crossfloor::capnp_detail
