// How the entries of a range are packed into one piece of bytes for the wire: for each, form (1: a
// body follows, 2: the hash of an erased one), header (28), length (4, LE), then those bytes. They
// are the bytes that were received or written, never re-encoded.
#pragma once

#include "protocol/range.h"
#include "protocol/replication_messages.h"

namespace crossfloor {

RangeIs pack_range(const Range& range);
// Errors: malformed, too_large. What it says is not checked against any chain here.
Result<Range> unpack_range(const RangeIs& packed);

}  // namespace crossfloor
