#include "node/core/scribe.h"

namespace crossfloor {

Scribe::Scribe(const Crypto& crypto, Random& random, const Identity& identity,
               const NodeSettings& settings, const Reader& store)
    : crypto_(crypto),
      random_(random),
      identity_(identity),
      settings_(settings),
      workspace_(store),
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
  append(region, EntryKind::generation, {}, encode_body(body, random_), clock_.next(wall(now)),
         written);
}

Scribe::Written Scribe::write_encoded(const Region& region, EntryKind kind, const Subject& subject,
                                      Bytes body, Now now) {
  begin_stream(region, now);
  Written written;
  append(region, kind, subject, std::move(body), clock_.next(wall(now)), written);
  return written;
}

void Scribe::append(const Region& region, EntryKind kind, const Subject& subject, Bytes body,
                    HybridTime time, Written& written) {
  const Stream stream = own(region);
  EntryHeader header;
  header.kind = static_cast<std::uint16_t>(kind);
  header.time = time;
  header.subject = subject;
  Entry entry;
  header.append_to(entry.header);
  entry.body = std::move(body);

  if (log_->needs_seal(stream)) seal(region);
  Batch batch;
  const Head head = log_->append(stream, entry, batch);
  workspace_.write(std::move(batch));
  written = {{time, self(), identity_.generation, head.sequence}, head.hash, stream};

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
  for (const auto& fresh : accepted.value().entries) {
    if (auto header = EntryHeader::decode(fresh.entry.header); header.ok()) {
      if (!clock_.follow(header.value().time, wall(now))) ++from_the_future_;
    }
    auto folded =
        projections_.fold(workspace_, range.stream, fresh.head.sequence, fresh.entry, news_);
    if (!folded.ok() && failed_.ok()) failed_ = folded;
  }
  if (accepted.value().fork) {
    look_for_own_fork(range.stream);
    return Error{ErrorCode::conflict, "the stream forked: " + short_name(range.stream), "",
                 "restart that node: it goes on under a new generation"};
  }
  return range.seal.sequence;
}

Status Scribe::take_fork(const Fork& fork) {
  Batch batch;
  auto taken = log_->take_fork(fork, batch);
  workspace_.write(std::move(batch));
  if (taken.ok()) look_for_own_fork(fork.stream);
  return taken;
}

// Somebody else writes under this node's key and generation: a copy of its machine, most likely.
void Scribe::look_for_own_fork(const Stream& stream) {
  if (stream != own(stream.region) || !failed_.ok()) return;
  failed_ = Error{ErrorCode::conflict, "another process signs with this node's key, too",
                  short_name(stream),
                  "this node goes on under a new generation; if its machine was copied, stop the "
                  "copy; if its key was stolen: crossfloor mesh revoke"};
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
