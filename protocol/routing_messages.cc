#include "protocol/routing_messages.h"

namespace crossfloor {
namespace {

Status limit(const char* where, std::size_t size, std::size_t most) {
  if (size <= most) return {};
  return Error{ErrorCode::too_large, "has " + std::to_string(size) + " elements or bytes", where,
               "send at most " + std::to_string(most)};
}

Status first_of(std::initializer_list<Status> all) {
  for (const auto& status : all) {
    if (!status.ok()) return status;
  }
  return {};
}

Status words(const char* where, const std::vector<std::string>& list, std::size_t most,
             std::size_t longest) {
  if (auto status = limit(where, list.size(), most); !status.ok()) return status;
  for (const auto& word : list) {
    if (auto status = limit(where, word.size(), longest); !status.ok()) return status;
  }
  return {};
}

Status check(const ServiceClass& service) {
  if (static_cast<std::size_t>(service.kind) >= channel_kinds) {
    return Error{ErrorCode::malformed, "unknown channel kind", "service.kind", ""};
  }
  return first_of({limit("service.brand", service.brand.size(), max_word),
                   limit("service.language", service.language.size(), max_word),
                   words("service.skills", service.skills, max_agent_skills, max_word)});
}

Status check(const Need& need) {
  return first_of(
      {check(need.service),
       words("need.optional_skills", need.optional_skills, max_agent_skills, max_word),
       limit("need.optional_skills", need.service.skills.size() + need.optional_skills.size(),
             max_agent_skills),  // no agent has more; and so it fits a frame
       limit("need.team", need.team.size(), max_team),
       limit("need.only_agent", need.only_agent.size(), max_agent_name),
       words("need.excluded", need.excluded, max_excluded, max_agent_name)});
}

Status check(const AgentProfile& agent) {
  for (const auto& channel : agent.channels) {
    if (static_cast<std::size_t>(channel.kind) >= channel_kinds) {
      return Error{ErrorCode::malformed, "unknown channel kind", "agent.channels", ""};
    }
  }
  return first_of(
      {limit("agent.name", agent.name.size(), max_agent_name),
       limit("agent.team", agent.team.size(), max_team),
       words("agent.brands", agent.abilities.brands, max_agent_brands, max_word),
       words("agent.languages", agent.abilities.languages, max_agent_languages, max_word),
       words("agent.skills", agent.abilities.skills, max_agent_skills, max_word),
       limit("agent.channels", agent.channels.size(), channel_kinds)});
}

Status check(const Assignment& assignment) {
  constexpr std::uint64_t a_day = 24ull * 3'600'000;
  if (assignment.lease_ms > a_day || assignment.ring_ms > a_day || assignment.gone_ms > a_day) {
    return Error{ErrorCode::malformed, "a lease, ring or waiting time of more than a day",
                 "assignment.lease_ms", ""};
  }
  return first_of({check(assignment.service),
                   limit("assignment.agent", assignment.agent.size(), max_agent_name),
                   words("assignment.excluded", assignment.excluded, max_excluded, max_agent_name),
                   limit("assignment.needed", assignment.needed.size(), max_needed_entries)});
}

struct Checker {
  Status operator()(const Offer& m) const { return check(m.need); }
  Status operator()(const Commit& m) const { return check(m.assignment); }
  Status operator()(const Grant& m) const { return check(m.assignment); }
  Status operator()(const Pull& m) const {
    return first_of({check(m.agent), limit("weighed", m.weighed.size(), max_weighed)});
  }
  Status operator()(const Held& m) const { return limit("agent", m.agent.size(), max_agent_name); }
  Status operator()(const Back& m) const { return limit("agent", m.agent.size(), max_agent_name); }
  template <typename Other>
  Status operator()(const Other&) const {
    return {};
  }
};

}  // namespace

Status check_routing_message(const RoutingMessage& message) {
  return std::visit(Checker{}, message);
}

}  // namespace crossfloor
