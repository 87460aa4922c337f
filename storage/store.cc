#include "storage/store.h"

namespace crossfloor {

void Batch::put(Bytes key, Bytes value) {
  add({std::move(key), std::move(value)});
}

void Batch::erase(Bytes key) {
  add({std::move(key), std::nullopt});
}

void Batch::add(Write write) {
  bytes_ += write.key.size() + (write.value ? write.value->size() : 0);
  writes_.push_back(std::move(write));
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
