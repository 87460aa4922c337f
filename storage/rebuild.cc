#include "storage/rebuild.h"

#include "storage/log.h"
#include "storage/log_keys.h"
#include "storage/log_read.h"

namespace crossfloor {

Result<bool> rebuild_is_due(const Reader& reader) {
  auto mark = reader.get(keys::rebuild());
  if (!mark.ok()) return mark.error();
  return mark.value().has_value();
}

Rebuild::Rebuild(Store& store, const Projections& projections, Options options)
    : store_(store), projections_(projections), options_(options) {}

Result<Rebuild::Progress> Rebuild::step() {
  Status status;
  switch (phase_) {
    case Phase::mark:
      status = begin();
      break;
    case Phase::drop:
      status = drop();
      break;
    case Phase::list:
      status = list();
      break;
    case Phase::fold:
      status = cursors_.empty() ? finish() : fold();
      break;
    case Phase::done:
      break;
  }
  if (!status.ok()) return status.error();
  return progress_;
}

Status Rebuild::begin() {
  projections_.start_anew();
  Batch batch;
  batch.put(keys::rebuild(), "");
  phase_ = Phase::drop;
  return store_.commit(batch);
}

Status Rebuild::drop() {
  const Bytes prefix(1, row_kinds[kind_]);
  Batch batch;
  // Goes on behind what was dropped last, not over the graves before it.
  const Bytes from = dropped_to_.empty() ? prefix : dropped_to_;
  bool more = false;
  auto status = store_.scan(from, after_prefix(prefix), [&](ByteView key, ByteView) {
    more = batch.bytes() >= options_.slice_bytes;
    if (more) {
      dropped_to_ = Bytes(key);
      return false;
    }
    batch.erase(Bytes(key));
    ++progress_.rows_dropped;
    return true;
  });
  if (!status.ok()) return status;
  if (!more) {
    dropped_to_.clear();
    if (++kind_ == row_kinds.size()) phase_ = Phase::list;
  }
  return batch.empty() ? Status{} : store_.commit(batch);
}

Status Rebuild::list() {
  auto streams = stored_streams(store_);
  if (!streams.ok()) return streams.error();
  for (const auto& [stream, number] : streams.value()) {
    auto fork = stored_fork(store_, stream, number);
    if (!fork.ok()) return fork.error();
    const Sequence last = fork.value() ? fork.value()->common : UINT64_MAX;
    if (auto status = queue({stream, number, 1, {}, last}, 1); !status.ok()) return status;
  }
  phase_ = Phase::fold;
  return {};
}

Status Rebuild::read_page(Cursor& cursor, std::size_t entries) const {
  Status bad;
  std::size_t bytes = 0;
  Sequence wanted = cursor.next;
  auto status =
      store_.scan(keys::entry(cursor.number, cursor.next), keys::entry(cursor.number, UINT64_MAX),
                  [&](ByteView key, ByteView value) {
                    auto entry = keys::decode_entry(value);
                    if (!entry.ok() || keys::sequence_of(key) != wanted) {
                      bad = Error{ErrorCode::corrupt,
                                  "entry " + std::to_string(wanted) + " is missing or unreadable",
                                  short_name(cursor.stream),
                                  "start the node: it fetches the stream again; then rebuild"};
                      return false;
                    }
                    ++wanted;
                    bytes += value.size();
                    cursor.page.push_back(std::move(entry).value());
                    return cursor.page.size() < entries && bytes < options_.page_bytes;
                  });
  return status.ok() ? bad : status;
}

Status Rebuild::queue(Cursor cursor, std::size_t entries) {
  if (cursor.next > cursor.last) return {};
  if (cursor.page.empty()) {
    if (auto status = read_page(cursor, entries); !status.ok()) return status;
  }
  if (cursor.page.empty()) return {};
  // An unreadable header has no time; it is folded (into nothing) as soon as may be.
  const auto header = EntryHeader::decode(cursor.page.front().header);
  const Position at{header.ok() ? header.value().time : HybridTime{}, cursor.stream.origin.node,
                    cursor.stream.origin.generation, cursor.next};
  cursors_.emplace(at, std::move(cursor));
  return {};
}

Status Rebuild::fold() {
  Workspace rows(store_);
  FoldNews news;  // nobody keeps anything in memory while rows are made anew
  while (!cursors_.empty() && rows.open_bytes() < options_.slice_bytes) {
    auto first = cursors_.extract(cursors_.begin());
    Cursor& cursor = first.mapped();
    const Entry entry = std::move(cursor.page.front());
    cursor.page.pop_front();
    auto status = projections_.fold(rows, cursor.stream, cursor.next, entry, news);
    if (!status.ok()) return status;
    ++cursor.next;
    ++progress_.entries_folded;
    news = {};
    if (status = queue(std::move(cursor), options_.page_entries); !status.ok()) return status;
  }
  return store_.commit(rows.close());
}

Status Rebuild::finish() {
  Batch batch;
  batch.erase(keys::rebuild());
  phase_ = Phase::done;
  progress_.done = true;
  return store_.commit(batch);
}

Result<Rebuild::Progress> rebuild_rows(Store& store, const Projections& projections) {
  Rebuild rebuild(store, projections);
  while (true) {
    auto progress = rebuild.step();
    if (!progress.ok() || progress.value().done) return progress;
  }
}

}  // namespace crossfloor
