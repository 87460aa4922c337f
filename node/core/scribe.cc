#include "node/core/scribe.h"

#include "storage/log_keys.h"

namespace crossfloor {
namespace {

EntryHeader header_of(EntryKind kind, const Subject& subject, HybridTime time) {
  EntryHeader header;
  header.kind = static_cast<std::uint16_t>(kind);
  header.time = time;
  header.subject = subject;
  return header;
}

}  // namespace

Scribe::Scribe(const Crypto& crypto, Random& random, const Identity& identity,
               const NodeSettings& settings, const Reader& store)
    : crypto_(crypto),
      random_(random),
      identity_(identity),
      settings_(settings),
      workspace_(store),
      view_(workspace_),
      projections_([this](const Region& region) { return subjects(region); }) {
  for (const auto& [region, secret] : settings.region_secrets) {
    subjects_.emplace(region, Subjects(crypto, secret));
  }
}

Status Scribe::open() {
  auto log = Log::open(workspace_, crypto_, identity_.mesh);
  if (!log.ok()) return log.error();
  log_.emplace(std::move(log).value());
  return {};
}

void Scribe::heard(const Stream& stream, const Head& head) {
  Batch batch;
  log_->heard(stream, head, batch);
  workspace_.write(std::move(batch));
}

const Subjects* Scribe::subjects(const Region& region) const {
  const auto at = subjects_.find(region);
  return at == subjects_.end() ? nullptr : &at->second;
}

void Scribe::begin_stream(const Region& region, Now now) {
  if (log_->head(own(region))) return;
  GenerationBody body{self(), settings_.site, ms_of(wall(now)), settings_.version};
  Written written;
  append(region, header_of(EntryKind::generation, {}, clock_.next(wall(now))),
         encode_body(body, random_), nullptr, written);
}

Scribe::Written Scribe::write_encoded(const Region& region, EntryKind kind, const Subject& subject,
                                      Bytes body, Now now) {
  begin_stream(region, now);
  Written written;
  append(region, header_of(kind, subject, clock_.next(wall(now))), std::move(body), nullptr,
         written);
  return written;
}

Scribe::Written Scribe::write_message(const Region& region, const MessageId& id,
                                      RecentMessages::Known body, Now now) {
  begin_stream(region, now);
  Written written;
  Bytes encoded = encode_body(*body, random_);
  append(region, header_of(EntryKind::message, id.as<Subject>(), clock_.next(wall(now))),
         std::move(encoded), std::move(body), written);
  return written;
}

void Scribe::append(const Region& region, EntryHeader header, Bytes body,
                    RecentMessages::Known known, Written& written) {
  const Stream stream = own(region);
  Entry entry;
  header.append_to(entry.header);
  entry.body = std::move(body);

  if (log_->needs_seal(stream)) seal(region);
  Batch batch;
  const Head head = log_->append(stream, entry, batch);
  workspace_.write(std::move(batch));
  written = {{header.time, self(), identity_.generation, head.sequence}, head.hash, stream};
  if (known != nullptr) projections_.know(written.at, std::move(known));
  auto folded = projections_.fold(workspace_, stream, head.sequence, entry, news_);
  if (!folded.ok() && failed_.ok()) failed_ = folded;

  Range& range = unsealed_[region];
  if (range.entries.empty()) {
    range.stream = stream;
    range.first = head.sequence;
  }
  range.entries.push_back(std::move(entry));
}

Result<Sequence> Scribe::accept(const Range& range, Now now) {
  Batch batch;
  auto accepted = log_->accept(workspace_, range, batch);
  workspace_.write(std::move(batch));
  if (!accepted.ok()) return accepted.error();
  Projections::Run run(projections_, workspace_, range.stream, news_);
  for (const auto& fresh : accepted.value().entries) {
    if (auto header = EntryHeader::decode(fresh.entry.header); header.ok()) {
      if (!clock_.follow(header.value().time, wall(now))) ++from_the_future_;
    }
    run.add(fresh.head.sequence, fresh.entry);
  }
  if (auto folded = run.end(); !folded.ok() && failed_.ok()) failed_ = folded;
  if (accepted.value().fork) {
    forked(*accepted.value().fork, now);
    return Error{ErrorCode::conflict, "the stream forked: " + short_name(range.stream), "",
                 "restart that node: it goes on under a new generation"};
  }
  return range.seal.sequence;
}

Result<bool> Scribe::take_fork(const Fork& fork, Now now) {
  Batch batch;
  auto taken = log_->take_fork(fork, batch);
  workspace_.write(std::move(batch));
  if (taken.ok() && taken.value()) forked(fork, now);
  return taken;
}

void Scribe::forked(const Fork& fork, Now now) {
  if (fork.stream != own(fork.stream.region)) return salvage(fork, now);
  another_signs(fork.stream);
}

void Scribe::hear_own(const Stream& stream, const Seal& seal) {
  const auto head = log_->head(stream);
  if (head && seal.sequence <= head->sequence) {
    const auto ours = hash_at(workspace_, crypto_, stream, seal.sequence);
    if (!ours.ok() || ours.value() == seal.hash) return;
  }
  if (seal_is_genuine(crypto_, identity_.mesh, stream, seal)) another_signs(stream);
}

// Under this node's key and generation: a copy of its machine, most likely.
void Scribe::another_signs(const Stream& stream) {
  if (!failed_.ok()) return;
  failed_ = Error{ErrorCode::conflict, "another process signs with this node's key, too",
                  short_name(stream),
                  "this node goes on under a new generation; if its machine was copied, stop the "
                  "copy; if its key was stolen: crossfloor mesh revoke"};
}

// What lies behind the last entry that both histories share is written again, as this node's own,
// for others may hold the other history. There it stands with this node's name: customers' messages
// and what was said count, the course that the broken node steered does not. Where it stood before
// it counts no more, so that all nodes end with the same rows: they are made anew at the next
// opening, which follows as soon as this is durable.
void Scribe::salvage(const Fork& fork, Now now) {
  const Stream& stream = fork.stream;
  const auto head = log_->head(stream);
  if (subjects(stream.region) == nullptr || !head || head->sequence <= fork.common) return;
  begin_stream(stream.region, now);
  std::size_t salvaged = 0;
  for (Sequence at = fork.common + 1; at <= head->sequence; ++at) {
    auto entry = entry_at(workspace_, stream, at);
    if (!entry.ok()) {
      failed_ = entry.error();
      return;
    }
    if (!entry.value() || entry.value()->erased_body_hash) continue;
    auto header = EntryHeader::decode(entry.value()->header);
    if (!header.ok() || header.value().kind == static_cast<std::uint16_t>(EntryKind::generation)) {
      continue;
    }
    header.value().flags |= EntryHeader::salvaged;
    header.value().time = clock_.next(wall(now));
    Written written;
    append(stream.region, header.value(), std::move(entry.value()->body), nullptr, written);
    ++salvaged;
  }
  const ActBody act{"salvage", short_name(stream), settings_.site,
                    std::to_string(salvaged) + " entries of an origin that signed two histories"};
  write(stream.region, EntryKind::act, {}, act, now);
  workspace_.put(keys::rebuild(), "");
  open_anew_after_ = workspace_.last_write();
}

void Scribe::committed(std::uint64_t number) {
  workspace_.committed(number);
  if (!open_anew_after_ || number < *open_anew_after_ || !failed_.ok()) return;
  failed_ =
      Error{ErrorCode::stale, "rows are made anew, without what a forked stream said", "", ""};
}

void Scribe::seal(const Region& region) {
  const auto at = unsealed_.find(region);
  if (at == unsealed_.end() || at->second.entries.empty()) return;
  Batch batch;
  at->second.seal = log_->seal(own(region), identity_.key, batch);
  workspace_.write(std::move(batch));
  sealed_.push_back(std::move(at->second));
  unsealed_.erase(at);
}

Scribe::Closed Scribe::close() {
  while (!unsealed_.empty()) seal(Region(unsealed_.begin()->first));
  Closed closed;
  closed.live = std::exchange(sealed_, {});
  closed.batch = workspace_.close();
  closed.number = workspace_.last_write();
  return closed;
}

}  // namespace crossfloor
