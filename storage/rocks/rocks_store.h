// The store on a disk: RocksDB, set up so that what commit() called durable is there after a crash,
// and so that damage is an error and never an emptier store.
//
// Left alone, RocksDB replays its write-ahead log up to the first bad record and forgets what
// lies behind it without a word. Here a bad record is looked at (storage/rocks/wal_check.h). With
// good records behind it, it had been synced: the store does not open, unless `cut_bad_wal` says
// so. With nothing good behind it, it may be the write that the crash interrupted: the store
// opens without it and shortened() tells. The heads kept in storage/rocks/head_file.h then say
// whether anything known is missing.
#pragma once

#include <string>

#include "storage/store.h"

namespace crossfloor {

struct RocksOptions {
  std::size_t write_buffer_bytes = 8 * 1024 * 1024;
  std::size_t block_cache_bytes = 16 * 1024 * 1024;
  int max_open_files = 256;
  int background_threads = 2;
  bool create = true;        // when the folder is missing or empty
  bool cut_bad_wal = false;  // open without what lies behind a bad record
  // With less room than this on its disk the store is not opened, and no commit succeeds: RocksDB
  // must not meet the very end of a disk, where it writes on into a file that failed and may abort.
  std::size_t reserve_bytes = 0;
  bool read_only = false;  // nothing is written, not even at opening: for a disk without room
};

class RocksStore : public Store {
 public:
  // What was left out at opening, for people; nothing if all records were good.
  virtual const std::optional<std::string>& shortened() const = 0;

  // A copy of this moment in the new folder `path`, synced. Its files share room with the store's
  // on the same file system. May be called from another thread. Errors: conflict (`path` exists),
  // io.
  virtual Status checkpoint(const std::string& path) const = 0;

  // Reads every table file and checks every block. Long: for a worker thread. Errors: corrupt, io.
  virtual Status verify_checksums() const = 0;

  // Bytes of the store's files, for people and metrics.
  virtual std::uint64_t disk_bytes() const = 0;
};

// commit() and reading may be called from different threads; commit() only from one at a time.
// Errors: conflict (open in another process, or of a newer format), corrupt, full, io.
Result<std::unique_ptr<RocksStore>> open_rocks_store(const std::string& path,
                                                     const RocksOptions& options = {});

}  // namespace crossfloor
