// What a core reads through: the store plus the writes that are queued and not yet durable.
//
// A core decides at once and its writes reach the disk a group commit later. So that the next
// decision sees them, each batch is added here when it is queued, under a number that rises, and
// forgotten when the store has it. Between the commit and forget() both hold the same bytes, so it
// does not matter that the storage thread is ahead.
#pragma once

#include <deque>
#include <map>

#include "storage/store.h"

namespace crossfloor {

class Overlay final : public Reader {
 public:
  explicit Overlay(const Reader& base) : base_(base) {}

  // `number` is higher than that of every batch added before.
  void add(std::uint64_t number, const Batch& batch);
  // The store holds every batch up to and including `number`.
  void forget(std::uint64_t number);
  // The commit failed: what was queued will never be written.
  void forget_all();

  std::size_t pending_batches() const { return batches_.size(); }
  std::size_t pending_keys() const { return latest_.size(); }

  Result<std::optional<Bytes>> get(ByteView key) const override;
  Status scan(ByteView from, ByteView to, const Visit& visit) const override;
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override;

 private:
  struct Pending {
    std::uint64_t number = 0;    // of the batch that wrote it last
    std::optional<Bytes> value;  // nothing: erased
  };
  using Latest = std::map<Bytes, Pending, std::less<>>;
  struct Added {
    std::uint64_t number;
    std::vector<Latest::iterator> written;  // first by this batch; later ones may have written them
  };

  const Reader& base_;
  Latest latest_;
  std::deque<Added> batches_;
};

}  // namespace crossfloor
