// The agents of a floor by what they can do.
//
// Agents with the same brands, languages, skills, team and duties fit the same conversations. They
// are one group: whether it fits is judged once for all of them, and each group keeps those of its
// agents who have a free slot in the order in which they are chosen. So a choice costs the number
// of groups that fit plus a logarithm of the agents, however many there are.
#pragma once

#include <map>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "node/desk/floor_agent.h"

namespace crossfloor {

struct FreeSlots {
  std::uint32_t primary = 0;
  std::uint32_t helper = 0;
  bool operator==(const FreeSlots&) const = default;
};

class AgentGroups {
 public:
  // A new agent, or a new record of a known one. The agent stays at this address until left().
  void joined(const FloorAgent& agent);
  // To be called after every other change, before anything is asked: presence, connection, work.
  void changed(const FloorAgent& agent);
  void left(const FloorAgent& agent);

  // Of those who fit and have a free slot: primaries before helpers, then fewest abilities, most
  // free share of capacity, longest idle, name. Null: there is none.
  const FloorAgent* best(const Need& need) const;
  // Agents on duty who fit, free or not, excluded or not: the first `most` by name, and how many
  // there are.
  std::vector<const FloorAgent*> fitting(const Need& need, std::size_t most) const;
  std::size_t count_fitting(const Need& need) const;
  // Why best() finds nobody: full, only_excluded or nobody.
  DeclineReason why_not(const Need& need) const;

  FreeSlots free_slots(const ServiceClass& service) const;
  // Of the primaries who serve the class and have a free slot: the brands, languages and
  // skills of who has the fewest.
  std::optional<std::size_t> fewest_abilities(const ServiceClass& service) const;
  std::uint32_t on_duty(ChannelKind kind) const { return on_duty_[kind_index(kind)]; }
  struct ByName {
    using is_transparent = void;
    static std::string_view name(const FloorAgent* agent) { return agent->record.name; }
    static std::string_view name(std::string_view name) { return name; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return name(a) < name(b);
    }
  };
  using Names = std::set<const FloorAgent*, ByName>;
  const Names& available() const { return available_; }  // ready, with a free slot

 private:
  struct Alike {  // what decides whether an agent fits
    std::vector<std::string> brands, languages, skills;
    std::string team;
    std::array<Duty, channel_kinds> duties{};
    auto operator<=>(const Alike&) const = default;
  };
  struct Place {  // in the order of choice
    double used_share = 0;
    Instant idle_since;
    const FloorAgent* agent = nullptr;
    bool operator<(const Place& other) const;
  };
  struct Group {
    Abilities abilities;
    std::size_t agents = 0;  // also those who are not on duty
    Names on_duty;
    std::array<std::set<Place>, channel_kinds> free;
    std::array<std::uint32_t, channel_kinds> free_slots{};
  };
  using Groups = std::map<Alike, Group>;
  struct Standing {  // how an agent counts at present
    bool on_duty = false;
    Place place;
    std::array<std::uint32_t, channel_kinds> free{};
  };
  struct Filed {
    Groups::iterator group;
    Standing standing;
  };

  static Standing standing_of(const FloorAgent& agent);
  void count_as(const FloorAgent& agent, Filed& filed, const Standing& now);
  const std::vector<const Groups::value_type*>& serving(const ServiceClass& service) const;
  template <typename Visit>
  void visit_fitting(const Need& need, Visit visit) const;

  Groups groups_;
  std::unordered_map<const FloorAgent*, Filed> filed_;  // lookup only
  std::array<std::uint32_t, channel_kinds> on_duty_{};
  Names available_;
  // Which groups serve a class: reckoned when it is first asked for, and anew when groups changed.
  mutable std::map<ServiceClass, std::vector<const Groups::value_type*>> serving_;
};

}  // namespace crossfloor
