// What is lent to other nodes' agents, what this node's agents have from other homes, and how both
// find together again after a restart.
#include "node/core/accounts.h"
#include "node/core/desk_parts.h"

namespace crossfloor {

// What an agent of another node has under this home is leased to that node.
void Desk::lease(const Conversation& c, Now now) {
  if (c.agent_node == mesh_.self() || c.agent_node.is_zero()) return;
  auto& epoch = leased_[c.id];
  if (epoch == c.assigned) return;
  epoch = c.assigned;
  const Duration term = lease_term(home_->account(c.account), kind_of(c));
  ledger_.granted({c.agent_node, c.id, c.assigned, c.agent, kind_of(c), term}, now);
  if (c.state != CourseState::ringing) ledger_.accepted(c.id, c.assigned);
}

// By the log an agent of this node works on it, and the floor knows nothing of it.
bool Desk::is_missing(const Conversation& c) const {
  const bool works = c.state == CourseState::active || c.state == CourseState::wrap_up;
  return works && c.agent_node == mesh_.self() && floor_.work_of(c.id) == nullptr &&
         !router_.gives_back(c.id);
}

bool Desk::take_up(const ConversationId& id, const NodeId& home, const Epoch& epoch,
                   const std::string& agent, ChannelKind kind, Now now) {
  const Conversation* c = home_->find(id);
  const auto* account = c != nullptr ? home_->account(c->account) : nullptr;
  const Duration gone =
      account != nullptr ? account->times.agent_gone_after.value_or(Duration{0}) : Duration{0};
  if (!floor_.restore(agent, home, id, epoch, kind, gone, scribe_.random().next(), now)) {
    return false;
  }
  if (c != nullptr && c->agent == agent && c->agent_node == mesh_.self()) {
    floor_.renew(id, c->epoch, home);
    if (c->state == CourseState::wrap_up) {
      (void)floor_.wrap_up(id, c->epoch, now.steady + wrap_up_time, now).ok();
    }
    outlet_.emit(
        NotifyAgent{NotifyAgent::What::conversation, agent, id, c->epoch, {}, c->reason, true});
  }
  router_.slots_changed(now, out_);
  return true;
}

void Desk::on(const LeaseTaken& event, Now now) {
  ledger_.taken(event.home, event.conversation, event.epoch, event.term, event.since, now);
}

void Desk::on(const LeaseDropped& event, Now) {
  ledger_.dropped(event.conversation, event.epoch);
}

void Desk::on(const LeaseLost& event, Now now) {
  leased_.erase(event.conversation);
  home_->requeue(event.conversation, event.epoch, "lease ended", now);
}

void Desk::on(const LeaseEnded& event, Now now) {
  const Work* work = floor_.work_of(event.conversation);
  if (work == nullptr || work->home != event.home) return;
  const std::string agent = work->agent;
  if (!floor_.release(event.conversation, work->epoch, now)) return;
  keep_draft(event.conversation);
  outlet_.emit(NotifyAgent{NotifyAgent::What::ring_over,
                           agent,
                           event.conversation,
                           event.epoch,
                           {},
                           "lease ended",
                           true});
  router_.slots_changed(now, out_);
}

// Home says that this agent of ours has it. What the floor has no room for goes back: capacity is
// kept, whatever was given in between.
void Desk::on(const LeaseResumed& event, Now now) {
  auto row = rows::conversation(scribe_.view(), event.conversation);
  const bool known = row.ok() && row.value();
  const bool over = known && row.value()->epoch > event.epoch &&
                    (row.value()->agent != event.agent || row.value()->agent_node != mesh_.self());
  if (over) {  // its end was faster than this answer
    ledger_.dropped(event.conversation, event.epoch);
    return;
  }
  if (router_.gives_back(event.conversation)) return;
  if (take_up(event.conversation, event.home, event.epoch, event.agent, event.kind, now)) return;
  ledger_.dropped(event.conversation, event.epoch);
  router_.give_back(event.home,
                    {event.conversation, event.epoch, 0, event.agent, BackReason::no_room}, now,
                    out_);
}

void Desk::on(const ResumeDone&, Now now) {
  if (!closed_) router_.set_open(true, now, out_);
}

// Every home that this node knows to have given its agents work is waited for; of all others it
// learns as they are heard of.
void Desk::resume(Now now) {
  resumed_ = true;
  if (!settings_.may_serve) set_open(false, now);
  std::set<NodeId> homes;
  for (const auto& [id, c] : home_->conversations()) {
    if (c.agent_node != mesh_.self() || c.home() == mesh_.self()) continue;
    if (c.state == CourseState::active || c.state == CourseState::wrap_up) homes.insert(c.home());
  }
  if (!homes.empty()) router_.set_open(false, now, out_);
  ledger_.resume({homes.begin(), homes.end()}, now, leases_out_);
}

}  // namespace crossfloor
