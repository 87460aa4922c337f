#include "tools/crossfloor/agent_fields.h"

#include <algorithm>

#include "protocol/agent_record.h"
#include "protocol/document.h"

namespace crossfloor::cli {
namespace {

Error wrong(const std::string& field, std::string what, std::string mend) {
  return {ErrorCode::malformed, std::move(what), field, std::move(mend)};
}

// Separated by blanks, commas or '|'.
std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" ,|", at), text.size());
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(by, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// "chat:3", "email:5:helper": kind, most at once, primary unless said.
Result<Json> channels_of(const std::string& text) {
  const char* mend = "write kind:maximum or kind:maximum:helper, for example chat:3 email:5:helper";
  Json channels = Json::array();
  for (const std::string& word : words_of(text)) {
    const auto parts = split(word, ':');
    const auto kind = from_word<ChannelKind>(parts[0]);
    const auto maximum = parts.size() > 1 ? parse_number(parts[1]) : std::nullopt;
    const auto duty =
        parts.size() > 2 ? from_word<Duty>(parts[2]) : std::optional<Duty>(Duty::primary);
    if (!kind || !maximum || *maximum > max_per_channel || !duty || parts.size() > 3) {
      return wrong("channels", "'" + word + "' is no channel", mend);
    }
    for (const Json& other : channels) {
      if (other["kind"] == word_of(*kind)) {
        return wrong("channels", std::string(word_of(*kind)) + " stands there twice", mend);
      }
    }
    channels.push_back(
        {{"kind", word_of(*kind)}, {"duty", word_of(*duty)}, {"maximum", *maximum}, {"cost", 0}});
  }
  return channels;
}

bool is_list(const std::string& field) {
  return field == "brands" || field == "languages" || field == "skills";
}

}  // namespace

const std::vector<AgentField>& agent_fields() {
  static const std::vector<AgentField> fields = {
      {"site", "the agent's site; set: moves there", "SITE"},
      {"display_name", "as colleagues see it", "TEXT"},
      {"signature", "under replies, as customers see it", "TEXT"},
      {"team", "for transfers and for the list", "NAME"},
      {"brands", "whose customers the agent may see", "'A B'"},
      {"languages", "BCP 47: en also serves en-GB", "'en fi'"},
      {"skills", "for conversations that ask for them", "'A B'"},
      {"channels", "kind:maximum, :helper behind it for the second line",
       "'chat:3 email:5:helper'"},
      {"total_units", "load in all: call 12, chat 4, social 2, e-mail 2 each (default 12)", "N"},
      {"disabled", "true bars the log-in", "BOOL"},
      {"password", "8 bytes or more", "TEXT"},
  };
  return fields;
}

Result<Json> agent_arguments(const AgentTexts& texts) {
  Json out = Json::object();
  for (const auto& [field, text] : texts) {
    const auto& all = agent_fields();
    const bool known = std::any_of(all.begin(), all.end(),
                                   [&, &name = field](const auto& f) { return f.name == name; });
    if (!known) {
      std::string names = "name";
      for (const AgentField& one : all) names += std::string(" ") + one.name;
      return wrong(field, "is no field of an agent", "fields are: " + names);
    }
    if (text.empty()) continue;
    if (is_list(field)) {
      out[field] = words_of(text);
    } else if (field == "channels") {
      auto channels = channels_of(text);
      if (!channels.ok()) return channels.error();
      out[field] = channels.value();
    } else if (field == "total_units") {
      const auto units = parse_number(text);
      if (!units || *units == 0 || *units > max_units) {
        return wrong(field, "'" + text + "' is no number of 1 to 1000", "");
      }
      out[field] = *units;
    } else if (field == "disabled") {
      if (text != "true" && text != "false") {
        return wrong(field, "'" + text + "' is neither true nor false", "");
      }
      out[field] = text == "true";
    } else {
      out[field] = text;
    }
  }
  return out;
}

std::string channels_text(const Json& channels) {
  std::string all;
  for (const Json& channel : channels) {
    if (text(channel, "duty") == "off") continue;
    all += (all.empty() ? "" : " ") + text(channel, "kind") + ":" +
           std::to_string(number(channel, "maximum"));
    if (text(channel, "duty") == "helper") all += ":helper";
  }
  return all;
}

}  // namespace crossfloor::cli
