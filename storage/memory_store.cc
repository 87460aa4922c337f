#include "storage/memory_store.h"

namespace crossfloor {
namespace {

std::optional<Bytes> get_in(const MemoryTable& table, ByteView key) {
  const auto held = table.get(key);
  return held ? std::optional(Bytes(*held)) : std::nullopt;
}

class TableReader final : public Reader {
 public:
  explicit TableReader(std::shared_ptr<const MemoryTable> table) : table_(std::move(table)) {}
  Result<std::optional<Bytes>> get(ByteView key) const override { return get_in(*table_, key); }
  Status scan(ByteView from, ByteView to, const Visit& visit) const override {
    table_->scan(from, to, visit);
    return {};
  }
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override {
    table_->scan_back(from, to, visit);
    return {};
  }

 private:
  std::shared_ptr<const MemoryTable> table_;
};

std::shared_ptr<PiecePool> or_own(const std::shared_ptr<PiecePool>& pool) {
  return pool ? pool : std::make_shared<PiecePool>();
}

}  // namespace

MemoryStore::MemoryStore(std::shared_ptr<PiecePool> pool)
    : pool_(std::move(pool)), table_(std::make_shared<MemoryTable>(or_own(pool_))) {}

Result<std::optional<Bytes>> MemoryStore::get(ByteView key) const {
  return get_in(*table_, key);
}

Status MemoryStore::scan(ByteView from, ByteView to, const Visit& visit) const {
  table_->scan(from, to, visit);
  return {};
}

Status MemoryStore::scan_back(ByteView from, ByteView to, const Visit& visit) const {
  table_->scan_back(from, to, visit);
  return {};
}

Status MemoryStore::commit(const Batch& batch) {
  if (table_.use_count() > 1) table_ = std::make_shared<MemoryTable>(*table_, or_own(pool_));
  for (const auto& write : batch.writes()) {
    if (write.value) {
      table_->put(write.key, *write.value);
    } else {
      table_->erase(write.key);
    }
  }
  return {};
}

std::unique_ptr<Reader> MemoryStore::snapshot() const {
  return std::make_unique<TableReader>(table_);
}

}  // namespace crossfloor
