// Remembers the first error that a reader met, for those who cannot do without what they asked for:
// whoever acts on "there is none" where the store said "I cannot read it" acts wrongly.
#pragma once

#include "storage/store.h"

namespace crossfloor {

class WatchedReader final : public Reader {
 public:
  explicit WatchedReader(const Reader& reader) : reader_(reader) {}

  Result<std::optional<Bytes>> get(ByteView key) const override {
    auto held = reader_.get(key);
    if (!held.ok()) note(held.error());
    return held;
  }
  Status scan(ByteView from, ByteView to, const Visit& visit) const override {
    return noted(reader_.scan(from, to, visit));
  }
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override {
    return noted(reader_.scan_back(from, to, visit));
  }

  const Status& failed() const { return failed_; }

 private:
  void note(const Error& error) const {
    if (failed_.ok()) failed_ = error;
  }
  Status noted(Status status) const {
    if (!status.ok()) note(status.error());
    return status;
  }

  const Reader& reader_;
  mutable Status failed_;
};

}  // namespace crossfloor
