// A store whose disk misbehaves on request. It wraps the store that plays the disk; that one
// outlives it, and a new FaultyStore over the same disk is the opening after a crash.
//
// A batch is atomic: what a crash tears is dropped whole, as the real store's checksums do it.
#pragma once

#include <set>

#include "storage/overlay.h"
#include "storage/store.h"

namespace crossfloor {

class FaultyStore final : public Store {
 public:
  explicit FaultyStore(Store& disk) : disk_(disk), unsynced_(disk) {}

  // From now on commits say ok but stay in a volatile cache until sync_all(): a disk that lies.
  void lie_about_syncs(bool lies) { lies_ = lies; }
  Status sync_all();

  // Power goes. Of the batches that were not synced the first `kept` happened to reach the disk.
  // This object answers nothing but errors afterwards.
  void crash(std::size_t kept = 0);

  // The commit after `good` more good ones fails with `io`. A failed sync leaves unknown what
  // reached the disk: `written` says which it is this time.
  void fail_commit_after(std::size_t good, bool written);
  // The read after `good` more good ones fails, once, with `io`.
  void fail_read_after(std::size_t good) { reads_until_failure_ = good; }
  void no_room(bool full) { full_ = full; }
  // Flips bits of one stored byte, behind the store's back. False if there is no such byte.
  bool flip(ByteView key, std::size_t offset, unsigned char mask = 1);

  // From now on every get and scan that meets this key fails with `corrupt`, as the real store's
  // checksums make it: its value was damaged on the disk.
  void damage(ByteView key) { damaged_.insert(Bytes(key)); }

  std::size_t unsynced() const { return unsynced_batches_.size(); }

  Result<std::optional<Bytes>> get(ByteView key) const override;
  Status scan(ByteView from, ByteView to, const Visit& visit) const override;
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override;
  // Errors beside the interface's: full. After any error no commit succeeds any more.
  Status commit(const Batch& batch) override;
  std::unique_ptr<Reader> snapshot() const override;

 private:
  Status may_read() const;
  Visit guarded(const Visit& visit, bool& damaged) const;

  Store& disk_;
  Overlay unsynced_;
  std::vector<Batch> unsynced_batches_;
  std::set<Bytes, std::less<>> damaged_;
  std::uint64_t number_ = 0;
  bool lies_ = false;
  bool full_ = false;
  bool crashed_ = false;
  bool broken_ = false;
  bool failed_commit_is_written_ = false;
  std::optional<std::size_t> commits_until_failure_;
  mutable std::optional<std::size_t> reads_until_failure_;
};

}  // namespace crossfloor
