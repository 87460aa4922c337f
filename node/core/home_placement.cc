// Which conversation a message belongs to, and who may say so. Decided once, written as an entry,
// never computed anew.
#include "node/core/home.h"

namespace crossfloor {

bool Home::mine(const std::vector<NodeId>& order, Duration patience, Now now) const {
  for (const auto& node : order) {
    if (node == mesh_.self()) return true;
    if (mesh_.live(node)) {
      if (!mesh_.drained(node)) return false;
      continue;
    }
    const auto dead = mesh_.dead_since(node);
    if (dead && now.steady < *dead + patience) return false;
  }
  return false;
}

// Some at a time, and the rest in the next ticks: after a cut or a kill there may be thousands, and
// each of them writes its conversation's row, which names all who wait. (Fewer would take longer in
// all: each time ends with a commit.)
void Home::place_all(Now now) {
  constexpr std::size_t most = 512;
  auto at = std::exchange(place_on_, std::nullopt);
  for (std::size_t placed = 0;;) {
    at = unplaced_.next(at);
    if (!at) return;
    if (!place(at->second, now)) continue;
    unplaced_.erase(at->second);
    if (++placed < most) continue;
    place_on_ = at;
    return;
  }
}

Home::Target Home::target_of(const MessageBody& body, const HandleId& handle,
                             const Subjects& subjects, Now now) const {
  const auto& message = body.message;
  const Reader& view = scribe_.view();
  // What was said outside Crossfloor may name no customer: then the parent tells.
  const bool nameless = message.customer.external_id.empty();
  const auto same_customer = [&](const ConversationId& id) -> std::optional<Conversation> {
    auto row = rows::standing(view, id);
    if (!row.ok() || !row.value() || !row.value()->opened) return std::nullopt;
    if (row.value()->account != body.account) return std::nullopt;
    if (row.value()->handle != handle && !nameless) return std::nullopt;
    return std::move(*row.value());
  };
  if (!message.parent_id.empty()) {
    auto parent = rows::message(view, subjects.message(body.account, message.parent_id));
    if (parent.ok() && parent.value()) {
      if (!parent.value()->placements.empty()) {
        if (auto c = same_customer(parent.value()->placements.front().conversation)) {
          return {std::move(c), "holds its parent"};
        }
      }
      if (!parent.value()->echo_of.is_zero()) {
        auto reply = rows::reply(view, parent.value()->echo_of);
        if (reply.ok() && reply.value()) {
          if (auto c = same_customer(reply.value()->conversation)) {
            return {std::move(c), "holds the reply that it answers"};
          }
        }
      }
    }
  }
  if (!message.thread_id.empty()) {
    auto thread = rows::thread(view, subjects.thread(body.account, message.thread_id, handle));
    if (thread.ok() && thread.value() && !thread.value()->opened.empty()) {
      if (auto c = same_customer(thread.value()->opened.front().conversation)) {
        return {std::move(c), "holds its thread"};
      }
    }
  }
  if (nameless) return {std::nullopt, "new"};
  auto place = rows::place(view, subjects.place(body.account, handle, message.is_public));
  if (place.ok() && place.value()) {
    if (auto c = same_customer(place.value()->conversation)) {
      if (c->state != CourseState::closed) return {std::move(c), "customer's open conversation"};
      const auto closed_for = Duration{ms_of(scribe_.wall(now)) - c->since_ms};
      if (closed_for < settings_.reopen_within) return {std::move(c), "closed a short while ago"};
    }
  }
  return {std::nullopt, "new"};
}

// True if there is nothing left to do about this message here.
bool Home::place(const MessageId& id, Now now) {
  if (!acting_) return false;
  auto row = rows::message(scribe_.view(), id);
  if (!row.ok() || !row.value()) return false;
  if (!row.value()->placements.empty()) return true;
  const MessageCopy* primary = row.value()->primary();
  if (primary == nullptr) return false;
  const Region& region = row.value()->region;
  const Subjects* subjects = scribe_.subjects(region);
  if (subjects == nullptr) return true;
  if (!row.value()->echo_of.is_zero()) return true;  // what we sent ourselves needs no place
  const auto known = scribe_.message_at(region, primary->at);
  if (!known.ok() || known.value() == nullptr) return false;
  const MessageBody& body = *known.value();
  const auto& message = body.message;
  const auto handle = subjects->handle(body.brand, body.channel, message.customer.external_id);
  Target target = target_of(body, handle, *subjects, now);

  // Home of the conversation that it belongs to decides; without one, the account's host order.
  if (target.conversation && target.conversation->home() != mesh_.self() &&
      mesh_.live(target.conversation->home())) {
    return false;
  }
  const AccountSettings* settings = account(body.account);
  AccountSettings unknown;
  if (settings == nullptr) {
    unknown.name = body.account;
    unknown.region = region;
    settings = &unknown;
  }
  const bool is_home = target.conversation && target.conversation->home() == mesh_.self();
  if (!is_home && !mine(hosts_of(*settings, now).nodes, settings_.takeover_after_new, now)) {
    return false;
  }
  if (target.conversation && !is_home) {
    const auto dead = mesh_.dead_since(target.conversation->home());
    if (dead && now.steady < *dead + settings_.takeover_after) return false;
    const ConversationId taken = target.conversation->id;
    take_over(*target.conversation, "takeover", "", now);
    auto current = rows::conversation(scribe_.view(), taken);
    if (!current.ok() || !current.value()) return false;
    target.conversation = std::move(current).value();
  }

  PlacedBody placed;
  placed.message = id;
  placed.inbound = message.direction == Direction::in;
  placed.reason = target.reason;
  placed.account = body.account;
  placed.brand = body.brand;
  placed.channel = body.channel;
  placed.handle = target.conversation ? target.conversation->handle : handle;
  placed.thread_id = message.thread_id;
  placed.is_public = message.is_public;
  ConversationId conversation = id.as<ConversationId>();
  if (target.conversation) {
    conversation = target.conversation->id;
    placed.epoch = next_epoch(*target.conversation, now);
    placed.reopens = target.conversation->state == CourseState::closed && placed.inbound;
  } else {
    placed.opens = true;
    placed.epoch = {1, scribe_.next_time(now), mesh_.self()};
  }
  scribe_.write(region, EntryKind::placed, conversation.as<Subject>(), placed, now);
  return true;
}

}  // namespace crossfloor
