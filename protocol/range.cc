#include "protocol/range.h"

namespace crossfloor {
namespace {

Error malformed(const Range& range, std::string what) {
  return Error{ErrorCode::malformed, std::move(what), short_name(range.stream), ""};
}

Status check_entry(const Range& range, const Entry& entry, Sequence sequence) {
  const auto header = EntryHeader::decode(entry.header);
  if (!header.ok()) {
    return Error{ErrorCode::malformed, header.error().what,
                 short_name(range.stream) + " " + std::to_string(sequence), header.error().mend};
  }
  if (entry.body.size() > Entry::max_body) {
    return Error{ErrorCode::too_large,
                 "a body of " + std::to_string(entry.body.size()) + " bytes; the limit is " +
                     std::to_string(Entry::max_body),
                 short_name(range.stream) + " " + std::to_string(sequence), ""};
  }
  if (entry.erased_body_hash && !entry.body.empty()) {
    return malformed(range, "entry " + std::to_string(sequence) + " is erased and has a body");
  }
  return {};
}

}  // namespace

Status check_shape(const Range& range) {
  if (range.stream.region.empty() || range.stream.region.size() > 32) {
    return Error{ErrorCode::malformed,
                 "a region's name of " + std::to_string(range.stream.region.size()) +
                     " bytes instead of 1 to 32",
                 "", ""};
  }
  if (range.first == 0) return malformed(range, "begins with entry 0; the first entry is 1");
  if (range.entries.empty()) return malformed(range, "holds no entry");
  const Sequence more = range.entries.size() - 1;
  if (range.first > UINT64_MAX - more || range.seal.sequence != range.first + more) {
    return malformed(range, "its seal is of entry " + std::to_string(range.seal.sequence) +
                                " and not of its last one");
  }
  std::size_t cost = 0;
  for (std::size_t i = 0; i < range.entries.size(); ++i) {
    if (auto status = check_entry(range, range.entries[i], range.first + i); !status.ok()) {
      return status;
    }
    cost += cost_of(range.entries[i]);
    if (cost > max_range_cost) {
      return Error{ErrorCode::too_large,
                   "more than " + std::to_string(max_range_cost) + " bytes of entries",
                   short_name(range.stream), ""};
    }
  }
  return {};
}

std::string short_name(const Stream& stream) {
  Bytes generation;
  put_be64(generation, stream.origin.generation);
  return stream.origin.node.hex().substr(0, 8) + "." + to_hex(generation).substr(0, 8) + "." +
         stream.region;
}

}  // namespace crossfloor
