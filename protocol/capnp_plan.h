// The inside of protocol/capnp_codec.h; include that.
#pragma once

#include <capnp/schema.h>

#include <atomic>
#include <memory>
#include <vector>

#include "protocol/result.h"
#include "protocol/shapes.h"

namespace crossfloor {

struct CapnpLimits {
  std::size_t max_bytes = 4 * 1024 * 1024;
  std::size_t max_items = 100'000;  // of all lists together: bounds memory where bytes do not
  int max_nesting = 16;             // pointers from the root; a list of structs counts twice
};

namespace capnp_detail {

struct StructPlan;
struct UnionPlan;

// What a field, or an element of a list, is on the wire.
struct ValuePlan {
  const ValueShape* shape = nullptr;  // of an optional, what it may hold
  const OptionalAccess* optional = nullptr;
  capnp::Type type;
  bool is_text = false;                   // of text: Text, else Data
  const StructPlan* structure = nullptr;  // of structures
  const UnionPlan* variant = nullptr;     // of variants
  std::unique_ptr<const ValuePlan> element;
};

struct FieldPlan {
  enum class Place : std::uint8_t { data, pointer, here };  // here: a group, or the own union
  const char* name = "";
  std::size_t offset = 0;  // in the C++ struct
  Place place = Place::data;
  std::uint32_t at = 0;        // of data: the bit; of a pointer: its index
  std::uint64_t standard = 0;  // the schema's default, as bits: what is stored is the difference
  ValuePlan value;
};

// Sizes of a struct on the wire, in words.
struct WireSize {
  std::uint16_t data = 0;
  std::uint16_t pointers = 0;
};

struct StructPlan {
  WireSize size;
  std::vector<FieldPlan> fields;
};

struct UnionPlan {
  struct Member {
    const char* name;
    std::uint16_t discriminant = 0;
    FieldPlan::Place place = FieldPlan::Place::data;  // data: a member without fields
    std::uint32_t pointer = 0;
    const StructPlan* fields = nullptr;
  };
  WireSize size;
  std::size_t discriminant_at = 0;  // byte of the data section
  std::vector<Member> members;      // by the variant's index
  std::vector<int> alternatives;    // by discriminant; -1: none
};

// The plan of one root, with the plans of all that it holds.
struct RootPlan {
  capnp::StructSchema schema;
  const ValueShape* shape = nullptr;
  WireSize size;
  const StructPlan* structure = nullptr;  // one of the two
  const UnionPlan* variant = nullptr;
  std::vector<std::unique_ptr<StructPlan>> structs;
  std::vector<std::unique_ptr<UnionPlan>> unions;
};

// The plans of one type for each schema it is used with, mostly one. Grows only, without a lock;
// two threads that make the same plan at once both keep theirs. Never freed.
class PlanCache {
 public:
  const RootPlan& plan(const ValueShape& shape, capnp::StructSchema schema);

 private:
  struct Node;
  std::atomic<Node*> first_{nullptr};
};

template <typename T>
const RootPlan& plan_for(capnp::StructSchema schema) {
  static constinit PlanCache cache;
  return cache.plan(shape_of<T>(), schema);
}

Bytes encode(const RootPlan& plan, const void* value);
Status decode(const RootPlan& plan, ByteView bytes, const CapnpLimits& limits, void* out);

// "snake_case" as a schema has it: "snakeCase".
std::string camel_case(std::string_view snake_case);
std::optional<capnp::StructSchema::Field> find_field(capnp::StructSchema schema,
                                                     const char* snake_case);
// Whether encoding can go on at all; whether it fits in detail is check_schema's business.
bool roughly_fits(const ValueShape& shape, capnp::Type type);
Status check_schema(const ValueShape& shape, capnp::StructSchema schema);

}  // namespace capnp_detail
}  // namespace crossfloor
