#include "storage/store.h"

namespace crossfloor {

void Batch::put(Bytes key, Bytes value) {
  bytes_ += key.size() + value.size();
  writes_.push_back({std::move(key), std::move(value)});
}

void Batch::erase(Bytes key) {
  bytes_ += key.size();
  writes_.push_back({std::move(key), std::nullopt});
}

void Batch::append(Batch&& other) {
  bytes_ += other.bytes_;
  for (auto& write : other.writes_) writes_.push_back(std::move(write));
  other.clear();
}

void Batch::clear() {
  writes_.clear();
  bytes_ = 0;
}

Bytes after_prefix(ByteView prefix) {
  Bytes next(prefix);
  while (!next.empty()) {
    auto& last = next.back();
    if (static_cast<unsigned char>(last) != 0xFF) {
      last = static_cast<char>(static_cast<unsigned char>(last) + 1);
      return next;
    }
    next.pop_back();
  }
  return next;
}

}  // namespace crossfloor
