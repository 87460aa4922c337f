#include "storage/recent_reads.h"

namespace crossfloor {

Result<std::optional<Bytes>> RecentReads::get(ByteView key) const {
  if (const auto found = known_.find(key); found != known_.end()) return found->second;
  auto value = base_.get(key);
  if (value.ok() && (!value.value() || value.value()->size() <= max_bytes)) {
    if (known_.size() >= max_known) known_.clear();
    known_.emplace(key, value.value());
  }
  return value;
}

}  // namespace crossfloor
