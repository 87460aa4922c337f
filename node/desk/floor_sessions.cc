// Agents' records and sessions: who is here, and what becomes of the work of those who go.
#include "node/desk/floor.h"

namespace crossfloor {
namespace {

Error unknown_agent(const std::string& name) {
  return {ErrorCode::not_found, "no agent '" + name + "' belongs to this node", "agent",
          "ask `crossfloor agent list` for the agent's node"};
}

}  // namespace

void Floor::set_agent(const AgentRecord& record, Now now) {
  auto& agent = agents_[record.name];
  agent.record = record;
  agent.abilities = {record.brands, record.languages, record.skills};
  groups_.joined(agent);
  recount(agent);
  if (record.disabled) {
    change_presence(agent, Presence::logged_out, "disabled");
    set_connected(agent, false);
    lose_all(agent, BackReason::disabled, now);
  } else if (agent.serving()) {
    freed_.insert(record.name);
  }
}

void Floor::remove_agent(const std::string& name, Now now) {
  const auto it = agents_.find(name);
  if (it == agents_.end()) return;
  change_presence(it->second, Presence::logged_out, "removed");
  set_connected(it->second, false);
  lose_all(it->second, BackReason::disabled, now);
  const auto ending = it->second.works;
  for (const auto nonce : ending) drop(nonce, now);
  groups_.left(it->second);
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
  set_connected(it->second, false);
  lose_all(it->second, BackReason::logged_out, now);
  return {};
}

void Floor::connection_lost(const std::string& name, Now now) {
  const auto it = agents_.find(name);
  if (it == agents_.end() || !it->second.connected) return;
  auto& agent = it->second;
  set_connected(agent, false);
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
  set_connected(agent, true);
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
  groups_.changed(agent);
  events_.push_back(PresenceChanged{agent.record.name, presence, reason});
}

void Floor::set_connected(Agent& agent, bool connected) {
  agent.connected = connected;
  groups_.changed(agent);
}

}  // namespace crossfloor
