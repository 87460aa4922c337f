// A store in memory, for tests and simulated worlds. Everything committed is as durable as the
// object itself. One thread at a time; snapshots share the map until the next commit copies it.
#pragma once

#include <map>

#include "storage/store.h"

namespace crossfloor {

class MemoryStore final : public Store {
 public:
  using Map = std::map<Bytes, Bytes, std::less<>>;

  MemoryStore() : map_(std::make_shared<Map>()) {}

  Result<std::optional<Bytes>> get(ByteView key) const override;
  Status scan(ByteView from, ByteView to, const Visit& visit) const override;
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override;
  Status commit(const Batch& batch) override;
  std::unique_ptr<Reader> snapshot() const override;

  std::size_t size() const { return map_->size(); }

 private:
  std::shared_ptr<Map> map_;
};

}  // namespace crossfloor
