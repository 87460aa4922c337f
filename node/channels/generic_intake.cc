#include "node/channels/generic_intake.h"

#include <algorithm>

#include "protocol/json_codec.h"

namespace crossfloor {
namespace {

Error wrong(std::string what, std::string where, std::string mend) {
  return Error{ErrorCode::malformed, std::move(what), std::move(where), std::move(mend)};
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_letter_or_digit(char c) {
  return is_letter(c) || (c >= '0' && c <= '9');
}

// Agents click on these: nothing that a browser would run.
bool is_web_url(std::string_view url) {
  const auto begins = [&](std::string_view scheme) {
    return url.size() > scheme.size() && url.substr(0, scheme.size()) == scheme;
  };
  return (begins("https://") || begins("http://")) &&
         std::all_of(url.begin(), url.end(),
                     [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; });
}

Status check_fields(const GenericMessage& in) {
  const bool speaks = in.kind == MessageKind::message || in.kind == MessageKind::edited;
  if (in.customer.external_id.empty() && speaks) {
    if (in.direction == Direction::in) {
      return wrong("is missing", "customer.external_id", "say who wrote the message");
    }
    if (in.thread_id.empty() && in.parent_id.empty()) {
      return wrong("is missing", "customer.external_id",
                   "say to whom it went, or give its thread_id or parent_id");
    }
  }
  if (speaks && in.text.empty() && in.attachments.empty()) {
    return wrong("is missing", "text", "send a text or an attachment");
  }
  if (!speaks && (!in.text.empty() || !in.attachments.empty())) {
    return wrong(std::string("cannot go with kind ") + word_of(in.kind),
                 in.text.empty() ? "attachments" : "text",
                 "leave it out, or send kind message or edited");
  }
  if (!in.language.empty() && !is_language_tag(in.language)) {
    return wrong("is no BCP 47 language tag", "language", "send one like fi, pt-BR or zh-Hant");
  }
  for (std::size_t i = 0; i < in.attachments.size(); ++i) {
    if (!is_web_url(in.attachments[i].url)) {
      return wrong("is no http:// or https:// URL", "attachments[" + std::to_string(i) + "].url",
                   "give a URL that a browser can open");
    }
  }
  for (std::size_t i = 0; i < in.skills.size(); ++i) {
    if (in.skills[i].empty()) {
      return wrong("is empty", "skills[" + std::to_string(i) + "]", "leave it out");
    }
  }
  return {};
}

}  // namespace

// RFC 5646 2.1, without the registry: a language of 2 to 8 letters (or "x" or "i"), then subtags of
// 1 to 8 letters and digits; what one character begins needs a longer one behind it.
bool is_language_tag(std::string_view tag) {
  bool first = true;
  bool after_singleton = false;
  while (true) {
    const auto end = std::min(tag.find('-'), tag.size());
    const std::string_view subtag = tag.substr(0, end);
    if (subtag.empty() || subtag.size() > 8) return false;
    if (!std::all_of(subtag.begin(), subtag.end(), is_letter_or_digit)) return false;
    if (first) {
      const bool singleton = subtag == "x" || subtag == "X" || subtag == "i" || subtag == "I";
      if (!std::all_of(subtag.begin(), subtag.end(), is_letter)) return false;
      if (subtag.size() == 1 && !singleton) return false;
    } else if (after_singleton && subtag.size() == 1) {
      return false;
    }
    after_singleton = subtag.size() == 1;
    first = false;
    if (end == tag.size()) return !after_singleton;
    tag.remove_prefix(end + 1);
  }
}

Result<IncomingMessage> read_generic_message(std::string_view body) {
  auto read = read_json<GenericMessage>(body, JsonLimits{.max_bytes = max_intake_body});
  if (!read.ok()) return read.error();
  GenericMessage& in = read.value();
  if (auto sound = check_fields(in); !sound.ok()) return sound.error();
  IncomingMessage out;
  out.direction = in.direction;
  out.kind = in.kind;
  out.external_id = std::move(in.external_id);
  out.customer = {std::move(in.customer.external_id), std::move(in.customer.name),
                  std::move(in.customer.customer_ref)};
  out.text = std::move(in.text);
  for (auto& a : in.attachments) {
    out.attachments.push_back(
        {std::move(a.name), std::move(a.type), a.size, std::move(a.digest), std::move(a.url)});
  }
  out.is_public = in.is_public;
  out.thread_id = std::move(in.thread_id);
  out.parent_id = std::move(in.parent_id);
  out.language = std::move(in.language);
  out.campaign_id = std::move(in.campaign_id);
  if (in.provider_time) out.provider_time_ms = ms_of(*in.provider_time);
  out.priority = in.priority;
  out.mood = in.mood;
  out.topic = std::move(in.topic);
  out.skills = std::move(in.skills);
  out.extra = std::move(in.extra.text);
  return out;
}

std::string write_generic_message(const IncomingMessage& message) {
  GenericMessage out;
  out.direction = message.direction;
  out.kind = message.kind;
  out.external_id = message.external_id;
  out.customer = {message.customer.external_id, message.customer.name,
                  message.customer.customer_ref};
  out.text = message.text;
  for (const auto& a : message.attachments) {
    out.attachments.push_back({a.name, a.type, a.size, a.digest, a.url});
  }
  out.is_public = message.is_public;
  out.thread_id = message.thread_id;
  out.parent_id = message.parent_id;
  out.language = message.language;
  out.campaign_id = message.campaign_id;
  if (message.provider_time_ms != 0) out.provider_time = wall_from_ms(message.provider_time_ms);
  out.priority = message.priority;
  out.mood = message.mood;
  out.topic = message.topic;
  out.skills = message.skills;
  out.extra.text = message.extra;
  return json_text(out);
}

}  // namespace crossfloor
