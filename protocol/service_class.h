// A class is what routing matches: brand, channel kind, mandatory skills, language.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/fields.h"

namespace crossfloor {

enum class ChannelKind : std::uint8_t { chat, social, email, call, other };
constexpr auto names_of(ChannelKind) {
  return std::array{"chat", "social", "email", "call", "other"};
}
inline constexpr std::size_t channel_kinds = 5;
constexpr std::size_t kind_index(ChannelKind kind) {
  return static_cast<std::size_t>(kind);
}

struct ServiceClass {
  std::string brand;
  ChannelKind kind = ChannelKind::chat;
  std::vector<std::string> skills;  // mandatory ones, sorted, each once
  std::string language;             // BCP 47; empty = any

  auto operator<=>(const ServiceClass&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("brand", self.brand);
    visit("kind", self.kind);
    visit("skills", self.skills);
    visit("language", self.language);
  }
};

}  // namespace crossfloor
