#include "node/channels/generic_callback.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "node/channels/timestamps.h"

namespace crossfloor {
namespace {

constexpr std::size_t max_external_id = 256;
constexpr std::size_t max_url = 2048;
constexpr int max_nesting = 16;  // deeper answers are not read

HttpCall signed_call(std::string method, std::string url, const ReplyId& reply, Bytes body,
                     const WebhookSecrets& secrets, WallTime now) {
  auto headers = sign_webhook(secrets, reply.hex(), body, now);
  HttpCall call{std::move(method), std::move(url), {}, std::move(body)};
  call.headers = {{"webhook-id", std::move(headers.id)},
                  {"webhook-timestamp", std::move(headers.timestamp)},
                  {"webhook-signature", std::move(headers.signature)},
                  {"accept", "application/json"}};
  if (!call.body.empty()) call.headers.emplace_back("content-type", "application/json");
  return call;
}

// The provider's id in an answer; its other fields are its own affair. Nothing if there is none.
std::optional<std::string> external_id_of(const Bytes& body) {
  int depth = 0;
  const auto watch = [&](int now_deep, nlohmann::json::parse_event_t, nlohmann::json&) {
    depth = std::max(depth, now_deep);
    return now_deep <= max_nesting;
  };
  const auto json = nlohmann::json::parse(body, watch, false);
  if (json.is_discarded() || !json.is_object() || depth > max_nesting) return std::nullopt;
  const auto it = json.find("external_id");
  if (it == json.end() || !it->is_string()) return std::nullopt;
  const auto& id = it->get_ref<const std::string&>();
  if (id.empty() || id.size() > max_external_id || !is_valid_utf8(id)) return std::nullopt;
  return id;
}

std::optional<Duration> retry_after_of(const HttpOutcome& outcome, WallTime now) {
  const std::string text = outcome.header("retry-after");
  std::int64_t seconds = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (failure == std::errc{} && end == text.data() + text.size() && seconds >= 0) {
    constexpr std::int64_t a_year = 365 * 24 * 3600;
    return Duration{std::min(seconds, a_year) * 1000};
  }
  const auto date = parse_http_date(text);
  if (!date) return std::nullopt;
  return std::max(Duration{0}, Duration{*date - now});
}

std::string answered(const HttpOutcome& outcome) {
  return "answered " + std::to_string(outcome.status);
}

}  // namespace

Status check_callback_url(const std::string& url) {
  const auto wrong = [](std::string what) {
    return Error{ErrorCode::malformed, std::move(what), "callback",
                 "give a URL like https://bridge.example/replies"};
  };
  if (url.size() > max_url) return wrong("longer than 2048 bytes");
  std::string_view rest = url;
  if (rest.substr(0, 8) == "https://") {
    rest.remove_prefix(8);
  } else if (rest.substr(0, 7) == "http://") {
    rest.remove_prefix(7);
  } else {
    return wrong("begins with neither https:// nor http://");
  }
  for (const char c : url) {
    if (c <= ' ' || c > '~') return wrong("holds a space or a character that must be %-encoded");
  }
  const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  if (host.empty() || host.front() == ':') return wrong("names no host");
  if (host.find('@') != std::string_view::npos) return wrong("holds a user name");
  if (rest.find('#') != std::string_view::npos) return wrong("holds a fragment");
  return {};
}

HttpCall build_callback(const std::string& url, const CallbackReply& reply,
                        const WebhookSecrets& secrets, WallTime now) {
  nlohmann::ordered_json json{{"reply_id", reply.reply_id.hex()},
                              {"conversation_id", reply.conversation_id.hex()},
                              {"to", reply.to},
                              {"public", reply.is_public},
                              {"text", reply.text}};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) json[name] = value;
  };
  add("thread_id", reply.thread_id);
  add("parent_id", reply.parent_id);
  add("language", reply.language);
  add("signature", reply.signature);
  // Texts were checked when they came in; should one be broken, the reply still goes out.
  Bytes body = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return signed_call("POST", url, reply.reply_id, std::move(body), secrets, now);
}

HttpCall build_lookup(const std::string& url, const ReplyId& reply, const WebhookSecrets& secrets,
                      WallTime now) {
  const auto query = std::min(url.find('?'), url.size());
  std::string path = url.substr(0, query);
  if (path.back() != '/') path += '/';
  return signed_call("GET", path + reply.hex() + url.substr(query), reply, {}, secrets, now);
}

DeliveryResult read_callback(const HttpOutcome& outcome, WallTime now) {
  if (outcome.end == HttpOutcome::End::not_sent) {
    return {DeliveryKind::retry_later, {}, "no connection: " + outcome.why, {}};
  }
  if (outcome.end == HttpOutcome::End::no_answer) {
    return {DeliveryKind::unknown, {}, "sent and not answered: " + outcome.why, {}};
  }
  const int status = outcome.status;
  if ((status >= 200 && status < 300) || status == 409) {
    if (auto id = external_id_of(outcome.body)) {
      return {DeliveryKind::accepted, std::move(*id), {}, {}};
    }
    if (status != 409) {
      return {DeliveryKind::needs_person, {}, answered(outcome) + " without an external_id", {}};
    }
  }
  if (status == 408 || status == 425 || status == 429 || (status >= 500 && status < 600)) {
    return {DeliveryKind::retry_later, {}, answered(outcome), retry_after_of(outcome, now)};
  }
  if (status >= 400 && status < 500) {
    return {DeliveryKind::refused, {}, answered(outcome), {}};
  }
  return {
      DeliveryKind::needs_person, {}, answered(outcome) + ", which is no answer to a callback", {}};
}

DeliveryResult read_lookup(const HttpOutcome& outcome, WallTime now) {
  if (outcome.end != HttpOutcome::End::answered) {
    return {DeliveryKind::unknown, {}, "cannot be asked: " + outcome.why, {}};
  }
  if (outcome.status == 404) {
    return {DeliveryKind::absent, {}, "asked: the receiver does not have it", {}};
  }
  if (outcome.status == 200) {
    if (auto id = external_id_of(outcome.body)) {
      return {DeliveryKind::accepted, std::move(*id), {}, {}};
    }
  }
  return {DeliveryKind::unknown, {}, "asked: " + answered(outcome), retry_after_of(outcome, now)};
}

}  // namespace crossfloor
