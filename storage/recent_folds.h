// How long conversations stood some entries ago: an entry that sorts a little earlier than the
// last ones (two hosts took in the same message, two nodes wrote at once) is folded from there, and
// not all that the conversation ever held. Kept in memory alone; without it the whole is folded.
#pragma once

#include <map>
#include <utility>

#include "storage/conversation.h"

namespace crossfloor {

class RecentFolds {
 public:
  // Below that a conversation is quickly folded as a whole.
  static constexpr std::uint32_t min_messages = 8;  // and replies
  static constexpr std::uint32_t entries_between = 12;
  // So that no reply that was written since can have left the row.
  static constexpr std::uint32_t max_behind = Conversation::max_done_replies - 1;

  // `conversation` is about to be folded on by one entry.
  void grows(const Conversation& conversation) {
    if (conversation.messages_in + conversation.messages_out < min_messages) return;
    if (kept_.size() >= max_kept && kept_.count(conversation.id) == 0) kept_.clear();
    Kept& kept = kept_[conversation.id];
    kept.more(1);
    if (kept.newer && kept.newer->behind <= entries_between) return;
    kept.older = std::move(kept.newer);
    kept.newer = Stood{conversation, 1};
  }
  // The latest that was folded up to before this place, where the first of `entries` is put in now;
  // or null. Those that lack it from now on are forgotten.
  const Conversation* before(const ConversationId& id, const Position& place,
                             std::uint32_t entries) {
    const auto at = kept_.find(id);
    if (at == kept_.end()) return nullptr;
    Kept& kept = at->second;
    if (kept.newer && !(kept.newer->conversation.last < place)) {
      kept.newer = std::exchange(kept.older, std::nullopt);
    }
    kept.more(entries);
    if (kept.newer && kept.newer->conversation.last < place) return &kept.newer->conversation;
    kept_.erase(at);
    return nullptr;
  }
  // What came before changed, too.
  void forget(const ConversationId& id) { kept_.erase(id); }
  void forget_all() { kept_.clear(); }

 private:
  static constexpr std::size_t max_kept = 256;
  struct Stood {
    Conversation conversation;
    std::uint32_t behind = 0;  // so many entries were folded since
  };
  struct Kept {
    std::optional<Stood> newer;
    std::optional<Stood> older;

    void more(std::uint32_t entries) {
      for (auto* one : {&older, &newer}) {
        if (!*one) continue;
        (*one)->behind += entries;
        if ((*one)->behind > max_behind) one->reset();
      }
    }
  };
  std::map<ConversationId, Kept> kept_;
};

}  // namespace crossfloor
