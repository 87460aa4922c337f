#include "storage/faulty_store.h"

#include "storage/memory_store.h"

namespace crossfloor {
namespace {

Error io(const char* what) {
  return Error{ErrorCode::io, what, "", "open the store again"};
}

Error damaged_block() {
  return Error{ErrorCode::corrupt, "the checksum of a block does not fit", "",
               "replace the disk; the node fetches everything from its peers"};
}

// A snapshot with writes in it that no disk has; or, in place of one, the error that making it met.
class FrozenCopy final : public Reader {
 public:
  explicit FrozenCopy(Result<MemoryStore> copy) : copy_(std::move(copy)) {}
  Result<std::optional<Bytes>> get(ByteView key) const override {
    if (!copy_.ok()) return copy_.error();
    return copy_.value().get(key);
  }
  Status scan(ByteView from, ByteView to, const Visit& visit) const override {
    if (!copy_.ok()) return copy_.error();
    return copy_.value().scan(from, to, visit);
  }
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override {
    if (!copy_.ok()) return copy_.error();
    return copy_.value().scan_back(from, to, visit);
  }

 private:
  Result<MemoryStore> copy_;
};

}  // namespace

Status FaultyStore::may_read() const {
  if (crashed_) return io("the machine of this store crashed");
  if (reads_until_failure_) {
    if (*reads_until_failure_ == 0) {
      reads_until_failure_.reset();
      return io("a read failed on request");
    }
    --*reads_until_failure_;
  }
  return {};
}

Status FaultyStore::sync_all() {
  if (crashed_) return io("the machine of this store crashed");
  for (const auto& batch : unsynced_batches_) {
    if (auto status = disk_.commit(batch); !status.ok()) return status;
  }
  unsynced_batches_.clear();
  unsynced_.forget_all();
  return {};
}

void FaultyStore::crash(std::size_t kept) {
  for (std::size_t i = 0; i < unsynced_batches_.size() && i < kept; ++i) {
    if (!disk_.commit(unsynced_batches_[i]).ok()) break;
  }
  unsynced_batches_.clear();
  unsynced_.forget_all();
  crashed_ = true;
}

void FaultyStore::fail_commit_after(std::size_t good, bool written) {
  commits_until_failure_ = good;
  failed_commit_is_written_ = written;
}

bool FaultyStore::flip(ByteView key, std::size_t offset, unsigned char mask) {
  auto held = disk_.get(key);
  if (!held.ok() || !held.value() || offset >= held.value()->size() || mask == 0) return false;
  Bytes value = *held.value();
  value[offset] = static_cast<char>(static_cast<unsigned char>(value[offset]) ^ mask);
  Batch batch;
  batch.put(Bytes(key), std::move(value));
  return disk_.commit(batch).ok();
}

Result<std::optional<Bytes>> FaultyStore::get(ByteView key) const {
  if (auto status = may_read(); !status.ok()) return status.error();
  if (damaged_.contains(key)) return damaged_block();
  return unsynced_.get(key);
}

Reader::Visit FaultyStore::guarded(const Visit& visit, bool& damaged) const {
  return [this, &visit, &damaged](ByteView key, ByteView value) {
    damaged = damaged_.contains(key);
    return !damaged && visit(key, value);
  };
}

Status FaultyStore::scan(ByteView from, ByteView to, const Visit& visit) const {
  if (auto status = may_read(); !status.ok()) return status;
  if (damaged_.empty()) return unsynced_.scan(from, to, visit);
  bool damaged = false;
  auto status = unsynced_.scan(from, to, guarded(visit, damaged));
  return damaged ? Status(damaged_block()) : status;
}

Status FaultyStore::scan_back(ByteView from, ByteView to, const Visit& visit) const {
  if (auto status = may_read(); !status.ok()) return status;
  if (damaged_.empty()) return unsynced_.scan_back(from, to, visit);
  bool damaged = false;
  auto status = unsynced_.scan_back(from, to, guarded(visit, damaged));
  return damaged ? Status(damaged_block()) : status;
}

Status FaultyStore::commit(const Batch& batch) {
  if (crashed_) return io("the machine of this store crashed");
  if (broken_) return io("an earlier commit failed");
  if (full_) {
    broken_ = true;
    return Error{ErrorCode::full, "no room on the disk", "",
                 "make room, then open the store again"};
  }
  const bool fails = commits_until_failure_ && *commits_until_failure_ == 0;
  if (commits_until_failure_ && !fails) --*commits_until_failure_;
  if (!fails || failed_commit_is_written_) {
    if (lies_ || !unsynced_batches_.empty()) {
      unsynced_batches_.push_back(batch);
      unsynced_.add(++number_, batch);
      if (!lies_) {
        if (auto status = sync_all(); !status.ok()) return status;
      }
    } else if (auto status = disk_.commit(batch); !status.ok()) {
      broken_ = true;
      return status;
    }
  }
  if (fails) {
    broken_ = true;
    return io("a commit failed on request");
  }
  return {};
}

std::unique_ptr<Reader> FaultyStore::snapshot() const {
  if (auto status = may_read(); !status.ok()) {
    return std::make_unique<FrozenCopy>(Result<MemoryStore>(status.error()));
  }
  if (unsynced_batches_.empty()) return disk_.snapshot();
  MemoryStore copy;
  Batch all;
  const auto status = unsynced_.scan({}, {}, [&](ByteView key, ByteView value) {
    all.put(Bytes(key), Bytes(value));
    return true;
  });
  if (!status.ok()) return std::make_unique<FrozenCopy>(Result<MemoryStore>(status.error()));
  if (auto done = copy.commit(all); !done.ok()) {
    return std::make_unique<FrozenCopy>(Result<MemoryStore>(done.error()));
  }
  return std::make_unique<FrozenCopy>(Result<MemoryStore>(std::move(copy)));
}

}  // namespace crossfloor
