// Who knows the case: the agent who had it last, or whom a person named, and how long one waits.
#include <algorithm>

#include "node/desk/router.h"

namespace crossfloor {

Duration Router::last_agent_wait(const WaitingConversation& what) const {
  if (what.directed) return what.directed_for;
  const auto by_kind = options_.preferred_wait[kind_index(what.service.kind)];
  return std::min(what.times.last_agent_wait.value_or(by_kind),
                  what.target * options_.preferred_percent / 100);
}

// A customer of a chat would wait six seconds for somebody who is busy for five minutes.
bool Router::worth_waiting(const WaitingConversation& what) const {
  if (what.directed) return true;
  const auto handling = slow_help_.told(what.service.kind);
  const double wait = static_cast<double>(last_agent_wait(what).count());
  return wait * 100 >= handling.local_ms * options_.preferred_chance_percent;
}

// Asks the last agent's node once; if that agent is busy, the node pulls when there is a free slot,
// or anybody may have it if it is not worth while to wait.
void Router::push_to_preferred(Task& task, const Need& need, Now now, DeskOutbox& out) {
  const auto& node = task.what.preferred_node;
  if (node == self_) return;
  const auto peers = peers_.usable(now);
  const auto peer = std::find_if(peers.begin(), peers.end(), [&](const PeerLoad& each) {
    return each.record->node == node && !each.record->drained;
  });
  const bool may = peer != peers.end() && peers_.may_see(node, task.what.region) &&
                   !avoided(node, now.steady) && !home_only(task, need);
  if (!may) {
    anybody_may(task, now, out);
    return;
  }
  if (task.asked.count(node)) return;
  const bool waits = worth_waiting(task.what);
  const auto free = free_at(*peer->record, task.what.service, now.steady);
  if (!waits && free.primary + free.helper == 0) {
    anybody_may(task, now, out);
    return;
  }
  task.trace = {};
  start_trace(task.trace, task.what.directed ? 22 : 6, task, now);
  task.trace.add({node,
                  task.what.preferred_agent,
                  task.what.directed ? "named by a person" : "had it last",
                  static_cast<std::uint64_t>(peer->age.count()),
                  {}});
  offer_to(task, node, need, waits ? task.reserved_until - now.steady : Duration{0}, now, out);
}

void Router::anybody_may(Task& task, Now now, DeskOutbox& out) {
  task.reserved = false;
  task.asked.clear();
  place(task.what.conversation, now, out);
}

}  // namespace crossfloor
