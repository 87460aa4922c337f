// Rings that overtook the history which the agent must see.
//
// That an agent gets a conversation is said on the pulse, its entries travel on other links: when
// much is under way the ring comes first. It names the newest entries that home knew; until they
// are here it waits, and they are fetched from home, but not for longer than a customer would
// notice: then it rings all the same, and says that the history is incomplete.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "node/desk/desk_outbox.h"
#include "storage/projections.h"

namespace crossfloor {

// What home names: the newest entry of each origin among the latest of this conversation, and of
// the customer's conversation before it. Bounded reading; at most max_needed_entries.
std::vector<Position> newest_entries(const Reader& reader, const Conversation& conversation);

class RingWaits {
 public:
  static constexpr Duration patience{1'000};

  void add(RingNotice notice, Now now);

  struct Ready {
    RingNotice notice;
    bool complete = false;
  };
  // Those whose history is here, or who waited for long enough. Each is returned once.
  std::vector<Ready> take(Now now, const std::function<bool(const RingNotice&)>& is_here);
  std::optional<Instant> deadline() const;

 private:
  struct Waiting {
    RingNotice notice;
    Instant until;
  };
  std::map<ConversationId, Waiting> waiting_;
};

}  // namespace crossfloor
