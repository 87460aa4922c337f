#include "node/core/desk.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "node/core/accounts.h"
#include "node/core/desk_parts.h"
#include "node/core/kept_times.h"
#include "node/desk/own_load.h"
#include "protocol/json_codec.h"

namespace crossfloor {

Desk::Desk(Scribe& scribe, const NodeSettings& settings, Mesh& mesh, Outlet& outlet)
    : scribe_(scribe),
      settings_(settings),
      mesh_(mesh),
      outlet_(outlet),
      floor_(Floor::Options{}),
      router_(mesh.self(), RouterOptions{}, floor_, mesh, scribe.random()),
      ledger_(mesh.self(), LeaseLedger::Options{}, scribe.random()) {}

// --- DeskPort ---

WaitingConversation Desk::waiting_of(const Conversation& c) const {
  WaitingConversation what;
  what.conversation = c.id;
  what.service.brand = c.brand;
  what.service.kind = kind_of(c);
  what.service.skills = c.skills;
  what.service.language = c.language;
  what.team = c.team;
  what.waiting_since = wall_from_ms(c.waiting_since_ms());
  what.priority = c.priority;
  what.mood = c.mood;
  const auto topic = settings_.topic_weights.find(c.topic);
  if (topic != settings_.topic_weights.end()) what.topic_weight = topic->second;
  what.site_changes = c.site_changes;
  if (const auto* account = home_->account(c.account)) {
    what.region = account->region;
    what.auto_accept = account->auto_accept;
    what.times = account->times;
    for (const auto& skill : account->optional_skills) {
      if (what.service.skills.size() + what.optional_skills.size() >= max_agent_skills) break;
      what.optional_skills.push_back(skill);
    }
  } else {
    what.region = settings_.home_region;
  }
  what.target = home_->target_of(c);
  const bool directed =
      (c.reason == "assigned" || c.reason == "transfer") && !c.prefer_agent.empty();
  what.directed = directed;
  what.preferred_agent = c.prefer_agent.empty() ? c.last_agent : c.prefer_agent;
  what.preferred_node = c.prefer_agent.empty() ? c.last_agent_node : c.prefer_node;
  if (!directed && c.prefer_agent.empty()) {
    constexpr auto day = std::chrono::hours(24);
    const auto since = what.waiting_since - wall_from_ms(c.last_agent_ms);
    if (c.last_agent.empty() || since > day) {
      what.preferred_agent.clear();
      what.preferred_node = {};
    }
  }
  // For another agent than the one who let the customer wait, or gave it to others.
  if (c.reason == "late" || (c.reason == "transfer" && c.prefer_agent.empty())) {
    what.preferred_agent.clear();
    what.preferred_node = {};
  }
  if (!what.preferred_agent.empty() && what.preferred_node.is_zero()) {
    if (auto known = record(what.preferred_agent)) what.preferred_node = known->node;
  }
  return what;
}

void Desk::waiting(const Conversation& conversation, Now now) {
  if (leased_.erase(conversation.id) > 0) ledger_.ended(conversation.id);
  const auto [at, unknown] = queued_.try_emplace(conversation.id);
  if (at->second == conversation.epoch) return;
  at->second = conversation.epoch;
  auto what = waiting_of(conversation);
  // What the router does not remember, of before a restart or under another home, the log does.
  if (unknown) what.excluded = home_->excluded_lately(conversation, now);
  router_.enqueue(what, now, out_);
}

void Desk::assigned(const Conversation& conversation, Now now) {
  lease(conversation, now);
  alarms_.erase(conversation.id);
  if (is_missing(conversation)) {  // this node restarted: its own agent goes on with it
    const bool fits = take_up(conversation.id, mesh_.self(), conversation.assigned,
                              conversation.agent, kind_of(conversation), now);
    if (!fits) {
      home_->requeue(conversation.id, conversation.assigned, word_of(BackReason::no_room), now);
    }
  }
  const auto at = queued_.find(conversation.id);
  if (conversation.state == CourseState::ringing) {
    // By our own decision it stays the router's until it is accepted or comes back. Found so after
    // a restart, nobody waits for the answer any more: it goes back with its age.
    if (at == queued_.end()) {
      home_->requeue(conversation.id, conversation.assigned, "home restarted", now);
    }
    return;
  }
  if (at != queued_.end()) queued_.erase(at);
}

void Desk::done(const ConversationId& conversation, Now now) {
  if (leased_.erase(conversation) > 0) ledger_.ended(conversation);
  alarms_.erase(conversation);
  if (queued_.erase(conversation) > 0) router_.remove(conversation, now, out_);
}

void Desk::free_slot(const Work& work, const Conversation& c, Now now) {
  const Work before = work;
  if (!floor_.release(c.id, c.epoch, now)) return;
  if (c.state == CourseState::waiting) keep_draft(c.id);
  drafts_.erase(c.id);
  ledger_.dropped(c.id, before.epoch);
  const bool ended = before.state == SlotState::ending;
  if (ended || before.state == SlotState::busy || before.state == SlotState::wrapping_up) {
    const auto kind = kind_of(c);
    const auto told = router_.handling_told(kind);
    const Instant until = ended ? before.ended_at : now.steady;
    router_.handled(before.home, kind, until - before.held_since);
    const auto times = router_.handling_told(kind);
    if (times != told) keep_handling_times(scribe_.workspace(), kind, times);
  }
  router_.slots_changed(now, out_);
}

// Whoever its home is: an agent here who has it, or had it, must see what became of it.
void Desk::changed(const Conversation& c, Now now) {
  const Work* work = floor_.work_of(c.id);
  std::string had;
  if (work != nullptr && work->state != SlotState::held) {
    had = work->agent;
    const bool here = c.agent_node == mesh_.self() && c.agent == work->agent;
    const bool occupies = c.state == CourseState::ringing || c.state == CourseState::active ||
                          c.state == CourseState::wrap_up;
    if (!here || !occupies) {
      if (work->epoch <= c.epoch) free_slot(*work, c, now);
    } else if (c.state != CourseState::ringing) {
      if (work->home != c.home()) {  // taken over: a new lease
        const Duration term = lease_term(home_->account(c.account), kind_of(c));
        ledger_.taken(c.home(), c.id, c.assigned, term, now.steady, now);
      }
      floor_.renew(c.id, c.epoch, c.home());
      if (c.state == CourseState::wrap_up && floor_.work_of(c.id)->state == SlotState::busy) {
        // Home's lease was resumed before the log that says how far the agent is.
        (void)floor_.wrap_up(c.id, c.epoch, now.steady + wrap_up_time, now).ok();
      }
    }
  }
  if (resumed_ && had.empty() && c.home() != mesh_.self() && is_missing(c)) {
    ledger_.ask(c.home(), now, leases_out_);
  }
  const auto tell = [&](const std::string& agent) {
    outlet_.emit(
        NotifyAgent{NotifyAgent::What::conversation, agent, c.id, c.epoch, {}, c.reason, true});
  };
  if (!had.empty()) tell(had);
  if (c.agent_node == mesh_.self() && !c.agent.empty() && c.agent != had) tell(c.agent);
}

// --- events of the router ---

void Desk::on(const Requeue& event, Now now) {
  // What an agent's command sent back is by now written down and queued anew, or even rings again.
  const auto at = queued_.find(event.conversation);
  if (at != queued_.end() && at->second > event.epoch) return;
  queued_.erase(event.conversation);
  home_->requeue(event.conversation, event.epoch, word_of(event.reason), now);
}
void Desk::on(const Alarm& event, Now) {
  alarms_[event.conversation] = event.what;
}

void Desk::on(const WrapUpOver& event, Now) {
  DeskCommand close;
  close.id = scribe_.random().id<CommandId>();
  close.verb = Verb::close;
  close.conversation = event.conversation;
  close.epoch = event.epoch;
  close.agent = event.agent;
  close.agent_node = mesh_.self();
  close.reason = "wrap-up is over";
  commands_.push_back(std::move(close));
}

void Desk::notice(const RingNotice& notice, Now now) {
  if (!history_is_here(notice)) {
    for (const auto& at : notice.needed) missing_.push_back({notice.home, at});
  }
  rings_.add(notice, now);
}

bool Desk::history_is_here(const RingNotice& notice) const {
  auto row = rows::conversation(scribe_.view(), notice.conversation);
  if (!row.ok() || !row.value() || !row.value()->opened) return false;
  return std::all_of(notice.needed.begin(), notice.needed.end(), [&](const Position& at) {
    const auto head = scribe_.log().head({{at.node, at.generation}, row.value()->region});
    return head && head->sequence >= at.sequence;
  });
}

void Desk::ring(const RingWaits::Ready& ready) {
  const RingNotice& notice = ready.notice;
  const Work* work = floor_.work_of(notice.conversation);
  // Meanwhile it may have ended, or gone to somebody else.
  if (work == nullptr || work->state != SlotState::ringing || work->agent != notice.agent) return;
  outlet_.emit(NotifyAgent{NotifyAgent::What::ring, notice.agent, notice.conversation, notice.epoch,
                           notice.deadline, "", ready.complete});
  if (!notice.auto_accept) return;
  DeskCommand accept;
  accept.id = scribe_.random().id<CommandId>();
  accept.verb = Verb::accept;
  accept.conversation = notice.conversation;
  accept.epoch = notice.epoch;
  accept.agent = notice.agent;
  accept.agent_node = mesh_.self();
  commands_.push_back(std::move(accept));
}

// What goes back to the queue takes its agent's draft with it, as a note.
void Desk::keep_draft(const ConversationId& conversation) {
  auto draft = drafts_.extract(conversation);
  if (draft.empty()) return;
  DeskCommand note;
  note.id = scribe_.random().id<CommandId>();
  note.verb = Verb::note;
  note.conversation = conversation;
  note.agent = draft.mapped().agent;
  note.agent_node = mesh_.self();
  note.text = "Draft of an answer that was not sent:\n" + draft.mapped().text;
  commands_.push_back(std::move(note));
}

void Desk::notice(const WorkEnded& notice, Now) {
  keep_draft(notice.conversation);
  outlet_.emit(NotifyAgent{NotifyAgent::What::ring_over,
                           notice.agent,
                           notice.conversation,
                           notice.epoch,
                           {},
                           word_of(notice.reason),
                           true});
}
void Desk::notice(const PresenceChanged& notice, Now) {
  outlet_.emit(
      NotifyAgent{NotifyAgent::What::slots, notice.agent, {}, {}, {}, notice.reason, true});
}

bool Desk::settle(Now now) {
  bool did = false;
  while (!leases_out_.messages.empty() || !leases_out_.events.empty() || !out_.decisions.empty() ||
         !out_.messages.empty() || !out_.events.empty() || !out_.notices.empty()) {
    did = true;
    LeaseOutbox leases = std::exchange(leases_out_, {});
    for (auto& [to, message] : leases.messages) {
      outlet_.send<LeaseFrame>(to, LinkKind::pulse, std::move(message));
    }
    for (const auto& event : leases.events) {
      std::visit([&](const auto& one) { on(one, now); }, event);
    }
    DeskOutbox out = std::exchange(out_, {});
    for (const auto& decision : out.decisions) {
      const auto trace = write_json(decision.trace).dump();
      const auto epoch =
          home_->assign(decision.conversation, decision.agent, decision.node, trace, now);
      if (epoch) {
        queued_[decision.conversation] = *epoch;
        std::vector<Position> needed;
        if (const Conversation* c = home_->find(decision.conversation)) {
          needed = newest_entries(scribe_.view(), *c);
        }
        router_.committed(decision.conversation, *epoch, needed, now, out_);
      } else {
        queued_.erase(decision.conversation);
        router_.refused(decision.conversation, now, out_);
      }
    }
    for (auto& [to, message] : out.messages) {
      outlet_.send<RoutingFrame>(to, LinkKind::pulse, std::move(message));
    }
    for (const auto& event : out.events) {
      std::visit([&](const auto& one) { on(one, now); }, event);
    }
    for (const auto& one : out.notices) {
      std::visit([&](const auto& what) { notice(what, now); }, one);
    }
  }
  for (const auto& ready :
       rings_.take(now, [this](const RingNotice& notice) { return history_is_here(notice); })) {
    ring(ready);
  }
  return did;
}

void Desk::receive(const NodeId& from, const RoutingMessage& message, Now now) {
  if (!check_routing_message(message).ok()) return;
  router_.receive(from, message, now, out_);
}

void Desk::receive(const NodeId& from, const LeaseMessage& message, Now now) {
  if (!check_lease_message(message).ok()) return;
  // A home that is not sure of its truth says nothing: the lessee asks again.
  const bool for_home = std::holds_alternative<Renew>(message) ||
                        std::holds_alternative<LeaseSet>(message) ||
                        std::holds_alternative<Resume>(message);
  if (for_home && !home_->acting()) return;
  ledger_.receive(from, message, now, leases_out_);
}

void Desk::loads_changed(Now now) {
  router_.loads_changed(now, out_);
}

void Desk::member_events(const std::vector<MemberEvent>& events, Now now) {
  for (const auto& event : events) {
    if (event.kind == MemberEventKind::died || event.kind == MemberEventKind::left ||
        event.kind == MemberEventKind::restarted) {
      router_.node_lost(event.node, now, out_);
      ledger_.node_lost(event.node, leases_out_);
    } else if (event.kind == MemberEventKind::joined || event.kind == MemberEventKind::alive) {
      router_.healed(event.node, now);
    }
    // Leases that ran out while it was away may still be meant by it.
    const bool back = event.kind == MemberEventKind::joined ||
                      event.kind == MemberEventKind::alive ||
                      event.kind == MemberEventKind::restarted;
    const bool may = settings_.may_serve && mesh_.may_host(event.node, now);
    if (back && resumed_ && may) ledger_.ask(event.node, now, leases_out_);
  }
}

void Desk::set_open(bool open, Now now) {
  closed_ = !open || !settings_.may_serve;
  if (!closed_ && ledger_.resuming()) return;  // opened when the homes have answered
  router_.set_open(!closed_, now, out_);
}

void Desk::stop(Now now) {
  set_open(false, now);
  for (const auto& agent : floor_.snapshot()) floor_.connection_lost(agent.name, now);
  router_.slots_changed(now, out_);
}

void Desk::tick(Now now) {
  ledger_.tick(now, leases_out_);
  router_.tick(now, out_);
}

std::optional<Instant> Desk::deadline() const {
  std::optional<Instant> next;
  for (const auto& one : {router_.deadline(), ledger_.deadline(), rings_.deadline()}) {
    if (one && (!next || *one < *next)) next = one;
  }
  return next;
}

LoadRecord Desk::load(Now now) const {
  return own_load(floor_, router_, now);
}

}  // namespace crossfloor
