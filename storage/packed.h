// Described structs (protocol/fields.h) in a short form that is quick to write and to read, for
// what only this node reads: the rows of the projections. What others read is Cap'n Proto.
//
//   struct     one byte, how many fields follow; its fields, as they are visited
//   bool, enum one byte
//   integer    7 bits a byte, lowest first, the eighth says that more follow (LEB128); signed ones
//              with the sign in the lowest bit, so that small negative ones are short, too
//   text       its length as an integer, its bytes
//   Id         a byte: 0 if it is all zero; else 1, and its bytes
//   optional   a byte: 0 if there is nothing; else 1, and what there is
//   list       its length as an integer, its items
//
// A new field goes to the end of its struct: rows written before read as its default. Fields never
// change their place or type. Doubles and variants are not for rows.
#pragma once

#include "protocol/result.h"
#include "protocol/shapes.h"

namespace crossfloor {

void append_packed(Bytes& out, const ValueShape& shape, const void* value);

// `out` is default-made. Errors: corrupt (cut off, too long, a word or length that cannot be).
Status read_packed(ByteView bytes, const ValueShape& shape, void* out);

}  // namespace crossfloor
