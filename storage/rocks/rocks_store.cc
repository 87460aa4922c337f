#include "storage/rocks/rocks_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <filesystem>

#include "storage/format.h"
#include "storage/rocks/files.h"
#include "storage/rocks/wal_check.h"

namespace crossfloor {
namespace {

// A view of nothing may be a null pointer, a slice may not.
rocksdb::Slice slice(ByteView bytes) {
  return bytes.empty() ? rocksdb::Slice() : rocksdb::Slice(bytes.data(), bytes.size());
}
ByteView view(const rocksdb::Slice& bytes) {
  return {bytes.data(), bytes.size()};
}

Error error_of(const rocksdb::Status& status, const std::string& path) {
  const std::string text = status.ToString();
  if (status.IsNoSpace()) return {ErrorCode::full, text, path, "make room on the disk"};
  if (status.IsIOError() && text.find("lock") != std::string::npos) {
    return {ErrorCode::conflict, "the store is open in another process: " + text, path,
            "stop that process, or give this node a data folder of its own"};
  }
  if (status.IsCorruption()) {
    return {ErrorCode::corrupt, text, path,
            "restore it from a backup, or start with an empty one: peers send what they hold"};
  }
  return {ErrorCode::io, text, path, "look at the disk and at the rights of the data folder"};
}

Status check_room(const std::string& path, std::size_t reserve) {
  if (reserve == 0) return {};
  const auto free = files::free_bytes(path);
  if (!free.ok()) return free.error();
  if (free.value() >= reserve) return {};
  return Error{ErrorCode::full,
               "there is no room on the disk: " + std::to_string(free.value() >> 10) + " of the " +
                   std::to_string(reserve >> 10) + " KiB that must stay free are left",
               path, "make room on the disk"};
}

Status scan_in(rocksdb::DB& db, const rocksdb::Snapshot* snapshot, const std::string& path,
               ByteView from, ByteView to, bool back, const Reader::Visit& visit) {
  if (!to.empty() && to <= from) return {};
  const rocksdb::Slice lower = slice(from);
  const rocksdb::Slice upper = slice(to);
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  options.iterate_lower_bound = &lower;
  if (!to.empty()) options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> at(db.NewIterator(options));
  if (back) {
    at->SeekToLast();
  } else {
    at->Seek(lower);
  }
  while (at->Valid() && visit(view(at->key()), view(at->value()))) {
    if (back) {
      at->Prev();
    } else {
      at->Next();
    }
  }
  if (!at->status().ok()) return error_of(at->status(), path);
  return {};
}

Result<std::optional<Bytes>> get_in(rocksdb::DB& db, const rocksdb::Snapshot* snapshot,
                                    const std::string& path, ByteView key) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  Bytes value;
  const auto status = db.Get(options, slice(key), &value);
  if (status.ok()) return std::optional<Bytes>(std::move(value));
  if (status.IsNotFound()) return std::optional<Bytes>();
  return error_of(status, path);
}

class SnapshotReader final : public Reader {
 public:
  SnapshotReader(rocksdb::DB& db, const std::string& path)
      : db_(db), path_(path), snapshot_(db.GetSnapshot()) {}
  ~SnapshotReader() override { db_.ReleaseSnapshot(snapshot_); }
  SnapshotReader(const SnapshotReader&) = delete;
  SnapshotReader& operator=(const SnapshotReader&) = delete;

  Result<std::optional<Bytes>> get(ByteView key) const override {
    return get_in(db_, snapshot_, path_, key);
  }
  Status scan(ByteView from, ByteView to, const Visit& visit) const override {
    return scan_in(db_, snapshot_, path_, from, to, false, visit);
  }
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override {
    return scan_in(db_, snapshot_, path_, from, to, true, visit);
  }

 private:
  rocksdb::DB& db_;
  const std::string& path_;
  const rocksdb::Snapshot* snapshot_;
};

class Opened final : public RocksStore {
 public:
  Opened(std::unique_ptr<rocksdb::DB> db, std::string path, std::optional<std::string> shortened,
         const RocksOptions& options)
      : db_(std::move(db)),
        path_(std::move(path)),
        shortened_(std::move(shortened)),
        read_only_(options.read_only),
        reserve_(options.reserve_bytes) {}

  Result<std::optional<Bytes>> get(ByteView key) const override {
    return get_in(*db_, nullptr, path_, key);
  }
  Status scan(ByteView from, ByteView to, const Visit& visit) const override {
    return scan_in(*db_, nullptr, path_, from, to, false, visit);
  }
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override {
    return scan_in(*db_, nullptr, path_, from, to, true, visit);
  }

  Status commit(const Batch& batch) override {
    if (read_only_) {
      return Error{ErrorCode::forbidden, "the store is open for reading only", path_, ""};
    }
    if (broken_) {
      return Error{ErrorCode::io, "an earlier commit failed", path_, "open the store again"};
    }
    if (auto room = check_room(path_, reserve_); !room.ok()) {
      broken_ = true;
      return room;
    }
    rocksdb::WriteBatch writes(batch.bytes() + 16 * batch.writes().size() + 12);
    rocksdb::Status status;
    for (const auto& write : batch.writes()) {
      status = write.value ? writes.Put(slice(write.key), slice(*write.value))
                           : writes.Delete(slice(write.key));
      if (!status.ok()) break;
    }
    if (status.ok()) {
      rocksdb::WriteOptions options;
      options.sync = true;
      status = db_->Write(options, &writes);
    }
    if (status.ok()) return {};
    broken_ = true;
    return error_of(status, path_);
  }

  std::unique_ptr<Reader> snapshot() const override {
    return std::make_unique<SnapshotReader>(*db_, path_);
  }

  const std::optional<std::string>& shortened() const override { return shortened_; }

  Status checkpoint(const std::string& path) const override {
    if (std::filesystem::exists(path)) {
      return Error{ErrorCode::conflict, "exists already", path,
                   "name a folder that does not exist"};
    }
    rocksdb::Checkpoint* made = nullptr;
    auto status = rocksdb::Checkpoint::Create(db_.get(), &made);
    if (!status.ok()) return error_of(status, path);
    const std::unique_ptr<rocksdb::Checkpoint> owned(made);
    status = owned->CreateCheckpoint(path);
    if (!status.ok()) return error_of(status, path);
    return files::sync_folder_and_files(path);
  }

  Status verify_checksums() const override {
    const auto status = db_->VerifyChecksum();
    if (!status.ok()) return error_of(status, path_);
    return {};
  }

  std::uint64_t disk_bytes() const override {
    std::uint64_t bytes = 0;
    std::error_code error;
    for (std::filesystem::directory_iterator at(path_, error), end; !error && at != end;
         at.increment(error)) {
      std::error_code gone;  // compaction removes files meanwhile
      const auto size = at->file_size(gone);
      if (!gone) bytes += size;
    }
    return bytes;
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
  std::string path_;
  std::optional<std::string> shortened_;
  const bool read_only_;
  const std::size_t reserve_;
  std::atomic<bool> broken_ = false;
};

rocksdb::Options rocksdb_options(const RocksOptions& options) {
  rocksdb::Options out;
  out.write_buffer_size = options.write_buffer_bytes;
  out.max_write_buffer_number = 3;
  // Most keys that are asked for are not there: a new message's, a new conversation's.
  out.memtable_prefix_bloom_size_ratio = 0.05;
  out.memtable_whole_key_filtering = true;
  out.max_total_wal_size = 4 * options.write_buffer_bytes;  // bounds the replay at opening
  out.max_open_files = options.max_open_files;
  out.max_background_jobs = options.background_threads;
  out.recycle_log_file_num = 0;  // a recycled file would hide where a log ends
  out.paranoid_checks = true;
  out.track_and_verify_wals_in_manifest = true;
  out.wal_recovery_mode = rocksdb::WALRecoveryMode::kAbsoluteConsistency;
  out.max_bgerror_resume_count = 0;  // after a failed sync the store is opened anew, never resumed
  out.level_compaction_dynamic_level_bytes = true;
  out.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  out.max_log_file_size = 1024 * 1024;
  out.keep_log_file_num = 2;
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;
  const auto known = rocksdb::GetSupportedCompressions();
  const bool lz4 = std::find(known.begin(), known.end(), rocksdb::kLZ4Compression) != known.end();
  out.compression = lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;

  rocksdb::BlockBasedTableOptions table;
  rocksdb::LRUCacheOptions cache;
  cache.capacity = options.block_cache_bytes;
  cache.num_shard_bits = 2;
  table.block_cache = rocksdb::NewLRUCache(cache);
  table.cache_index_and_filter_blocks = true;  // so that the cap holds for them, too
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // In pieces: a large file's index or filter is half a megabyte, and with a small cache each
  // look-up would read it anew.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.checksum = rocksdb::kXXH3;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return out;
}

// Whether a store may be made in this folder. RocksDB would make one wherever CURRENT is missing,
// also on top of the tables of a store that lost it.
bool is_free_for_a_store(const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::path(path) / "CURRENT", error)) return false;
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end;
       at.increment(error)) {
    const auto extension = at->path().extension();
    if (extension == ".sst") return false;
    std::error_code gone;
    if (extension == ".log" && at->file_size(gone) > 0) return false;
  }
  return true;
}

// Opens what a crash or a damaged disk left behind with a bad record in its log.
Result<std::string> excuse_for_cutting(const std::string& path, const RocksOptions& options,
                                       const rocksdb::Status& refusal) {
  auto judged = judge_wals_of(path);
  if (!judged.ok()) return judged.error();
  const auto& [file, verdict] = judged.value();
  if (!verdict.bad_at) return error_of(refusal, path);
  const std::string place = file + " at byte " + std::to_string(*verdict.bad_at);
  if (!verdict.good_behind) {
    return "the last record of " + place + " is incomplete or bad; it was left out";
  }
  if (options.cut_bad_wal) return "left out all that was written from " + place + " on";
  return Error{ErrorCode::corrupt, "synced records are damaged from " + place + " on", path,
               "open it without them and fetch them back from peers, or restore a backup"};
}

}  // namespace

Result<std::unique_ptr<RocksStore>> open_rocks_store(const std::string& path,
                                                     const RocksOptions& options) {
  auto settings = rocksdb_options(options);
  settings.create_if_missing = options.create && !options.read_only && is_free_for_a_store(path);
  if (settings.create_if_missing) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) {
      return Error{ErrorCode::io, "cannot be created: " + error.message(), path,
                   "look at the rights of the folder above"};
    }
  }
  std::error_code none;
  if (!options.read_only && std::filesystem::exists(path, none)) {
    if (auto room = check_room(path, options.reserve_bytes); !room.ok()) return room.error();
  }
  rocksdb::DB* raw = nullptr;
  std::optional<std::string> shortened;
  const auto open = [&] {
    return options.read_only ? rocksdb::DB::OpenForReadOnly(settings, path, &raw)
                             : rocksdb::DB::Open(settings, path, &raw);
  };
  auto status = open();
  if (status.IsCorruption()) {
    auto excuse = excuse_for_cutting(path, options, status);
    if (!excuse.ok()) return excuse.error();
    shortened = excuse.value();
    settings.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    status = open();
  }
  if (!status.ok()) return error_of(status, path);
  std::unique_ptr<RocksStore> store = std::make_unique<Opened>(std::unique_ptr<rocksdb::DB>(raw),
                                                               path, std::move(shortened), options);
  if (auto settled = settle_store_format(*store); !settled.ok()) {
    Error error = settled.error();
    if (error.where.empty()) error.where = path;
    return error;
  }
  return store;
}

}  // namespace crossfloor
