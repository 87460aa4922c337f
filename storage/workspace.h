// Where a core writes: each write is seen at once by the reads that follow, goes into the open
// batch, and has a number. What leaves the node waits until the write before it is durable.
#pragma once

#include "storage/overlay.h"
#include "storage/recent_reads.h"

namespace crossfloor {

class Workspace final : public Reader {
 public:
  // While this lives, `base` is written with the batches of this workspace alone.
  explicit Workspace(const Reader& base) : recent_(base), overlay_(recent_) {}

  void put(Bytes key, Bytes value);
  void erase(Bytes key);
  void write(Batch&& batch);

  bool dirty() const { return !open_.empty(); }
  std::size_t open_bytes() const { return open_.bytes(); }
  std::uint64_t last_write() const { return last_write_; }

  // Hands out the open batch, to be committed, and opens the next. Its number is last_write().
  Batch close();
  void committed(std::uint64_t number) { overlay_.forget(number); }

  Result<std::optional<Bytes>> get(ByteView key) const override { return overlay_.get(key); }
  Status scan(ByteView from, ByteView to, const Visit& visit) const override {
    return overlay_.scan(from, to, visit);
  }
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override {
    return overlay_.scan_back(from, to, visit);
  }

 private:
  void write_one(Batch::Write write);

  RecentReads recent_;
  Overlay overlay_;
  Batch open_;
  std::uint64_t last_write_ = 0;
};

}  // namespace crossfloor
