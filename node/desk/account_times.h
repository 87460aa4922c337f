// What a channel account says of its conversations' times. What it does not say follows from the
// channel kind and the target (RouterOptions).
#pragma once

#include <optional>

#include "protocol/time.h"

namespace crossfloor {

struct AccountTimes {
  std::optional<Duration> helper_after;           // age from which helpers may have it
  std::optional<Duration> optional_skills_after;  // age from which optional skills do not count
  std::optional<Duration> last_agent_wait;        // never more than 20 % of the target
  // One that waits elsewhere goes before one of this account here if it is so much older.
  std::optional<Duration> pull_margin;
  std::optional<Duration> ring;
  std::optional<Duration> lease;
  std::optional<Duration> agent_gone_after;  // without connection; then it goes back to the queue

  bool operator==(const AccountTimes&) const = default;
};

}  // namespace crossfloor
