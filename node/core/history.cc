#include "node/core/history.h"

#include <algorithm>
#include <deque>

#include "storage/log_read.h"
#include "storage/recent_reads.h"

namespace crossfloor {
namespace {

constexpr std::size_t keys_per_read = 32;
// Entries passed over in one page (courses, attempts …) before it ends early, with a cursor.
constexpr std::size_t max_passed_over = 4'000;

bool is_shown(std::uint16_t kind) {
  switch (static_cast<EntryKind>(kind)) {
    case EntryKind::message:
    case EntryKind::reply:
    case EntryKind::note:
      return true;
    default:
      return false;
  }
}

// The items of one conversation, last first, read a few keys at a time, and only when their turn
// may have come: a customer's page touches few of a customer's conversations.
class Backwards {
 public:
  Backwards(const Reader& reader, const ConversationId& id, const Position& last,
            std::optional<Position> before)
      : reader_(reader),
        id_(id),
        prefix_(rows::item_prefix(id)),
        to_(before ? prefix_ + before->key() : after_prefix(prefix_)),
        bound_(before ? std::min(*before, last) : last) {}
  Backwards(const Reader& reader, Conversation conversation, std::optional<Position> before)
      : Backwards(reader, conversation.id, conversation.last, before) {
    conversation_ = std::move(conversation);
  }

  struct Item {
    Position at;
    ItemRow row;
  };
  bool at_end() const { return found_.empty() && done_; }
  // The next one is at this place or before it.
  const Position& bound() const { return found_.empty() ? bound_ : found_.front().at; }
  // The next one, which stays; nothing if it is not read yet.
  const Item* next() const { return found_.empty() ? nullptr : &found_.front(); }
  void pop() { found_.pop_front(); }
  // Once something was read of it.
  const Conversation& conversation() const { return *conversation_; }

  Status fill() {
    if (!conversation_) {
      auto row = rows::conversation(reader_, id_);
      if (!row.ok()) return row.error();
      conversation_ = std::move(row).value();
      if (!conversation_) return Error{ErrorCode::corrupt, "a conversation is missing", "", ""};
    }
    Status broken;
    auto scanned = reader_.scan_back(prefix_, to_, [&](ByteView key, ByteView value) {
      const auto at = Position::from_key(key.substr(prefix_.size()));
      auto row = decode_row<ItemRow>(value);
      if (!at || !row.ok()) {
        broken = row.ok() ? Error{ErrorCode::corrupt, "an item's key of a wrong size", "", ""}
                          : row.error();
        return false;
      }
      found_.push_back({*at, std::move(row).value()});
      return found_.size() < keys_per_read;
    });
    if (!scanned.ok()) return scanned;
    if (!broken.ok()) return broken;
    done_ = found_.size() < keys_per_read;
    if (!found_.empty()) {
      bound_ = found_.back().at;
      to_ = prefix_ + bound_.key();
    }
    return {};
  }

 private:
  const Reader& reader_;
  ConversationId id_;
  std::optional<Conversation> conversation_;
  Bytes prefix_;
  Bytes to_;
  Position bound_;
  std::deque<Item> found_;
  bool done_ = false;
};

const char* outcome_of(const ReplyState& reply) {
  if (reply.has_outcome) return word_of(reply.outcome);
  return reply.attempts > 0 ? "attempted" : "waiting";
}

client::HistoryItem blank(const Conversation& c, const Position& at) {
  client::HistoryItem item;
  item.cursor = to_hex(at.key());
  item.conversation = c.id;
  item.account = c.account;
  item.channel = c.channel;
  item.time_ms = ms_of(at.time.wall());
  return item;
}

// A copy that says nothing new (the same webhook at two hosts), news of delivery, and the echo of a
// reply are not shown.
Result<std::optional<client::HistoryItem>> message_item(const Reader& reader, const Conversation& c,
                                                        const Backwards::Item& from,
                                                        const Entry& entry) {
  auto row = rows::message(reader, from.row.message);
  if (!row.ok()) return row.error();
  if (!row.value() || !row.value()->echo_of.is_zero()) return std::optional<client::HistoryItem>();
  const MessageRow& known = *row.value();
  const auto copy = std::find_if(known.copies.begin(), known.copies.end(),
                                 [&](const MessageCopy& one) { return one.at == from.at; });
  if (copy == known.copies.end() || copy->kind == MessageKind::delivered ||
      copy->kind == MessageKind::read) {
    return std::optional<client::HistoryItem>();
  }
  const bool is_first = known.primary() == &*copy;
  const auto same_text = [&](const MessageCopy& one) {
    return one.kind == copy->kind && one.text == copy->text;
  };
  if (!is_first && std::any_of(known.copies.begin(), copy, same_text)) {
    return std::optional<client::HistoryItem>();
  }
  client::HistoryItem item = blank(c, from.at);
  item.kind = client::HistoryKind::message;
  item.message = from.row.message;
  item.revision = copy->kind == MessageKind::deleted ? client::Revision::deleted
                  : is_first                         ? client::Revision::first
                                                     : client::Revision::edited;
  item.unanswered =
      is_first && std::any_of(c.unanswered.begin(), c.unanswered.end(),
                              [&](const Unanswered& u) { return u.message == from.row.message; });
  auto body = decode_body<MessageBody>(entry.body);
  if (!body.ok()) return std::optional(std::move(item));  // erased: only that it was there
  const auto& message = body.value().message;
  const bool in = message.direction == Direction::in;
  item.direction = in ? client::HistoryDirection::in : client::HistoryDirection::out;
  item.is_public = message.is_public;
  if (in) {
    item.author =
        message.customer.name.empty() ? message.customer.external_id : message.customer.name;
  }
  item.time_ms = body.value().taken_ms;
  item.provider_time_ms = message.provider_time_ms;
  item.text = message.text;
  item.language = message.language;
  item.attachments = message.attachments;
  item.external_id = message.external_id;
  item.parent_external_id = message.parent_id;
  return std::optional(std::move(item));
}

// A reply stands where it was first written; that home named another sender is not shown again.
std::optional<client::HistoryItem> reply_item(const Reader& reader, const Conversation& c,
                                              const Position& at, const Entry& entry) {
  auto body = decode_body<ReplyBody>(entry.body);
  if (!body.ok()) return std::nullopt;
  const ReplyBody& reply = body.value();
  auto row = rows::reply(reader, reply.reply);
  if (row.ok() && row.value() && row.value()->at != at) return std::nullopt;
  client::HistoryItem item = blank(c, at);
  item.kind = client::HistoryKind::reply;
  item.direction = client::HistoryDirection::out;
  item.is_public = reply.is_public;
  item.author = reply.agent;
  item.text = reply.text;
  item.language = reply.language;
  item.reply = reply.reply;
  item.answers = reply.seen;
  item.parent_external_id = reply.parent_id;
  const auto known = std::find_if(c.replies.begin(), c.replies.end(),
                                  [&](const ReplyState& r) { return r.reply == reply.reply; });
  const auto tell = [&](const ReplyState& state) {
    item.outcome = outcome_of(state);
    item.outcome_detail = state.detail;
    item.handled_twice = !state.counts || state.twice;
  };
  if (known != c.replies.end()) {
    tell(*known);
  } else if (auto done = rows::done_reply(reader, c.id, reply.reply); done.ok() && done.value()) {
    tell(done.value()->reply);
  }
  return item;
}

std::optional<client::HistoryItem> note_item(const Conversation& c, const Position& at,
                                             const Entry& entry) {
  auto body = decode_body<NoteBody>(entry.body);
  if (!body.ok()) return std::nullopt;
  client::HistoryItem item = blank(c, at);
  item.kind = client::HistoryKind::note;
  item.direction = client::HistoryDirection::internal;
  item.author = body.value().agent;
  item.text = body.value().text;
  return item;
}

Result<std::optional<client::HistoryItem>> shown(const Reader& reader, const Conversation& c,
                                                 const Backwards::Item& from) {
  auto entry = entry_at(reader, Stream{{from.at.node, from.at.generation}, from.row.region},
                        from.at.sequence);
  if (!entry.ok()) return entry.error();
  if (!entry.value()) {
    return Error{ErrorCode::corrupt, "an entry that a row names is missing", "", ""};
  }
  switch (static_cast<EntryKind>(from.row.kind)) {
    case EntryKind::reply:
      return reply_item(reader, c, from.at, *entry.value());
    case EntryKind::note:
      return note_item(c, from.at, *entry.value());
    default:
      return message_item(reader, c, from, *entry.value());
  }
}

Result<std::optional<Position>> cursor_of(const std::string& before) {
  if (before.empty()) return std::optional<Position>();
  const auto bytes = from_hex(before);
  auto at = bytes ? Position::from_key(*bytes) : std::nullopt;
  if (!at) {
    return Error{ErrorCode::malformed, "is not the `next` of a page", "before",
                 "leave it out for the newest page"};
  }
  return at;
}

// Merges the sources, newest first.
Result<client::HistoryPage> merge(const Reader& reader, std::deque<Backwards>& sources,
                                  std::size_t items) {
  items = std::clamp<std::size_t>(items, 1, client::max_page);
  client::HistoryPage page;
  std::string reached;
  std::vector<Backwards*> heap;  // the one whose next item may be the newest in front
  for (auto& source : sources) heap.push_back(&source);
  const auto older = [](const Backwards* a, const Backwards* b) { return a->bound() < b->bound(); };
  std::make_heap(heap.begin(), heap.end(), older);
  for (std::size_t passed_over = 0; !heap.empty();) {
    Backwards& newest = *heap.front();
    const Backwards::Item* next = newest.next();
    if (next != nullptr && (page.items.size() >= items || passed_over >= max_passed_over)) {
      page.next = reached;
      return page;
    }
    std::pop_heap(heap.begin(), heap.end(), older);
    if (next == nullptr) {
      if (auto status = newest.fill(); !status.ok()) return status.error();
    } else {
      reached = to_hex(next->at.key());
      bool taken = false;
      if (is_shown(next->row.kind)) {
        auto item = shown(reader, newest.conversation(), *next);
        if (!item.ok()) return item.error();
        if (item.value()) {
          page.items.push_back(std::move(*item.value()));
          taken = true;
        }
      }
      if (!taken) ++passed_over;
      newest.pop();
    }
    if (newest.at_end()) {
      heap.pop_back();
    } else {
      std::push_heap(heap.begin(), heap.end(), older);
    }
  }
  return page;
}

struct Opened {
  std::uint64_t time = 0;  // when it was opened: hybrid time
  ConversationId id;
  CustomerRow row;
};

// The conversations opened by one handle, newest first; at most `limit`.
Status opened_by(const Reader& reader, const HandleId& handle, std::size_t limit,
                 std::vector<Opened>& out) {
  const Bytes prefix = rows::handle_prefix(handle);
  std::size_t found = 0;
  Status bad;
  auto status = reader.scan_back(prefix, after_prefix(prefix), [&](ByteView key, ByteView value) {
    const ByteView rest = key.substr(prefix.size());
    auto row = decode_customer_row(value);
    if (!row.ok()) {
      bad = row.error();
      return false;
    }
    if (rest.size() == 8 + ConversationId::size) {
      out.push_back(
          {get_be64(rest.data()), *ConversationId::from(rest.substr(8)), std::move(row).value()});
    }
    return ++found < limit;
  });
  return status.ok() ? bad : status;
}

struct OpenedByCustomer {
  std::vector<HandleId> handles;
  std::vector<Opened> conversations;  // newest first
};

Result<OpenedByCustomer> conversations_of(const Reader& reader, const HandleId& handle) {
  auto handles = rows::customer(reader, handle);
  if (!handles.ok()) return handles.error();
  OpenedByCustomer opened{std::move(handles).value(), {}};
  auto& found = opened.conversations;
  for (const auto& one : opened.handles) {
    if (auto status = opened_by(reader, one, max_conversations_read, found); !status.ok()) {
      return status.error();
    }
  }
  std::sort(found.begin(), found.end(), [](const Opened& a, const Opened& b) {
    return std::tie(b.time, b.id) < std::tie(a.time, a.id);
  });
  if (found.size() > max_conversations_read) found.resize(max_conversations_read);
  return opened;
}

}  // namespace

client::ConversationView view_of(const Conversation& c) {
  client::ConversationView view;
  view.conversation = c.id;
  view.epoch = c.epoch;
  view.state = c.state;
  view.reason = c.reason;
  view.agent = c.agent;
  view.last_agent = c.last_agent;
  view.account = c.account;
  view.brand = c.brand;
  view.channel = c.channel;
  view.is_public = c.is_public;
  view.customer = c.customer;
  view.handle = c.handle;
  view.thread_id = c.thread_id;
  view.topic = c.topic;
  view.language = c.language;
  view.skills = c.skills;
  view.team = c.team;
  view.priority = c.priority;
  view.waiting_since_ms = c.unanswered.empty() ? 0 : c.unanswered.front().since_ms;
  view.since_ms = c.since_ms;
  view.pending_until_ms = c.pending_until_ms;
  view.first_ms = c.first_ms;
  view.last_ms = c.last_ms;
  for (const auto& unanswered : c.unanswered) view.unanswered.push_back(unanswered.message);
  view.messages_in = c.messages_in;
  view.messages_out = c.messages_out;
  view.replies_open = static_cast<std::uint32_t>(std::count_if(
      c.replies.begin(), c.replies.end(), [](const ReplyState& reply) { return reply.open(); }));
  view.handled_twice = c.handled_twice;
  return view;
}

Result<Conversation> standing_conversation(const Reader& reader, const ConversationId& id) {
  auto standing = rows::canonical(reader, id);
  if (!standing.ok()) return standing.error();
  auto row = rows::conversation(reader, standing.value());
  if (!row.ok()) return row.error();
  if (!row.value() || !row.value()->opened) {
    return Error{ErrorCode::not_found, "no conversation " + id.hex() + " here", "conversation",
                 "look at the list of yours again"};
  }
  return std::move(*row.value());
}

Result<client::CustomerView> customer_of(const Reader& reader, const HandleId& handle) {
  auto opened = conversations_of(reader, handle);
  if (!opened.ok()) return opened.error();
  client::CustomerView view;
  for (const auto& one : opened.value().handles) view.handles.push_back({one, "", ""});
  for (const auto& one : opened.value().conversations) {
    auto row = rows::conversation(reader, one.id);
    if (!row.ok()) return row.error();
    if (!row.value() || row.value()->is_alias()) continue;
    const Conversation& c = *row.value();
    view.brand = c.brand;
    for (auto& known : view.handles) {
      if (known.handle != c.handle || !known.external_id.empty()) continue;
      known.channel = c.channel;
      known.external_id = c.customer;
    }
    if (view.conversations.size() >= max_conversations_shown) {
      view.more = true;
      break;
    }
    view.conversations.push_back(view_of(c));
  }
  return view;
}

Result<client::HistoryPage> conversation_history(const Reader& reader, const ConversationId& id,
                                                 const PageWanted& wanted) {
  auto before = cursor_of(wanted.before);
  if (!before.ok()) return before.error();
  auto conversation = standing_conversation(reader, id);
  if (!conversation.ok()) return conversation.error();
  std::deque<Backwards> sources;
  sources.emplace_back(reader, std::move(conversation).value(), before.value());
  return merge(reader, sources, wanted.items);
}

Result<client::HistoryPage> customer_history(const Reader& store, const HandleId& handle,
                                             const PageWanted& wanted) {
  const RecentReads reader(store);  // the streams' numbers are asked for with each entry
  auto before = cursor_of(wanted.before);
  if (!before.ok()) return before.error();
  auto opened = conversations_of(reader, handle);
  if (!opened.ok()) return opened.error();
  std::deque<Backwards> sources;
  for (const auto& one : opened.value().conversations) {
    if (one.row.known()) {  // it rests
      if (before.value() && *before.value() <= one.row.first) continue;
      sources.emplace_back(reader, one.id, one.row.last, before.value());
      continue;
    }
    auto row = rows::conversation(reader, one.id);
    if (!row.ok()) return row.error();
    if (!row.value() || row.value()->is_alias()) continue;
    sources.emplace_back(reader, std::move(*row.value()), before.value());
  }
  return merge(reader, sources, wanted.items);
}

}  // namespace crossfloor
