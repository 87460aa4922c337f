#include "node/channels/webhook_signature.h"

#include <sodium.h>

#include <charconv>
#include <optional>

#include "protocol/check.h"

namespace crossfloor {
namespace {

constexpr std::string_view secret_prefix = "whsec_";
constexpr std::string_view version_prefix = "v1,";
constexpr std::size_t max_id_bytes = 256;
constexpr std::size_t max_signatures = 16;
constexpr std::size_t mac_bytes = crypto_auth_hmacsha256_BYTES;

Error refused(std::string what, std::string where, std::string mend) {
  return Error{ErrorCode::unauthenticated, std::move(what), std::move(where), std::move(mend)};
}

std::optional<Bytes> from_base64(std::string_view text, std::size_t max_bytes) {
  Bytes out(max_bytes, '\0');
  std::size_t size = 0;
  const int answer =
      sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(),
                        text.size(), nullptr, &size, nullptr, sodium_base64_VARIANT_ORIGINAL);
  if (answer != 0) return std::nullopt;
  out.resize(size);
  return out;
}

std::string to_base64(ByteView bytes) {
  std::string out(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();  // the zero byte at the end
  return out;
}

Bytes mac_of(ByteView key, ByteView id, ByteView timestamp, ByteView body) {
  crypto_auth_hmacsha256_state state;
  const auto raw = [](ByteView bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
  };
  crypto_auth_hmacsha256_init(&state, raw(key), key.size());
  for (const ByteView part : {id, ByteView("."), timestamp, ByteView("."), body}) {
    crypto_auth_hmacsha256_update(&state, raw(part), part.size());
  }
  Bytes out(mac_bytes, '\0');
  crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

// A '.' in the id would let one signed text be cut into other parts than its sender meant.
bool id_is_sound(std::string_view id) {
  if (id.empty() || id.size() > max_id_bytes) return false;
  for (const char c : id) {
    if (c <= ' ' || c > '~' || c == '.') return false;
  }
  return true;
}

Status check_timestamp(std::string_view text, WallTime now, Duration tolerance) {
  constexpr const char* where = "webhook-timestamp";
  std::int64_t seconds = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  // Up to the year 5138, so that reckoning in milliseconds cannot overflow.
  if (failure != std::errc{} || end != text.data() + text.size() || seconds < 0 ||
      seconds > 99'999'999'999) {
    return refused("not a number of seconds", where, "send the Unix time in whole seconds");
  }
  const Duration age = now - wall_from_ms(seconds * 1000);
  if (age > tolerance || age < -tolerance) {
    const auto off = std::chrono::duration_cast<std::chrono::seconds>(age).count();
    return refused("is " + std::to_string(off < 0 ? -off : off) + " s " +
                       (off < 0 ? "ahead of" : "behind") + " this node's clock; tolerated are " +
                       std::to_string(tolerance.count() / 1000) + " s",
                   where, "set the sender's clock, and sign each attempt anew");
  }
  return {};
}

bool any_key_fits(const WebhookSecrets& secrets, const WebhookHeaders& headers, ByteView body,
                  const std::vector<Bytes>& offered) {
  bool fits = false;
  for (const auto& key : secrets.keys()) {
    const Bytes expected = mac_of(key, headers.id, headers.timestamp, body);
    for (const auto& mac : offered) {
      // All pairs are compared, each in constant time: the answer's time tells nothing.
      fits |= sodium_memcmp(mac.data(), expected.data(), mac_bytes) == 0;
    }
  }
  return fits;
}

Error malformed_secret(std::string what, std::size_t index) {
  return Error{ErrorCode::malformed, std::move(what), "[" + std::to_string(index) + "]",
               "make one with: echo \"whsec_$(openssl rand -base64 32)\""};
}

}  // namespace

Result<WebhookSecrets> WebhookSecrets::parse(const std::vector<std::string>& texts) {
  std::vector<Bytes> keys;
  for (std::size_t i = 0; i < texts.size() && i <= max_secrets; ++i) {
    std::string_view text = texts[i];
    if (text.substr(0, secret_prefix.size()) != secret_prefix) {
      return malformed_secret("a secret begins with \"whsec_\"", i);
    }
    auto key = from_base64(text.substr(secret_prefix.size()), max_bytes);
    if (!key) {
      return malformed_secret("what follows \"whsec_\" is not base64 of up to 64 bytes", i);
    }
    keys.push_back(std::move(*key));
  }
  return of(std::move(keys));
}

Result<WebhookSecrets> WebhookSecrets::of(std::vector<Bytes> keys) {
  if (keys.empty()) return malformed_secret("no secret", 0);
  if (keys.size() > max_secrets) {
    return malformed_secret("more than " + std::to_string(max_secrets) + " secrets", max_secrets);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].size() < min_bytes || keys[i].size() > max_bytes) {
      return malformed_secret("a secret has 24 to 64 bytes", i);
    }
  }
  WebhookSecrets out;
  out.keys_ = std::move(keys);
  return out;
}

Status verify_webhook(const WebhookSecrets& secrets, const WebhookHeaders& headers, ByteView body,
                      WallTime now, Duration tolerance) {
  if (!id_is_sound(headers.id)) {
    return refused(headers.id.empty() ? "is missing" : "is not an id", "webhook-id",
                   "send 1 to 256 printable ASCII characters without '.' and spaces");
  }
  if (auto timely = check_timestamp(headers.timestamp, now, tolerance); !timely.ok()) {
    return timely;
  }
  std::vector<Bytes> offered;
  std::string_view rest = headers.signature;
  while (!rest.empty() && offered.size() < max_signatures) {
    const auto end = std::min(rest.find(' '), rest.size());
    const std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (one.substr(0, version_prefix.size()) != version_prefix) continue;  // v1a and later ones
    auto mac = from_base64(one.substr(version_prefix.size()), mac_bytes);
    if (mac && mac->size() == mac_bytes) offered.push_back(std::move(*mac));
  }
  if (offered.empty()) {
    return refused("holds no \"v1,\" signature", "webhook-signature",
                   "send \"v1,\" and the base64 of HMAC-SHA256(secret, id.timestamp.body)");
  }
  if (!any_key_fits(secrets, headers, body, offered)) {
    return refused("does not fit the account's secrets", "webhook-signature",
                   "sign the body's bytes as they are sent, with the secret of this account");
  }
  return {};
}

WebhookHeaders sign_webhook(const WebhookSecrets& secrets, std::string id, ByteView body,
                            WallTime now) {
  XF_CHECK(id_is_sound(id));
  XF_CHECK(!secrets.keys().empty());
  WebhookHeaders out;
  out.id = std::move(id);
  out.timestamp = std::to_string(ms_of(now) / 1000);
  for (const auto& key : secrets.keys()) {
    if (!out.signature.empty()) out.signature += ' ';
    out.signature += version_prefix;
    out.signature += to_base64(mac_of(key, out.id, out.timestamp, body));
  }
  return out;
}

}  // namespace crossfloor
