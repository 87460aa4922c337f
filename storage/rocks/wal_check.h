// Tells a write that a crash interrupted from damage to writes that had been synced.
//
// RocksDB appends each group commit to the write-ahead log as one record and syncs it before it
// appends the next. So the start of a good record behind a bad one proves that the bad one had
// been synced, and that what it held had been acknowledged.
//
// The file's format: blocks of 32 KiB; records never begin in a block's last 6 bytes; each is a
// masked CRC-32C (4, LE) over type and data, length (2, LE), type (1: full 1, first 2, middle 3,
// last 4), data. No recycled records: the store does not recycle.
#pragma once

#include <string>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace crossfloor {

struct WalVerdict {
  std::optional<std::uint64_t> bad_at;  // offset of the first bad record; nothing if all are good
  bool good_behind = false;             // the start of a good record lies behind it
};

WalVerdict judge_wal(ByteView content);

// The newest log file that lies in the folder of the closed store `path`, or the first one with a
// bad record if there are several. Errors: those of reading the files.
struct WalFileVerdict {
  std::string file;  // empty: there is no log with a bad record
  WalVerdict verdict;
};
Result<WalFileVerdict> judge_wals_of(const std::string& path);

}  // namespace crossfloor
