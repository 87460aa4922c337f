// How a conversation's row follows its items: by one more at its end, from a recent state, or anew.
#include "storage/beside.h"
#include "storage/log_read.h"

namespace crossfloor {
namespace {

template <typename Body>
ConversationBody read_as(const Bytes& bytes) {
  auto body = decode_body<Body>(bytes);
  if (!body.ok()) return {};
  return std::move(body).value();
}

// The entry that a row names.
Result<Entry> stored_entry(const Reader& rows, const Region& region, const Position& at) {
  auto entry = entry_at(rows, Stream{{at.node, at.generation}, region}, at.sequence);
  if (!entry.ok()) return entry.error();
  if (!entry.value()) {
    return Error{ErrorCode::corrupt, "an entry that a row names is missing", "", ""};
  }
  return std::move(*entry.value());
}

// What a home says under an epoch of its own. A member that signs what another home wrote, with the
// numbers and times that it likes, says nothing: else it could put its text in a reply's place, or
// make a command look done. Only who salvages from behind a fork speaks for another.
bool may_speak(const Position& at, const Entry& entry, const Epoch& epoch) {
  if (epoch.node == at.node) return true;
  const auto header = EntryHeader::decode(entry.header);
  return header.ok() && (header.value().flags & EntryHeader::salvaged) != 0;
}

template <typename Body>
ConversationBody word_of_home(const Position& at, const Entry& entry) {
  auto body = decode_body<Body>(entry.body);
  if (!body.ok() || !may_speak(at, entry, body.value().epoch)) return {};
  return std::move(body).value();
}

// Where a message lies anybody may say; who opens a conversation is its home.
ConversationBody placement(const Position& at, const Entry& entry) {
  auto body = decode_body<PlacedBody>(entry.body);
  if (!body.ok()) return {};
  if (!may_speak(at, entry, body.value().epoch)) body.value().opens = false;
  return std::move(body).value();
}

}  // namespace

void Projections::add_item(Arrival& a, const ConversationId& conversation, const Position& at,
                           std::uint16_t kind, const ConversationId& subject,
                           const MessageId& message) const {
  const auto standing = a.standing(conversation);
  const ItemRow row{a.region, kind, subject, message};
  a.rows.put(keyed('I', standing.view(), at.key()), encode_row(row));
  auto& folded = a.held(standing);
  if (folded && !a.folds_again(standing)) {
    auto item = item_at(a, at, row);
    if (item && grow(a, *folded, *item)) return store(a, standing);
  }
  fold_again(a, standing, at);
}

void Projections::move_items(Arrival& a, const ConversationId& from,
                             const ConversationId& to) const {
  std::vector<std::pair<Bytes, Bytes>> items;
  const Bytes prefix = rows::item_prefix(from);
  a.note(a.rows.scan(prefix, after_prefix(prefix), [&](ByteView key, ByteView value) {
    items.emplace_back(Bytes(key), Bytes(value));
    return true;
  }));
  for (auto& [key, value] : items) {
    a.rows.erase(key);
    a.rows.put(keyed('I', to.view(), ByteView(key).substr(prefix.size())), std::move(value));
  }
}

bool Projections::grow(Arrival& a, Conversation& folded, const ConversationItem& item) const {
  const bool at_the_end = folded.last < item.at;
  if (at_the_end) recent_folds_.grows(folded);
  Beside beside(a, recent_folds_, folded.id);
  if (!fold_next(folded, item, beside)) return false;
  // What stood recently lacks an item that sorts before it.
  if (!at_the_end) recent_folds_.before(folded.id, item.at, 1);
  return true;
}

// From a place on, `{}`: all of it; when the run ends.
void Projections::fold_again(Arrival& a, const ConversationId& conversation,
                             const Position& from) const {
  const auto [place, fresh] = a.to_fold_again.try_emplace(conversation);
  Arrival::Late& late = place->second;
  late.from = fresh ? from : std::min(late.from, from);
  ++late.entries;
}

void Projections::fold_again_now(Arrival& a, const ConversationId& conversation) const {
  const auto late = a.to_fold_again.extract(conversation);
  if (late && refold_lately(a, conversation, late.mapped().from, late.mapped().entries)) return;
  refold(a, conversation);
}

// Folds again what sorts behind a place shortly before the end; so many entries came late since it
// was folded. False: the whole must be folded.
bool Projections::refold_lately(Arrival& a, const ConversationId& conversation,
                                const Position& from, std::uint32_t late) const {
  auto& now = a.held(conversation);
  const Conversation* before = now ? recent_folds_.before(conversation, from, late) : nullptr;
  if (before == nullptr) return false;
  Conversation folded = *before;
  const auto items =
      items_from(a, conversation, keyed('I', conversation.view(), folded.last.key()) + '\0');
  if (!a.failed.ok()) return true;
  Beside beside(a, recent_folds_, conversation);
  // Replies that have left the row since are in it again.
  for (const auto& reply : folded.replies) {
    if (!now->find_reply(reply.reply)) beside.forget(reply.reply);
  }
  for (const auto& item : items) {
    if (!fold_next(folded, item, beside)) return false;
  }
  now = std::move(folded);
  store(a, conversation);
  return true;
}

void Projections::refold(Arrival& a, const ConversationId& conversation) const {
  recent_folds_.forget(conversation);
  const auto items = items_from(a, conversation, rows::item_prefix(conversation));
  if (!a.failed.ok()) return;
  Beside beside(a, recent_folds_, conversation);
  beside.forget_all();
  a.held(conversation) = fold_conversation(conversation, items, beside);
  store(a, conversation);
}

std::vector<ConversationItem> Projections::items_from(Arrival& a,
                                                      const ConversationId& conversation,
                                                      const Bytes& from) const {
  std::vector<std::pair<Position, ItemRow>> found;
  const Bytes prefix = rows::item_prefix(conversation);
  a.note(a.rows.scan(from, after_prefix(prefix), [&](ByteView key, ByteView value) {
    auto row = decode_row<ItemRow>(value);
    const auto at = Position::from_key(key.substr(prefix.size()));
    if (!row.ok() || !at) {
      a.note(row.ok() ? Error{ErrorCode::corrupt, "an item's key of a wrong size", "", ""}
                      : row.error());
      return false;
    }
    found.emplace_back(*at, std::move(row).value());
    return true;
  }));
  items_folded_again_ += found.size();
  std::vector<ConversationItem> items;
  for (const auto& [at, row] : found) {
    if (auto item = item_at(a, at, row)) items.push_back(std::move(*item));
  }
  return items;
}

void Projections::store(Arrival& a, const ConversationId& conversation) const {
  a.held(conversation)->region = a.region;
  a.changed(conversation);
}

std::optional<ConversationItem> Projections::item_at(Arrival& a, const Position& at,
                                                     const ItemRow& row) const {
  ConversationItem item;
  item.at = at;
  item.subject = row.subject;
  item.kind = static_cast<EntryKind>(row.kind);
  item.message = row.message;
  if (at == a.at) {
    item.body = a.body;
  } else if (item.kind == EntryKind::message) {
    auto message = message_at(a.rows, row.region, at);
    if (!message.ok()) {
      a.note(message.error());
      return std::nullopt;
    }
    if (message.value() != nullptr) item.body = std::move(message).value();
  } else {
    auto entry = stored_entry(a.rows, row.region, at);
    if (!entry.ok()) {
      a.note(entry.error());
      return std::nullopt;
    }
    item.body = body_of(at, item.kind, entry.value());
  }
  if (item.kind == EntryKind::message) {
    const MessageRow& row_of = a.held(row.message);
    const MessageCopy* primary = row_of.primary();
    item.first_copy = primary != nullptr && primary->at == at;
    item.echo_of = row_of.echo_of;
    const auto* message = std::get_if<RecentMessages::Known>(&item.body);
    if (message != nullptr && !(*message)->message.parent_id.empty()) {
      item.parent = a.subjects.message((*message)->account, (*message)->message.parent_id);
    }
  }
  return item;
}

Result<RecentMessages::Known> Projections::message_at(const Reader& rows, const Region& region,
                                                      const Position& at) const {
  if (auto known = recent_.find(at)) return known;
  auto entry = stored_entry(rows, region, at);
  if (!entry.ok()) return entry.error();
  return decoded(at, entry.value().body);
}

RecentMessages::Known Projections::decoded(const Position& at, const Bytes& body) const {
  auto message = decode_body<MessageBody>(body);
  if (!message.ok()) return nullptr;
  auto known = std::make_shared<const MessageBody>(std::move(message).value());
  recent_.keep(at, known);
  return known;
}

ConversationBody Projections::body_of(const Position& at, EntryKind kind,
                                      const Entry& entry) const {
  switch (kind) {
    case EntryKind::message: {
      auto message = recent_.find(at);
      if (message == nullptr) message = decoded(at, entry.body);
      if (message == nullptr) return {};
      return message;
    }
    case EntryKind::placed:
      return placement(at, entry);
    case EntryKind::course:
      return word_of_home<CourseBody>(at, entry);
    case EntryKind::took_home:
      return read_as<TookHomeBody>(entry.body);
    case EntryKind::reply:
      return word_of_home<ReplyBody>(at, entry);
    case EntryKind::note:
      return word_of_home<NoteBody>(at, entry);
    case EntryKind::attempt:
      return read_as<AttemptBody>(entry.body);
    case EntryKind::outcome:
      return read_as<OutcomeBody>(entry.body);
    default:
      return {};
  }
}

}  // namespace crossfloor
