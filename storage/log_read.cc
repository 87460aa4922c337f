#include "storage/log_read.h"

#include <algorithm>

#include "storage/log_keys.h"

namespace crossfloor {
namespace {

Error corrupt(const Stream& stream, std::string what) {
  return Error{ErrorCode::corrupt, std::move(what), short_name(stream),
               "fetch the stream again from a peer, or restore a backup"};
}

// Keys of one stream in [from, to] as a scan wants them; `to` may be the highest sequence.
struct Span {
  Bytes from;
  Bytes to;
};
Span entries_between(std::uint32_t number, Sequence from, Sequence to) {
  return {keys::entry(number, from), keys::entry(number, to) + '\0'};
}
Span seals_between(std::uint32_t number, Sequence from, Sequence to) {
  return {keys::seal(number, from), keys::seal(number, to) + '\0'};
}

// Visits entries from..to until `visit` returns false; a gap or an unreadable entry is `corrupt`.
// Ends without an error where the entries end.
Status walk(const Reader& reader, const Stream& stream, std::uint32_t number, Sequence from,
            Sequence to, const std::function<bool(Sequence, Entry&&)>& visit) {
  std::optional<Error> bad;
  Sequence next = from;
  const auto span = entries_between(number, from, to);
  const auto status = reader.scan(span.from, span.to, [&](ByteView key, ByteView value) {
    if (keys::sequence_of(key) != next) {
      bad = corrupt(stream, "entry " + std::to_string(next) + " is missing");
      return false;
    }
    auto entry = keys::decode_entry(value);
    if (!entry.ok()) {
      bad = corrupt(stream, "entry " + std::to_string(next) + " cannot be read");
      return false;
    }
    return visit(next++, std::move(entry).value());
  });
  if (!status.ok()) return status;
  if (bad) return *bad;
  return {};
}

Result<std::optional<Seal>> one_seal(const Reader& reader, const Stream& stream,
                                     std::uint32_t number, Sequence from, Sequence to, bool last) {
  if (from > to) return std::optional<Seal>();
  std::optional<Result<Seal>> found;
  const auto span = seals_between(number, from, to);
  const auto take = [&](ByteView key, ByteView value) {
    found = Seal::decode(value);
    if (found->ok() && found->value().sequence != keys::sequence_of(key)) {
      found = corrupt(stream, "a seal that is not of its entry");
    }
    return false;
  };
  const auto status =
      last ? reader.scan_back(span.from, span.to, take) : reader.scan(span.from, span.to, take);
  if (!status.ok()) return status.error();
  if (!found) return std::optional<Seal>();
  if (!found->ok()) return corrupt(stream, found->error().what);
  return std::optional<Seal>(found->value());
}

Result<std::vector<Seal>> seals_of(const Reader& reader, const Stream& stream, Sequence from,
                                   Sequence to) {
  auto number = number_of(reader, stream);
  if (!number.ok()) return number.error();
  std::vector<Seal> seals;
  if (!number.value()) return seals;
  bool readable = true;
  const auto span = seals_between(*number.value(), from, to);
  const auto status = reader.scan(span.from, span.to, [&](ByteView key, ByteView value) {
    auto seal = Seal::decode(value);
    readable = seal.ok() && seal.value().sequence == keys::sequence_of(key);
    if (readable) seals.push_back(seal.value());
    return readable;
  });
  if (!status.ok()) return status.error();
  if (!readable) {
    return corrupt(stream, "a seal between entries " + std::to_string(from) + " and " +
                               std::to_string(to) + " cannot be read");
  }
  return seals;
}

Result<std::optional<Sequence>> last_entry(const Reader& reader, std::uint32_t number) {
  std::optional<Sequence> last;
  const auto span = entries_between(number, 1, UINT64_MAX);
  const auto status = reader.scan_back(span.from, span.to, [&](ByteView key, ByteView) {
    last = keys::sequence_of(key);
    return false;
  });
  if (!status.ok()) return status.error();
  return last;
}

Result<std::uint32_t> known_number(const Reader& reader, const Stream& stream) {
  auto number = number_of(reader, stream);
  if (!number.ok()) return number.error();
  if (!number.value()) {
    return Error{ErrorCode::not_found, "this node holds nothing of the stream", short_name(stream),
                 ""};
  }
  return *number.value();
}

}  // namespace

Result<std::map<Stream, std::uint32_t>> stored_streams(const Reader& reader) {
  std::map<Stream, std::uint32_t> streams;
  bool readable = true;
  const Bytes prefix = keys::stream_number_prefix();
  const auto status = reader.scan(prefix, after_prefix(prefix), [&](ByteView key, ByteView value) {
    auto stream = parse_stream_name(key.substr(prefix.size()));
    readable = stream.ok() && value.size() == 4;
    if (readable) streams[stream.value()] = get_be32(value.data());
    return readable;
  });
  if (!status.ok()) return status.error();
  if (!readable) {
    return Error{ErrorCode::corrupt, "a stream's name or number cannot be read", "",
                 "restore a backup, or start with an empty store"};
  }
  return streams;
}

Result<Heads> stored_heads(const Reader& reader) {
  auto streams = stored_streams(reader);
  if (!streams.ok()) return streams.error();
  Heads heads;
  for (const auto& [stream, number] : streams.value()) {
    auto seal = one_seal(reader, stream, number, 1, UINT64_MAX, true);
    if (!seal.ok()) return seal.error();
    auto last = last_entry(reader, number);
    if (!last.ok()) return last.error();
    const Sequence sealed = seal.value() ? seal.value()->sequence : 0;
    if (last.value().value_or(0) != sealed) {
      return corrupt(stream, "its last entry is " + std::to_string(last.value().value_or(0)) +
                                 " and its last seal of " + std::to_string(sealed));
    }
    if (seal.value()) heads[stream] = {sealed, seal.value()->hash};
  }
  return heads;
}

Result<std::optional<std::uint32_t>> number_of(const Reader& reader, const Stream& stream) {
  auto held = reader.get(keys::stream_number(stream));
  if (!held.ok()) return held.error();
  if (!held.value()) return std::optional<std::uint32_t>();
  if (held.value()->size() != 4) return corrupt(stream, "its number cannot be read");
  return std::optional<std::uint32_t>(get_be32(held.value()->data()));
}

Result<Range> read_range(const Reader& reader, const Stream& stream, Sequence from,
                         std::size_t max_bytes) {
  auto number = known_number(reader, stream);
  if (!number.ok()) return number.error();
  Range range{stream, std::max<Sequence>(from, 1), {}, {}};
  const std::size_t limit = std::min(max_bytes, max_bytes_per_seal);
  std::size_t cost = 0;
  auto status =
      walk(reader, stream, number.value(), range.first, UINT64_MAX, [&](Sequence, Entry&& entry) {
        cost += cost_of(entry);
        if (cost > limit && !range.entries.empty()) return false;
        range.entries.push_back(std::move(entry));
        return true;
      });
  if (!status.ok()) return status.error();
  if (range.entries.empty()) return range;

  const Sequence last = range.first + range.entries.size() - 1;
  auto seal = one_seal(reader, stream, number.value(), range.first, last, true);
  if (seal.ok() && !seal.value()) {
    seal = one_seal(reader, stream, number.value(), last + 1, UINT64_MAX, false);
  }
  if (!seal.ok()) return seal.error();
  if (!seal.value()) {
    range.entries.clear();  // not sealed yet
    return range;
  }
  range.seal = *seal.value();
  if (range.seal.sequence <= last) {
    range.entries.resize(range.seal.sequence - range.first + 1);
    return range;
  }
  status = walk(reader, stream, number.value(), last + 1, range.seal.sequence,
                [&](Sequence, Entry&& entry) {
                  range.entries.push_back(std::move(entry));
                  return true;
                });
  if (!status.ok()) return status.error();
  if (range.first + range.entries.size() - 1 != range.seal.sequence) {
    return corrupt(stream, "entries are missing before " + std::to_string(range.seal.sequence));
  }
  return range;
}

Result<std::optional<Entry>> entry_at(const Reader& reader, const Stream& stream,
                                      Sequence sequence) {
  auto number = number_of(reader, stream);
  if (!number.ok()) return number.error();
  if (!number.value()) return std::optional<Entry>();
  auto held = reader.get(keys::entry(*number.value(), sequence));
  if (!held.ok()) return held.error();
  if (!held.value()) return std::optional<Entry>();
  auto entry = keys::decode_entry(*held.value());
  if (!entry.ok()) return corrupt(stream, "entry " + std::to_string(sequence) + " cannot be read");
  return std::optional<Entry>(std::move(entry).value());
}

Result<std::optional<Seal>> seal_at_or_before(const Reader& reader, const Stream& stream,
                                              Sequence sequence) {
  auto number = number_of(reader, stream);
  if (!number.ok()) return number.error();
  if (!number.value()) return std::optional<Seal>();
  return one_seal(reader, stream, *number.value(), 1, sequence, true);
}

Result<std::optional<Seal>> seal_at_or_after(const Reader& reader, const Stream& stream,
                                             Sequence sequence) {
  auto number = number_of(reader, stream);
  if (!number.ok()) return number.error();
  if (!number.value()) return std::optional<Seal>();
  return one_seal(reader, stream, *number.value(), sequence, UINT64_MAX, false);
}

Result<Hash> hash_at(const Reader& reader, const Crypto& crypto, const Stream& stream,
                     Sequence sequence) {
  if (sequence == 0) return first_hash(crypto, stream);
  auto number = known_number(reader, stream);
  if (!number.ok()) return number.error();
  auto seal = one_seal(reader, stream, number.value(), 1, sequence, true);
  if (!seal.ok()) return seal.error();
  Head at{0, first_hash(crypto, stream)};
  if (seal.value()) at = {seal.value()->sequence, seal.value()->hash};
  if (at.sequence == sequence) return at.hash;
  auto status = walk(reader, stream, number.value(), at.sequence + 1, sequence,
                     [&](Sequence here, Entry&& entry) {
                       at = {here, next_hash(crypto, at.hash, entry)};
                       return true;
                     });
  if (!status.ok()) return status.error();
  if (at.sequence != sequence) {
    return Error{ErrorCode::not_found, "entry " + std::to_string(sequence) + " is not held",
                 short_name(stream), ""};
  }
  return at.hash;
}

Result<VerifiedSlice> verify_stream(const Reader& reader, const Crypto& crypto, const MeshId& mesh,
                                    const Stream& stream, const Head& from, std::size_t max_bytes) {
  Head at = from.sequence == 0 ? Head{0, first_hash(crypto, stream)} : from;
  auto range = read_range(reader, stream, at.sequence + 1, max_bytes);
  if (!range.ok()) return range.error();
  if (range.value().entries.empty()) {
    auto further = seal_at_or_after(reader, stream, at.sequence + 1);
    if (!further.ok()) return further.error();
    if (further.value()) {
      return corrupt(stream, "entries " + std::to_string(at.sequence + 1) + " to " +
                                 std::to_string(further.value()->sequence) + " are missing");
    }
    auto unsealed = entry_at(reader, stream, at.sequence + 1);
    if (!unsealed.ok()) return unsealed.error();
    if (unsealed.value()) {
      return corrupt(stream, "no seal covers entry " + std::to_string(at.sequence + 1));
    }
    return VerifiedSlice{at, true};
  }
  auto seals = seals_of(reader, stream, at.sequence + 1, range.value().seal.sequence);
  if (!seals.ok()) return seals.error();
  auto seal = seals.value().begin();
  Sequence sealed = at.sequence;
  for (const auto& entry : range.value().entries) {
    at = {at.sequence + 1, next_hash(crypto, at.hash, entry)};
    if (seal == seals.value().end() || seal->sequence != at.sequence) continue;
    if (seal->hash != at.hash) {
      return corrupt(stream, "entries " + std::to_string(sealed + 1) + " to " +
                                 std::to_string(at.sequence) + " do not lead to their seal");
    }
    if (!seal_is_genuine(crypto, mesh, stream, *seal)) {
      return corrupt(stream,
                     "the seal of entry " + std::to_string(at.sequence) + " is not its origin's");
    }
    sealed = at.sequence;
    ++seal;
  }
  return VerifiedSlice{at, false};
}

}  // namespace crossfloor
