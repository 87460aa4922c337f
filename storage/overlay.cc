#include "storage/overlay.h"

#include "protocol/check.h"

namespace crossfloor {
namespace {

// Merges one ordered run of pending writes into a scan of the base. `At` walks the pending writes
// in the direction of the scan; `before(a, b)` says that a comes first in that direction.
template <typename At, typename Before, typename Scan>
Status merge(At at, At end, Before before, const Scan& scan_base, const Reader::Visit& visit) {
  bool wanted = true;
  const auto emit_pending = [&] {
    if (at->second.value) wanted = visit(at->first, *at->second.value);
    ++at;
  };
  const Status status = scan_base([&](ByteView key, ByteView value) {
    while (wanted && at != end && before(ByteView(at->first), key)) emit_pending();
    if (!wanted) return false;
    if (at != end && at->first == key) {
      emit_pending();
    } else {
      wanted = visit(key, value);
    }
    return wanted;
  });
  if (!status.ok()) return status;
  while (wanted && at != end) emit_pending();
  return {};
}

}  // namespace

void Overlay::add(std::uint64_t number, const Batch& batch) {
  XF_CHECK(batches_.empty() || batches_.back().number < number);
  Added added{number, {}};
  added.written.reserve(batch.writes().size());
  for (const auto& write : batch.writes()) {
    const auto [at, fresh] = latest_.try_emplace(write.key);
    // Who wrote it before, in this batch or another, names it already or does so no more.
    if (fresh || at->second.number != number) added.written.push_back(at);
    at->second = {number, write.value};
  }
  batches_.push_back(std::move(added));
}

void Overlay::forget(std::uint64_t number) {
  while (!batches_.empty() && batches_.front().number <= number) {
    for (const auto& at : batches_.front().written) {
      if (at->second.number == batches_.front().number) latest_.erase(at);
    }
    batches_.pop_front();
  }
}

void Overlay::forget_all() {
  latest_.clear();
  batches_.clear();
}

Result<std::optional<Bytes>> Overlay::get(ByteView key) const {
  const auto found = latest_.find(key);
  if (found != latest_.end()) return found->second.value;
  return base_.get(key);
}

Status Overlay::scan(ByteView from, ByteView to, const Visit& visit) const {
  if (!to.empty() && to <= from) return {};
  const auto begin = latest_.lower_bound(from);
  const auto end = to.empty() ? latest_.end() : latest_.lower_bound(to);
  return merge(
      begin, end, std::less<ByteView>{},
      [&](const Visit& merged) { return base_.scan(from, to, merged); }, visit);
}

Status Overlay::scan_back(ByteView from, ByteView to, const Visit& visit) const {
  if (!to.empty() && to <= from) return {};
  const auto begin =
      std::make_reverse_iterator(to.empty() ? latest_.end() : latest_.lower_bound(to));
  const auto end = std::make_reverse_iterator(latest_.lower_bound(from));
  return merge(
      begin, end, std::greater<ByteView>{},
      [&](const Visit& merged) { return base_.scan_back(from, to, merged); }, visit);
}

}  // namespace crossfloor
