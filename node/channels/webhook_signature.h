// Who may put messages into an account, and how our callbacks prove that they are ours: the
// Standard Webhooks scheme (standardwebhooks.com, 1.0.0).
//
//   webhook-id         unique for each delivery; we use it for nothing but the signature
//   webhook-timestamp  seconds since the Unix epoch
//   webhook-signature  "v1,<base64>" of HMAC-SHA256(secret, id "." timestamp "." body); several,
//                      divided by a space, while a secret is being exchanged
//
// The body that is signed is the bytes on the wire, never JSON that was read and written again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/result.h"
#include "protocol/time.h"

namespace crossfloor {

struct WebhookHeaders {
  std::string id;
  std::string timestamp;
  std::string signature;
};

// The secrets of one account. All of them verify, and all of them sign, so that either side can
// exchange a secret without a gap.
class WebhookSecrets {
 public:
  static constexpr std::size_t max_secrets = 8;
  static constexpr std::size_t min_bytes = 24;  // of a secret, both by the standard
  static constexpr std::size_t max_bytes = 64;

  // Each text is "whsec_" and base64. An error never repeats the secret; its `where` is the index.
  static Result<WebhookSecrets> parse(const std::vector<std::string>& texts);
  // The same from bytes that somebody decoded already.
  static Result<WebhookSecrets> of(std::vector<Bytes> keys);

  const std::vector<Bytes>& keys() const { return keys_; }

 private:
  std::vector<Bytes> keys_;
};

// A recorded request is worth nothing to a thief after this time, in either direction.
inline constexpr Duration webhook_tolerance{5 * 60 * 1000};

// `unauthenticated` with the header at fault in `where` and the mend; ok if one signature fits.
Status verify_webhook(const WebhookSecrets& secrets, const WebhookHeaders& headers, ByteView body,
                      WallTime now, Duration tolerance = webhook_tolerance);

// `id` is ours and has no '.' (a hexadecimal id); one signature for each secret.
WebhookHeaders sign_webhook(const WebhookSecrets& secrets, std::string id, ByteView body,
                            WallTime now);

}  // namespace crossfloor
