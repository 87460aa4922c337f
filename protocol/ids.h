// The names of things. Each is a fixed number of bytes and a type of its own, so that a message's
// id cannot be passed where a conversation's is wanted. For people they are hexadecimal.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/bytes.h"

namespace crossfloor {

template <std::size_t Size, typename Tag>
struct Id {
  static constexpr std::size_t size = Size;
  std::array<unsigned char, Size> raw{};

  // Ids are compared all the time, and nearly always the first eight bytes tell.
  std::strong_ordering operator<=>(const Id& other) const {
    for (std::size_t at = 0; at < Size; at += 8) {
      const std::uint64_t mine = word(at);
      const std::uint64_t others = other.word(at);
      if (mine != others) return mine <=> others;
    }
    return std::strong_ordering::equal;
  }
  bool operator==(const Id& other) const {
    for (std::size_t at = 0; at < Size; at += 8) {
      if (word(at) != other.word(at)) return false;
    }
    return true;
  }
  ByteView view() const { return {reinterpret_cast<const char*>(raw.data()), Size}; }
  std::string hex() const { return to_hex(view()); }
  bool is_zero() const {
    return std::all_of(raw.begin(), raw.end(), [](unsigned char byte) { return byte == 0; });
  }

  // Nothing if `bytes` has another size.
  static std::optional<Id> from(ByteView bytes) {
    if (bytes.size() != Size) return std::nullopt;
    Id id;
    std::copy(bytes.begin(), bytes.end(), id.raw.begin());
    return id;
  }
  static std::optional<Id> from_hex_text(std::string_view hex) {
    const auto bytes = from_hex(hex);
    if (!bytes) return std::nullopt;
    return from(*bytes);
  }
  // The same bytes under another name: a conversation is named after its first message.
  template <typename Other>
  Other as() const {
    static_assert(Other::size == Size);
    Other other;
    other.raw = raw;
    return other;
  }

 private:
  static_assert(Size % 8 == 0);
  // The first byte is the highest, so that words are ordered as bytes are.
  std::uint64_t word(std::size_t at) const {
    std::uint64_t out = 0;
    std::memcpy(&out, raw.data() + at, sizeof out);
    return std::endian::native == std::endian::little ? __builtin_bswap64(out) : out;
  }
};

using NodeId = Id<32, struct NodeTag>;          // Ed25519 public key
using MeshId = Id<16, struct MeshTag>;          // BLAKE2b-128 of the authority's public key
using Hash = Id<32, struct HashTag>;            // BLAKE2b-256
using Signature = Id<64, struct SignatureTag>;  // Ed25519
using Secret = Id<32, struct SecretTag>;        // key of keyed hashes and of boxes
// Subjects of entries: keyed BLAKE2b-128 (protocol/subjects.h).
using Subject = Id<16, struct SubjectTag>;
using MessageId = Id<16, struct MessageTag>;
using ConversationId = Id<16, struct ConversationTag>;
using HandleId = Id<16, struct HandleTag>;
using CommandId = Id<16, struct CommandTag>;  // client's own id of a command, hashed
using ReplyId = Id<16, struct ReplyTag>;

using Generation = std::uint64_t;  // one start of a node: 64 random bits

// Who wrote a log. A node never appends to an older generation.
struct Origin {
  NodeId node;
  Generation generation = 0;
  auto operator<=>(const Origin&) const = default;
};

using Region = std::string;  // lower-case letters, digits and '-', 1 to 32 bytes

struct Stream {
  Origin origin;
  Region region;
  auto operator<=>(const Stream&) const = default;
};

using Sequence = std::uint64_t;  // first entry of a stream is 1

}  // namespace crossfloor
