// What a core reads through: the store plus the writes that are queued and not yet durable.
//
// A core decides at once and its writes reach the disk a group commit later. So that the next
// decision sees them, each batch is added here when it is queued, under a number that rises, and
// forgotten when the store has it. Between the commit and forget() both hold the same bytes, so it
// does not matter that the storage thread is ahead.
//
// Single keys are asked for all the time, and order is not: what is pending is put in order only
// when somebody scans, and only what came since the last scan.
#pragma once

#include <deque>
#include <map>

#include "storage/hash_bytes.h"
#include "storage/store.h"

namespace crossfloor {

class Overlay final : public Reader {
 public:
  explicit Overlay(const Reader& base) : base_(base) {}

  // `number` is higher than that of every batch added before.
  void add(std::uint64_t number, const Batch& batch);
  void add(std::uint64_t number, const Batch::Write& write);
  // The store holds every batch up to and including `number`.
  void forget(std::uint64_t number);
  // The commit failed: what was queued will never be written.
  void forget_all();

  std::size_t pending_keys() const { return latest_.size(); }

  Result<std::optional<Bytes>> get(ByteView key) const override;
  Status scan(ByteView from, ByteView to, const Visit& visit) const override;
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override;

 private:
  struct Pending {
    std::uint64_t number = 0;    // of the batch that wrote it last
    std::optional<Bytes> value;  // nothing: erased
    mutable bool in_order = false;
  };
  using Latest = ByBytes<Pending>;
  using Ordered = std::map<ByteView, const Pending*>;  // views of the keys of `latest_`
  struct Written {
    std::uint64_t number;
    const Latest::value_type* at;  // stays until the last batch that wrote it is forgotten
  };
  void put(std::uint64_t number, const Batch::Write& write);
  const Ordered& in_order() const;

  const Reader& base_;
  Latest latest_;
  std::deque<Written> written_;  // each key once for each number under which it was written
  mutable Ordered ordered_;
  mutable std::size_t ordered_up_to_ = 0;  // so many of `written_`, from the front, are in order
};

}  // namespace crossfloor
