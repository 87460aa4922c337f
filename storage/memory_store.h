// A store in memory, for tests and simulated worlds. Everything committed is as durable as the
// object itself. One thread at a time; snapshots share the rows until the next commit copies them.
#pragma once

#include "storage/memory_table.h"
#include "storage/store.h"

namespace crossfloor {

class MemoryStore final : public Store {
 public:
  MemoryStore() : MemoryStore(nullptr) {}
  // Stores that hold nearly the same share a pool, and then one thread. Without one a snapshot may
  // be read and dropped on any thread.
  explicit MemoryStore(std::shared_ptr<PiecePool> pool);

  Result<std::optional<Bytes>> get(ByteView key) const override;
  Status scan(ByteView from, ByteView to, const Visit& visit) const override;
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override;
  Status commit(const Batch& batch) override;
  std::unique_ptr<Reader> snapshot() const override;

  std::size_t size() const { return table_->size(); }

 private:
  std::shared_ptr<PiecePool> pool_;  // null: each table has its own
  std::shared_ptr<MemoryTable> table_;
};

}  // namespace crossfloor
