// Described structs (protocol/fields.h) to and from Cap'n Proto.
//
// A plan lays a struct's shape (protocol/shapes.h) over its schema: which field is which bits of
// the data section or which pointer. It is made once for each pair; then writing and reading only
// follow it. Nothing here is compiled anew for a new struct.
//
// Include this in the one .cc of a wire family, so that nobody else pays for Cap'n Proto's headers:
//
//   // protocol/peer_messages.h: the structs, and
//   Bytes encode(const PeerMessage& message);
//   Result<PeerMessage> decode_peer_message(ByteView bytes);
//
//   // protocol/peer_messages.cc
//   #include "protocol/capnp_codec.h"
//   #include "protocol/peer_messages.capnp.h"
//   template <>
//   struct crossfloor::SchemaOf<PeerMessage> : CapnpSchema<wire::PeerMessage> {};
//   Bytes encode(const PeerMessage& message) { return encode_capnp(message); }
//   Result<PeerMessage> decode_peer_message(ByteView bytes) {
//     return decode_capnp<PeerMessage>(bytes);
//   }
//
// How C++ and schema meet (check_schema<T>() says where they do not; a test calls it per root):
//
//   field_name              fieldName
//   bool, integers, double  the type of the same size and sign
//   std::string             Text (valid UTF-8) or Data
//   Id                      Data of exactly its size; absent: all zero
//   HybridTime              UInt64;  Duration, WallTime  Int64, milliseconds;  FreeJson  Text
//   enum                    enum, by ordinal; the enumerants are the words in camelCase
//   std::optional           absent is a null pointer: structs, text and ids only
//   std::vector             List
//   std::variant            the members of one union are its alternatives' `name`s: of a union or a
//                           struct field of the variant's name, or, if there is no such field, of
//                           the struct's own unnamed union. A member of type Void is an alternative
//                           without fields. A variant may also be the root.
//
// Fields that an older node does not send have the schema's default, so give a new field the same
// default on both sides. Numbers of enums that this node does not know are malformed, except for
// an enum that has the word "unknown": they become that. A schema field named obsolete… is ignored.
//
// Bytes are Cap'n Proto's standard framing of exactly one segment, without anything behind it.
#pragma once

#include <capnp/schema.h>

#include <string>

#include "protocol/capnp_plan.h"
#include "protocol/result.h"

namespace crossfloor {

template <typename T>
concept CapnpRoot = Described<T> || VariantField<T>;

// To be specialised for each root: static capnp::StructSchema get().
template <typename T>
struct SchemaOf;
template <typename Generated>
struct CapnpSchema {
  static capnp::StructSchema get() { return capnp::Schema::from<Generated>(); }
};

// Stops the process if the schema lacks a field of T: that is a bug, which check_schema tells of.
template <CapnpRoot T>
Bytes encode_capnp(const T& value, capnp::StructSchema schema = SchemaOf<T>::get()) {
  return capnp_detail::encode(capnp_detail::plan_for<T>(schema), &value);
}

// Never throws. too_large: over a limit. not_found: a member of a union that this node does not
// know ("unknown message kind 7"): a newer node sent it. malformed: anything else.
template <CapnpRoot T>
Result<T> decode_capnp(ByteView bytes, capnp::StructSchema schema, const CapnpLimits& limits = {}) {
  T out{};
  auto status = capnp_detail::decode(capnp_detail::plan_for<T>(schema), bytes, limits, &out);
  if (!status.ok()) return status.error();
  return out;
}
template <CapnpRoot T>
Result<T> decode_capnp(ByteView bytes, const CapnpLimits& limits = {}) {
  return decode_capnp<T>(bytes, SchemaOf<T>::get(), limits);
}

// Every described field exists in the schema with a fitting type, and the other way round. The
// error lists all that does not fit.
template <CapnpRoot T>
Status check_schema(capnp::StructSchema schema = SchemaOf<T>::get()) {
  return capnp_detail::check_schema(shape_of<T>(), schema);
}

}  // namespace crossfloor
