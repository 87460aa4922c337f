#include "storage/rows.h"

#include <algorithm>

#include "protocol/capnp_codec.h"
#include "storage/packed.h"
#include "storage/projections.h"
#include "storage/rows.capnp.h"

namespace crossfloor {

// A row begins with the number of its format. Format 1 was Cap'n Proto, whose framing begins with
// 0. It is still read; a row changes its format when it is next written.
namespace {

constexpr char packed_row = 2;

template <typename Row>
constexpr bool in_format_1 =
    !std::is_same_v<Row, DoneReplyRow> && !std::is_same_v<Row, CustomerRow>;

template <typename Row>
Bytes packed(const Row& row) {
  Bytes out;
  out.reserve(std::is_same_v<Row, Conversation> ? 512 : 192);  // mostly enough
  out.push_back(packed_row);
  append_packed(out, shape_of<Row>(), &row);
  return out;
}

template <typename Row>
Result<Row> unpacked(ByteView bytes) {
  const auto unreadable = [](const Error& error) {
    return Error{ErrorCode::corrupt, "a row: " + error.what, "", ""};
  };
  if (bytes.empty() || bytes.front() != packed_row) {
    if constexpr (in_format_1<Row>) {
      auto row = decode_capnp<Row>(bytes);
      if (!row.ok()) return unreadable(row.error());
      return row;
    }
    return Error{ErrorCode::corrupt, "a row of an unknown format", "", ""};
  }
  Row row;
  if (auto status = read_packed(bytes.substr(1), shape_of<Row>(), &row); !status.ok()) {
    return unreadable(status.error());
  }
  return row;
}

}  // namespace

#define XF_ROW(Row)                                 \
  template <>                                       \
  struct SchemaOf<Row> : CapnpSchema<wire::Row> {}; \
  template <>                                       \
  Bytes encode_row(const Row& row) {                \
    return packed(row);                             \
  }                                                 \
  template <>                                       \
  Result<Row> decode_row(ByteView bytes) {          \
    return unpacked<Row>(bytes);                    \
  }

XF_ROW(Conversation)
XF_ROW(MessageRow)
XF_ROW(ItemRow)
XF_ROW(ThreadRow)
XF_ROW(PlaceRow)
XF_ROW(CommandRow)
XF_ROW(ReplyRow)
XF_ROW(LinkRow)
XF_ROW(SubjectRow)
#undef XF_ROW

// Rows that format 1 did not have.
Bytes encode_customer_row(const CustomerRow& row) {
  return row.known() ? packed(row) : Bytes(row.region);
}
Result<CustomerRow> decode_customer_row(ByteView bytes) {
  if (bytes.empty() || bytes.front() != packed_row) return CustomerRow{Region(bytes), {}, {}};
  return unpacked<CustomerRow>(bytes);
}
template <>
Bytes encode_row(const DoneReplyRow& row) {
  return packed(row);
}
template <>
Result<DoneReplyRow> decode_row(ByteView bytes) {
  return unpacked<DoneReplyRow>(bytes);
}

namespace {

template <typename Row>
void settle(Row&) {}
// Older versions kept every message that was ever answered, and every reply, and did not know where
// a conversation begins, nor where it was last spoken.
void settle(Conversation& row) {
  row.seen.clear();
  row.first = {};
  row.said = {};
  put_done_replies(row, [](const ReplyState&) {});
}

template <typename Row>
Result<SettledRow> settled(ByteView value) {
  auto row = decode_row<Row>(value);
  if (!row.ok()) return row.error();
  settle(row.value());
  return SettledRow{row.value().region, encode_row(row.value())};
}

}  // namespace

Result<SettledRow> settle_row(char kind, ByteView value) {
  switch (kind) {
    case 'A':
      return settled<SubjectRow>(value);
    case 'B':
      return settled<DoneReplyRow>(value);
    case 'C':
      return settled<Conversation>(value);
    case 'H': {
      auto row = decode_customer_row(value);
      if (!row.ok()) return row.error();
      return SettledRow{row.value().region, Bytes(row.value().region)};
    }
    case 'I':
      return settled<ItemRow>(value);
    case 'K':
      return settled<CommandRow>(value);
    case 'L':
      return settled<LinkRow>(value);
    case 'M':
      return settled<MessageRow>(value);
    case 'P':
      return settled<PlaceRow>(value);
    case 'R':
      return settled<ReplyRow>(value);
    case 'S':
      return settled<ThreadRow>(value);
    default:
      return SettledRow{Region(value), Bytes(value)};  // O, U and V say nothing else
  }
}

const MessageCopy* MessageRow::find(MessageKind kind, const Subject& text) const {
  const auto at = std::find_if(copies.begin(), copies.end(), [&](const MessageCopy& copy) {
    return copy.kind == kind && copy.text == text;
  });
  return at == copies.end() ? nullptr : &*at;
}

const MessageCopy* MessageRow::primary() const {
  const auto at = std::find_if(copies.begin(), copies.end(), [](const MessageCopy& copy) {
    return copy.kind == MessageKind::message || copy.kind == MessageKind::edited;
  });
  return at == copies.end() ? nullptr : &*at;
}

std::size_t MessageRow::revisions() const {
  std::set<Subject> texts;
  for (const auto& copy : copies) {
    if (copy.kind == MessageKind::message || copy.kind == MessageKind::edited) {
      texts.insert(copy.text);
    }
  }
  return texts.empty() ? 0 : texts.size() - 1;
}

namespace rows {
namespace {

template <typename Row>
Result<std::optional<Row>> read(const Reader& reader, ByteView key) {
  auto bytes = reader.get(key);
  if (!bytes.ok()) return bytes.error();
  if (!bytes.value()) return std::optional<Row>{};
  auto row = decode_row<Row>(*bytes.value());
  if (!row.ok()) return row.error();
  return std::optional<Row>(std::move(row).value());
}

Bytes key_of(char kind, ByteView rest) {
  Bytes key(1, kind);
  key.append(rest);
  return key;
}

}  // namespace

Bytes message_key(const MessageId& id) {
  return key_of('M', id.view());
}
Bytes conversation_key(const ConversationId& id) {
  return key_of('C', id.view());
}
Bytes item_prefix(const ConversationId& id) {
  return key_of('I', id.view());
}
Bytes done_reply_prefix(const ConversationId& id) {
  return key_of('B', id.view());
}
Bytes done_reply_key(const ConversationId& id, const ReplyId& reply) {
  return done_reply_prefix(id).append(reply.view());
}
Bytes open_prefix() {
  return "O";
}
Bytes unplaced_prefix() {
  return "U";
}
Bytes handle_prefix(const HandleId& handle) {
  return key_of('H', handle.view());
}
Bytes link_prefix(const HandleId& handle) {
  return key_of('L', handle.view());
}
Bytes act_prefix() {
  return "V";
}
Bytes subject_prefix() {
  return "A";
}

Result<std::optional<MessageRow>> message(const Reader& reader, const MessageId& id) {
  return read<MessageRow>(reader, message_key(id));
}
Result<std::optional<Conversation>> conversation(const Reader& reader, const ConversationId& id) {
  return read<Conversation>(reader, conversation_key(id));
}
Result<ConversationId> canonical(const Reader& reader, const ConversationId& id) {
  auto row = conversation(reader, id);
  if (!row.ok()) return row.error();
  if (row.value() && row.value()->is_alias()) return row.value()->alias_of;
  return id;
}
Result<std::optional<Conversation>> standing(const Reader& reader, const ConversationId& id) {
  auto row = conversation(reader, id);
  if (row.ok() && row.value() && row.value()->is_alias()) {
    return conversation(reader, row.value()->alias_of);
  }
  return row;
}
Result<std::optional<ThreadRow>> thread(const Reader& reader, const Subject& key) {
  return read<ThreadRow>(reader, key_of('S', key.view()));
}
Result<std::optional<PlaceRow>> place(const Reader& reader, const Subject& key) {
  return read<PlaceRow>(reader, key_of('P', key.view()));
}
Result<std::optional<CommandRow>> command(const Reader& reader, const CommandId& id) {
  return read<CommandRow>(reader, key_of('K', id.view()));
}
Result<std::optional<ReplyRow>> reply(const Reader& reader, const ReplyId& id) {
  return read<ReplyRow>(reader, key_of('R', id.view()));
}
Result<std::optional<DoneReplyRow>> done_reply(const Reader& reader, const ConversationId& id,
                                               const ReplyId& reply) {
  return read<DoneReplyRow>(reader, done_reply_key(id, reply));
}
Result<std::optional<SubjectRow>> subject(const Reader& reader, const Subject& id) {
  return read<SubjectRow>(reader, key_of('A', id.view()));
}

Result<std::vector<HandleId>> customer(const Reader& reader, const HandleId& handle,
                                       std::size_t limit) {
  std::set<HandleId> known{handle};
  std::vector<HandleId> todo{handle};
  while (!todo.empty() && known.size() < limit) {
    const Bytes prefix = link_prefix(todo.back());
    todo.pop_back();
    Status bad;
    auto status = reader.scan(prefix, after_prefix(prefix), [&](ByteView key, ByteView value) {
      auto row = decode_row<LinkRow>(value);
      if (!row.ok()) {
        bad = row.error();
        return false;
      }
      const auto other = HandleId::from(key.substr(prefix.size()));
      if (row.value().linked && other && known.size() < limit && known.insert(*other).second) {
        todo.push_back(*other);
      }
      return true;
    });
    if (!status.ok()) return status.error();
    if (!bad.ok()) return bad.error();
  }
  return std::vector<HandleId>(known.begin(), known.end());
}

}  // namespace rows
}  // namespace crossfloor
