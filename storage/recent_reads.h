// Remembers what was lately read of a store, above all that a key is not there: one message asks
// for the same few keys again and again. Whoever writes to the store says so, key by key.
#pragma once

#include <unordered_map>

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
  struct HashKey {
    using is_transparent = void;
    std::size_t operator()(ByteView key) const { return std::hash<ByteView>()(key); }
  };
  using Value = std::optional<Bytes>;
  using Known = std::unordered_map<Bytes, Value, HashKey, std::equal_to<>>;  // lookup only
  static constexpr std::size_t max_known = 1024;
  static constexpr std::size_t max_bytes = 2048;  // of one value

  const Reader& base_;
  mutable Known known_;
};

}  // namespace crossfloor
