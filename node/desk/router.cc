// Home's tasks: placing, deciding, committing, taking back. See router.h.
#include "node/desk/router.h"

#include <algorithm>

#include "protocol/check.h"

namespace crossfloor {
namespace {

const char* rule_name(std::uint32_t rule) {
  switch (rule) {
    case 5:
      return "local first";
    case 6:
      return "last agent";
    case 7:
      return "push to a node with a free slot";
    case 8:
      return "a free slot takes the most urgent";
    case 22:
      return "directed by a person";
  }
  return "";
}

}  // namespace

Router::Router(NodeId self, RouterOptions options, Floor& floor, const PeerLoads& peers,
               Random& random)
    : self_(self),
      options_(options),
      floor_(floor),
      peers_(peers),
      random_(random),
      slow_help_(self, options_.slow_help, floor, peers, line_) {}

// ---- Coming and going -------------------------------------------------------------------------

void Router::enqueue(const WaitingConversation& what, Now now, DeskOutbox& out) {
  absorb_floor(now, out);
  if (const auto old = tasks_.find(what.conversation); old != tasks_.end()) {
    let_go(old->second, out);
    erase(old);
  }
  auto& task = tasks_[what.conversation];
  task.what = what;
  const Duration waited = std::max(now.wall - what.waiting_since, Duration{0});
  task.since = now.steady - waited;
  exclude(what, now);
  if (!what.preferred_agent.empty()) {
    task.reserved = true;
    task.reserved_until = now.steady + last_agent_wait(what);
  }
  if (what.site_changes >= options_.max_site_changes) {
    out.events.push_back(
        Alarm{what.conversation, "changed sites " + std::to_string(what.site_changes) +
                                     " times; only its home's agents are asked now"});
  }
  note_class(what.service, now);
  place(what.conversation, now, out);
  serve_freed(now, out);
}

// Who the log says had it, unless the list was cleared since.
void Router::exclude(const WaitingConversation& what, Now now) {
  const auto forgiven = forgiven_.find(what.conversation);
  for (const auto& [agent, since] : what.excluded) {
    const Instant when = now.steady - std::max(now.wall - since, Duration{0});
    if (forgiven != forgiven_.end() && when <= forgiven->second) continue;
    const Instant until = when + options_.excluded_for;
    if (until <= now.steady) continue;
    auto& list = excluded_[what.conversation];
    if (list.size() >= max_excluded && !list.count(agent)) continue;
    auto& kept = list.try_emplace(agent, until).first->second;
    kept = std::max(kept, until);
  }
}

void Router::remove(const ConversationId& conversation, Now now, DeskOutbox& out) {
  excluded_.erase(conversation);
  forgiven_.erase(conversation);
  const auto it = tasks_.find(conversation);
  if (it == tasks_.end()) return;
  let_go(it->second, out);
  erase(it);
  serve_freed(now, out);
}

void Router::let_go(const Task& task, DeskOutbox& out) const {
  switch (task.stage) {
    case Stage::waiting:
      break;
    case Stage::offered:
    case Stage::deciding:
      out.send(task.node, Release{task.nonce});
      break;
    case Stage::committing:
    case Stage::ringing:
      out.send(task.node, Withdrawn{task.what.conversation, task.epoch, task.nonce});
      break;
  }
}

void Router::erase(Tasks::iterator task) {
  set_timer(task->second, std::nullopt);
  line_.remove(task->first);
  offered_.erase(task->first);
  tasks_.erase(task);
}

void Router::set_timer(Task& task, std::optional<Instant> at) {
  if (task.timer) timers_.erase({*task.timer, task.what.conversation});
  task.timer = at;
  if (at) timers_.insert({*at, task.what.conversation});
}

Nonce Router::fresh_nonce() {
  return random_.next() | 1;
}

void Router::note_class(const ServiceClass& service, Now now) {
  constexpr std::size_t most = 256;
  if (asked_classes_.size() >= most && !asked_classes_.count(service)) return;
  asked_classes_[service] = now.steady + Duration{600'000};
}

// ---- Placing ----------------------------------------------------------------------------------

void Router::place(const ConversationId& conversation, Now now, DeskOutbox& out) {
  const auto it = tasks_.find(conversation);
  if (it == tasks_.end() || it->second.stage != Stage::waiting) return;
  auto& task = it->second;
  if (task.reserved) {
    const auto excluded = excluded_from(conversation, now.steady);
    const bool declined =
        std::find(excluded.begin(), excluded.end(), task.what.preferred_agent) != excluded.end();
    if (now.steady >= task.reserved_until || declined) task.reserved = false;
  }
  Need need = need_of(task, now);
  put_in_line(task, need);
  for (;;) {
    while (open_ && task.stage == Stage::waiting && place_locally(task, need, now, out)) {
    }
    if (task.stage == Stage::waiting) push(task, need, any_abilities, now, out);
    if (task.stage != Stage::waiting) return;
    if (!forget_exclusions(task, now)) break;
    need = need_of(task, now);
  }
  set_timer(task, next_look(task, now));
}

void Router::put_in_line(const Task& task, const Need& need) {
  const auto lane = lane_of(task, need);
  if (task.reserved) {
    line_.reserve(task.what.conversation, lane, task.since, task.what.preferred_agent,
                  task.what.directed);
  } else {
    line_.add(task.what.conversation, lane, task.since);
  }
}

// True if it is worth another try: a slot was given away, perhaps to one that is more urgent.
// `need` is what it asks for, and is kept so.
bool Router::place_locally(Task& task, Need& need, Now now, DeskOutbox& out) {
  if (task.reserved && task.what.preferred_node != self_) return false;
  const auto best = floor_.best(need);
  if (best && push_to_spare(*best, task, need, now, out)) return false;
  if (best) return give_head(*best, now, out);
  if (!task.reserved) return false;
  if (floor_.why_not(need) == DeclineReason::full && worth_waiting(task.what)) return false;
  task.reserved = false;  // that agent is not here, or not soon: wait for anybody
  need = need_of(task, now);
  put_in_line(task, need);
  return true;
}

bool Router::give_head(const std::string& agent, Now now, DeskOutbox& out) {
  const auto profile = floor_.profile(agent);
  if (!profile) return false;
  const auto head = line_.head_for(*profile, filter_for(agent, nullptr, now), now.steady);
  if (!head) return false;
  assign_local(tasks_.at(head->conversation), agent, 5, {}, now, out);
  return true;
}

void Router::assign_local(Task& task, const std::string& agent, std::uint32_t rule,
                          std::vector<TraceCandidate> elsewhere, Now now, DeskOutbox& out) {
  if (task.reserved) rule = task.what.directed ? 22 : 6;
  task.trace = {};
  start_trace(task.trace, rule, task, now);
  floor_.best(need_of(task, now), &task.trace);
  for (auto& candidate : elsewhere) task.trace.add(std::move(candidate));
  const Nonce nonce = fresh_nonce();
  const bool held = floor_.hold_agent(agent, {task.what.service.kind}, task.what.conversation,
                                      self_, nonce, now.steady + options_.local_hold_for, now);
  XF_CHECK(held);
  decide(task, self_, agent, nonce, false, now, out);
}

void Router::decide(Task& task, const NodeId& node, const std::string& agent, Nonce nonce,
                    bool pulled, Now, DeskOutbox& out) {
  line_.remove(task.what.conversation);
  set_timer(task, std::nullopt);
  task.stage = Stage::deciding;
  task.node = node;
  task.agent = agent;
  task.nonce = nonce;
  task.pulled = pulled;
  auto& trace = task.trace;
  trace.chosen_node = node;
  trace.chosen_agent = agent;
  for (auto& candidate : trace.candidates) {
    const bool chosen =
        candidate.node == node && (candidate.agent.empty() || candidate.agent == agent);
    if (chosen) {
      candidate.why_not.clear();
    } else if (candidate.why_not.empty()) {
      candidate.why_not = "another was chosen";
    }
  }
  out.decisions.push_back(
      {task.what.conversation, agent, node, nonce, lease_term(task.what), std::move(trace)});
}

// ---- After the decision -----------------------------------------------------------------------

void Router::committed(const ConversationId& conversation, const Epoch& epoch,
                       std::vector<Position> needed, Now now, DeskOutbox& out) {
  const auto it = tasks_.find(conversation);
  if (it == tasks_.end() || it->second.stage != Stage::deciding) return;
  auto& task = it->second;
  if (needed.size() > max_needed_entries) needed.resize(max_needed_entries);
  task.stage = Stage::committing;
  task.epoch = epoch;
  task.needed = std::move(needed);
  task.give_up = now.steady + options_.ringing_within;
  assign(task, now, out);
  set_timer(task, now.steady + options_.repeat_every);
}

void Router::assign(const Task& task, Now now, DeskOutbox& out) const {
  const auto& what = task.what;
  Assignment assignment;
  assignment.conversation = what.conversation;
  assignment.epoch = task.epoch;
  assignment.nonce = task.nonce;
  assignment.agent = task.agent;
  assignment.service = what.service;
  assignment.age_ms = static_cast<std::uint64_t>((now.steady - task.since).count());
  assignment.lease_ms = static_cast<std::uint64_t>(lease_term(what).count());
  assignment.ring_ms = static_cast<std::uint64_t>(ring_time(what).count());
  if (const auto gone = what.times.agent_gone_after) {
    assignment.gone_ms = static_cast<std::uint64_t>(gone->count());
  }
  assignment.auto_accept = what.auto_accept;
  assignment.excluded = excluded_from(what.conversation, now.steady);
  assignment.needed = task.needed;
  if (task.pulled) {
    out.send(task.node, Grant{std::move(assignment)});
  } else {
    out.send(task.node, Commit{std::move(assignment)});
  }
}

void Router::refused(const ConversationId& conversation, Now now, DeskOutbox& out) {
  const auto it = tasks_.find(conversation);
  if (it == tasks_.end() || it->second.stage != Stage::deciding) return;
  let_go(it->second, out);
  erase(it);
  serve_freed(now, out);
}

bool Router::accepted(const ConversationId& conversation, const Epoch& epoch) {
  const auto it = tasks_.find(conversation);
  if (it == tasks_.end() || it->second.epoch != epoch) return false;
  if (it->second.stage != Stage::committing && it->second.stage != Stage::ringing) return false;
  erase(it);
  excluded_.erase(conversation);
  forgiven_.erase(conversation);
  return true;
}

void Router::back(const ConversationId& conversation, const Epoch& epoch, BackReason reason,
                  const std::string& agent, Now now, DeskOutbox& out) {
  take_back(conversation, epoch, reason, agent, nullptr, now, out);
}

// `from` is the lessee that says so, or null if an agent's command did.
void Router::take_back(const ConversationId& conversation, const Epoch& epoch, BackReason reason,
                       const std::string& agent, const NodeId* from, Now now, DeskOutbox& out) {
  const auto it = tasks_.find(conversation);
  if (it == tasks_.end()) {
    // Active, so not the router's any more: who keeps the epochs judges whether it still counts.
    out.events.push_back(Requeue{conversation, epoch, reason, agent, from ? *from : NodeId{}});
    return;
  }
  auto& task = it->second;
  if (task.stage != Stage::committing && task.stage != Stage::ringing) return;
  if (task.epoch != epoch || (from && task.node != *from)) return;
  requeue(it, reason, from == nullptr, now, out);
}

void Router::requeue(Tasks::iterator it, BackReason reason, bool tell, Now now, DeskOutbox& out) {
  auto& task = it->second;
  if (reason == BackReason::declined || reason == BackReason::missed) {
    auto& excluded = excluded_[it->first];
    if (excluded.size() < max_excluded) {
      excluded[task.agent] = now.steady + options_.excluded_for;
    }
  }
  if (tell) out.send(task.node, Withdrawn{it->first, task.epoch, task.nonce});
  out.events.push_back(Requeue{it->first, task.epoch, reason, task.agent, task.node});
  erase(it);
}

// ---- Time -------------------------------------------------------------------------------------

void Router::tick(Now now, DeskOutbox& out) {
  floor_.tick(now);
  absorb_floor(now, out);
  for (const auto wrap_up : floor_.take_soon(now)) look_ahead(wrap_up, now, out);
  while (!timers_.empty() && timers_.begin()->first <= now.steady) {
    const auto conversation = timers_.begin()->second;
    auto& task = tasks_.at(conversation);
    set_timer(task, std::nullopt);
    tick_task(conversation, now, out);
  }
  std::vector<Nonce> unanswered;
  for (const auto& [nonce, run] : pulls_) {
    if (run.give_up <= now.steady) unanswered.push_back(nonce);
  }
  for (const auto nonce : unanswered) end_pull(nonce, false, now, out);
  for (auto it = backs_.begin(); it != backs_.end();) {
    auto& open = it->second;
    if (open.until <= now.steady) {
      it = backs_.erase(it);
      continue;
    }
    if (open.next <= now.steady) {
      out.send(open.home, open.back);
      open.next = now.steady + options_.repeat_every;
    }
    ++it;
  }
  if (idle_look_ && *idle_look_ <= now.steady) look_while_idle(now, out);
  if (offer_look_ && *offer_look_ <= now.steady) offer_to_free(now, out);
  serve_freed(now, out);
}

void Router::tick_task(const ConversationId& conversation, Now now, DeskOutbox& out) {
  const auto it = tasks_.find(conversation);
  auto& task = it->second;
  switch (task.stage) {
    case Stage::waiting:
      task.offers = 0;
      task.asked.clear();
      place(conversation, now, out);
      break;
    case Stage::offered:
      avoided_[task.node] = now.steady + options_.avoid_for;
      out.send(task.node, Release{task.nonce});
      offer_failed(it, "did not answer in " + std::to_string(patience(task.node).count()) + " ms",
                   now, out);
      break;
    case Stage::deciding:
      break;
    case Stage::committing:
      if (now.steady >= task.give_up) {
        if (task.node != self_) avoided_[task.node] = now.steady + options_.avoid_for;
        requeue(it, BackReason::not_answered, true, now, out);
      } else {
        assign(task, now, out);
        set_timer(task, std::min(now.steady + options_.repeat_every, task.give_up));
      }
      break;
    case Stage::ringing:
      requeue(it, BackReason::not_taken, true, now, out);
      break;
  }
}

std::optional<Instant> Router::next_look(const Task& task, Now now) const {
  std::optional<Instant> next;
  const auto consider = [&](Instant at) {
    if (at > now.steady && (!next || at < *next)) next = at;
  };
  const auto& what = task.what;
  if (task.reserved) consider(task.reserved_until);
  consider(task.since + helper_after(what));
  if (!what.optional_skills.empty()) consider(task.since + optional_skills_after(what));
  const bool excluded = !excluded_from(what.conversation, now.steady).empty();
  if (excluded || what.site_changes >= options_.max_site_changes) {
    consider(now.steady + options_.avoid_for);  // others may have come or gone meanwhile
  }
  return next;
}

std::optional<Instant> Router::deadline() const {
  std::optional<Instant> next = floor_.deadline();
  const auto consider = [&](Instant at) {
    if (!next || at < *next) next = at;
  };
  if (!timers_.empty()) consider(timers_.begin()->first);
  for (const auto& [nonce, run] : pulls_) consider(run.give_up);
  for (const auto& [conversation, open] : backs_) consider(std::min(open.next, open.until));
  if (idle_look_) consider(*idle_look_);
  if (offer_look_) consider(*offer_look_);
  return next;
}

void Router::node_lost(const NodeId& node, Now now, DeskOutbox& out) {
  std::vector<ConversationId> touched;
  for (const auto& [conversation, task] : tasks_) {
    const bool waits_for_it =
        task.stage == Stage::waiting && task.reserved && task.what.preferred_node == node;
    if (waits_for_it || (task.stage != Stage::waiting && task.node == node)) {
      touched.push_back(conversation);
    }
  }
  for (const auto& conversation : touched) {
    const auto it = tasks_.find(conversation);
    auto& task = it->second;
    switch (task.stage) {
      case Stage::waiting:
        task.reserved = false;
        place(conversation, now, out);
        break;
      case Stage::offered:
        offer_failed(it, "was lost", now, out);
        break;
      case Stage::deciding:
        break;  // being written; its commit will find no answer
      case Stage::committing:
      case Stage::ringing:
        requeue(it, BackReason::lessee_lost, true, now, out);
        break;
    }
  }
  std::vector<Nonce> pulls;
  for (const auto& [nonce, run] : pulls_) {
    if (run.home == node) pulls.push_back(nonce);
  }
  for (const auto nonce : pulls) end_pull(nonce, false, now, out);
  for (auto& [agent, homes] : wanted_) homes.erase(node);
  serve_freed(now, out);
}

// ---- What decides -----------------------------------------------------------------------------

bool Router::nobody_on_duty(ChannelKind kind, Now now) const {
  if (open_ && floor_.on_duty(kind) > 0) return false;
  const auto peers = peers_.usable(now);
  return std::none_of(peers.begin(), peers.end(), [&](const PeerLoad& peer) {
    return !peer.record->drained && peer.record->agents_on_duty(kind) > 0;
  });
}

bool Router::helpers_may(ChannelKind kind, Duration from, Duration age, Now now) const {
  return age >= from || nobody_on_duty(kind, now);
}

Duration Router::helper_after(const WaitingConversation& what) const {
  return what.times.helper_after.value_or(what.target * options_.helper_after_percent / 100);
}

Duration Router::optional_skills_after(const WaitingConversation& what) const {
  return what.times.optional_skills_after.value_or(what.target * options_.optional_skills_percent /
                                                   100);
}

Duration Router::ring_time(const WaitingConversation& what) const {
  return what.times.ring.value_or(options_.ring[kind_index(what.service.kind)]);
}

Duration Router::lease_term(const WaitingConversation& what) const {
  return what.times.lease.value_or(options_.lease[kind_index(what.service.kind)]);
}

Duration Router::patience(const NodeId& node) const {
  const Duration by_link = options_.round_trips_waited * peers_.round_trip(node);
  return std::clamp(by_link, options_.answer_within, options_.answer_at_last);
}

Need Router::need_of(const Task& task, Now now) const {
  const auto& what = task.what;
  const Duration age = now.steady - task.since;
  Need need;
  need.conversation = what.conversation;
  need.service = what.service;
  if (age < optional_skills_after(what)) need.optional_skills = what.optional_skills;
  need.team = what.team;
  need.helpers = helpers_may(what.service.kind, helper_after(what), age, now);
  need.excluded = excluded_from(what.conversation, now.steady);
  if (task.reserved) {
    need.only_agent = what.preferred_agent;
    need.optional_skills.clear();
    if (what.directed) need.team.clear();  // the last agent is preferred within the team only
  }
  return need;
}

Lane Router::lane_of(const Task& task, const Need& need) const {
  const auto& what = task.what;
  return {what.service,
          what.target,
          weight_of(what.priority, what.mood, what.topic_weight),
          need.optional_skills,
          what.team,
          what.region,
          home_only(task, need),
          helper_after(what)};
}

bool Router::home_only(const Task& task, const Need& need) const {
  return task.what.site_changes >= options_.max_site_changes && open_ &&
         floor_.why_not(need) != DeclineReason::nobody;
}

std::vector<std::string> Router::excluded_from(const ConversationId& conversation,
                                               Instant now) const {
  std::vector<std::string> out;
  const auto it = excluded_.find(conversation);
  if (it == excluded_.end()) return out;
  for (const auto& [agent, until] : it->second) {
    if (until > now) out.push_back(agent);
  }
  return out;
}

WaitingLine::Filter Router::filter_for(const std::string& agent, const NodeId* remote,
                                       Now now) const {
  WaitingLine::Filter filter;
  if (remote) {
    filter.may_take = [this, node = *remote](const Lane& lane) {
      return !lane.home_only && peers_.may_see(node, lane.region);
    };
  }
  filter.excluded = [this, agent, now](const ConversationId& conversation) {
    const auto it = excluded_.find(conversation);
    if (it == excluded_.end()) return false;
    const auto found = it->second.find(agent);
    return found != it->second.end() && found->second > now.steady;
  };
  filter.helper_after = [this, now](const Lane& lane) {
    if (nobody_on_duty(lane.service.kind, now)) return Duration{0};
    return lane.helper_after;
  };
  return filter;
}

void Router::start_trace(Trace& trace, std::uint32_t rule, const Task& task, Now now) const {
  trace.rule = rule;
  trace.rule_name = rule_name(rule);
  trace.age_ms = static_cast<std::uint64_t>((now.steady - task.since).count());
  trace.waiting = line_.size();
}

// ---- Asking -----------------------------------------------------------------------------------

std::vector<ServiceClass> Router::classes(Now now) const {
  std::set<ServiceClass> all;
  for (auto& service : line_.classes()) all.insert(std::move(service));
  for (const auto& [service, until] : asked_classes_) {
    if (until > now.steady) all.insert(service);
  }
  return {all.begin(), all.end()};
}

std::vector<QueueRow> Router::queue(Now now, std::size_t most) const {
  std::vector<QueueRow> rows;
  for (const auto& [conversation, task] : tasks_) {
    QueueRow row;
    row.conversation = conversation;
    row.service = task.what.service;
    row.stage = task.stage;
    row.age_ms = static_cast<std::uint64_t>((now.steady - task.since).count());
    row.target_ms = static_cast<std::uint64_t>(task.what.target.count());
    row.priority = task.what.priority;
    if (task.stage != Stage::waiting) {
      row.node = task.node;
      row.agent = task.agent;
    } else if (task.reserved) {
      row.agent = task.what.preferred_agent;
    }
    row.offers = static_cast<std::uint32_t>(task.offers);
    row.excluded = static_cast<std::uint32_t>(excluded_from(conversation, now.steady).size());
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(), [](const QueueRow& a, const QueueRow& b) {
    return std::pair(b.age_ms, a.conversation) < std::pair(a.age_ms, b.conversation);
  });
  if (rows.size() > most) rows.resize(most);
  return rows;
}

}  // namespace crossfloor
