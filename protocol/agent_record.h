// An agent's record: an entry of the agent's site, and what every decision about the agent rests
// on.
//
// An agent belongs to one node, which alone knows the slots. Two limits hold always: a number of
// conversations for each channel kind, and a total in units of which each conversation costs some.
#pragma once

#include "protocol/result.h"
#include "protocol/service_class.h"

namespace crossfloor {

enum class Duty : std::uint8_t { off, primary, helper };
constexpr auto names_of(Duty) {
  return std::array{"off", "primary", "helper"};
}

// What one conversation of this kind costs unless the record says otherwise.
constexpr std::uint32_t default_cost(ChannelKind kind) {
  switch (kind) {
    case ChannelKind::call:
      return 12;
    case ChannelKind::chat:
      return 4;
    case ChannelKind::social:
    case ChannelKind::email:
    case ChannelKind::other:
      return 2;
  }
  return 12;
}

struct ChannelDuty {
  ChannelKind kind = ChannelKind::chat;
  Duty duty = Duty::off;
  std::uint32_t maximum = 0;  // conversations at once
  std::uint32_t cost = 0;     // units for each; 0 = default_cost(kind)

  std::uint32_t units() const { return cost ? cost : default_cost(kind); }
  bool operator==(const ChannelDuty&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("kind", self.kind);
    visit("duty", self.duty);
    visit("maximum", self.maximum);
    visit("cost", self.cost);
  }
};

// Nothing if it is off, or not listed.
const ChannelDuty* duty_for(const std::vector<ChannelDuty>& channels, ChannelKind kind);

struct AgentRecord {
  std::string name;  // for log-in; one agent in the whole mesh
  std::string display_name;
  std::string signature;  // under replies
  std::string team;
  NodeId node;  // the agent's home node
  std::vector<std::string> brands;
  std::vector<std::string> languages;  // BCP 47; "en" also serves "en-GB"
  std::vector<std::string> skills;
  std::vector<ChannelDuty> channels;  // a kind that is not listed is off
  std::uint32_t total_units = 12;
  bool disabled = false;
  std::string password_hash;  // Argon2id, as libsodium prints it; empty = cannot log in

  bool operator==(const AgentRecord&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("display_name", self.display_name);
    visit("signature", self.signature);
    visit("team", self.team);
    visit("node", self.node);
    visit("brands", self.brands);
    visit("languages", self.languages);
    visit("skills", self.skills);
    visit("channels", self.channels);
    visit("total_units", self.total_units);
    visit("disabled", self.disabled);
    visit("password_hash", self.password_hash);
  }
};

// Limits, so that an agent's profile fits in one frame of the pulse (4 KiB).
inline constexpr std::size_t max_agent_name = 64;     // bytes: a-z A-Z 0-9 . _ - @
inline constexpr std::size_t max_display_name = 128;  // bytes
inline constexpr std::size_t max_agent_signature = 1024;
inline constexpr std::size_t max_team = 64;
inline constexpr std::size_t max_agent_brands = 24;
inline constexpr std::size_t max_agent_languages = 16;
inline constexpr std::size_t max_agent_skills = 32;
inline constexpr std::size_t max_word = 32;  // bytes of one brand, language, skill
inline constexpr std::uint32_t max_units = 1000;
inline constexpr std::uint32_t max_per_channel = 100;

// The first thing that is wrong with it, with the field and the mend.
Status check_agent_record(const AgentRecord& record);

// What an agent can do; `matches` is rule 11's hard part.
struct Abilities {
  std::vector<std::string> brands;
  std::vector<std::string> languages;
  std::vector<std::string> skills;

  std::size_t count() const { return brands.size() + languages.size() + skills.size(); }
  bool operator==(const Abilities&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("brands", self.brands);
    visit("languages", self.languages);
    visit("skills", self.skills);
  }
};

bool has_all(const std::vector<std::string>& have, const std::vector<std::string>& wanted);
bool matches(const Abilities& abilities, const ServiceClass& service);

}  // namespace crossfloor
