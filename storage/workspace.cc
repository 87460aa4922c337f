#include "storage/workspace.h"

#include <utility>

namespace crossfloor {

void Workspace::put(Bytes key, Bytes value) {
  write_one({std::move(key), std::move(value)});
}

void Workspace::erase(Bytes key) {
  write_one({std::move(key), std::nullopt});
}

void Workspace::write_one(Batch::Write write) {
  recent_.forget(write.key);
  overlay_.add(++last_write_, write);
  open_.add(std::move(write));
}

void Workspace::write(Batch&& batch) {
  if (batch.empty()) return;
  for (const auto& write : batch.writes()) recent_.forget(write.key);
  overlay_.add(++last_write_, batch);
  open_.append(std::move(batch));
}

Batch Workspace::close() {
  return std::exchange(open_, Batch{});
}

}  // namespace crossfloor
