// The incoming half of the generic channel: the JSON body of POST /v1/channels/<account>/messages.
//
// GenericMessage is what others write, with the limits that docs/channel.md lists from the same
// description; IncomingMessage is what the log keeps. The body is at most 256 KiB, unknown fields
// are refused except inside `extra`, and everything but `external_id` may be left out where the
// rules below the table allow it:
//
//   - direction in, kind message or edited: customer.external_id names who wrote
//   - direction out: customer.external_id, or a thread_id or parent_id by which he is found
//   - kind message or edited: a text or an attachment
//   - kind deleted, delivered, read: external_id is that of the message it is about; no text
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/fields.h"
#include "protocol/incoming_message.h"
#include "protocol/result.h"

namespace crossfloor {

inline constexpr std::size_t max_platform_id = 256;         // bytes of any id of a platform
inline constexpr std::size_t max_message_text = 64 * 1024;  // bytes
inline constexpr std::size_t max_intake_body = 256 * 1024;  // bytes

struct GenericAttachment {
  std::string name;
  std::string type;
  std::uint64_t size = 0;
  std::string digest;
  std::string url;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name,
          Rule{.max_bytes = 256, .doc = "file name", .example = "\"invoice.pdf\""});
    visit("type", self.type,
          Rule{.max_bytes = 128, .doc = "media type", .example = "\"application/pdf\""});
    visit("size", self.size, Rule{.doc = "bytes", .example = "48213"});
    visit("digest", self.digest,
          Rule{.max_bytes = 256, .doc = "of its content", .example = "\"sha256:9f86d0…\""});
    visit("url", self.url,
          Rule{.required = true,
               .max_bytes = 2048,
               .doc = "where it can be fetched, http:// or https://",
               .example = "\"https://files.example/7\""});
  }
};

struct GenericCustomer {
  std::string external_id;
  std::string name;
  std::string customer_ref;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("external_id", self.external_id,
          Rule{.max_bytes = max_platform_id,
               .doc = "the platform's id of this person on this account",
               .example = "\"u-1093\""});
    visit("name", self.name,
          Rule{.max_bytes = 256, .doc = "as agents shall see it", .example = "\"Aino Virtanen\""});
    visit("customer_ref", self.customer_ref,
          Rule{.max_bytes = max_platform_id,
               .doc = "your own stable key of this person; joins his histories where the account "
                      "is trusted to say so",
               .example = "\"crm-77120\""});
  }
};

struct GenericMessage {
  Direction direction = Direction::in;
  MessageKind kind = MessageKind::message;
  std::string external_id;
  GenericCustomer customer;
  std::string text;
  std::vector<GenericAttachment> attachments;
  bool is_public = false;
  std::string thread_id;
  std::string parent_id;
  std::string language;
  std::string campaign_id;
  std::optional<WallTime> provider_time;
  std::uint32_t priority = 0;
  std::string topic;
  std::vector<std::string> skills;
  std::uint32_t mood = 0;
  FreeJson extra;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("direction", self.direction,
          Rule{.doc = "out: given to the customer outside Crossfloor; joins the history and makes "
                      "no work",
               .example = "\"in\""});
    visit(
        "kind", self.kind,
        Rule{.doc = "what happened to the message named by external_id", .example = "\"message\""});
    visit("external_id", self.external_id,
          Rule{.required = true,
               .max_bytes = max_platform_id,
               .doc = "the platform's id of the message; the same id again is the same message",
               .example = "\"m-88217\""});
    visit("customer", self.customer, Rule{.doc = "whose conversation it is"});
    visit(
        "text", self.text,
        Rule{.max_bytes = max_message_text, .doc = "UTF-8", .example = "\"Where is my parcel?\""});
    visit("attachments", self.attachments, Rule{.max_items = 32, .doc = "references only"});
    visit("public", self.is_public,
          Rule{.doc = "others can read it on the platform", .example = "false"});
    visit("thread_id", self.thread_id,
          Rule{.max_bytes = max_platform_id,
               .doc = "the platform's id of the thread",
               .example = "\"t-19\""});
    visit("parent_id", self.parent_id,
          Rule{.max_bytes = max_platform_id,
               .doc = "external_id of the message that it answers; it may arrive later",
               .example = "\"m-88216\""});
    visit("language", self.language,
          Rule{.max_bytes = 64, .doc = "BCP 47", .example = "\"fi-FI\""});
    visit("campaign_id", self.campaign_id,
          Rule{.max_bytes = max_platform_id,
               .doc = "what made the customer write",
               .example = "\"spring-26\""});
    visit("provider_time", self.provider_time,
          Rule{.doc = "when the platform says it was written; for display only",
               .example = "\"2026-01-31T09:30:00+02:00\""});
    visit("priority", self.priority,
          Rule{.min = 0, .max = 3, .doc = "3 is the most urgent", .example = "0"});
    visit("mood", self.mood,
          Rule{.min = 0,
               .max = 2,
               .doc = "of the customer: 0 calm, 1 unhappy, 2 furious; weighs in the order of the "
                      "waiting",
               .example = "0"});
    visit("topic", self.topic,
          Rule{.max_bytes = 128,
               .doc = "for people and figures; may weigh, see `[[topic]]` in site.toml",
               .example = "\"delivery\""});
    visit("skills", self.skills,
          Rule{.max_bytes = 64,
               .max_items = 16,
               .doc = "that the agent must have",
               .example = "[\"billing\"]"});
    visit("extra", self.extra,
          Rule{.max_bytes = 8 * 1024,
               .doc = "kept with the message and not looked at",
               .example = "{\"order\": 7}"});
  }
};

// Judged wholly before anything is given back. `where` of an error is the field.
Result<IncomingMessage> read_generic_message(std::string_view body);

// The other way, for bridges of our own, the replay and tests.
std::string write_generic_message(const IncomingMessage& message);

// Whether `tag` has the shape of a BCP 47 language tag; nothing is looked up.
bool is_language_tag(std::string_view tag);

}  // namespace crossfloor
