#include "node/core/ring_waits.h"

#include <algorithm>
#include <set>

namespace crossfloor {

std::vector<Position> newest_entries(const Reader& reader, const Conversation& conversation) {
  constexpr std::size_t most_items = 64;  // of the conversation, looked at
  constexpr std::size_t most_conversations = 2;
  std::vector<Position> newest;
  std::set<Origin> origins;
  std::size_t items = 0;
  const Bytes prefix = rows::item_prefix(conversation.id);
  (void)reader
      .scan_back(prefix, after_prefix(prefix),
                 [&](ByteView key, ByteView) {
                   const auto at = Position::from_key(key.substr(prefix.size()));
                   if (at && origins.insert({at->node, at->generation}).second) {
                     newest.push_back(*at);
                   }
                   return ++items < most_items && newest.size() + 1 < max_needed_entries;
                 })
      .ok();
  std::size_t conversations = 0;
  const Bytes handle = rows::handle_prefix(conversation.handle);
  (void)reader
      .scan_back(handle, after_prefix(handle),
                 [&](ByteView key, ByteView) {
                   const auto id =
                       ConversationId::from(key.substr(key.size() - ConversationId::size));
                   if (!id || *id == conversation.id) return ++conversations < most_conversations;
                   auto row = rows::conversation(reader, *id);
                   if (row.ok() && row.value()) newest.push_back(row.value()->last);
                   return false;
                 })
      .ok();
  return newest;
}

void RingWaits::add(RingNotice notice, Now now) {
  const ConversationId id = notice.conversation;
  waiting_[id] = {std::move(notice), now.steady + patience};
}

std::vector<RingWaits::Ready> RingWaits::take(
    Now now, const std::function<bool(const RingNotice&)>& is_here) {
  std::vector<Ready> ready;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const bool complete = is_here(at->second.notice);
    if (!complete && now.steady < at->second.until) {
      ++at;
      continue;
    }
    ready.push_back({std::move(at->second.notice), complete});
    at = waiting_.erase(at);
  }
  return ready;
}

std::optional<Instant> RingWaits::deadline() const {
  std::optional<Instant> first;
  for (const auto& [id, waiting] : waiting_) {
    if (!first || waiting.until < *first) first = waiting.until;
  }
  return first;
}

}  // namespace crossfloor
