#include "node/desk/floor.h"

#include <algorithm>
#include <tuple>

#include "protocol/check.h"
#include "protocol/trace.h"

namespace crossfloor {
namespace {

Error unknown_agent(const std::string& name) {
  return {ErrorCode::not_found, "no agent '" + name + "' belongs to this node", "agent",
          "ask `crossfloor agent list` for the agent's node"};
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

// ---- Limits -----------------------------------------------------------------------------------

const ChannelDuty* Floor::Agent::channel(ChannelKind kind) const {
  for (const auto& channel : record.channels) {
    if (channel.kind == kind && channel.duty != Duty::off) return &channel;
  }
  return nullptr;
}

std::uint32_t Floor::Agent::free(ChannelKind kind) const {
  const auto* duty = channel(kind);
  if (!duty || used[kind_index(kind)] >= duty->maximum || units >= record.total_units) return 0;
  return std::min(duty->maximum - used[kind_index(kind)],
                  (record.total_units - units) / duty->units());
}

std::uint32_t Floor::cost(const Agent& agent, const std::vector<ChannelKind>& kinds) const {
  std::uint32_t most = 0;  // of a pull the dearest kind that it may bring
  for (const auto kind : kinds) {
    const auto* duty = agent.channel(kind);
    most = std::max(most, duty ? duty->units() : default_cost(kind));
  }
  return most;
}

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
    agent.units += cost(agent, work.kinds);
    for (const auto kind : work.kinds) ++agent.used[kind_index(kind)];
  }
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
  if (work.state != SlotState::held) agent.idle_since = now.steady;
  if (agent.serving()) freed_.insert(work.agent);
  set_until(work, std::nullopt);
  const auto named = by_conversation_.find(work.conversation);
  if (named != by_conversation_.end() && named->second == nonce) by_conversation_.erase(named);
  works_.erase(it);
  recount(agent);
}

void Floor::set_until(Work& work, std::optional<Instant> until) {
  if (work.until) {
    timers_.erase({*work.until, work.nonce});
    soon_.erase({*work.until - options_.soon, work.nonce});
  }
  work.until = until;
  if (!until) return;
  timers_.insert({*until, work.nonce});
  if (work.state == SlotState::wrapping_up) soon_.insert({*until - options_.soon, work.nonce});
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
  for (const auto nonce : works) lose(nonce, reason, now);
}

void Floor::drop_holds(Agent& agent, Now now) {
  const auto works = agent.works;
  for (const auto nonce : works) {
    if (works_.at(nonce).state == SlotState::held) drop(nonce, now);
  }
}

// ---- Records and sessions ---------------------------------------------------------------------

void Floor::set_agent(const AgentRecord& record, Now now) {
  auto& agent = agents_[record.name];
  agent.record = record;
  agent.abilities = {record.brands, record.languages, record.skills};
  recount(agent);
  if (record.disabled) {
    change_presence(agent, Presence::logged_out, "disabled");
    agent.connected = false;
    lose_all(agent, BackReason::disabled, now);
  } else if (agent.serving()) {
    freed_.insert(record.name);
  }
}

void Floor::remove_agent(const std::string& name, Now now) {
  const auto it = agents_.find(name);
  if (it == agents_.end()) return;
  change_presence(it->second, Presence::logged_out, "removed");
  it->second.connected = false;
  lose_all(it->second, BackReason::disabled, now);
  agents_.erase(it);
  freed_.erase(name);
}

const AgentRecord* Floor::agent(const std::string& name) const {
  const auto it = agents_.find(name);
  return it == agents_.end() ? nullptr : &it->second.record;
}

Status Floor::log_in(const std::string& name, Now now) {
  const auto it = agents_.find(name);
  if (it == agents_.end()) return unknown_agent(name);
  auto& agent = it->second;
  if (agent.record.disabled) {
    return Error{ErrorCode::forbidden, "agent '" + name + "' is disabled", "agent",
                 "`crossfloor agent set` enables it again"};
  }
  if (agent.presence == Presence::logged_out) {
    agent.idle_since = now.steady;
    change_presence(agent, Presence::not_ready, "logged in");
  }
  connection_back(name, now);
  return {};
}

Status Floor::set_presence(const std::string& name, Presence presence, const std::string& reason,
                           Now now) {
  const auto it = agents_.find(name);
  if (it == agents_.end()) return unknown_agent(name);
  auto& agent = it->second;
  if (presence == Presence::logged_out) return log_out(name, now);
  if (agent.presence == Presence::logged_out) {
    return Error{ErrorCode::conflict, "agent '" + name + "' is not logged in", "agent",
                 "log in first"};
  }
  const bool served = agent.serving();
  change_presence(agent, presence, reason);
  if (presence == Presence::not_ready) drop_holds(agent, now);
  if (agent.serving() && !served) freed_.insert(name);
  return {};
}

Status Floor::log_out(const std::string& name, Now now) {
  const auto it = agents_.find(name);
  if (it == agents_.end()) return unknown_agent(name);
  change_presence(it->second, Presence::logged_out, "");
  it->second.connected = false;
  lose_all(it->second, BackReason::logged_out, now);
  return {};
}

void Floor::connection_lost(const std::string& name, Now now) {
  const auto it = agents_.find(name);
  if (it == agents_.end() || !it->second.connected) return;
  auto& agent = it->second;
  agent.connected = false;
  agent.lost_at = now.steady;
  const auto works = agent.works;
  for (const auto nonce : works) {
    auto& work = works_.at(nonce);
    if (work.state == SlotState::held || work.state == SlotState::ringing) {
      lose(nonce, BackReason::connection_lost, now);
    } else if (work.state == SlotState::busy) {
      set_until(work, now.steady + gone_after(work));
    }
  }
}

void Floor::connection_back(const std::string& name, Now) {
  const auto it = agents_.find(name);
  if (it == agents_.end() || it->second.presence == Presence::logged_out) return;
  auto& agent = it->second;
  const bool served = agent.serving();
  agent.connected = true;
  for (const auto nonce : agent.works) {
    auto& work = works_.at(nonce);
    if (work.state == SlotState::busy) set_until(work, std::nullopt);
  }
  if (agent.serving() && !served) freed_.insert(name);
}

void Floor::change_presence(Agent& agent, Presence presence, const std::string& reason) {
  if (agent.presence == presence && agent.reason == reason) return;
  agent.presence = presence;
  agent.reason = reason;
  events_.push_back(PresenceChanged{agent.record.name, presence, reason});
}

// ---- Choosing and holding ---------------------------------------------------------------------

bool Floor::fits(const Agent& agent, const Need& need) const {
  if (!need.only_agent.empty() && need.only_agent != agent.record.name) return false;
  if (!need.team.empty() && need.team != agent.record.team) return false;
  const auto* channel = agent.channel(need.service.kind);
  if (!channel) return false;
  // Who was asked for by name (last agent, transfer, force) may be a helper.
  if (channel->duty == Duty::helper && !need.helpers && need.only_agent.empty()) return false;
  return matches(agent.abilities, need.service) &&
         has_all(agent.abilities.skills, need.optional_skills);
}

std::optional<std::string> Floor::best(const Need& need, Trace* trace) const {
  using Rank = std::tuple<bool, std::size_t, double, Instant, std::string>;
  std::optional<Rank> best;
  for (const auto& [name, agent] : agents_) {
    if (!agent.on_duty() || !fits(agent, need)) continue;
    const bool excluded = contains(need.excluded, name);
    const auto free = agent.free(need.service.kind);
    const bool helper = agent.channel(need.service.kind)->duty == Duty::helper;
    if (trace) {
      const char* why_not = agent.presence != Presence::ready ? "not ready"
                            : excluded                        ? "declined or missed it lately"
                            : free == 0                       ? "no free slot"
                                                              : "";
      trace->add({agent.record.node, name,
                  std::string(helper ? "helper" : "primary") + ", " + std::to_string(agent.units) +
                      " of " + std::to_string(agent.record.total_units) + " units used",
                  0, why_not});
    }
    if (!agent.serving() || excluded || free == 0) continue;
    const double used_share = static_cast<double>(agent.units) / agent.record.total_units;
    Rank rank{helper, agent.record.skills.size(), used_share, agent.idle_since, name};
    if (!best || rank < *best) best = std::move(rank);
  }
  if (!best) return std::nullopt;
  if (trace) {
    for (auto& candidate : trace->candidates) {
      if (candidate.why_not.empty() && candidate.agent != std::get<4>(*best)) {
        candidate.why_not = "another fits better";
      }
    }
  }
  return std::get<4>(*best);
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
  work.state = SlotState::wrapping_up;
  set_until(work, until);
  return {};
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

// ---- Asking -----------------------------------------------------------------------------------

DeclineReason Floor::why_not(const Need& need) const {
  bool only_excluded = false;
  for (const auto& [name, agent] : agents_) {
    if (!agent.on_duty() || !fits(agent, need)) continue;
    if (!contains(need.excluded, name)) return DeclineReason::full;
    only_excluded = true;
  }
  return only_excluded ? DeclineReason::only_excluded : DeclineReason::nobody;
}

FreeSlots Floor::free_slots(const ServiceClass& service) const {
  FreeSlots out;
  for (const auto& [name, agent] : agents_) {
    if (!agent.serving()) continue;
    const auto* channel = agent.channel(service.kind);
    if (!channel || !matches(agent.abilities, service)) continue;
    (channel->duty == Duty::primary ? out.primary : out.helper) += agent.free(service.kind);
  }
  return out;
}

std::uint32_t Floor::on_duty(ChannelKind kind) const {
  return static_cast<std::uint32_t>(
      std::count_if(agents_.begin(), agents_.end(), [&](const auto& each) {
        const auto* channel = each.second.channel(kind);
        return each.second.on_duty() && channel && channel->duty == Duty::primary;
      }));
}

bool Floor::is_on_duty(const std::string& name) const {
  const auto it = agents_.find(name);
  return it != agents_.end() && it->second.on_duty();
}

std::optional<AgentProfile> Floor::profile(const std::string& name) const {
  const auto it = agents_.find(name);
  if (it == agents_.end() || !it->second.serving()) return std::nullopt;
  const auto& agent = it->second;
  AgentProfile profile{name, agent.record.team, agent.abilities, {}};
  for (const auto& channel : agent.record.channels) {
    if (agent.free(channel.kind) > 0) profile.channels.push_back(channel);
  }
  if (profile.channels.empty()) return std::nullopt;
  return profile;
}

std::optional<AgentProfile> Floor::profile_after(Nonce ending) const {
  const auto it = works_.find(ending);
  if (it == works_.end()) return std::nullopt;
  const auto state = it->second.state;
  if (state != SlotState::busy && state != SlotState::wrapping_up) return std::nullopt;
  const auto& agent = agents_.at(it->second.agent);
  const auto kind = it->second.kinds.front();
  const auto* channel = agent.channel(kind);
  const auto& works = agent.works;
  const bool taken = std::any_of(works.begin(), works.end(),
                                 [&](Nonce nonce) { return works_.at(nonce).behind == ending; });
  // Limits that were lowered meanwhile leave no room behind it.
  const bool over = !channel || agent.used[kind_index(kind)] > channel->maximum ||
                    agent.units > agent.record.total_units;
  if (!agent.serving() || taken || over) return std::nullopt;
  return AgentProfile{agent.record.name, agent.record.team, agent.abilities, {*channel}};
}

std::vector<std::string> Floor::available() const {
  std::vector<std::string> out;
  for (const auto& [name, agent] : agents_) {
    if (!agent.serving()) continue;
    const auto& channels = agent.record.channels;
    if (std::any_of(channels.begin(), channels.end(),
                    [&](const auto& channel) { return agent.free(channel.kind) > 0; })) {
      out.push_back(name);
    }
  }
  return out;
}

const Work* Floor::work_of(const ConversationId& conversation) const {
  const auto it = by_conversation_.find(conversation);
  return it == by_conversation_.end() ? nullptr : &works_.at(it->second);
}

const Work* Floor::work_by_nonce(Nonce nonce) const {
  const auto it = works_.find(nonce);
  return it == works_.end() ? nullptr : &it->second;
}

AgentView Floor::view_of(const Agent& agent) const {
  AgentView view{agent.record.name,
                 agent.record.team,
                 agent.presence,
                 agent.reason,
                 agent.connected,
                 agent.units,
                 agent.record.total_units,
                 {},
                 {}};
  for (const auto& channel : agent.record.channels) {
    view.channels.push_back({channel.kind, channel.duty, agent.used[kind_index(channel.kind)],
                             channel.maximum, agent.free(channel.kind)});
  }
  for (const auto nonce : agent.works) {
    const auto& work = works_.at(nonce);
    view.slots.push_back({work.conversation, work.state, work.home});
  }
  return view;
}

std::vector<AgentView> Floor::snapshot() const {
  std::vector<AgentView> out;
  for (const auto& [name, agent] : agents_) out.push_back(view_of(agent));
  return out;
}

std::optional<AgentView> Floor::view(const std::string& name) const {
  const auto it = agents_.find(name);
  if (it == agents_.end()) return std::nullopt;
  return view_of(it->second);
}

// ---- Time -------------------------------------------------------------------------------------

void Floor::tick(Now now) {
  while (!timers_.empty() && timers_.begin()->first <= now.steady) {
    const auto nonce = timers_.begin()->second;
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
    }
  }
}

std::vector<Nonce> Floor::take_soon(Now now) {
  std::vector<Nonce> out;
  while (!soon_.empty() && soon_.begin()->first <= now.steady) {
    out.push_back(soon_.begin()->second);
    soon_.erase(soon_.begin());
  }
  return out;
}

std::optional<Instant> Floor::deadline() const {
  if (timers_.empty()) return std::nullopt;
  const Instant next = timers_.begin()->first;
  return soon_.empty() ? next : std::min(next, soon_.begin()->first);
}

std::vector<FloorEvent> Floor::take_events() {
  return std::exchange(events_, {});
}

std::set<std::string> Floor::take_freed() {
  return std::exchange(freed_, {});
}

}  // namespace crossfloor
