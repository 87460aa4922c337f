#include "node/desk/waiting_line.h"

#include <algorithm>
#include <tuple>

#include "protocol/check.h"

namespace crossfloor {
namespace {

Duration age(Instant since, Instant now) {
  return std::max(now - since, Duration{0});
}

bool comes_before(const WaitingLine::Head& a, const WaitingLine::Head& b) {
  return std::tuple(-a.urgency, a.since, a.conversation) <
         std::tuple(-b.urgency, b.since, b.conversation);
}

}  // namespace

std::uint32_t weight_of(std::uint32_t priority, std::uint32_t mood, std::uint32_t topic) {
  constexpr std::array<std::uint32_t, 4> by_priority{1000, 1250, 1600, 2000};
  constexpr std::array<std::uint32_t, 3> by_mood{1000, 1100, 1250};
  const std::uint32_t weight = by_priority[std::min<std::uint32_t>(priority, 3)] *
                               by_mood[std::min<std::uint32_t>(mood, 2)] / 1000;
  return std::min(weight * std::clamp(topic, 1000U, most_topic_weight) / 1000, most_weight);
}

void WaitingLine::add(const ConversationId& conversation, const Lane& lane, Instant since) {
  const auto known = places_.find(conversation);
  if (known != places_.end() && known->second.reserved_for.empty() &&
      known->second.since == since && known->second.lane->first == lane) {
    return;
  }
  remove(conversation);
  const auto service = classes_.try_emplace(lane.service).first;
  const auto found = service->second.try_emplace(lane).first;
  found->second.insert({since, conversation});
  places_[conversation] = {since, {}, service, found};
}

void WaitingLine::reserve(const ConversationId& conversation, const Lane& lane, Instant since,
                          const std::string& agent, bool directed) {
  XF_CHECK(!agent.empty());
  remove(conversation);
  places_[conversation] = {since, agent, {}, {}};
  reserved_[agent][{since, conversation}] = {lane, directed};
}

void WaitingLine::remove(const ConversationId& conversation) {
  const auto it = places_.find(conversation);
  if (it == places_.end()) return;
  const auto place = std::move(it->second);
  places_.erase(it);
  const Member member{place.since, conversation};
  if (!place.reserved_for.empty()) {
    const auto group = reserved_.find(place.reserved_for);
    XF_CHECK(group != reserved_.end());
    group->second.erase(member);
    if (group->second.empty()) reserved_.erase(group);
    return;
  }
  place.lane->second.erase(member);
  if (!place.lane->second.empty()) return;
  place.service->second.erase(place.lane);
  if (place.service->second.empty()) classes_.erase(place.service);
}

std::optional<WaitingLine::Head> WaitingLine::head_for(const AgentProfile& agent,
                                                       const Filter& filter, Instant now) const {
  std::optional<Head> best;
  const auto consider = [&](const Lane& lane, const Member& member) {
    Head head{member.second, member.first, lane.urgency(age(member.first, now))};
    if (!best || comes_before(head, *best)) best = head;
  };
  if (const auto mine = reserved_.find(agent.name); mine != reserved_.end()) {
    for (const auto& [member, place] : mine->second) {
      if (!duty_for(agent.channels, place.lane.service.kind)) continue;
      if (!matches(agent.abilities, place.lane.service)) continue;
      if (filter.may_take && !filter.may_take(place.lane)) continue;
      if (place.directed) return Head{member.second, member.first, 0};
      consider(place.lane, member);
    }
  }
  for (const auto& [service, lanes] : classes_) {
    const auto* channel = duty_for(agent.channels, service.kind);
    if (!channel || !matches(agent.abilities, service)) continue;
    const bool helper = channel->duty == Duty::helper;
    for (const auto& [lane, members] : lanes) {
      if (!lane.team.empty() && lane.team != agent.team) continue;
      if (!has_all(agent.abilities.skills, lane.optional_skills)) continue;
      if (filter.may_take && !filter.may_take(lane)) continue;
      const Duration from = helper && filter.helper_after ? filter.helper_after(lane) : Duration{0};
      for (const auto& member : members) {
        if (age(member.first, now) < from) break;  // the rest is younger still
        if (filter.excluded && filter.excluded(member.second)) continue;
        consider(lane, member);
        break;
      }
    }
  }
  return best;
}

bool WaitingLine::leads_its_lane(const ConversationId& conversation) const {
  const auto it = places_.find(conversation);
  if (it == places_.end() || !it->second.reserved_for.empty()) return false;
  return it->second.lane->second.begin()->second == conversation;
}

const WaitingLine::Lanes& WaitingLine::lanes_of(const ServiceClass& service) const {
  static const Lanes none;
  const auto it = classes_.find(service);
  return it == classes_.end() ? none : it->second;
}

std::uint32_t WaitingLine::waiting(const ServiceClass& service) const {
  std::size_t count = 0;
  for (const auto& [lane, members] : lanes_of(service)) {
    if (!lane.home_only) count += members.size();
  }
  return static_cast<std::uint32_t>(count);
}

std::vector<Duration> WaitingLine::oldest_ages(const ServiceClass& service, Instant now,
                                               std::size_t most) const {
  std::vector<Duration> ages;
  for (const auto& [lane, members] : lanes_of(service)) {
    if (lane.home_only) continue;
    std::size_t taken = 0;
    for (const auto& member : members) {
      if (taken++ == most) break;
      ages.push_back(age(member.first, now));
    }
  }
  std::sort(ages.rbegin(), ages.rend());
  if (ages.size() > most) ages.resize(most);
  return ages;
}

std::vector<ConversationId> WaitingLine::leaders(const ServiceClass& service) const {
  std::vector<ConversationId> leaders;
  for (const auto& [lane, members] : lanes_of(service)) {
    if (!lane.home_only) leaders.push_back(members.begin()->second);
  }
  return leaders;
}

Duration WaitingLine::target(const ServiceClass& service, Instant now) const {
  const Lane* best = nullptr;
  double most = -1;
  for (const auto& [lane, members] : lanes_of(service)) {
    if (lane.home_only) continue;
    const double urgency = lane.urgency(age(members.begin()->first, now));
    if (urgency > most) {
      most = urgency;
      best = &lane;
    }
  }
  return best == nullptr ? Duration{0} : best->target * 1000 / best->weight;
}

std::vector<ServiceClass> WaitingLine::classes() const {
  std::vector<ServiceClass> out;
  for (const auto& [service, lanes] : classes_) out.push_back(service);
  return out;
}

}  // namespace crossfloor
