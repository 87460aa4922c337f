#include "storage/workspace.h"

#include <utility>

namespace crossfloor {

void Workspace::put(Bytes key, Bytes value) {
  Batch one;
  one.put(std::move(key), std::move(value));
  write(std::move(one));
}

void Workspace::erase(Bytes key) {
  Batch one;
  one.erase(std::move(key));
  write(std::move(one));
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
