#include "protocol/membership_options.h"

#include <algorithm>
#include <cmath>

namespace crossfloor {
namespace {
// ceil(log10(n + 1)) is the number of decimal digits of n.
int digits(int n) {
  int count = 0;
  for (; n > 0; n /= 10) ++count;
  return count;
}
Duration rounded(double ms) {
  return Duration{std::llround(ms)};
}
Duration patience_by_size(const MembershipOptions& options, int n) {
  const double scale = std::max(1.0, std::log10(std::max(1, n)));
  return rounded(options.suspicion_factor * scale *
                 static_cast<double>(options.probe_interval.count()));
}
}  // namespace

MembershipOptions MembershipOptions::wan() {
  MembershipOptions options;
  options.probe_interval = Duration{3'000};
  options.probe_timeout = Duration{1'200};
  options.probe_again = Duration{360};
  options.gossip_interval = Duration{500};
  options.gossip_nodes = 4;
  options.lost_retry_min = Duration{2'000};
  options.lost_retry_max = Duration{8'000};
  options.isolation_after = Duration{9'000};
  return options;
}

Duration patience_min(const MembershipOptions& options, int n) {
  return std::max(patience_by_size(options, n), options.least_patience);
}

Duration patience_max(const MembershipOptions& options, int n) {
  return std::max(options.suspicion_stretch * patience_by_size(options, n), options.least_patience);
}

int accusers_wanted(const MembershipOptions& options, int n) {
  return std::clamp(n - 2, 0, options.accusers_wanted);
}

Duration patience(Duration min, Duration max, int wanted, int have) {
  if (have >= wanted) return min;
  const double share = std::log(have + 1.0) / std::log(wanted + 1.0);
  return std::max(min, max - rounded(share * static_cast<double>((max - min).count())));
}

int retransmit_limit(const MembershipOptions& options, int n) {
  return options.retransmit_factor * std::max(1, digits(n));
}

Duration scaled(Duration healthy, int score) {
  return healthy * (score + 1);
}

Duration lost_retry(const MembershipOptions& options, int tries) {
  const Duration doubled = options.lost_retry_min * (1 << std::clamp(tries, 0, 16));
  return std::min(doubled, options.lost_retry_max);
}

Duration death_bound(const MembershipOptions& options, int n) {
  const Duration own_probe = n > look_at_once ? options.probe_interval : Duration{0};
  return std::max(1, 2 * n - 3) * options.probe_interval + options.probe_interval + own_probe +
         patience_max(options, n) + options.gossip_interval;
}

}  // namespace crossfloor
