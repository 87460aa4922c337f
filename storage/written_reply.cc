#include "storage/written_reply.h"

#include <algorithm>

#include "storage/log_read.h"

namespace crossfloor {
namespace {

std::optional<ReplyBody> body_at(const Reader& reader, const Region& region, const Position& at) {
  auto entry = entry_at(reader, Stream{{at.node, at.generation}, region}, at.sequence);
  if (!entry.ok() || !entry.value()) return std::nullopt;
  auto body = decode_body<ReplyBody>(entry.value()->body);
  if (!body.ok()) return std::nullopt;
  return std::move(body).value();
}

bool was_home(const Conversation& c, const Epoch& epoch) {
  return std::any_of(c.homes.begin(), c.homes.end(), [&](const TermHome& home) {
    return home.term == epoch.term && home.node == epoch.node;
  });
}

}  // namespace

std::optional<WrittenReply> written_reply(const Reader& reader, const ReplyId& reply) {
  const auto known = rows::reply(reader, reply);
  if (!known.ok() || !known.value()) return std::nullopt;
  const ReplyRow& row = *known.value();
  auto first = body_at(reader, row.region, row.at);
  if (!first) return std::nullopt;
  const auto c = rows::conversation(reader, row.conversation);
  if (!c.ok()) return std::nullopt;
  std::optional<ReplyBody> found;
  if (c.value() && !was_home(*c.value(), first->epoch)) {
    const Bytes prefix = rows::item_prefix(row.conversation);
    const auto look = [&](ByteView key, ByteView value) {
      const auto at = Position::from_key(key.substr(prefix.size()));
      const auto item = decode_row<ItemRow>(value);
      if (!at || !item.ok()) return true;
      if (item.value().kind != static_cast<std::uint16_t>(EntryKind::reply)) return true;
      auto body = body_at(reader, item.value().region, *at);
      if (!body || body->reply != reply || !was_home(*c.value(), body->epoch)) return true;
      if (body->epoch.node == at->node) found = std::move(body);
      return !found;
    };
    if (!reader.scan(prefix + row.at.key(), after_prefix(prefix), look).ok()) return std::nullopt;
  }
  return WrittenReply{row.conversation, row.region, found ? std::move(*found) : std::move(*first)};
}

}  // namespace crossfloor
