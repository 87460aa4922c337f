// What a channel hands in: the body of POST /v1/channels/<account>/messages, and the heart of a
// message entry's body. Ids of platforms are opaque text.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "protocol/fields.h"

namespace crossfloor {

enum class Direction : std::uint8_t { in, out };
constexpr auto names_of(Direction) {
  return std::array{"in", "out"};
}

enum class MessageKind : std::uint8_t { message, edited, deleted, delivered, read };
constexpr auto names_of(MessageKind) {
  return std::array{"message", "edited", "deleted", "delivered", "read"};
}

struct Attachment {
  std::string name;
  std::string type;  // media type
  std::uint64_t size = 0;
  std::string digest;
  std::string url;

  bool operator==(const Attachment&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("type", self.type);
    visit("size", self.size);
    visit("digest", self.digest);
    visit("url", self.url);
  }
};

struct CustomerHandle {
  std::string external_id;
  std::string name;
  std::string customer_ref;  // the sender's own stable key of this person; may be empty

  bool operator==(const CustomerHandle&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("external_id", self.external_id);
    visit("name", self.name);
    visit("customer_ref", self.customer_ref);
  }
};

struct IncomingMessage {
  Direction direction = Direction::in;
  MessageKind kind = MessageKind::message;
  std::string external_id;
  CustomerHandle customer;
  std::string text;
  std::vector<Attachment> attachments;
  bool is_public = false;
  std::string thread_id;
  std::string parent_id;
  std::string language;  // BCP 47
  std::string campaign_id;
  std::int64_t provider_time_ms = 0;  // for display only; 0 = not said
  std::uint32_t priority = 0;         // 0 to 3, 3 is the most urgent
  std::string topic;
  std::vector<std::string> skills;
  std::string extra;       // a JSON object as compact text; empty = none
  std::uint32_t mood = 0;  // 0 calm, 1 unhappy, 2 furious

  bool operator==(const IncomingMessage&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("direction", self.direction);
    visit("kind", self.kind);
    visit("external_id", self.external_id);
    visit("customer", self.customer);
    visit("text", self.text);
    visit("attachments", self.attachments);
    visit("public", self.is_public);
    visit("thread_id", self.thread_id);
    visit("parent_id", self.parent_id);
    visit("language", self.language);
    visit("campaign_id", self.campaign_id);
    visit("provider_time_ms", self.provider_time_ms);
    visit("priority", self.priority);
    visit("topic", self.topic);
    visit("skills", self.skills);
    visit("extra", self.extra);
    visit("mood", self.mood);
  }
};

}  // namespace crossfloor
