#include "node/desk/floor.h"

#include <algorithm>

#include "protocol/check.h"

namespace crossfloor {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

// ---- Taking and freeing slots -----------------------------------------------------------------

void Floor::occupy(const Work& work) {
  auto& agent = agents_.at(work.agent);
  agent.works.insert(work.nonce);
  auto& kept = works_[work.nonce] = work;
  kept.until.reset();
  set_until(kept, work.until);
  recount(agent);
}

// Reckoned anew from what there is: the record's costs may have changed meanwhile.
void Floor::recount(Agent& agent) {
  agent.units = 0;
  agent.used = {};
  for (const auto nonce : agent.works) {
    const auto& work = works_.at(nonce);
    if (!counts(work)) continue;
    std::uint32_t most = 0;  // of a pull the dearest kind that it may bring
    for (const auto kind : work.kinds) {
      most = std::max(most, agent.cost(kind));
      ++agent.used[kind_index(kind)];
    }
    agent.units += most;
  }
  groups_.changed(agent);
}

Duration Floor::gone_after(const Work& work) const {
  if (work.gone_after > Duration{0}) return work.gone_after;
  return options_.agent_gone_after[kind_index(work.kinds.front())];
}

void Floor::drop(Nonce nonce, Now now) {
  const auto it = works_.find(nonce);
  XF_CHECK(it != works_.end());
  auto& work = it->second;
  auto& agent = agents_.at(work.agent);
  agent.works.erase(nonce);
  if (work.state != SlotState::ending) {
    if (work.state != SlotState::held) agent.idle_since = now.steady;
    if (agent.serving()) freed_.insert(work.agent);
  }
  set_until(work, std::nullopt);
  const auto named = by_conversation_.find(work.conversation);
  if (named != by_conversation_.end() && named->second == nonce) by_conversation_.erase(named);
  works_.erase(it);
  recount(agent);
}

void Floor::set_until(Work& work, std::optional<Instant> until) {
  if (work.until) timers_.remove(*work.until, work.nonce);
  work.until = until;
  if (until) timers_.add(*until, work.nonce, work.state == SlotState::wrapping_up);
}

void Floor::lose(Nonce nonce, BackReason reason, Now now) {
  const Work work = works_.at(nonce);
  drop(nonce, now);
  if (work.state == SlotState::held) return;  // home finds no hold and knows
  events_.push_back(
      WorkLost{work.agent, work.home, work.conversation, work.epoch, work.nonce, reason});
}

void Floor::lose_all(Agent& agent, BackReason reason, Now now) {
  const auto works = agent.works;
  for (const auto nonce : works) {
    if (works_.at(nonce).state != SlotState::ending) lose(nonce, reason, now);
  }
}

void Floor::drop_holds(Agent& agent, Now now) {
  const auto works = agent.works;
  for (const auto nonce : works) {
    if (works_.at(nonce).state == SlotState::held) drop(nonce, now);
  }
}

// ---- Choosing and holding ---------------------------------------------------------------------

std::optional<std::string> Floor::best(const Need& need, Trace* trace) const {
  const auto* best = groups_.best(need);
  if (trace) note_fitting(need, best, *trace);
  if (!best) return std::nullopt;
  return best->record.name;
}

// Everybody on duty who fits, in order of name, with the reason why it is not that agent.
void Floor::note_fitting(const Need& need, const Agent* best, Trace& trace) const {
  const auto room =
      Trace::max_candidates - std::min(Trace::max_candidates, trace.candidates.size());
  const auto kind = need.service.kind;
  const auto fitting = groups_.fitting(need, room);
  trace.candidates.reserve(trace.candidates.size() + fitting.size());
  for (const auto* agent : fitting) {
    const auto& name = agent->record.name;
    const char* why_not = agent->presence != Presence::ready ? "not ready"
                          : contains(need.excluded, name)    ? "declined or missed it lately"
                          : agent->free(kind) == 0           ? "no free slot"
                          : agent != best                    ? "another fits better"
                                                             : "";
    const bool helper = agent->channel(kind)->duty == Duty::helper;
    std::string known;
    known.reserve(40);
    known.append(helper ? "helper, " : "primary, ")
        .append(std::to_string(agent->units))
        .append(" of ");
    known.append(std::to_string(agent->record.total_units)).append(" units used");
    trace.add({agent->record.node, name, std::move(known), 0, why_not});
  }
  trace.candidates_left_out +=
      static_cast<std::uint32_t>(groups_.count_fitting(need) - fitting.size());
}

std::optional<std::string> Floor::hold_best(const Need& need, const NodeId& home, Nonce nonce,
                                            Instant until, Now now) {
  if (const auto it = works_.find(nonce); it != works_.end()) {
    if (it->second.home != home || it->second.state != SlotState::held) return std::nullopt;
    return it->second.agent;
  }
  const auto name = best(need);
  if (!name) return std::nullopt;
  const bool held =
      hold_agent(*name, {need.service.kind}, need.conversation, home, nonce, until, now);
  XF_CHECK(held);
  return name;
}

bool Floor::hold_agent(const std::string& name, const std::vector<ChannelKind>& kinds,
                       const ConversationId& conversation, const NodeId& home, Nonce nonce,
                       Instant until, Now now) {
  if (const auto it = works_.find(nonce); it != works_.end()) {
    return it->second.home == home && it->second.state == SlotState::held;
  }
  const auto it = agents_.find(name);
  if (it == agents_.end() || !it->second.serving() || kinds.empty()) return false;
  const auto& agent = it->second;
  for (const auto kind : kinds) {
    if (agent.free(kind) == 0) return false;
  }
  occupy({nonce, name, home, conversation, {}, kinds, SlotState::held, now.steady, until, {}, 0});
  return true;
}

bool Floor::hold_behind(Nonce ending, const NodeId& home, Nonce nonce, Instant until, Now now) {
  if (works_.count(nonce) || !profile_after(ending)) return false;
  const auto& before = works_.at(ending);
  occupy({nonce,
          before.agent,
          home,
          {},
          {},
          {before.kinds.front()},
          SlotState::held,
          now.steady,
          until,
          {},
          ending});
  return true;
}

void Floor::release_hold(Nonce nonce, const NodeId& home, Now now) {
  const auto it = works_.find(nonce);
  if (it == works_.end() || it->second.home != home) return;
  if (it->second.state == SlotState::held) drop(nonce, now);
}

Floor::RingOutcome Floor::ring(const NodeId& home, const Assignment& assignment, Now now) {
  const auto named = by_conversation_.find(assignment.conversation);
  if (named != by_conversation_.end()) {
    const auto& running = works_.at(named->second);
    if (running.epoch == assignment.epoch) return RingOutcome::already;
    if (running.epoch > assignment.epoch) return RingOutcome::stale;
  }
  const auto it = works_.find(assignment.nonce);
  if (it == works_.end() || it->second.state != SlotState::held || it->second.home != home ||
      it->second.agent != assignment.agent) {
    return RingOutcome::no_hold;
  }
  Work work = it->second;
  const bool for_another =
      !work.conversation.is_zero() && work.conversation != assignment.conversation;
  const auto kind = assignment.service.kind;
  const bool other_kind = std::find(work.kinds.begin(), work.kinds.end(), kind) == work.kinds.end();
  if (for_another || other_kind) return RingOutcome::no_hold;
  if (!counts(work)) return RingOutcome::not_yet;
  // What it does in a lower epoch is over, whatever it was.
  if (named != by_conversation_.end()) drop(named->second, now);
  drop(work.nonce, now);
  work.conversation = assignment.conversation;
  work.epoch = assignment.epoch;
  work.kinds = {kind};
  work.state = SlotState::ringing;
  work.behind = 0;
  work.gone_after = Duration{static_cast<std::int64_t>(assignment.gone_ms)};
  work.until = now.steady + Duration{static_cast<std::int64_t>(assignment.ring_ms)};
  occupy(work);
  by_conversation_[work.conversation] = work.nonce;
  return RingOutcome::rings;
}

// ---- The course of one conversation -----------------------------------------------------------

Result<Work*> Floor::find(const ConversationId& conversation, const Epoch& epoch,
                          const std::string& agent) {
  const auto named = by_conversation_.find(conversation);
  if (named == by_conversation_.end()) {
    return Error{ErrorCode::stale, "the conversation is not with an agent of this node",
                 "conversation", "look at the conversation for who has it now"};
  }
  auto& work = works_.at(named->second);
  if (work.epoch != epoch || work.agent != agent) {
    return Error{ErrorCode::stale, "the conversation went on since, it is with " + work.agent,
                 "epoch", "look at the conversation again"};
  }
  return &work;
}

Status Floor::accept(const ConversationId& conversation, const Epoch& epoch,
                     const std::string& agent, Now) {
  auto found = find(conversation, epoch, agent);
  if (!found.ok()) return found.error();
  auto& work = *found.value();
  if (work.state == SlotState::ringing) {
    work.state = SlotState::busy;
    set_until(work, std::nullopt);
  }
  return {};
}

Status Floor::decline(const ConversationId& conversation, const Epoch& epoch,
                      const std::string& agent, Now now) {
  auto found = find(conversation, epoch, agent);
  if (!found.ok()) return found.error();
  if (found.value()->state != SlotState::ringing) {
    return Error{ErrorCode::conflict, "the conversation was accepted already", "conversation",
                 "transfer it instead"};
  }
  lose(found.value()->nonce, BackReason::declined, now);
  return {};
}

Status Floor::wrap_up(const ConversationId& conversation, const Epoch& epoch, Instant until, Now) {
  const auto named = by_conversation_.find(conversation);
  if (named == by_conversation_.end() || works_.at(named->second).epoch > epoch) {
    return Error{ErrorCode::stale, "the conversation is not with an agent of this node",
                 "conversation", ""};
  }
  auto& work = works_.at(named->second);
  if (work.state == SlotState::ending) {
    return Error{ErrorCode::conflict, "the agent has ended it already", "conversation", ""};
  }
  work.state = SlotState::wrapping_up;
  set_until(work, until);
  return {};
}

bool Floor::ends(const ConversationId& conversation, const std::string& agent, Now now) {
  const auto named = by_conversation_.find(conversation);
  if (named == by_conversation_.end()) return false;
  auto& work = works_.at(named->second);
  const bool at_work = work.state == SlotState::busy || work.state == SlotState::wrapping_up;
  if (work.agent != agent || !at_work) return false;
  set_until(work, std::nullopt);
  work.state = SlotState::ending;
  work.ended_at = now.steady;
  auto& who = agents_.at(agent);
  who.idle_since = now.steady;
  if (who.serving()) freed_.insert(agent);
  recount(who);
  return true;
}

bool Floor::goes_on(const ConversationId& conversation) {
  const auto named = by_conversation_.find(conversation);
  if (named == by_conversation_.end()) return false;
  auto& work = works_.at(named->second);
  if (work.state != SlotState::ending) return true;
  auto& agent = agents_.at(work.agent);
  const bool gone = agent.presence == Presence::logged_out;
  if (gone || agent.free(work.kinds.front()) == 0) return false;
  work.state = SlotState::busy;
  if (!agent.connected) set_until(work, agent.lost_at + gone_after(work));
  recount(agent);
  return true;
}

bool Floor::release(const ConversationId& conversation, const Epoch& epoch, Now now) {
  const auto named = by_conversation_.find(conversation);
  if (named == by_conversation_.end() || works_.at(named->second).epoch > epoch) return false;
  drop(named->second, now);
  return true;
}

bool Floor::renew(const ConversationId& conversation, const Epoch& epoch, const NodeId& home) {
  const auto named = by_conversation_.find(conversation);
  if (named == by_conversation_.end()) return false;
  auto& work = works_.at(named->second);
  if (work.epoch > epoch) return false;
  work.epoch = epoch;
  work.home = home;
  return true;
}

bool Floor::restore(const std::string& name, const NodeId& home, const ConversationId& conversation,
                    const Epoch& epoch, ChannelKind kind, Duration gone_after_given, Nonce nonce,
                    Now now) {
  if (by_conversation_.count(conversation)) return work_of(conversation)->agent == name;
  const auto it = agents_.find(name);
  if (it == agents_.end() || works_.count(nonce)) return false;
  const auto& agent = it->second;
  if (agent.record.disabled || agent.free(kind) == 0) return false;
  Work work{nonce, name, home, conversation, epoch, {kind}, SlotState::busy, now.steady, {}, {}, 0};
  work.gone_after = gone_after_given;
  if (!agent.connected) work.until = now.steady + gone_after(work);
  occupy(work);
  by_conversation_[conversation] = nonce;
  return true;
}

// ---- Time -------------------------------------------------------------------------------------

void Floor::tick(Now now) {
  while (const auto due = timers_.due(now.steady)) {
    const auto nonce = *due;
    const Work work = works_.at(nonce);
    switch (work.state) {
      case SlotState::held:
        drop(nonce, now);
        break;
      case SlotState::ringing:
        lose(nonce, BackReason::missed, now);
        change_presence(agents_.at(work.agent), Presence::not_ready, "missed");
        drop_holds(agents_.at(work.agent), now);
        break;
      case SlotState::busy:
        lose(nonce, BackReason::agent_gone, now);
        break;
      case SlotState::wrapping_up:
        drop(nonce, now);
        events_.push_back(WrapUpOver{work.agent, work.home, work.conversation, work.epoch});
        break;
      case SlotState::ending:
        break;  // has no end but home's word
    }
  }
}

std::vector<FloorEvent> Floor::take_events() {
  return std::exchange(events_, {});
}

std::set<std::string> Floor::take_freed() {
  return std::exchange(freed_, {});
}

}  // namespace crossfloor
