#include "storage/log_keys.h"

#include <algorithm>

#include "protocol/check.h"

namespace crossfloor::keys {
namespace {

Bytes numbered(char first, std::uint32_t number) {
  Bytes key(1, first);
  put_be32(key, number);
  return key;
}

Bytes numbered(char first, std::uint32_t number, Sequence sequence) {
  Bytes key = numbered(first, number);
  put_be64(key, sequence);
  return key;
}

constexpr std::size_t header_end = 1 + EntryHeader::encoded_size;

}  // namespace

Bytes format() {
  return Bytes(
      "\x00"
      "format",
      7);
}
Bytes rebuild() {
  return Bytes(
      "\x00"
      "rebuild",
      8);
}
Bytes stream_number_prefix() {
  return "\x01";
}
Bytes stream_number(const Stream& stream) {
  return "\x01" + stream_name(stream);
}
Bytes entry(std::uint32_t number, Sequence sequence) {
  return numbered(2, number, sequence);
}
Bytes seal(std::uint32_t number, Sequence sequence) {
  return numbered(3, number, sequence);
}
Bytes fork(std::uint32_t number) {
  return numbered(4, number);
}
Bytes fork_evidence(std::uint32_t number) {
  return numbered(6, number);
}
Bytes heard_prefix() {
  return "\x05";
}
Bytes heard(const Stream& stream) {
  return "\x05" + stream_name(stream);
}

Bytes handling_times(std::uint8_t kind) {
  return Bytes("\x07") + static_cast<char>(kind);
}

std::size_t local_part(ByteView key) {
  const bool numbered = !key.empty() && (key[0] == 2 || key[0] == 3);
  return std::min<std::size_t>(numbered ? 5 : 1, key.size());
}

Sequence sequence_of(ByteView key) {
  XF_CHECK(key.size() == 13);
  return get_be64(key.data() + 5);
}

Bytes encode_entry(const Entry& entry) {
  XF_CHECK(entry.header.size() == EntryHeader::encoded_size);
  Bytes value;
  value.reserve(header_end + (entry.erased_body_hash ? Hash::size : entry.body.size()));
  value.push_back(entry.erased_body_hash ? 1 : 0);
  value.append(entry.header);
  value.append(entry.erased_body_hash ? entry.erased_body_hash->view() : ByteView(entry.body));
  return value;
}

Result<Entry> decode_entry(ByteView value) {
  if (value.size() < header_end || (value[0] != 0 && value[0] != 1) ||
      (value[0] == 1 && value.size() != header_end + Hash::size)) {
    return Error{ErrorCode::corrupt, "a stored entry that cannot be read", "", ""};
  }
  Entry entry;
  entry.header = Bytes(value.substr(1, EntryHeader::encoded_size));
  const ByteView rest = value.substr(header_end);
  if (value[0] == 1) {
    entry.erased_body_hash = Hash::from(rest);
  } else {
    entry.body = Bytes(rest);
  }
  return entry;
}

}  // namespace crossfloor::keys
