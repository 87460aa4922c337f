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
    if (at->second->value) wanted = visit(at->first, *at->second->value);
    ++at;
  };
  const Status status = scan_base([&](ByteView key, ByteView value) {
    while (wanted && at != end && before(at->first, key)) emit_pending();
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
  XF_CHECK(written_.empty() || written_.back().number < number);
  for (const auto& write : batch.writes()) put(number, write);
}

void Overlay::add(std::uint64_t number, const Batch::Write& write) {
  XF_CHECK(written_.empty() || written_.back().number < number);
  put(number, write);
}

void Overlay::put(std::uint64_t number, const Batch::Write& write) {
  const auto [at, fresh] = latest_.try_emplace(write.key);
  // Written before in this batch: it is listed already.
  if (fresh || at->second.number != number) written_.push_back({number, &*at});
  at->second.number = number;
  at->second.value = write.value;
}

void Overlay::forget(std::uint64_t number) {
  while (!written_.empty() && written_.front().number <= number) {
    const auto [wrote, at] = written_.front();
    written_.pop_front();
    if (ordered_up_to_ > 0) --ordered_up_to_;
    if (at->second.number != wrote) continue;  // a later batch wrote it, too
    if (at->second.in_order) ordered_.erase(at->first);
    latest_.erase(latest_.find(at->first));
  }
}

void Overlay::forget_all() {
  ordered_.clear();
  ordered_up_to_ = 0;
  latest_.clear();
  written_.clear();
}

const Overlay::Ordered& Overlay::in_order() const {
  for (; ordered_up_to_ < written_.size(); ++ordered_up_to_) {
    const auto& [key, pending] = *written_[ordered_up_to_].at;
    if (pending.in_order) continue;
    pending.in_order = true;
    ordered_.emplace(key, &pending);
  }
  return ordered_;
}

Result<std::optional<Bytes>> Overlay::get(ByteView key) const {
  const auto found = latest_.find(key);
  if (found != latest_.end()) return found->second.value;
  return base_.get(key);
}

Status Overlay::scan(ByteView from, ByteView to, const Visit& visit) const {
  if (!to.empty() && to <= from) return {};
  const Ordered& ordered = in_order();
  const auto begin = ordered.lower_bound(from);
  const auto end = to.empty() ? ordered.end() : ordered.lower_bound(to);
  return merge(
      begin, end, std::less<ByteView>{},
      [&](const Visit& merged) { return base_.scan(from, to, merged); }, visit);
}

Status Overlay::scan_back(ByteView from, ByteView to, const Visit& visit) const {
  if (!to.empty() && to <= from) return {};
  const Ordered& ordered = in_order();
  const auto begin =
      std::make_reverse_iterator(to.empty() ? ordered.end() : ordered.lower_bound(to));
  const auto end = std::make_reverse_iterator(ordered.lower_bound(from));
  return merge(
      begin, end, std::greater<ByteView>{},
      [&](const Visit& merged) { return base_.scan_back(from, to, merged); }, visit);
}

}  // namespace crossfloor
