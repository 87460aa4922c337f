// The outgoing half of the generic channel: a reply as a signed POST to the account's callback,
// the question what became of it, and what the answers mean.
//
//   2xx {"external_id": "…"}   accepted; that id is the provider's name of what was sent
//   409 {"external_id": "…"}   accepted before: the receiver drops repetitions by the reply's id
//   408, 425, 429, 5xx         later, not before Retry-After
//   no connection              later
//   other 4xx                  refused for good
//   2xx without an id, 3xx, …  a person must look: it was answered, but not as agreed
//   sent and not answered      unknown
//
// The webhook-id is the reply's id, the same at each attempt; the signature is made anew.
#pragma once

#include <string>

#include "node/channels/delivery.h"
#include "node/channels/http_exchange.h"
#include "node/channels/webhook_signature.h"
#include "protocol/ids.h"

namespace crossfloor {

struct CallbackReply {
  ReplyId reply_id;
  ConversationId conversation_id;
  std::string to;         // the customer's external id on this account
  std::string thread_id;  // these three may be empty
  std::string parent_id;
  std::string language;
  bool is_public = false;
  std::string text;
  std::string signature;  // the agent's, as the customer shall see it; may be empty
};

// http:// or https:// with a host, up to 2,048 bytes, no fragment, no user name.
Status check_callback_url(const std::string& url);

HttpCall build_callback(const std::string& url, const CallbackReply& reply,
                        const WebhookSecrets& secrets, WallTime now);
// GET <callback>/<reply id>, signed over an empty body.
HttpCall build_lookup(const std::string& url, const ReplyId& reply, const WebhookSecrets& secrets,
                      WallTime now);

DeliveryResult read_callback(const HttpOutcome& outcome, WallTime now);
// 200 with external_id: accepted; 404: absent; everything else: unknown, ask again later.
DeliveryResult read_lookup(const HttpOutcome& outcome, WallTime now);

}  // namespace crossfloor
