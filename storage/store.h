// What the log and the projections need of a disk: ordered keys, atomic batches that are durable
// when commit() returns, and snapshots. Three makes: RocksDB (storage/rocks), memory, and faulty,
// which wraps either, forgets what was not synced and fails on request.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace crossfloor {

// Writes that happen together or not at all, in this order (a later write to a key wins).
class Batch {
 public:
  struct Write {
    Bytes key;
    std::optional<Bytes> value;  // nothing: the key is erased
  };

  void put(Bytes key, Bytes value);
  void erase(Bytes key);
  void add(Write write);
  void append(Batch&& other);
  void clear();
  bool empty() const { return writes_.empty(); }
  std::size_t bytes() const { return bytes_; }  // keys and values together
  const std::vector<Write>& writes() const { return writes_; }

 private:
  std::vector<Write> writes_;
  std::size_t bytes_ = 0;
};

// Reading. Keys compare as unsigned bytes. Errors: corrupt, io.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual Result<std::optional<Bytes>> get(ByteView key) const = 0;

  // Visits keys in [from, to) in order until `visit` returns false. `to` empty: to the end.
  using Visit = std::function<bool(ByteView key, ByteView value)>;
  virtual Status scan(ByteView from, ByteView to, const Visit& visit) const = 0;
  // The same, last key first.
  virtual Status scan_back(ByteView from, ByteView to, const Visit& visit) const = 0;
};

class Store : public Reader {
 public:
  // Atomic, and durable when it returns ok. After an error nothing may be committed to this Store
  // any more: what is on the disk is unknown until it is opened again.
  virtual Status commit(const Batch& batch) = 0;

  // A view that does not change; may be read from another thread. Must not outlive the store.
  virtual std::unique_ptr<Reader> snapshot() const = 0;
};

// The first key after all those that begin with `prefix`; empty if there is none.
Bytes after_prefix(ByteView prefix);

}  // namespace crossfloor
