// Remembers what was lately read of a store, above all that a key is not there: one message asks
// for the same few keys again and again. Whoever writes to the store says so, key by key.
#pragma once

#include "storage/hash_bytes.h"
#include "storage/store.h"

namespace crossfloor {

class RecentReads final : public Reader {
 public:
  explicit RecentReads(const Reader& base) : base_(base) {}

  // The key is about to change in the base. Nobody may ask for it again before it has.
  void forget(const Bytes& key) { known_.erase(key); }

  Result<std::optional<Bytes>> get(ByteView key) const override;
  Status scan(ByteView from, ByteView to, const Visit& visit) const override {
    return base_.scan(from, to, visit);
  }
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override {
    return base_.scan_back(from, to, visit);
  }

 private:
  static constexpr std::size_t max_known = 1024;
  static constexpr std::size_t max_bytes = 2048;  // of one value

  const Reader& base_;
  mutable ByBytes<std::optional<Bytes>> known_;
};

}  // namespace crossfloor
