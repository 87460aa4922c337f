// The frozen format of the log: entries, their chain, and the seals over it.
//
// An entry's header is stored, hashed and passed on as the bytes received, never re-encoded. What
// can be derived (previous hash, body hash, stream, sequence) is neither sent nor stored.
//
//   header, 28 bytes, little-endian
//     0   1  format, 1
//     1   1  flags; 1: salvaged (EntryHeader). A reader keeps flags that it does not know.
//     2   2  kind (EntryKind)
//     4   8  hybrid time: 48 bits of milliseconds, 16 bits of counter
//     12 16  subject: a keyed id. It names no customer and carries no text; those are in the body.
//
//   body: 16 random bytes, then a Cap'n Proto message (protocol/bodies.capnp). The random bytes go
//   with the body when it is erased, so that its hash says nothing of what stood there.
//
//   hash    = BLAKE2b-256(previous hash, header, BLAKE2b-256(body)); the previous hash of the first
//             entry is the hash of its stream's name (stream_name below)
//   seal    = Ed25519 over "crossfloor seal 1", mesh id, stream name, sequence (8, LE), hash
//
// tests/golden/entry.txt holds vectors for all of it.
#pragma once

#include "protocol/crypto.h"
#include "protocol/hybrid_time.h"
#include "protocol/ids.h"
#include "protocol/result.h"

namespace crossfloor {

// Numbers on disk and wire: never reused, never renumbered.
enum class EntryKind : std::uint16_t {
  generation = 1,    // first entry of a stream: node, certificate, time
  message = 2,       // a message taken in at a channel host; subject = message id
  placed = 3,        // home: message M belongs to conversation C; subject = conversation id
  course = 4,        // home: state, assignee, lease and epoch of a conversation, with its trace
  took_home = 5,     // a node becomes home of a conversation (term + 1)
  reply = 6,         // home: an agent's reply, and who sends it
  note = 7,          // home: an agent's note
  attempt = 8,       // sender: about to hand a reply to the provider
  outcome = 9,       // sender: what became of a reply
  link = 10,         // two handles are one customer, or are no longer
  agent = 11,        // an agent's record; subject = keyed id of the agent's name
  account = 12,      // a channel account's hosts, as its region agreed them
  certificate = 13,  // a node certificate, exchanged before everything else
  revocation = 14,   // a node is no longer a member
  act = 15,          // what an operator did, and why
};

struct EntryHeader {
  static constexpr std::size_t encoded_size = 28;
  // Written again by a node that held it, because its origin signed two histories and the place
  // where it stood counts no more.
  static constexpr std::uint8_t salvaged = 1;
  std::uint8_t format = 1;
  std::uint8_t flags = 0;
  std::uint16_t kind = 0;  // an EntryKind, or the number of one that a newer node knows
  HybridTime time;
  Subject subject;

  void append_to(Bytes& out) const;
  static Result<EntryHeader> decode(ByteView bytes);  // exactly encoded_size bytes of format 1
};

// An entry as it is stored and passed on. `body` is missing after erasure; then `body_hash` stands
// for it, in storage and on the wire.
struct Entry {
  static constexpr std::size_t max_body = 256 * 1024;  // bytes; text is at most 64 KiB of it
  Bytes header;
  Bytes body;
  std::optional<Hash> erased_body_hash;

  bool operator==(const Entry&) const = default;
};

// "mesh" is the context of every signature, so that one mesh's seals mean nothing in another.
struct Seal {
  static constexpr std::size_t encoded_size = 8 + 32 + 64;
  Sequence sequence = 0;  // of the last entry that it covers
  Hash hash;              // of that entry
  Signature signature;

  Bytes encode() const;
  static Result<Seal> decode(ByteView bytes);
  bool operator==(const Seal&) const = default;
};

// A seal is made at the end of every commit, over at most this much.
inline constexpr std::size_t max_entries_per_seal = 1024;
inline constexpr std::size_t max_bytes_per_seal = 1024 * 1024;

// node (32), generation (8, LE), length of region (1), region.
Bytes stream_name(const Stream& stream);
void append_stream_name(Bytes& out, const Stream& stream);
Result<Stream> parse_stream_name(ByteView bytes);

Hash first_hash(const Crypto& crypto, const Stream& stream);
Hash next_hash(const Crypto& crypto, const Hash& previous, const Entry& entry);

Seal make_seal(const Crypto& crypto, const SigningKey& key, const MeshId& mesh,
               const Stream& stream, Sequence sequence, const Hash& hash);
bool seal_is_genuine(const Crypto& crypto, const MeshId& mesh, const Stream& stream,
                     const Seal& seal);

}  // namespace crossfloor
