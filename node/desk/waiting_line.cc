#include "node/desk/waiting_line.h"

#include <algorithm>
#include <tuple>

#include "protocol/check.h"

namespace crossfloor {
namespace {

Lane first_lane_of(const ServiceClass& service) {
  return {service, Duration::min(), 0, {}, {}, {}, false, Duration::min()};
}

Duration age(Instant since, Instant now) {
  return std::max(now - since, Duration{0});
}

bool comes_before(const WaitingLine::Head& a, const WaitingLine::Head& b) {
  return std::tuple(-a.urgency, a.since, a.conversation) <
         std::tuple(-b.urgency, b.since, b.conversation);
}

const ChannelDuty* channel_for(const AgentProfile& agent, ChannelKind kind) {
  for (const auto& channel : agent.channels) {
    if (channel.kind == kind && channel.duty != Duty::off) return &channel;
  }
  return nullptr;
}

bool lane_fits(const Lane& lane, const AgentProfile& agent) {
  return channel_for(agent, lane.service.kind) && (lane.team.empty() || lane.team == agent.team) &&
         matches(agent.abilities, lane.service) &&
         has_all(agent.abilities.skills, lane.optional_skills);
}

}  // namespace

std::uint32_t weight_of(std::uint32_t priority, std::uint32_t mood) {
  constexpr std::array<std::uint32_t, 4> by_priority{1000, 1250, 1600, 2000};
  constexpr std::array<std::uint32_t, 3> by_mood{1000, 1100, 1250};
  return by_priority[std::min<std::uint32_t>(priority, 3)] *
         by_mood[std::min<std::uint32_t>(mood, 2)] / 1000;
}

void WaitingLine::add(const ConversationId& conversation, const Lane& lane, Instant since) {
  remove(conversation);
  places_[conversation] = {lane, since, {}, false};
  lanes_[lane].insert({since, conversation});
}

void WaitingLine::reserve(const ConversationId& conversation, const Lane& lane, Instant since,
                          const std::string& agent, bool directed) {
  remove(conversation);
  places_[conversation] = {lane, since, agent, directed};
  reserved_[agent].insert({since, conversation});
}

void WaitingLine::remove(const ConversationId& conversation) {
  const auto it = places_.find(conversation);
  if (it == places_.end()) return;
  const Member member{it->second.since, conversation};
  const auto take_from = [&](auto& groups, const auto& key) {
    const auto group = groups.find(key);
    XF_CHECK(group != groups.end());
    group->second.erase(member);
    if (group->second.empty()) groups.erase(group);
  };
  if (it->second.reserved_for.empty()) {
    take_from(lanes_, it->second.lane);
  } else {
    take_from(reserved_, it->second.reserved_for);
  }
  places_.erase(it);
}

std::optional<WaitingLine::Head> WaitingLine::head_for(const AgentProfile& agent,
                                                       const Filter& filter, Instant now) const {
  std::optional<Head> best;
  const auto consider = [&](const Lane& lane, const Member& member) {
    Head head{member.second, member.first, lane.urgency(age(member.first, now))};
    if (!best || comes_before(head, *best)) best = head;
  };
  if (const auto mine = reserved_.find(agent.name); mine != reserved_.end()) {
    for (const auto& member : mine->second) {
      const auto& place = places_.at(member.second);
      if (!channel_for(agent, place.lane.service.kind)) continue;
      if (!matches(agent.abilities, place.lane.service)) continue;
      if (filter.may_take && !filter.may_take(place.lane)) continue;
      if (place.directed) return Head{member.second, member.first, 0};
      consider(place.lane, member);
    }
  }
  for (const auto& [lane, members] : lanes_) {
    if (!lane_fits(lane, agent) || (filter.may_take && !filter.may_take(lane))) continue;
    const bool helper = channel_for(agent, lane.service.kind)->duty == Duty::helper;
    const Duration from = helper && filter.helper_after ? filter.helper_after(lane) : Duration{0};
    for (const auto& member : members) {
      if (age(member.first, now) < from) break;  // the rest is younger still
      if (filter.excluded && filter.excluded(member.second)) continue;
      consider(lane, member);
      break;
    }
  }
  return best;
}

bool WaitingLine::leads_its_lane(const ConversationId& conversation) const {
  const auto it = places_.find(conversation);
  if (it == places_.end() || !it->second.reserved_for.empty()) return false;
  return lanes_.at(it->second.lane).begin()->second == conversation;
}

std::uint32_t WaitingLine::waiting(const ServiceClass& service) const {
  std::size_t count = 0;
  for (auto it = lanes_.lower_bound(first_lane_of(service));
       it != lanes_.end() && it->first.service == service; ++it) {
    if (!it->first.home_only) count += it->second.size();
  }
  return static_cast<std::uint32_t>(count);
}

std::vector<Duration> WaitingLine::oldest_ages(const ServiceClass& service, Instant now,
                                               std::size_t most) const {
  std::vector<Duration> ages;
  for (auto it = lanes_.lower_bound(first_lane_of(service));
       it != lanes_.end() && it->first.service == service; ++it) {
    if (it->first.home_only) continue;
    std::size_t taken = 0;
    for (const auto& member : it->second) {
      if (taken++ == most) break;
      ages.push_back(age(member.first, now));
    }
  }
  std::sort(ages.rbegin(), ages.rend());
  if (ages.size() > most) ages.resize(most);
  return ages;
}

Duration WaitingLine::target(const ServiceClass& service, Instant now) const {
  const Lane* best = nullptr;
  double most = -1;
  for (auto it = lanes_.lower_bound(first_lane_of(service));
       it != lanes_.end() && it->first.service == service; ++it) {
    if (it->first.home_only) continue;
    const double urgency = it->first.urgency(age(it->second.begin()->first, now));
    if (urgency > most) {
      most = urgency;
      best = &it->first;
    }
  }
  return best == nullptr ? Duration{0} : best->target * 1000 / best->weight;
}

std::vector<ServiceClass> WaitingLine::classes() const {
  std::vector<ServiceClass> out;
  for (const auto& [lane, members] : lanes_) {
    if (out.empty() || out.back() != lane.service) out.push_back(lane.service);
  }
  return out;
}

}  // namespace crossfloor
