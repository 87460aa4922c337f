// Customers who wait too long although an agent has them (rule 21): shown, and if their account
// says so given to another agent. And whom the log says not to ask again for a while (rule 12).
#include <algorithm>

#include "node/core/home.h"
#include "node/desk/router.h"

namespace crossfloor {
namespace {

constexpr const char* late_reason = "late";

bool is_no(const std::string& reason) {
  return reason == word_of(BackReason::declined) || reason == word_of(BackReason::missed) ||
         reason == late_reason;
}

}  // namespace

void Home::watch_for_late(const Conversation& c) {
  if (c.state != CourseState::active || c.unanswered.empty()) return;
  const std::int64_t due = c.waiting_since_ms() + target_of(c).count();
  late_at_[c.id] = due;
  late_next_.insert({due, c.id});
}

void Home::notice_late(Now now) {
  while (!late_next_.empty() && late_next_.begin()->first <= ms_of(scribe_.wall(now))) {
    const auto id = late_next_.begin()->second;
    late_next_.erase(late_next_.begin());
    late_at_.erase(id);
    const auto at = open_.find(id);
    if (at == open_.end() || at->second.home() != mesh_.self()) continue;
    late_.insert(id);
    const auto* settings = account(at->second.account);
    if (settings == nullptr || !settings->requeue_when_late) continue;
    const Epoch assigned = at->second.assigned;
    requeue(id, assigned, late_reason, now);
  }
}

std::vector<Exclusion> Home::excluded_lately(const Conversation& c, Now now) const {
  if (c.assigned == Epoch{} && c.uncounted == 0) return {};  // nobody ever had it
  constexpr std::size_t most_entries = 64;
  const WallTime from = scribe_.wall(now) - RouterOptions{}.excluded_for;
  struct Found {
    Position at;
    ItemRow row;
  };
  std::vector<Found> found;
  const Bytes prefix = rows::item_prefix(c.id);
  auto status =
      scribe_.view().scan_back(prefix, after_prefix(prefix), [&](ByteView key, ByteView value) {
        const auto at = Position::from_key(key.substr(prefix.size()));
        auto row = decode_row<ItemRow>(value);
        if (!at || !row.ok() || at->time.wall() < from) return false;
        found.push_back({*at, std::move(row).value()});
        return found.size() < most_entries;
      });
  if (!status.ok()) return {};
  // Newest first: a no, then who had said it.
  std::vector<Exclusion> excluded;
  std::optional<WallTime> no;
  for (const auto& [at, row] : found) {
    if (row.kind != static_cast<std::uint16_t>(EntryKind::course)) continue;
    auto entry =
        entry_at(scribe_.view(), Stream{{at.node, at.generation}, row.region}, at.sequence);
    if (!entry.ok() || !entry.value()) continue;
    auto body = decode_body<CourseBody>(entry.value()->body);
    if (!body.ok()) continue;
    const CourseBody& course = body.value();
    if (course.state == CourseState::waiting) {
      no.reset();
      if (is_no(course.reason)) no = at.time.wall();
      continue;
    }
    if (no && excluded.size() < max_excluded) excluded.push_back({course.agent, *no});
    no.reset();
    if (course.state != CourseState::ringing) break;  // what was before an agent took it is over
  }
  return excluded;
}

}  // namespace crossfloor
