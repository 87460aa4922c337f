#include "node/channels/dispatch.h"

#include <algorithm>
#include <tuple>

#include "protocol/check.h"

namespace crossfloor {
namespace {

Error cannot(std::string what, std::string mend) {
  return Error{ErrorCode::conflict, std::move(what), "reply", std::move(mend)};
}

const char* by_hand = "crossfloor outbox resolve ID sent|resend";

}  // namespace

bool Dispatch::runs(DispatchState state) {
  return state == DispatchState::attempting || state == DispatchState::posting ||
         state == DispatchState::looking_up;
}

bool Dispatch::holds_back(DispatchState state) {
  return state != DispatchState::refused && state != DispatchState::needs_person;
}

Dispatch::Item* Dispatch::find(const ReplyId& id) {
  const auto it = items_.find(id);
  return it == items_.end() ? nullptr : &it->second;
}

// Answers to an attempt that is not the current one come too late and mean nothing.
Dispatch::Item* Dispatch::running(const ReplyId& id, std::uint32_t attempt, DispatchState state) {
  Item* item = find(id);
  return item && item->attempts == attempt && item->state == state ? item : nullptr;
}

void Dispatch::add(const DispatchReply& reply, Instant ready_at) {
  Item& item = items_[reply.id];
  item.reply = reply;
  enter(item, DispatchState::waiting, ready_at);
}

// The only place where a state changes, so that slots, lines and queues always fit the states.
void Dispatch::enter(Item& item, DispatchState state, Instant ready_at) {
  Account& account = accounts_[item.reply.account];
  account.ready.erase({item.ready_at, item.reply.id});
  if (runs(item.state)) --account.running;
  if (item.state == DispatchState::refused) std::erase(refused_, item.reply.id);
  item.state = state;
  item.ready_at = ready_at;
  if (runs(state)) ++account.running;
  const Place place{item.reply.written, item.reply.id};
  if (holds_back(state)) {
    lines_[item.reply.conversation].insert(place);
  } else {
    lines_[item.reply.conversation].erase(place);
  }
  refresh_line(item.reply.conversation);
  if (state == DispatchState::refused) {
    refused_.push_back(item.reply.id);
    if (refused_.size() > options_.max_refused) forget(items_.at(refused_.front()));
  }
}

// Of a conversation's replies only the first one waits for a slot, and only if none is on its way
// (a later one can be: an earlier refused one that a person retries comes back before it).
void Dispatch::refresh_line(const ConversationId& conversation) {
  const auto it = lines_.find(conversation);
  if (it == lines_.end()) return;
  bool busy = false;
  for (const auto& [written, id] : it->second) {
    const Item& item = items_.at(id);
    accounts_[item.reply.account].ready.erase({item.ready_at, id});
    busy |= runs(item.state);
  }
  if (it->second.empty()) {
    lines_.erase(it);
  } else if (!busy) {
    const Item& first = items_.at(it->second.begin()->second);
    accounts_[first.reply.account].ready.insert({first.ready_at, first.reply.id});
  }
}

void Dispatch::forget(Item& item) {
  const DispatchReply reply = item.reply;
  Account& account = accounts_[reply.account];
  account.ready.erase({item.ready_at, reply.id});
  if (runs(item.state)) --account.running;
  std::erase(refused_, reply.id);
  lines_[reply.conversation].erase({reply.written, reply.id});
  items_.erase(reply.id);
  refresh_line(reply.conversation);
}

Instant Dispatch::after_pause(Item& item, const std::optional<Duration>& retry_after, Now now) {
  const std::uint32_t doublings = std::min<std::uint32_t>(item.failures++, 32);
  const double nominal = std::min(static_cast<double>(options_.backoff_min.count()) *
                                      static_cast<double>(std::uint64_t{1} << doublings),
                                  static_cast<double>(options_.backoff_max.count()));
  const Duration jittered{static_cast<Duration::rep>(nominal * (0.75 + 0.5 * random_.unit()))};
  Instant at = now.steady + std::clamp(jittered, options_.backoff_min, options_.backoff_max);
  if (retry_after) {
    const Instant wished =
        now.steady + std::clamp(*retry_after, Duration{0}, options_.retry_after_max);
    Account& account = accounts_[item.reply.account];
    account.paused_until = std::max(account.paused_until, wished);
    at = std::max(at, wished);
  }
  return at;
}

bool Dispatch::can_clear_up(const Item& item) const {
  const auto& config = accounts_.at(item.reply.account).config;
  return !config || config->repeatable || config->lookup;
}

void Dispatch::set_account(const DispatchAccount& config, Now now, DispatchOutbox& out) {
  Account& account = accounts_[config.name];
  account.config = config;
  for (auto& [id, item] : items_) {
    // A person's decision is not needed any more where the account can now clear it up itself.
    if (item.reply.account == config.name && item.state == DispatchState::needs_person &&
        item.maybe_sent && can_clear_up(item)) {
      enter(item, DispatchState::unknown, now.steady);
    }
  }
  pump(account, now, out);
}

void Dispatch::submit(const DispatchReply& reply, Now now, DispatchOutbox& out) {
  if (items_.contains(reply.id)) return;
  add(reply, now.steady);
  pump(accounts_[reply.account], now, out);
}

void Dispatch::restore(const DispatchReply& reply, const DispatchHistory& history, Now now,
                       DispatchOutbox& out) {
  if (items_.contains(reply.id)) return;
  if (history.attempts == 0) return submit(reply, now, out);
  const DeliveryKind last = history.outcome.value_or(DeliveryKind::unknown);
  if (last == DeliveryKind::accepted || last == DeliveryKind::voided) return;
  add(reply, now.steady);
  Item& item = items_.at(reply.id);
  item.attempts = history.attempts;
  item.reason = history.reason;
  if (last == DeliveryKind::refused) return enter(item, DispatchState::refused);
  if (last == DeliveryKind::needs_person) return enter(item, DispatchState::needs_person);
  if (last == DeliveryKind::unknown) {
    item.maybe_sent = true;
    if (!history.outcome) {
      const DeliveryResult result{.kind = DeliveryKind::unknown,
                                  .external_id = {},
                                  .reason = "the node stopped before it heard of the answer",
                                  .retry_after = {}};
      return wait_again(item, result, now, out);
    }
    const auto state = can_clear_up(item) ? DispatchState::unknown : DispatchState::needs_person;
    return enter(item, state, after_pause(item, {}, now));
  }
  enter(item, DispatchState::waiting, after_pause(item, {}, now));
}

void Dispatch::attempt_stored(const ReplyId& id, std::uint32_t attempt, Now now,
                              DispatchOutbox& out) {
  Item* item = running(id, attempt, DispatchState::attempting);
  if (!item) return;
  if (item->voided) {
    Account& account = accounts_[item->reply.account];
    close_as_void(*item, out);
    return pump(account, now, out);
  }
  enter(*item, DispatchState::posting);
  out.push_back(PostReply{id, attempt});
}

void Dispatch::posted(const ReplyId& id, std::uint32_t attempt, const DeliveryResult& result,
                      Now now, DispatchOutbox& out) {
  Item* item = running(id, attempt, DispatchState::posting);
  if (!item) return;
  Account& account = accounts_[item->reply.account];
  settle(*item, result, now, out);
  pump(account, now, out);
}

void Dispatch::settle(Item& item, const DeliveryResult& result, Now now, DispatchOutbox& out) {
  item.reason = result.reason;
  switch (result.kind) {
    case DeliveryKind::accepted:
      out.push_back(StoreOutcome{item.reply.id, item.attempts, result, {}});
      return forget(item);
    case DeliveryKind::refused:
    case DeliveryKind::needs_person:
      out.push_back(StoreOutcome{item.reply.id, item.attempts, result, {}});
      if (item.voided) return close_as_void(item, out);
      item.maybe_sent = false;
      return enter(item, result.kind == DeliveryKind::refused ? DispatchState::refused
                                                              : DispatchState::needs_person);
    case DeliveryKind::unknown:
      item.maybe_sent = true;
      return wait_again(item, result, now, out);
    case DeliveryKind::retry_later:
    case DeliveryKind::absent:
      return wait_again(item, result, now, out);
    case DeliveryKind::voided:
      break;
  }
  XF_CHECK(!"a provider cannot void a reply");
}

// Not taken, or nobody knows: it stays, and something happens later, unless it was made void.
void Dispatch::wait_again(Item& item, const DeliveryResult& result, Now now, DispatchOutbox& out) {
  item.reason = result.reason;
  StoreOutcome outcome{item.reply.id, item.attempts, result, {}};
  const Instant at = after_pause(item, result.retry_after, now);
  const bool stuck = item.maybe_sent && !can_clear_up(item);
  if (!stuck && !item.voided) outcome.next = now.wall + (at - now.steady);
  out.push_back(std::move(outcome));
  if (item.voided) return close_as_void(item, out);
  enter(item,
        stuck             ? DispatchState::needs_person
        : item.maybe_sent ? DispatchState::unknown
                          : DispatchState::waiting,
        at);
}

void Dispatch::looked_up(const ReplyId& id, std::uint32_t attempt, const DeliveryResult& result,
                         Now now, DispatchOutbox& out) {
  Item* item = running(id, attempt, DispatchState::looking_up);
  if (!item) return;
  Account& account = accounts_[item->reply.account];
  if (result.kind == DeliveryKind::accepted) {
    settle(*item, result, now, out);
  } else if (item->voided) {
    close_as_void(*item, out);
  } else if (result.kind == DeliveryKind::absent) {
    item->maybe_sent = false;
    item->failures = 0;
    item->reason = result.reason;
    out.push_back(StoreOutcome{id, attempt, result, now.wall});
    enter(*item, DispatchState::waiting, now.steady);
  } else {
    item->reason = result.reason;  // nothing new is known: nothing to store
    enter(*item, DispatchState::unknown, after_pause(*item, result.retry_after, now));
  }
  pump(account, now, out);
}

void Dispatch::close_as_void(Item& item, DispatchOutbox& out) {
  DeliveryResult result{.kind = DeliveryKind::voided,
                        .external_id = {},
                        .reason = "another home steers the conversation by now",
                        .retry_after = {}};
  if (item.maybe_sent) result.reason += "; an earlier attempt may have reached the customer";
  out.push_back(StoreOutcome{item.reply.id, item.attempts, std::move(result), {}});
  forget(item);
}

void Dispatch::void_reply(const ReplyId& id, Now now, DispatchOutbox& out) {
  Item* item = find(id);
  if (!item) return;
  item->voided = true;
  if (runs(item->state)) return;
  close_as_void(*item, out);
  tick(now, out);
}

void Dispatch::withdraw(const ReplyId& id, Now now, DispatchOutbox& out) {
  Item* item = find(id);
  if (!item || runs(item->state)) return;
  forget(*item);
  tick(now, out);
}

std::vector<ReplyId> Dispatch::line_of(const ConversationId& conversation) const {
  std::vector<ReplyId> ids;
  const auto line = lines_.find(conversation);
  if (line == lines_.end()) return ids;
  for (const auto& [written, id] : line->second) ids.push_back(id);
  return ids;
}

Status Dispatch::resolve(const ReplyId& id, Resolution how, const std::string& external_id, Now now,
                         DispatchOutbox& out) {
  Item* item = find(id);
  if (!item) {
    return Error{ErrorCode::not_found, "no open reply has this id here", "reply",
                 "see crossfloor outbox"};
  }
  if (runs(item->state)) return cannot("is being sent right now", "try again in a moment");
  if (item->state == DispatchState::waiting || item->state == DispatchState::refused) {
    return cannot("was surely not taken: nothing is to be resolved", "crossfloor outbox retry ID");
  }
  if (how == Resolution::sent) {
    settle(*item, {DeliveryKind::accepted, external_id, "a person found it sent", {}}, now, out);
  } else {
    const DeliveryResult result{DeliveryKind::absent, {}, "a person found it not sent", {}};
    item->maybe_sent = false;
    item->failures = 0;
    item->reason = result.reason;
    out.push_back(StoreOutcome{id, item->attempts, result, now.wall});
    enter(*item, DispatchState::waiting, now.steady);
  }
  tick(now, out);
  return {};
}

Status Dispatch::retry(const ReplyId& id, Now now, DispatchOutbox& out) {
  Item* item = find(id);
  if (!item) {
    return Error{ErrorCode::not_found, "no open reply has this id here", "reply",
                 "see crossfloor outbox"};
  }
  if (runs(item->state)) return cannot("is being sent right now", "see crossfloor outbox");
  if (item->state == DispatchState::needs_person) {
    return cannot("may have reached the customer", by_hand);
  }
  Account& account = accounts_[item->reply.account];
  if (!account.config) {
    return cannot("this node does not host the account", "declare it here, or name another host");
  }
  account.paused_until = now.steady;
  item->failures = 0;
  enter(*item, item->maybe_sent ? DispatchState::unknown : DispatchState::waiting, now.steady);
  pump(account, now, out);
  return {};
}

void Dispatch::start(Item& item, DispatchOutbox& out) {
  const DispatchAccount& config = *accounts_.at(item.reply.account).config;
  if (item.maybe_sent && !config.repeatable) {
    if (!config.lookup) return enter(item, DispatchState::needs_person);
    enter(item, DispatchState::looking_up);
    out.push_back(LookupReply{item.reply.id, item.attempts});
    return;
  }
  ++item.attempts;
  enter(item, DispatchState::attempting);
  out.push_back(StoreAttempt{item.reply.id, item.attempts});
}

void Dispatch::pump(Account& account, Now now, DispatchOutbox& out) {
  while (!holds_ && account.config && account.running < account.config->concurrent &&
         account.paused_until <= now.steady && !account.ready.empty() &&
         account.ready.begin()->first <= now.steady) {
    start(items_.at(account.ready.begin()->second), out);
  }
}

void Dispatch::hold(bool holds, Now now, DispatchOutbox& out) {
  holds_ = holds;
  tick(now, out);
}

void Dispatch::tick(Now now, DispatchOutbox& out) {
  for (auto& [name, account] : accounts_) pump(account, now, out);
}

std::optional<Instant> Dispatch::deadline() const {
  std::optional<Instant> out;
  if (holds_) return out;
  for (const auto& [name, account] : accounts_) {
    if (!account.config || account.ready.empty()) continue;
    if (account.running >= account.config->concurrent) continue;  // an answer comes first
    const Instant at = std::max(account.ready.begin()->first, account.paused_until);
    if (!out || at < *out) out = at;
  }
  return out;
}

std::vector<DispatchRow> Dispatch::rows() const {
  std::vector<DispatchRow> out;
  out.reserve(items_.size());
  for (const auto& [id, item] : items_) {
    DispatchRow row{item.reply, item.state, item.attempts, item.reason, {}, {}};
    const Account& account = accounts_.at(item.reply.account);
    const auto line = lines_.find(item.reply.conversation);
    if (item.state == DispatchState::waiting || item.state == DispatchState::unknown) {
      const ReplyId first = line->second.begin()->second;
      if (first != id) {
        row.behind = first;
      } else if (!account.config) {
        row.reason = "this node does not host the account";
      } else {
        row.next = std::max(item.ready_at, account.paused_until);
      }
    }
    out.push_back(std::move(row));
  }
  std::sort(out.begin(), out.end(), [](const DispatchRow& a, const DispatchRow& b) {
    return std::tie(a.reply.account, a.reply.written, a.reply.id) <
           std::tie(b.reply.account, b.reply.written, b.reply.id);
  });
  return out;
}

}  // namespace crossfloor
