#include "storage/log.h"

#include <algorithm>

#include "protocol/check.h"
#include "protocol/range_codec.h"
#include "storage/log_keys.h"

namespace crossfloor {
namespace {

Error conflict(const Stream& stream, std::string what, std::string mend = "") {
  return Error{ErrorCode::conflict, std::move(what), short_name(stream), std::move(mend)};
}

Error forged(const Stream& stream, Sequence sequence) {
  return Error{ErrorCode::unauthenticated,
               "the seal of entry " + std::to_string(sequence) + " is not its origin's",
               short_name(stream), ""};
}

Bytes encode_fork(const Fork& fork) {
  Bytes value;
  put_le64(value, fork.common);
  return value + fork.held.encode() + fork.other.encode();
}

Result<Fork> decode_fork(const Stream& stream, ByteView value) {
  constexpr std::size_t size = Seal::encoded_size;
  if (value.size() == 8 + 2 * size) {
    auto held = Seal::decode(value.substr(8, size));
    auto other = Seal::decode(value.substr(8 + size));
    if (held.ok() && other.ok()) {
      return Fork{stream, get_le64(value.data()), held.value(), other.value()};
    }
  }
  return Error{ErrorCode::corrupt, "the proof of a fork cannot be read", short_name(stream), ""};
}

Bytes encode_evidence(const Range& range) {
  Bytes value;
  put_le64(value, range.first);
  return value + range.seal.encode() + pack_range(range).entries;
}

Bytes encode_head(const Head& head) {
  Bytes value;
  put_le64(value, head.sequence);
  value.append(head.hash.view());
  return value;
}

Result<Heads> stored_heard(const Reader& reader) {
  Heads heard;
  bool readable = true;
  const Bytes prefix = keys::heard_prefix();
  const auto status = reader.scan(prefix, after_prefix(prefix), [&](ByteView key, ByteView value) {
    auto stream = parse_stream_name(key.substr(prefix.size()));
    readable = stream.ok() && value.size() == 8 + Hash::size;
    if (readable) heard[stream.value()] = {get_le64(value.data()), *Hash::from(value.substr(8))};
    return readable;
  });
  if (!status.ok()) return status.error();
  if (!readable) return Error{ErrorCode::corrupt, "a head heard of cannot be read", "", ""};
  return heard;
}

}  // namespace

bool proves_itself(const Crypto& crypto, const MeshId& mesh, const Fork& fork) {
  return fork.held.sequence == fork.other.sequence && fork.held.hash != fork.other.hash &&
         seal_is_genuine(crypto, mesh, fork.stream, fork.held) &&
         seal_is_genuine(crypto, mesh, fork.stream, fork.other);
}

Result<std::optional<Fork>> stored_fork(const Reader& reader, const Stream& stream,
                                        std::uint32_t number) {
  auto proof = reader.get(keys::fork(number));
  if (!proof.ok()) return proof.error();
  if (!proof.value()) return std::optional<Fork>();
  auto fork = decode_fork(stream, *proof.value());
  if (!fork.ok()) return fork.error();
  return std::optional<Fork>(std::move(fork).value());
}

Result<std::optional<Range>> evidence_of(const Reader& reader, const Fork& fork) {
  auto streams = stored_streams(reader);
  if (!streams.ok()) return streams.error();
  const auto at = streams.value().find(fork.stream);
  if (at == streams.value().end()) return std::optional<Range>();
  auto held = reader.get(keys::fork_evidence(at->second));
  if (!held.ok()) return held.error();
  if (!held.value()) return std::optional<Range>();
  constexpr std::size_t before = 8 + Seal::encoded_size;
  const Error unreadable{ErrorCode::corrupt, "the evidence of a fork cannot be read",
                         short_name(fork.stream), ""};
  const ByteView value = *held.value();
  if (value.size() < before) return unreadable;
  RangeIs packed;
  packed.node = fork.stream.origin.node;
  packed.generation = fork.stream.origin.generation;
  packed.region = fork.stream.region;
  packed.first = get_le64(value.data());
  packed.seal = Bytes(value.substr(8, Seal::encoded_size));
  packed.entries = Bytes(value.substr(before));
  auto range = unpack_range(packed);
  if (!range.ok()) return unreadable;
  return std::optional<Range>(std::move(range).value());
}

Result<Log> Log::open(const Reader& reader, const Crypto& crypto, const MeshId& mesh) {
  Log log(crypto, mesh);
  auto heads = stored_heads(reader);
  if (!heads.ok()) return heads.error();
  auto heard = stored_heard(reader);
  if (!heard.ok()) return heard.error();
  log.heard_ = std::move(heard).value();
  auto streams = stored_streams(reader);
  if (!streams.ok()) return streams.error();
  for (const auto& [stream, number] : streams.value()) {
    const auto held = heads.value().find(stream);
    // Without entries if nothing but the proof of its fork has come so far.
    const Head head =
        held == heads.value().end() ? Head{0, first_hash(crypto, stream)} : held->second;
    log.states_[stream] = {number, head, head, 0};
    log.next_number_ = std::max(log.next_number_, number + 1);
    auto fork = stored_fork(reader, stream, number);
    if (!fork.ok()) return fork.error();
    if (fork.value()) log.forks_[stream] = *std::move(fork).value();
  }
  return log;
}

Log::State& Log::state_of(const Stream& stream, Batch& batch) {
  const auto [at, fresh] = states_.try_emplace(stream);
  if (fresh) {
    XF_CHECK(next_number_ != UINT32_MAX);
    at->second.number = next_number_++;
    at->second.head = at->second.sealed = {0, first_hash(*crypto_, stream)};
    Bytes number;
    put_be32(number, at->second.number);
    batch.put(keys::stream_number(stream), std::move(number));
  }
  return at->second;
}

Head Log::held_head(const Stream& stream) const {
  const auto found = states_.find(stream);
  return found == states_.end() ? Head{0, first_hash(*crypto_, stream)} : found->second.head;
}

void Log::write(const State& state, const AcceptedEntry& entry, Batch& batch) const {
  batch.put(keys::entry(state.number, entry.head.sequence), keys::encode_entry(entry.entry));
}

Head Log::append(const Stream& own, const Entry& entry, Batch& batch) {
  XF_CHECK(EntryHeader::decode(entry.header).ok());
  XF_CHECK(entry.body.size() <= Entry::max_body && !entry.erased_body_hash);
  XF_CHECK(!needs_seal(own) && !forked(own));
  auto& state = state_of(own, batch);
  state.head = {state.head.sequence + 1, next_hash(*crypto_, state.head.hash, entry)};
  state.unsealed_cost += cost_of(entry);
  write(state, {entry, state.head}, batch);
  return state.head;
}

bool Log::has_unsealed(const Stream& own) const {
  const auto found = states_.find(own);
  return found != states_.end() && found->second.head.sequence != found->second.sealed.sequence;
}

bool Log::needs_seal(const Stream& own) const {
  const auto found = states_.find(own);
  return found != states_.end() &&
         (found->second.unsealed_cost >= max_bytes_per_seal ||
          found->second.head.sequence - found->second.sealed.sequence >= max_entries_per_seal);
}

Seal Log::seal(const Stream& own, const SigningKey& key, Batch& batch) {
  XF_CHECK(has_unsealed(own) && key.node() == own.origin.node);
  auto& state = states_.at(own);
  const Seal seal = make_seal(*crypto_, key, mesh_, own, state.head.sequence, state.head.hash);
  batch.put(keys::seal(state.number, seal.sequence), seal.encode());
  state.sealed = state.head;
  state.unsealed_cost = 0;
  return seal;
}

Result<std::vector<Head>> Log::chain_of(const Reader& reader, const Range& range) const {
  const Head held = held_head(range.stream);
  Head at = held;
  if (range.first <= held.sequence) {
    auto before = hash_at(reader, *crypto_, range.stream, range.first - 1);
    if (!before.ok()) return before.error();
    at = {range.first - 1, before.value()};
  }
  std::vector<Head> chain;
  chain.reserve(range.entries.size());
  for (const auto& entry : range.entries) {
    at = {at.sequence + 1, next_hash(*crypto_, at.hash, entry)};
    chain.push_back(at);
  }
  return chain;
}

// The held seal that stands against another one at `wanted`: of the same sequence if there is one,
// else the first behind the last common entry.
Result<Seal> Log::held_seal_for(const Reader& reader, const Stream& stream, Sequence common,
                                Sequence wanted) const {
  auto seal = seal_at_or_before(reader, stream, wanted);
  if (!seal.ok()) return seal.error();
  if (seal.value() && seal.value()->sequence == wanted) return *seal.value();
  seal = seal_at_or_after(reader, stream, common + 1);
  if (!seal.ok()) return seal.error();
  return seal.value().value_or(Seal{});
}

// Whether a range with a genuine seal and what is held cannot both be of one history. Only where
// the last entry that both share can be named: all nodes must name the same one.
Result<std::optional<Fork>> Log::contradiction(const Reader& reader, const Range& range,
                                               const std::vector<Head>& chain) const {
  const Head held = held_head(range.stream);
  const Sequence last = range.seal.sequence;
  if (chain.back().hash != range.seal.hash || range.first > held.sequence) {
    return std::optional<Fork>();
  }
  // Once two chains differ they differ for ever, so the last common entry is found by halving.
  Sequence common = range.first - 1;
  Sequence beyond = std::min(held.sequence, last) + 1;
  while (common + 1 < beyond) {
    const Sequence middle = common + (beyond - common) / 2;
    auto ours = hash_at(reader, *crypto_, range.stream, middle);
    if (!ours.ok()) return ours.error();
    (ours.value() == chain[middle - range.first].hash ? common : beyond) = middle;
  }
  if (beyond > std::min(held.sequence, last)) return std::optional<Fork>();
  auto seal = held_seal_for(reader, range.stream, common, last);
  if (!seal.ok()) return seal.error();
  return std::optional<Fork>(Fork{range.stream, common, seal.value(), range.seal});
}

Result<Accepted> Log::accept(const Reader& reader, Range range, Batch& batch,
                             const MayLackBody& may_lack_body) {
  if (auto status = check_shape(range); !status.ok()) return status.error();
  const Stream& stream = range.stream;
  const Head held = held_head(stream);
  const auto known = forks_.find(stream);
  if (known != forks_.end() && range.first > known->second.common) {
    return conflict(stream, "the stream is forked and takes nothing more");
  }
  if (range.first > held.sequence + 1) {
    return Error{ErrorCode::stale,
                 "begins with entry " + std::to_string(range.first) + "; " +
                     std::to_string(held.sequence + 1) + " is the next one here",
                 short_name(stream), "send from there"};
  }
  auto chain = chain_of(reader, range);
  if (!chain.ok()) return chain.error();
  const auto& heads = chain.value();

  bool agrees = heads.back().hash == range.seal.hash;
  if (agrees && range.first <= held.sequence) {
    const Sequence meeting = std::min(held.sequence, range.seal.sequence);
    auto ours = hash_at(reader, *crypto_, stream, meeting);
    if (!ours.ok()) return ours.error();
    agrees = ours.value() == heads[meeting - range.first].hash;
  }
  if (agrees && range.seal.sequence <= held.sequence) return Accepted{};
  if (!seal_is_genuine(*crypto_, mesh_, stream, range.seal)) {
    return forged(stream, range.seal.sequence);
  }
  if (!agrees) {
    auto fork = contradiction(reader, range, heads);
    if (!fork.ok()) return fork.error();
    if (!fork.value()) {
      return conflict(
          stream,
          "its entries do not lead from entry " + std::to_string(range.first - 1) + " to its seal",
          "send a range that begins earlier");
    }
    if (known != forks_.end() && known->second.common <= fork.value()->common) {
      return conflict(stream, "the stream is known to be forked");
    }
    note_fork(*fork.value(), std::move(range), batch);
    return Accepted{{}, fork.value()};
  }
  if (known != forks_.end()) {
    return conflict(stream, "the stream is forked and takes nothing more");
  }

  const std::size_t skip = held.sequence + 1 - range.first;
  for (std::size_t i = skip; i < range.entries.size(); ++i) {
    if (!range.entries[i].erased_body_hash) continue;
    const auto header = EntryHeader::decode(range.entries[i].header);
    if (may_lack_body && may_lack_body(header.value())) continue;
    return Error{ErrorCode::forbidden,
                 "the body of entry " + std::to_string(heads[i].sequence) +
                     " is missing and nothing held here says that it was erased",
                 short_name(stream), "send the erasure first"};
  }

  auto& state = state_of(stream, batch);
  Accepted accepted;
  accepted.entries.reserve(range.entries.size() - skip);
  for (std::size_t i = skip; i < range.entries.size(); ++i) {
    accepted.entries.push_back({std::move(range.entries[i]), heads[i]});
    write(state, accepted.entries.back(), batch);
  }
  batch.put(keys::seal(state.number, range.seal.sequence), range.seal.encode());
  state.head = state.sealed = heads.back();
  state.unsealed_cost = 0;
  forget_heard(stream, state.sealed.sequence, batch);
  return accepted;
}

Status Log::mend(const Reader& reader, const Range& range, Batch& batch) const {
  if (auto status = check_shape(range); !status.ok()) return status;
  const Stream& stream = range.stream;
  const Head held = held_head(stream);
  if (forked(stream)) return conflict(stream, "the stream is forked and takes nothing more");
  if (range.seal.sequence > held.sequence) {
    return Error{ErrorCode::stale, "goes beyond what is held", short_name(stream), ""};
  }
  auto chain = chain_of(reader, range);
  if (!chain.ok()) return chain.error();
  if (chain.value().back().hash != range.seal.hash) {
    return conflict(stream, "its entries do not lead to its seal");
  }
  if (!seal_is_genuine(*crypto_, mesh_, stream, range.seal)) {
    return forged(stream, range.seal.sequence);
  }
  const std::uint32_t number = states_.at(stream).number;
  for (std::size_t i = 0; i < range.entries.size(); ++i) {
    const Head& head = chain.value()[i];
    auto seal = seal_at_or_before(reader, stream, head.sequence);
    if (!seal.ok()) return seal.error();
    if (seal.value() && seal.value()->sequence == head.sequence &&
        seal.value()->hash != head.hash) {
      return conflict(stream, "contradicts the seal of entry " + std::to_string(head.sequence));
    }
    if (range.entries[i].erased_body_hash) continue;  // brings nothing that could mend
    // What was erased here stays erased.
    auto here = entry_at(reader, stream, head.sequence);
    if (here.ok() && here.value() && here.value()->erased_body_hash &&
        here.value()->header == range.entries[i].header &&
        *here.value()->erased_body_hash == crypto_->hash(range.entries[i].body)) {
      continue;
    }
    if (!here.ok() && here.error().code != ErrorCode::corrupt) return here.error();
    batch.put(keys::entry(number, head.sequence), keys::encode_entry(range.entries[i]));
  }
  batch.put(keys::seal(number, range.seal.sequence), range.seal.encode());
  return {};
}

Result<bool> Log::take_fork(const Fork& fork, Batch& batch) {
  if (fork.stream.region.empty() || fork.stream.region.size() > 32 ||
      fork.common >= fork.held.sequence || !proves_itself(*crypto_, mesh_, fork)) {
    return Error{ErrorCode::malformed, "two seals that prove no fork", "", ""};
  }
  if (forked(fork.stream)) return false;
  note_fork(fork, batch);
  return true;
}

void Log::note_fork(const Fork& fork, Batch& batch) {
  batch.put(keys::fork(state_of(fork.stream, batch).number), encode_fork(fork));
  forks_[fork.stream] = fork;
}

void Log::note_fork(const Fork& fork, Range&& other, Batch& batch) {
  note_fork(fork, batch);
  const auto common = static_cast<std::ptrdiff_t>(fork.common + 1 - other.first);
  other.entries.erase(other.entries.begin(), other.entries.begin() + common);
  other.first = fork.common + 1;
  for (auto& entry : other.entries) {
    if (entry.erased_body_hash) continue;
    entry.erased_body_hash = crypto_->hash(entry.body);
    entry.body.clear();
  }
  batch.put(keys::fork_evidence(states_.at(fork.stream).number), encode_evidence(other));
}

std::optional<Head> Log::head(const Stream& stream) const {
  const auto found = states_.find(stream);
  if (found == states_.end() || found->second.head.sequence == 0) return std::nullopt;
  return found->second.head;
}

std::optional<Head> Log::sealed_head(const Stream& stream) const {
  const auto found = states_.find(stream);
  if (found == states_.end() || found->second.sealed.sequence == 0) return std::nullopt;
  return found->second.sealed;
}

VersionVector Log::vector() const {
  VersionVector out;
  for (const auto& [stream, state] : states_) {
    if (state.sealed.sequence > 0) out[stream] = state.sealed.sequence;
  }
  return out;
}

void Log::heard(const Stream& stream, const Head& head, Batch& batch) {
  if (stream.region.empty() || stream.region.size() > 32) return;
  const auto held = states_.find(stream);
  if (held != states_.end() && head.sequence <= held->second.head.sequence) return;
  // A peer may claim what it likes: more streams than any mesh has are not kept in mind.
  constexpr std::size_t max_heard = 20'000;
  if (heard_.size() >= max_heard && !heard_.contains(stream)) return;
  auto& highest = heard_[stream];
  if (head.sequence <= highest.sequence) return;
  highest = head;
  batch.put(keys::heard(stream), encode_head(head));
}

void Log::forget_heard(const Stream& stream, Sequence held, Batch& batch) {
  const auto found = heard_.find(stream);
  if (found == heard_.end() || found->second.sequence > held) return;
  heard_.erase(found);
  batch.erase(keys::heard(stream));
}

}  // namespace crossfloor
