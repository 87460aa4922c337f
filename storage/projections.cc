#include "storage/projections.h"

#include <algorithm>

#include "storage/beside.h"

namespace crossfloor {
namespace {

template <typename T, typename Less>
void insert_sorted(std::vector<T>& list, T value, Less less) {
  list.insert(std::lower_bound(list.begin(), list.end(), value, less), std::move(value));
}

constexpr auto by_position = [](const auto& a, const auto& b) { return a.at < b.at; };

}  // namespace

Projections::Run::Run(const Projections& projections, Workspace& rows, const Stream& stream,
                      FoldNews& news)
    : projections_(projections) {
  const Subjects* subjects = projections.subjects_(stream.region);
  if (subjects != nullptr) arrival_ = std::make_unique<Arrival>(rows, stream, *subjects, news);
}

Projections::Run::~Run() = default;

void Projections::Run::add(Sequence sequence, const Entry& entry) {
  if (arrival_ == nullptr || !arrival_->failed.ok()) return;
  if (arrival_->take(sequence, entry)) projections_.fold(*arrival_);
}

Status Projections::Run::end() {
  if (arrival_ == nullptr) return {};
  Arrival& a = *arrival_;
  while (!a.to_fold_again.empty() && a.failed.ok()) {
    projections_.fold_again_now(a, ConversationId(a.to_fold_again.begin()->first));
  }
  if (a.failed.ok()) a.settle();
  return a.failed;
}

Status Projections::fold(Workspace& rows, const Stream& stream, Sequence sequence,
                         const Entry& entry, FoldNews& news) const {
  Run run(*this, rows, stream, news);
  run.add(sequence, entry);
  return run.end();
}

void Projections::fold(Arrival& a) const {
  const auto kind = static_cast<EntryKind>(a.header.kind);
  a.body = body_of(a.at, kind, *a.entry);
  switch (kind) {
    case EntryKind::message:
      fold_message(a);
      break;
    case EntryKind::placed:
      fold_placed(a);
      break;
    case EntryKind::course:
      if (const auto* body = std::get_if<CourseBody>(&a.body)) note_command(a, body->command);
      add_item(a, a.conversation(), a.at, a.header.kind, a.conversation(), {});
      break;
    case EntryKind::note:
      if (const auto* body = std::get_if<NoteBody>(&a.body)) note_command(a, body->command);
      add_item(a, a.conversation(), a.at, a.header.kind, a.conversation(), {});
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
      add_item(a, a.conversation(), a.at, a.header.kind, a.conversation(), {});
      break;
    case EntryKind::outcome:
      note_external_name(a);
      [[fallthrough]];
    case EntryKind::took_home:
    case EntryKind::attempt:
      add_item(a, a.conversation(), a.at, a.header.kind, a.conversation(), {});
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
      a.news.membership.push_back(*a.entry);
      break;
    case EntryKind::generation:
      break;
  }
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
    a.news.unplaced.insert_or_assign(id, row.copies.front().at);
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
  bool grows = from == to && !a.folds_again(to);
  for (const auto& copy : row.copies) {
    if (from != to) a.rows.erase(keyed('I', from.view(), copy.at.key()));
    const ItemRow item_row{a.region, static_cast<std::uint16_t>(EntryKind::message), subject,
                           message};
    a.rows.put(keyed('I', to.view(), copy.at.key()), encode_row(item_row));
    if (!grows) continue;
    const auto item = item_at(a, copy.at, item_row);
    grows = item && grow(a, *folded, *item);
  }
  if (grows) return store(a, to);
  if (from == to) return fold_again(a, to, row.copies.front().at);
  fold_again(a, from, {});
  fold_again(a, to, {});
}

// Two homes may have opened it in a cut: the first opening is its age.
void Projections::index_by_customer(Arrival& a, const PlacedBody& body) const {
  const auto id = a.conversation();
  if (a.folds_again(id)) fold_again_now(a, id);
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
    a.to_fold_again.erase(alias.id);
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
  if (thread.opened.size() > 1) fold_again(a, stands, {});
}

void Projections::fold_subject(Arrival& a) const {
  const auto known = a.get(rows::subject(a.rows, a.header.subject));
  if (a.at < known.at) return;
  a.rows.put(keyed('A', a.header.subject.view()),
             encode_row(SubjectRow{a.at, a.region, a.header.kind}));
  a.news.subjects.insert(a.header.subject);
}

void Projections::fold_link(Arrival& a) const {
  auto body = decode_body<LinkBody>(a.entry->body);
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
  if (!row.placements.empty()) {
    fold_again(a, a.standing(row.placements.front().conversation), {});
  }
}

}  // namespace crossfloor
