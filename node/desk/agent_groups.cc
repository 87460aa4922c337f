#include "node/desk/agent_groups.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "protocol/check.h"

namespace crossfloor {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool has_room(const std::array<std::uint32_t, channel_kinds>& free) {
  return std::any_of(free.begin(), free.end(), [](std::uint32_t slots) { return slots > 0; });
}

}  // namespace

bool AgentGroups::Place::operator<(const Place& other) const {
  if (used_share != other.used_share) return used_share < other.used_share;
  if (idle_since != other.idle_since) return idle_since < other.idle_since;
  return ByName{}(agent, other.agent);
}

// ---- Filing -----------------------------------------------------------------------------------

AgentGroups::Standing AgentGroups::standing_of(const FloorAgent& agent) {
  Standing standing;
  standing.on_duty = agent.on_duty();
  standing.place.agent = &agent;
  if (!agent.serving()) return standing;
  for (const auto& channel : agent.record.channels) {
    standing.free[kind_index(channel.kind)] = agent.free(channel.kind);
  }
  if (!has_room(standing.free)) return standing;
  standing.place.used_share = static_cast<double>(agent.units) / agent.record.total_units;
  standing.place.idle_since = agent.idle_since;
  return standing;
}

void AgentGroups::joined(const FloorAgent& agent) {
  Alike alike{
      agent.record.brands, agent.record.languages, agent.record.skills, agent.record.team, {}};
  for (std::size_t i = 0; i < channel_kinds; ++i) {
    const auto* channel = agent.channel(static_cast<ChannelKind>(i));
    if (channel) alike.duties[i] = channel->duty;
  }
  const auto known = filed_.find(&agent);
  if (known != filed_.end()) {
    if (known->second.group->first == alike) {
      changed(agent);
      return;
    }
    left(agent);
  }
  const auto [group, fresh] = groups_.try_emplace(std::move(alike));
  if (fresh) {
    group->second.abilities = agent.abilities;
    serving_.clear();
  }
  ++group->second.agents;
  auto& filed = filed_[&agent];
  filed.group = group;
  filed.standing.place.agent = &agent;
  count_as(agent, filed, standing_of(agent));
}

void AgentGroups::changed(const FloorAgent& agent) {
  const auto it = filed_.find(&agent);
  XF_CHECK(it != filed_.end());
  count_as(agent, it->second, standing_of(agent));
}

void AgentGroups::left(const FloorAgent& agent) {
  const auto it = filed_.find(&agent);
  XF_CHECK(it != filed_.end());
  Standing nothing;
  nothing.place.agent = &agent;
  count_as(agent, it->second, nothing);
  const auto group = it->second.group;
  filed_.erase(it);
  if (--group->second.agents > 0) return;
  groups_.erase(group);
  serving_.clear();
}

void AgentGroups::count_as(const FloorAgent& agent, Filed& filed, const Standing& now) {
  auto& group = filed.group->second;
  const Standing was = std::exchange(filed.standing, now);
  const bool moved = was.place < now.place || now.place < was.place;
  for (std::size_t i = 0; i < channel_kinds; ++i) {
    if (filed.group->first.duties[i] == Duty::primary) on_duty_[i] += now.on_duty;
    if (filed.group->first.duties[i] == Duty::primary) on_duty_[i] -= was.on_duty;
    group.free_slots[i] += now.free[i];
    group.free_slots[i] -= was.free[i];
    if (was.free[i] > 0 && (moved || now.free[i] == 0)) group.free[i].erase(was.place);
    if (now.free[i] > 0 && (moved || was.free[i] == 0)) group.free[i].insert(now.place);
  }
  if (now.on_duty && !was.on_duty) group.on_duty.insert(&agent);
  if (was.on_duty && !now.on_duty) group.on_duty.erase(&agent);
  const bool had_room = has_room(was.free);
  const bool room = has_room(now.free);
  if (room && !had_room) available_.insert(&agent);
  if (had_room && !room) available_.erase(&agent);
}

// ---- Asking -----------------------------------------------------------------------------------

const std::vector<const AgentGroups::Groups::value_type*>& AgentGroups::serving(
    const ServiceClass& service) const {
  const auto known = serving_.find(service);
  if (known != serving_.end()) return known->second;
  constexpr std::size_t most = 256;  // other nodes may ask for any class they like
  if (serving_.size() >= most) serving_.clear();
  auto& groups = serving_[service];
  const auto kind = kind_index(service.kind);
  for (const auto& each : groups_) {
    const bool duty = each.first.duties[kind] != Duty::off;
    if (duty && matches(each.second.abilities, service)) groups.push_back(&each);
  }
  return groups;
}

template <typename Visit>
void AgentGroups::visit_fitting(const Need& need, Visit visit) const {
  const auto kind = kind_index(need.service.kind);
  for (const auto* each : serving(need.service)) {
    const auto& [alike, group] = *each;
    if (!need.team.empty() && need.team != alike.team) continue;
    const bool helper = alike.duties[kind] == Duty::helper;
    // Who was asked for by name (last agent, transfer, force) may be a helper.
    if (helper && !need.helpers && need.only_agent.empty()) continue;
    if (!has_all(alike.skills, need.optional_skills)) continue;
    visit(group, helper);
  }
}

const FloorAgent* AgentGroups::best(const Need& need) const {
  if (!need.only_agent.empty()) {
    const auto only = fitting(need, 1);
    const bool may = !only.empty() && only[0]->serving() && only[0]->free(need.service.kind) > 0 &&
                     !contains(need.excluded, need.only_agent);
    return may ? only[0] : nullptr;
  }
  const auto kind = kind_index(need.service.kind);
  using Rank = std::tuple<bool, std::size_t, Place>;
  std::optional<Rank> best;
  visit_fitting(need, [&](const Group& group, bool helper) {
    for (const auto& place : group.free[kind]) {
      if (contains(need.excluded, place.agent->record.name)) continue;
      Rank rank{helper, group.abilities.count(), place};
      if (!best || rank < *best) best = rank;
      break;
    }
  });
  return best ? std::get<2>(*best).agent : nullptr;
}

std::vector<const FloorAgent*> AgentGroups::fitting(const Need& need, std::size_t most) const {
  using Range = std::pair<Names::const_iterator, Names::const_iterator>;
  const auto later = [](const Range& a, const Range& b) { return ByName{}(*b.first, *a.first); };
  std::vector<Range> heap;  // what is left of each group; the next by name in front
  visit_fitting(need, [&](const Group& group, bool) {
    auto begin = group.on_duty.begin();
    auto end = group.on_duty.end();
    if (!need.only_agent.empty()) {
      std::tie(begin, end) = group.on_duty.equal_range(std::string_view{need.only_agent});
    }
    if (begin != end) heap.emplace_back(begin, end);
  });
  std::make_heap(heap.begin(), heap.end(), later);
  std::vector<const FloorAgent*> out;
  while (!heap.empty() && out.size() < most) {
    std::pop_heap(heap.begin(), heap.end(), later);
    out.push_back(*heap.back().first);
    if (++heap.back().first == heap.back().second) {
      heap.pop_back();
    } else {
      std::push_heap(heap.begin(), heap.end(), later);
    }
  }
  return out;
}

std::size_t AgentGroups::count_fitting(const Need& need) const {
  std::size_t count = 0;
  visit_fitting(need, [&](const Group& group, bool) {
    count += need.only_agent.empty() ? group.on_duty.size()
                                     : group.on_duty.count(std::string_view{need.only_agent});
  });
  return count;
}

DeclineReason AgentGroups::why_not(const Need& need) const {
  const auto all = count_fitting(need);
  if (all == 0) return DeclineReason::nobody;
  std::size_t excluded = 0;
  std::set<std::string_view> seen;  // a list from elsewhere may name somebody twice
  visit_fitting(need, [&](const Group& group, bool) {
    for (const auto& name : need.excluded) {
      if (!need.only_agent.empty() && name != need.only_agent) continue;
      if (group.on_duty.count(std::string_view{name}) && seen.insert(name).second) ++excluded;
    }
  });
  return excluded < all ? DeclineReason::full : DeclineReason::only_excluded;
}

FreeSlots AgentGroups::free_slots(const ServiceClass& service) const {
  FreeSlots out;
  const auto kind = kind_index(service.kind);
  for (const auto* each : serving(service)) {
    const auto slots = each->second.free_slots[kind];
    (each->first.duties[kind] == Duty::primary ? out.primary : out.helper) += slots;
  }
  return out;
}

std::optional<std::size_t> AgentGroups::fewest_abilities(const ServiceClass& service) const {
  std::optional<std::size_t> fewest;
  const auto kind = kind_index(service.kind);
  for (const auto* each : serving(service)) {
    const auto& [alike, group] = *each;
    if (alike.duties[kind] != Duty::primary || group.free_slots[kind] == 0) continue;
    const auto count = group.abilities.count();
    fewest = std::min(fewest.value_or(count), count);
  }
  return fewest;
}

}  // namespace crossfloor
