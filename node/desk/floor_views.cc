// What the floor answers when it is asked.
#include <algorithm>

#include "node/desk/floor.h"

namespace crossfloor {

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
  if (it->second.state != SlotState::wrapping_up) return std::nullopt;
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
  for (const auto* agent : groups_.available()) out.push_back(agent->record.name);
  return out;
}

const Work* Floor::work_of(const ConversationId& conversation) const {
  const auto it = by_conversation_.find(conversation);
  return it == by_conversation_.end() ? nullptr : &works_.at(it->second);
}

bool Floor::counts(const Work& work) const {
  if (work.state == SlotState::ending) return false;
  const auto before = works_.find(work.behind);
  return before == works_.end() || before->second.state == SlotState::ending;
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

}  // namespace crossfloor
