#include "node/core/waker.h"

namespace crossfloor {
namespace {

constexpr Duration standstill_from{1'000};
constexpr Duration read_first{50};

}  // namespace

std::optional<Duration> Waker::look(Now now) {
  if (!due_ || gap_) return std::nullopt;
  const Duration late = now.steady - *due_;
  if (late <= standstill_from) return std::nullopt;
  gap_ = late;
  due_ = now.steady + read_first;
  core_.woke(now);
  return late;
}

bool Waker::set(Now now) {
  if (gap_) return false;
  const auto before = due_;
  // It stood still in the midst of what it was told: whoever looks next is to see how late it is.
  if (before && now.steady - *before > standstill_from) return false;
  if (before && *before <= core_.deadline()) return false;
  put_at_deadline(now);
  return !before || *due_ < *before;
}

bool Waker::wake(Now now) {
  if (!due_ || now.steady < *due_) return false;
  if (const auto gap = std::exchange(gap_, std::nullopt)) core_.standstill(*gap, now);
  core_.tick(now);
  put_at_deadline(now);
  return true;
}

void Waker::put_at_deadline(Now now) {
  due_ = std::max(core_.deadline(), now.steady);
}

}  // namespace crossfloor
