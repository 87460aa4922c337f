// The rows that projections keep. Each is a function of the set of entries held, so that two nodes
// with equal vectors have equal rows. Keys, after those of the log (storage/log_keys.h):
//
//   M <message id>                       MessageRow
//   C <conversation id>                  Conversation (storage/conversation.h)
//   B <conversation id> <reply id>       DoneReplyRow: a reply that its conversation's row holds no
//                                        more
//   I <conversation id> <position>       ItemRow: one entry of a conversation, in order
//   O <conversation id>                  nothing: it is open (not closed, or replies are not done)
//   H <handle> <opened at> <conv. id>    CustomerRow: a customer's conversations by age
//   S <thread key>                       ThreadRow: conversations opened on one thread
//   P <place key>                        PlaceRow: latest conversation there
//   K <command id>                       CommandRow: a person's command was carried out
//   R <reply id>                         ReplyRow: the conversation of a reply
//   L <handle> <other handle>            LinkRow, kept in both directions
//   U <message id>                       nothing: not placed yet
//   A <subject>                          SubjectRow: latest entry about an agent or account
//   V <position>                         nothing: an operator's act, in order
//
// A new field of a row, or of what a row holds, goes to the end of its `fields`: rows written
// before stay readable (storage/packed.h; tests/golden/rows.txt).
//
// Every key ends on its region's number or id being unguessable, so regions never share a row.
#pragma once

#include "protocol/position.h"
#include "storage/conversation.h"

namespace crossfloor {

// One entry that carries a message's id: the first copy, further copies, revisions, receipts.
struct MessageCopy {
  Position at;
  MessageKind kind = MessageKind::message;
  Subject text;  // keyed hash of what it says, to tell a copy from a revision

  bool operator==(const MessageCopy&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("at", self.at);
    visit("kind", self.kind);
    visit("text", self.text);
  }
};

struct Placement {
  Position at;
  ConversationId conversation;

  bool operator==(const Placement&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("at", self.at);
    visit("conversation", self.conversation);
  }
};

struct MessageRow {
  Region region;
  std::vector<MessageCopy> copies;    // by position; the first is the message
  std::vector<Placement> placements;  // by position; the first counts
  ReplyId echo_of;                    // the provider's name of a reply of ours

  // The first copy that brings the message itself, as against news about it.
  const MessageCopy* primary() const;
  const MessageCopy* find(MessageKind kind, const Subject& text) const;
  // Distinct texts beside the first: shown and counted, never dropped.
  std::size_t revisions() const;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("region", self.region);
    visit("copies", self.copies);
    visit("placements", self.placements);
    visit("echo_of", self.echo_of);
  }
};

struct ItemRow {
  Region region;
  std::uint16_t kind = 0;
  ConversationId subject;
  MessageId message;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("region", self.region);
    visit("kind", self.kind);
    visit("subject", self.subject);
    visit("message", self.message);
  }
};

// The first is the conversation that stands; the others are its aliases.
struct ThreadRow {
  std::vector<Placement> opened;  // by position
  Region region;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("opened", self.opened);
    visit("region", self.region);
  }
};

struct PlaceRow {
  Position at;
  ConversationId conversation;
  Region region;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("at", self.at);
    visit("conversation", self.conversation);
    visit("region", self.region);
  }
};

struct CommandRow {
  Position at;
  std::uint16_t kind = 0;
  ConversationId conversation;
  Region region;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("at", self.at);
    visit("kind", self.kind);
    visit("conversation", self.conversation);
    visit("region", self.region);
  }
};

struct ReplyRow {
  ConversationId conversation;
  Position at;
  Region region;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("conversation", self.conversation);
    visit("at", self.at);
    visit("region", self.region);
  }
};

struct DoneReplyRow {
  Region region;
  ReplyState reply;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("region", self.region);
    visit("reply", self.reply);
  }
};

// Where the items of a conversation begin and end while it rests, so that a page of its customer's
// history passes it over without reading it. Zero: look into the conversation.
struct CustomerRow {
  Region region;
  Position first;
  Position last;

  bool known() const { return last != Position{}; }
  bool operator==(const CustomerRow&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("region", self.region);
    visit("first", self.first);
    visit("last", self.last);
  }
};
// Older versions wrote the region alone, and so is a row written of which no more is known.
Bytes encode_customer_row(const CustomerRow& row);
Result<CustomerRow> decode_customer_row(ByteView bytes);

// A person's latest word on a pair counts; without one, the first message that named the reference.
struct LinkRow {
  Position at;
  bool linked = true;
  bool by_reference = false;  // no person: a message carried a trusted reference
  Region region;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("at", self.at);
    visit("linked", self.linked);
    visit("by_reference", self.by_reference);
    visit("region", self.region);
  }
};

struct SubjectRow {
  Position at;
  Region region;
  std::uint16_t kind = 0;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("at", self.at);
    visit("region", self.region);
    visit("kind", self.kind);
  }
};

// In the packed form (storage/packed.h), behind a byte that names it. Reading takes format 1, too.
template <typename Row>
Bytes encode_row(const Row& row);
template <typename Row>
Result<Row> decode_row(ByteView bytes);

// A row of any kind: its region, and the bytes as encode_row() writes them now, so that rows
// written by an older version compare equal. Errors: corrupt.
struct SettledRow {
  Region region;
  Bytes bytes;
};
Result<SettledRow> settle_row(char kind, ByteView value);

}  // namespace crossfloor
