#include "storage/projections.h"

#include <algorithm>

#include "storage/log_read.h"

namespace crossfloor {
namespace {

Bytes keyed(char kind, ByteView first, ByteView second = {}) {
  Bytes key;
  key.reserve(1 + first.size() + second.size());
  key.push_back(kind);
  key.append(first);
  key.append(second);
  return key;
}

template <typename T, typename Less>
void insert_sorted(std::vector<T>& list, T value, Less less) {
  list.insert(std::lower_bound(list.begin(), list.end(), value, less), std::move(value));
}

template <typename Body>
ConversationBody read_as(const Bytes& bytes) {
  auto body = decode_body<Body>(bytes);
  if (!body.ok()) return {};
  return std::move(body).value();
}

// What the entry says that a row names.
Result<Bytes> stored_body(const Reader& rows, const Region& region, const Position& at) {
  auto entry = entry_at(rows, Stream{{at.node, at.generation}, region}, at.sequence);
  if (!entry.ok()) return entry.error();
  if (!entry.value()) {
    return Error{ErrorCode::corrupt, "an entry that a row names is missing", "", ""};
  }
  return std::move(entry.value()->body);
}

constexpr auto by_position = [](const auto& a, const auto& b) { return a.at < b.at; };

}  // namespace

// One entry on its way into the rows. Conversations and messages are read once, and written once
// when all that the entry changes is folded.
struct Projections::Arrival {
  template <typename Row>
  struct Held {
    std::optional<Row> row;
    bool changed = false;
    // Of a conversation: before this entry, and whether this entry indexes it by its customer.
    bool was_open = false;
    std::optional<CustomerRow> was_resting;
    bool indexed = false;
  };

  Workspace& rows;
  const Entry& entry;
  EntryHeader header;
  Region region;
  Position at;
  const Subjects& subjects;
  FoldNews& news;
  ConversationBody body;
  Status failed;  // the first error of the store; later steps are then skipped
  std::map<ConversationId, Held<Conversation>> conversations;
  std::map<MessageId, Held<MessageRow>> messages;

  ConversationId conversation() const { return header.subject.as<ConversationId>(); }

  template <typename Row>
  Row get(Result<std::optional<Row>> row) {
    if (row.ok()) return row.value().value_or(Row{});
    if (failed.ok()) failed = row.error();
    return Row{};
  }
  std::optional<Conversation>& held(const ConversationId& id) {
    const auto [place, fresh] = conversations.try_emplace(id);
    Held<Conversation>& found = place->second;
    if (fresh) {
      take(crossfloor::rows::conversation(rows, id), found.row);
      found.was_open = found.row && found.row->is_open();
      found.was_resting = resting(found.row);
    }
    return found.row;
  }
  MessageRow& held(const MessageId& id) {
    const auto [place, fresh] = messages.try_emplace(id);
    if (fresh) take(crossfloor::rows::message(rows, id), place->second.row);
    if (!place->second.row) place->second.row.emplace();
    return *place->second.row;
  }
  void changed(const ConversationId& id) { conversations[id].changed = true; }
  void changed(const MessageId& id) { messages[id].changed = true; }

  ConversationId standing(const ConversationId& id) {
    const auto& row = held(id);
    return row && row->is_alias() ? row->alias_of : id;
  }
  void note(Status status) {
    if (!status.ok() && failed.ok()) failed = status;
  }

  // Writes what changed.
  void settle();
  static Bytes customer_key(const HandleId& handle, const Position& opened,
                            const ConversationId& id) {
    Bytes key = crossfloor::rows::handle_prefix(handle);
    put_be64(key, opened.time.value);
    return key.append(id.view());
  }

 private:
  void settle_index(const ConversationId& id, const Held<Conversation>& held);
  std::optional<CustomerRow> resting(const std::optional<Conversation>& row) const {
    if (!row || !row->opened || row->is_open() || row->first == Position{}) return std::nullopt;
    return CustomerRow{region, row->first, row->last};
  }
  template <typename Row>
  void take(Result<std::optional<Row>> read, std::optional<Row>& row) {
    if (read.ok()) {
      row = std::move(read).value();
    } else {
      note(read.error());
    }
  }
};

// What the fold of one conversation asks of other rows, and puts there.
class Projections::Beside final : public ConversationMemory {
 public:
  Beside(Arrival& a, RecentFolds& recent, const ConversationId& conversation)
      : a_(a), recent_(recent), conversation_(conversation) {}

  bool folded_before(const MessageId& id, const Position& place) override {
    const MessageRow& message = a_.held(id);
    const MessageCopy* primary = message.primary();
    return primary != nullptr && primary->at < place && !message.placements.empty() &&
           a_.standing(message.placements.front().conversation) == conversation_;
  }
  void put_done(const ReplyState& reply) override {
    a_.rows.put(rows::done_reply_key(conversation_, reply.reply),
                encode_row(DoneReplyRow{a_.region, reply}));
  }
  std::optional<ReplyState> take_done(const ReplyId& reply) override {
    auto row = rows::done_reply(a_.rows, conversation_, reply);
    if (!row.ok()) a_.note(row.error());
    if (!row.ok() || !row.value()) return std::nullopt;
    forget(reply);
    recent_.forget(conversation_);  // how it stood then is not known any more
    return std::move(row.value()->reply);
  }
  void forget(const ReplyId& reply) { a_.rows.erase(rows::done_reply_key(conversation_, reply)); }
  void forget_all() {
    std::vector<Bytes> keys;
    const Bytes prefix = rows::done_reply_prefix(conversation_);
    a_.note(a_.rows.scan(prefix, after_prefix(prefix), [&](ByteView key, ByteView) {
      keys.emplace_back(key);
      return true;
    }));
    for (auto& key : keys) a_.rows.erase(std::move(key));
  }

 private:
  Arrival& a_;
  RecentFolds& recent_;
  ConversationId conversation_;
};

void Projections::Arrival::settle() {
  for (const auto& [id, message] : messages) {
    if (message.changed) rows.put(crossfloor::rows::message_key(id), encode_row(*message.row));
  }
  for (auto& [id, held] : conversations) {
    if (!held.changed) continue;
    const bool open = held.row && held.row->is_open();
    if (held.row) {
      rows.put(crossfloor::rows::conversation_key(id), encode_row(*held.row));
    } else {
      rows.erase(crossfloor::rows::conversation_key(id));
    }
    settle_index(id, held);
    if (open && !held.was_open) rows.put(keyed('O', id.view()), region);
    if (!open && held.was_open) rows.erase(keyed('O', id.view()));
    news.conversations.insert_or_assign(id, std::move(held.row));
  }
}

// Customers' pages pass over what rests, so that its row of the index says where it lies; while it
// is open nothing has to be written there for each message.
void Projections::Arrival::settle_index(const ConversationId& id, const Held<Conversation>& held) {
  const auto now = resting(held.row);
  if (!held.row ||
      (now ? !held.indexed && now == held.was_resting : held.indexed || !held.was_resting)) {
    return;
  }
  Bytes key = customer_key(held.row->handle, held.row->opened_at, id);
  auto known = rows.get(key);
  if (!known.ok()) return note(known.error());
  Bytes value = encode_customer_row(now.value_or(CustomerRow{region, {}, {}}));
  if (known.value() && *known.value() != value) rows.put(std::move(key), std::move(value));
}

Status Projections::fold(Workspace& rows, const Stream& stream, Sequence sequence,
                         const Entry& entry, FoldNews& news) const {
  auto header = EntryHeader::decode(entry.header);
  if (!header.ok()) return {};
  const Subjects* subjects = subjects_(stream.region);
  if (subjects == nullptr) return {};
  Arrival a{rows,
            entry,
            header.value(),
            stream.region,
            {header.value().time, stream.origin.node, stream.origin.generation, sequence},
            *subjects,
            news,
            {},
            {},
            {},
            {}};
  const auto kind = static_cast<EntryKind>(header.value().kind);
  a.body = body_of(a.at, kind, entry.body);
  switch (kind) {
    case EntryKind::message:
      fold_message(a);
      break;
    case EntryKind::placed:
      fold_placed(a);
      break;
    case EntryKind::course:
      if (const auto* body = std::get_if<CourseBody>(&a.body)) note_command(a, body->command);
      add_item(a, a.conversation(), a.at, header.value().kind, a.conversation(), {});
      break;
    case EntryKind::note:
      if (const auto* body = std::get_if<NoteBody>(&a.body)) note_command(a, body->command);
      add_item(a, a.conversation(), a.at, header.value().kind, a.conversation(), {});
      break;
    case EntryKind::reply:
      if (const auto* body = std::get_if<ReplyBody>(&a.body)) {
        note_command(a, body->command);
        const auto key = keyed('R', body->reply.view());
        const auto known = a.get(rows::reply(a.rows, body->reply));
        if (known.at == Position{} || a.at < known.at) {
          a.rows.put(key, encode_row(ReplyRow{a.conversation(), a.at, a.region}));
        }
      }
      add_item(a, a.conversation(), a.at, header.value().kind, a.conversation(), {});
      break;
    case EntryKind::outcome:
      note_external_name(a);
      [[fallthrough]];
    case EntryKind::took_home:
    case EntryKind::attempt:
      add_item(a, a.conversation(), a.at, header.value().kind, a.conversation(), {});
      break;
    case EntryKind::link:
      fold_link(a);
      break;
    case EntryKind::agent:
    case EntryKind::account:
      fold_subject(a);
      break;
    case EntryKind::act:
      a.rows.put(keyed('V', a.at.key()), a.region);
      break;
    case EntryKind::certificate:
    case EntryKind::revocation:
      news.membership.push_back(entry);
      break;
    case EntryKind::generation:
      break;
  }
  if (a.failed.ok()) a.settle();
  return a.failed;
}

void Projections::fold_message(Arrival& a) const {
  const auto id = a.header.subject.as<MessageId>();
  MessageRow& row = a.held(id);
  row.region = a.region;
  MessageCopy copy{a.at, MessageKind::message, {}};
  if (const auto* known = std::get_if<RecentMessages::Known>(&a.body)) {
    const MessageBody& body = **known;
    const auto& message = body.message;
    copy.kind = message.kind;
    copy.text = a.subjects.text(word_of(message.kind), message.text);
    if (body.trusted_ref && !message.customer.customer_ref.empty()) {
      const auto handle = a.subjects.handle(body.brand, body.channel, message.customer.external_id);
      const auto ref = a.subjects.reference(body.brand, message.customer.customer_ref);
      put_link(a, handle, ref, {a.at, true, true, a.region});
    }
  }
  insert_sorted(row.copies, copy, by_position);
  a.changed(id);
  if (row.placements.empty()) {
    a.rows.put(keyed('U', id.view()), a.region);
    a.news.unplaced.insert(id);
    return;
  }
  add_item(a, a.standing(row.placements.front().conversation), a.at, a.header.kind,
           row.placements.front().conversation, id);
}

void Projections::fold_placed(Arrival& a) const {
  const auto* placed = std::get_if<PlacedBody>(&a.body);
  if (placed == nullptr) return;
  const PlacedBody& body = *placed;
  if (body.opens) opened(a, body);
  MessageRow& row = a.held(body.message);
  const auto before = row.placements;
  row.region = a.region;
  insert_sorted(row.placements, Placement{a.at, a.conversation()}, by_position);
  a.changed(body.message);
  a.rows.erase(keyed('U', body.message.view()));
  const auto target = a.standing(row.placements.front().conversation);
  if (before.empty()) {
    move_message(a, body.message, row, target);
  } else if (before.front().conversation != row.placements.front().conversation) {
    move_message(a, body.message, row, a.standing(before.front().conversation));
  }
  add_item(a, a.standing(a.conversation()), a.at, a.header.kind, a.conversation(), body.message);
}

// Puts a message's items where its first placement says, out of `from`. Mostly they are new there
// and sort after all that the conversation holds: then nothing has to be folded again.
void Projections::move_message(Arrival& a, const MessageId& message, const MessageRow& row,
                               const ConversationId& from) const {
  if (row.copies.empty()) return;
  const auto subject = row.placements.front().conversation;
  const auto to = a.standing(subject);
  auto& folded = a.held(to);
  if (!folded) folded.emplace().id = to;
  bool grows = from == to;
  for (const auto& copy : row.copies) {
    if (from != to) a.rows.erase(keyed('I', from.view(), copy.at.key()));
    const ItemRow item_row{a.region, static_cast<std::uint16_t>(EntryKind::message), subject,
                           message};
    a.rows.put(keyed('I', to.view(), copy.at.key()), encode_row(item_row));
    if (!grows) continue;
    const auto item = item_at(a, to, copy.at, item_row);
    grows = item && grow(a, *folded, *item);
  }
  if (grows) return store(a, to);
  if (from == to && refold_lately(a, to, row.copies.front().at)) return;
  if (from != to) refold(a, from);
  refold(a, to);
}

// Two homes may have opened it in a cut: the first opening is its age.
void Projections::index_by_customer(Arrival& a, const PlacedBody& body) const {
  const auto id = a.conversation();
  const auto& known = a.held(id);
  if (known && known->opened) {
    if (known->opened_at < a.at) return;
    a.rows.erase(Arrival::customer_key(known->handle, known->opened_at, id));
  }
  a.rows.put(Arrival::customer_key(body.handle, a.at, id), a.region);
  a.conversations[id].indexed = true;
}

// Indexes a conversation by its customer, place and thread, and finds out whether it is an alias.
void Projections::opened(Arrival& a, const PlacedBody& body) const {
  if (!may_open(body)) return;
  const auto id = a.conversation();
  index_by_customer(a, body);

  const auto place_key = a.subjects.place(body.account, body.handle, body.is_public);
  const auto place = a.get(rows::place(a.rows, place_key));
  if (place.at < a.at) {
    a.rows.put(keyed('P', place_key.view()), encode_row(PlaceRow{a.at, id, a.region}));
  }
  if (body.thread_id.empty()) return;

  const auto thread_key = a.subjects.thread(body.account, body.thread_id, body.handle);
  ThreadRow thread = a.get(rows::thread(a.rows, thread_key));
  thread.region = a.region;
  const auto same = std::find_if(thread.opened.begin(), thread.opened.end(),
                                 [&](const Placement& p) { return p.conversation == id; });
  const auto before = thread.opened.empty() ? id : thread.opened.front().conversation;
  if (same != thread.opened.end()) {
    if (same->at <= a.at) return;
    thread.opened.erase(same);
  }
  insert_sorted(thread.opened, Placement{a.at, id}, by_position);
  a.rows.put(keyed('S', thread_key.view()), encode_row(thread));
  const auto stands = thread.opened.front().conversation;
  for (const auto& one : thread.opened) {
    if (one.conversation == stands) continue;
    if (one.conversation != id && before == stands) continue;  // an alias already
    Conversation alias;
    alias.id = one.conversation;
    alias.opened = true;
    alias.opened_at = one.at;
    alias.account = body.account;
    alias.brand = body.brand;
    alias.channel = body.channel;
    alias.handle = body.handle;
    alias.thread_id = body.thread_id;
    alias.alias_of = stands;
    alias.state = CourseState::closed;
    alias.reason = "alias";
    a.held(alias.id) = alias;
    recent_folds_.forget(alias.id);
    Beside(a, recent_folds_, alias.id).forget_all();
    store(a, alias.id);
    move_items(a, one.conversation, stands);
  }
  if (before != stands) {
    // It was an alias until now: its own row is folded anew.
    a.held(stands).reset();
    move_items(a, before, stands);
  }
  if (thread.opened.size() > 1) refold(a, stands);
}

void Projections::fold_subject(Arrival& a) const {
  const auto known = a.get(rows::subject(a.rows, a.header.subject));
  if (a.at < known.at) return;
  a.rows.put(keyed('A', a.header.subject.view()),
             encode_row(SubjectRow{a.at, a.region, a.header.kind}));
  a.news.subjects.insert(a.header.subject);
}

void Projections::fold_link(Arrival& a) const {
  auto body = decode_body<LinkBody>(a.entry.body);
  if (!body.ok()) return;
  const auto& link = body.value();
  put_link(a, link.first, link.second, {a.at, link.linked, false, a.region});
}

// The person who unlinks means it: no message with the same reference, whenever it was written or
// comes in, links the pair anew. Of persons the latest counts, of messages the first.
void Projections::put_link(Arrival& a, const HandleId& first, const HandleId& second,
                           LinkRow fresh) const {
  if (first == second) return;
  for (const auto& key :
       {keyed('L', first.view(), second.view()), keyed('L', second.view(), first.view())}) {
    auto known = a.rows.get(key);
    if (!known.ok()) return a.note(known.error());
    if (known.value()) {
      auto row = decode_row<LinkRow>(*known.value());
      if (!row.ok()) return a.note(row.error());
      const LinkRow& old = row.value();
      if (old.by_reference != fresh.by_reference) {
        if (fresh.by_reference) continue;
      } else if (fresh.by_reference ? old.at < fresh.at : fresh.at < old.at) {
        continue;
      }
    }
    a.rows.put(key, encode_row(fresh));
  }
}

void Projections::note_command(Arrival& a, const CommandId& command) const {
  if (command.is_zero()) return;
  const auto known = a.get(rows::command(a.rows, command));
  if (known.at != Position{} && known.at < a.at) return;
  a.rows.put(keyed('K', command.view()),
             encode_row(CommandRow{a.at, a.header.kind, a.conversation(), a.region}));
}

// The provider's name of what we sent: its echo coming in later is not a new message.
void Projections::note_external_name(Arrival& a) const {
  const auto* body = std::get_if<OutcomeBody>(&a.body);
  if (body == nullptr || body->outcome != ReplyOutcome::accepted || body->external_id.empty()) {
    return;
  }
  const auto id = a.subjects.message(body->account, body->external_id);
  MessageRow& row = a.held(id);
  if (!row.echo_of.is_zero() && row.echo_of <= body->reply) return;
  row.region = a.region;
  row.echo_of = body->reply;
  a.changed(id);
  if (!row.placements.empty()) refold(a, a.standing(row.placements.front().conversation));
}

void Projections::add_item(Arrival& a, const ConversationId& conversation, const Position& at,
                           std::uint16_t kind, const ConversationId& subject,
                           const MessageId& message) const {
  const auto standing = a.standing(conversation);
  const ItemRow row{a.region, kind, subject, message};
  a.rows.put(keyed('I', standing.view(), at.key()), encode_row(row));
  if (auto& folded = a.held(standing)) {
    auto item = item_at(a, standing, at, row);
    if (item && grow(a, *folded, *item)) return store(a, standing);
  }
  if (!refold_lately(a, standing, at)) refold(a, standing);
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
  if (item.at <= folded.last) return false;
  recent_folds_.grows(folded);
  Beside beside(a, recent_folds_, folded.id);
  return fold_next(folded, item, beside);
}

// Folds again what sorts behind a place shortly before the end. False: the whole must be folded.
bool Projections::refold_lately(Arrival& a, const ConversationId& conversation,
                                const Position& from) const {
  auto& now = a.held(conversation);
  const Conversation* before = now ? recent_folds_.before(conversation, from) : nullptr;
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
  std::vector<ConversationItem> items;
  for (const auto& [at, row] : found) {
    if (auto item = item_at(a, conversation, at, row)) items.push_back(std::move(*item));
  }
  return items;
}

void Projections::store(Arrival& a, const ConversationId& conversation) const {
  a.held(conversation)->region = a.region;
  a.changed(conversation);
}

std::optional<ConversationItem> Projections::item_at(Arrival& a, const ConversationId&,
                                                     const Position& at, const ItemRow& row) const {
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
    auto body = stored_body(a.rows, row.region, at);
    if (!body.ok()) {
      a.note(body.error());
      return std::nullopt;
    }
    item.body = body_of(at, item.kind, body.value());
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
  auto body = stored_body(rows, region, at);
  if (!body.ok()) return body.error();
  return decoded(at, body.value());
}

RecentMessages::Known Projections::decoded(const Position& at, const Bytes& body) const {
  auto message = decode_body<MessageBody>(body);
  if (!message.ok()) return nullptr;
  auto known = std::make_shared<const MessageBody>(std::move(message).value());
  recent_.keep(at, known);
  return known;
}

ConversationBody Projections::body_of(const Position& at, EntryKind kind, const Bytes& body) const {
  switch (kind) {
    case EntryKind::message: {
      auto message = recent_.find(at);
      if (message == nullptr) message = decoded(at, body);
      if (message == nullptr) return {};
      return message;
    }
    case EntryKind::placed:
      return read_as<PlacedBody>(body);
    case EntryKind::course:
      return read_as<CourseBody>(body);
    case EntryKind::took_home:
      return read_as<TookHomeBody>(body);
    case EntryKind::reply:
      return read_as<ReplyBody>(body);
    case EntryKind::note:
      return read_as<NoteBody>(body);
    case EntryKind::attempt:
      return read_as<AttemptBody>(body);
    case EntryKind::outcome:
      return read_as<OutcomeBody>(body);
    default:
      return {};
  }
}

}  // namespace crossfloor
