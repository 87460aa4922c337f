// Reading the log of any stream from a snapshot, on whatever thread: pages for a peer that catches
// up, the hash at a sequence, and the check of a whole chain in slices.
#pragma once

#include <map>

#include "protocol/range.h"
#include "storage/store.h"

namespace crossfloor {

using Heads = std::map<Stream, Head>;

// The last sealed entry of every stream. Errors: corrupt (also if entries lie behind the last
// seal: a commit always ends on one), io.
Result<Heads> stored_heads(const Reader& reader);

// The numbers that stand for the streams in this store's keys. Errors: corrupt, io.
Result<std::map<Stream, std::uint32_t>> stored_streams(const Reader& reader);
Result<std::optional<std::uint32_t>> number_of(const Reader& reader, const Stream& stream);

// Entries from `from` on, about `max_bytes` (at most max_bytes_per_seal) of them: up to the last
// seal within that, or to the first seal if even that lies further. No entries: there are none
// that are sealed. Errors: not_found (the stream), corrupt, io.
Result<Range> read_range(const Reader& reader, const Stream& stream, Sequence from,
                         std::size_t max_bytes);

Result<std::optional<Entry>> entry_at(const Reader& reader, const Stream& stream,
                                      Sequence sequence);
// Nothing if no entry up to `sequence` is sealed.
Result<std::optional<Seal>> seal_at_or_before(const Reader& reader, const Stream& stream,
                                              Sequence sequence);
Result<std::optional<Seal>> seal_at_or_after(const Reader& reader, const Stream& stream,
                                             Sequence sequence);
// Of a held entry, reckoned from the seal before it; 0 gives the hash of the stream's name.
// Errors: not_found, corrupt, io.
Result<Hash> hash_at(const Reader& reader, const Crypto& crypto, const Stream& stream,
                     Sequence sequence);

// Checks the entries behind `from` (default: from the beginning) up to a seal, about `max_bytes` of
// them: that none is missing, that they lead to each of their seals, and that each seal is genuine.
// Go on from `reached` until `done`. Error corrupt says where: a flipped byte lies between the two
// sequences named.
struct VerifiedSlice {
  Head reached;
  bool done = false;
};
Result<VerifiedSlice> verify_stream(const Reader& reader, const Crypto& crypto, const MeshId& mesh,
                                    const Stream& stream, const Head& from = {},
                                    std::size_t max_bytes = max_bytes_per_seal);

}  // namespace crossfloor
