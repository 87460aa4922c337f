#include "protocol/range_codec.h"

namespace crossfloor {
namespace {

constexpr char form_body = 1;
constexpr char form_erased = 2;
constexpr std::size_t fixed = 1 + EntryHeader::encoded_size + 4;

Error cut_short() {
  return {ErrorCode::malformed, "a range whose entries are cut short", "", ""};
}

}  // namespace

RangeIs pack_range(const Range& range) {
  RangeIs packed;
  packed.node = range.stream.origin.node;
  packed.generation = range.stream.origin.generation;
  packed.region = range.stream.region;
  packed.first = range.first;
  for (const auto& entry : range.entries) {
    const ByteView body = entry.erased_body_hash ? entry.erased_body_hash->view() : entry.body;
    packed.entries.push_back(entry.erased_body_hash ? form_erased : form_body);
    packed.entries.append(entry.header);
    put_le32(packed.entries, static_cast<std::uint32_t>(body.size()));
    packed.entries.append(body);
  }
  packed.seal = range.seal.encode();
  return packed;
}

Result<Range> unpack_range(const RangeIs& packed) {
  Range range;
  range.stream = packed.stream();
  range.first = packed.first;
  auto seal = Seal::decode(packed.seal);
  if (!seal.ok()) return seal.error();
  range.seal = seal.value();
  ByteView rest = packed.entries;
  while (!rest.empty()) {
    if (rest.size() < fixed) return cut_short();
    Entry entry;
    const char form = rest[0];
    entry.header = Bytes(rest.substr(1, EntryHeader::encoded_size));
    const std::size_t length = get_le32(rest.data() + 1 + EntryHeader::encoded_size);
    rest.remove_prefix(fixed);
    if (length > rest.size()) return cut_short();
    if (form == form_body) {
      entry.body = Bytes(rest.substr(0, length));
    } else if (form == form_erased && length == Hash::size) {
      entry.erased_body_hash = Hash::from(rest.substr(0, length));
    } else {
      return Error{ErrorCode::malformed, "an entry of an unknown form in a range", "", ""};
    }
    rest.remove_prefix(length);
    range.entries.push_back(std::move(entry));
  }
  return range;
}

}  // namespace crossfloor
