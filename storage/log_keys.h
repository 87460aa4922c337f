// The grammar of the store's keys. Numbers on disk: never reused.
//
//   first byte  rest                                  value
//   0x00        "format"                              version of the store's format (4, LE)
//   0x00        "rebuild"                             nothing: the projections are being made anew
//   0x01        stream name                           the stream's number here (4, BE)
//   0x02        number (4, BE), sequence (8, BE)      form (1: 0 body, 1 erased), header (28),
//                                                     then the body, or its hash (32)
//   0x03        number (4, BE), sequence (8, BE)      seal (104)
//   0x04        number (4, BE)                        proof of a fork: sequence of the last common
//                                                     entry (8, LE), held seal, other seal
//   0x05        stream name                           highest head heard of: sequence (8, LE), hash
//   0x06        number (4, BE)                        what lies under the other seal of a
//                                                     fork: first sequence (8, LE), seal (104),
//                                                     entries without bodies (range_codec.h)
//   0x07        kind of channel (1)                   how long this node's agents took for it
//                                                     (node/core/kept_times.h)
//   0x10 and up                                       projections (storage/rows.h), which can be
//                                                     rebuilt from the above; and "D" and a hash:
//                                                     a certificate or revocation
//
// A stream's number is given when the stream is first seen and means nothing outside this store.
#pragma once

#include "protocol/entry.h"

namespace crossfloor::keys {

inline constexpr char first_projection = 0x10;

Bytes format();
Bytes rebuild();
Bytes stream_number_prefix();
Bytes stream_number(const Stream& stream);
Bytes entry(std::uint32_t number, Sequence sequence);
Bytes seal(std::uint32_t number, Sequence sequence);
Bytes fork(std::uint32_t number);
Bytes fork_evidence(std::uint32_t number);
Bytes heard_prefix();
Bytes heard(const Stream& stream);
Bytes handling_times(std::uint8_t kind);

Sequence sequence_of(ByteView entry_or_seal_key);
// How many first bytes of a key mean something in this store alone: a stream's number, and what
// stands before it. Of others their kind.
std::size_t local_part(ByteView key);

Bytes encode_entry(const Entry& entry);
Result<Entry> decode_entry(ByteView value);  // corrupt

}  // namespace crossfloor::keys
