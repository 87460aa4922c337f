#include "protocol/agent_record.h"

#include <algorithm>
#include <set>

namespace crossfloor {
namespace {

Error wrong(std::string where, std::string what, std::string mend) {
  return {ErrorCode::malformed, std::move(what), std::move(where), std::move(mend)};
}

bool is_name(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '@';
  });
}

Status check_text(const char* field, const std::string& text, std::size_t limit) {
  if (text.size() > limit) {
    return wrong(field, "is " + std::to_string(text.size()) + " bytes long",
                 "use at most " + std::to_string(limit));
  }
  if (!is_valid_utf8(text)) return wrong(field, "is not valid UTF-8", "send it as UTF-8");
  return {};
}

Status check_words(const char* field, const std::vector<std::string>& words, std::size_t limit) {
  if (words.size() > limit) {
    return wrong(field, "has " + std::to_string(words.size()) + " elements",
                 "give at most " + std::to_string(limit));
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string where = std::string(field) + "[" + std::to_string(i) + "]";
    if (words[i].empty()) return wrong(where, "is empty", "leave it out");
    if (auto status = check_text(where.c_str(), words[i], max_word); !status.ok()) return status;
    if (!seen.insert(words[i]).second) {
      return wrong(where, "'" + words[i] + "' is there twice", "name each once");
    }
  }
  return {};
}

Status check_channels(const AgentRecord& record) {
  std::set<ChannelKind> seen;
  for (const auto& channel : record.channels) {
    if (static_cast<std::size_t>(channel.kind) >= channel_kinds) {
      return wrong("channels", "names an unknown channel kind",
                   "use chat, social, email, call or other");
    }
    const std::string where = std::string("channels.") + word_of(channel.kind);
    if (!seen.insert(channel.kind).second) return wrong(where, "is there twice", "give it once");
    if (static_cast<std::size_t>(channel.duty) > 2) {
      return wrong(where + ".duty", "is not known", "use off, primary or helper");
    }
    if (channel.duty == Duty::off) continue;
    if (channel.maximum < 1 || channel.maximum > max_per_channel) {
      return wrong(where + ".maximum", "is " + std::to_string(channel.maximum),
                   "use 1 to " + std::to_string(max_per_channel) + ", or duty off");
    }
    if (channel.units() > record.total_units) {
      return wrong(where + ".cost",
                   "is " + std::to_string(channel.units()) + " units of a total of " +
                       std::to_string(record.total_units) + ", so none could ever be taken",
                   "raise total_units, lower the cost, or use duty off");
    }
  }
  return {};
}

bool language_serves(std::string_view have, std::string_view wanted) {
  if (have == wanted) return true;
  return wanted.size() > have.size() && wanted.substr(0, have.size()) == have &&
         wanted[have.size()] == '-';
}

}  // namespace

const ChannelDuty* duty_for(const std::vector<ChannelDuty>& channels, ChannelKind kind) {
  for (const auto& channel : channels) {
    if (channel.kind == kind && channel.duty != Duty::off) return &channel;
  }
  return nullptr;
}

Status check_agent_record(const AgentRecord& record) {
  if (record.name.empty() || record.name.size() > max_agent_name || !is_name(record.name)) {
    return wrong("name", "is not a log-in name",
                 "use 1 to 64 of the characters a-z A-Z 0-9 . _ - @");
  }
  if (record.node.is_zero()) return wrong("node", "is missing", "name the agent's home node");
  for (const auto& status : {check_text("display_name", record.display_name, max_display_name),
                             check_text("signature", record.signature, max_agent_signature),
                             check_text("team", record.team, max_team),
                             check_words("brands", record.brands, max_agent_brands),
                             check_words("languages", record.languages, max_agent_languages),
                             check_words("skills", record.skills, max_agent_skills)}) {
    if (!status.ok()) return status;
  }
  if (record.brands.empty()) {
    return wrong("brands", "is empty, so the agent may serve nobody", "name at least one brand");
  }
  if (record.total_units < 1 || record.total_units > max_units) {
    return wrong("total_units", "is " + std::to_string(record.total_units),
                 "use 1 to " + std::to_string(max_units));
  }
  if (record.password_hash.size() > 256) {
    return wrong("password_hash", "is too long", "use a hash as libsodium's crypto_pwhash_str");
  }
  return check_channels(record);
}

bool has_all(const std::vector<std::string>& have, const std::vector<std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& word) {
    return std::find(have.begin(), have.end(), word) != have.end();
  });
}

bool matches(const Abilities& abilities, const ServiceClass& service) {
  const auto& brands = abilities.brands;
  if (std::find(brands.begin(), brands.end(), service.brand) == brands.end()) return false;
  if (!has_all(abilities.skills, service.skills)) return false;
  if (service.language.empty()) return true;
  return std::any_of(abilities.languages.begin(), abilities.languages.end(),
                     [&](const auto& have) { return language_serves(have, service.language); });
}

}  // namespace crossfloor
