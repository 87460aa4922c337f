#include "node/core/sender.h"

#include <algorithm>

#include "storage/written_reply.h"

namespace crossfloor {
namespace {

ReplyOutcome outcome_of(DeliveryKind kind) {
  switch (kind) {
    case DeliveryKind::accepted:
      return ReplyOutcome::accepted;
    case DeliveryKind::refused:
      return ReplyOutcome::refused;
    case DeliveryKind::retry_later:
    case DeliveryKind::absent:
      return ReplyOutcome::retry_later;
    case DeliveryKind::voided:
      return ReplyOutcome::voided;
    case DeliveryKind::needs_person:
      return ReplyOutcome::needs_person;
    case DeliveryKind::unknown:
      return ReplyOutcome::unknown;
  }
  return ReplyOutcome::unknown;
}

DeliveryKind kind_of(ReplyOutcome outcome) {
  switch (outcome) {
    case ReplyOutcome::accepted:
      return DeliveryKind::accepted;
    case ReplyOutcome::refused:
      return DeliveryKind::refused;
    case ReplyOutcome::retry_later:
      return DeliveryKind::retry_later;
    case ReplyOutcome::voided:
      return DeliveryKind::voided;
    case ReplyOutcome::unknown:
      return DeliveryKind::unknown;
    case ReplyOutcome::needs_person:
      return DeliveryKind::needs_person;
  }
  return DeliveryKind::unknown;
}

}  // namespace

Sender::Sender(Scribe& scribe, const NodeSettings& settings, Outlet& outlet)
    : scribe_(scribe), settings_(settings), outlet_(outlet), dispatch_(scribe.random()) {}

void Sender::open(Now now) {
  DispatchOutbox out;
  for (const auto& [name, account] : settings_.accounts) {
    if (!account.hosted_here) continue;
    dispatch_.set_account({name, account.repeatable, account.lookup}, now, out);
  }
  carry_out(std::move(out), now);
}

void Sender::allow(bool sending, const std::map<ConversationId, Conversation>& open, Now now) {
  if (sending && !begun_) {
    begun_ = true;
    for (const auto& [id, conversation] : open) restore(conversation, now);
  }
  DispatchOutbox out;
  dispatch_.hold(!sending, now, out);
  carry_out(std::move(out), now);
}

void Sender::changed(const Conversation& conversation, Now now) {
  if (!begun_) return;
  DispatchOutbox out;
  withdraw(conversation, now, out);
  for (const auto& reply : conversation.replies) {
    if (reply.sender != scribe_.self() || !reply.open()) continue;
    if (reply.counts) {
      take_up(conversation, reply, now, out);
    } else {
      dispatch_.void_reply(reply.reply, now, out);
    }
  }
  carry_out(std::move(out), now);
}

void Sender::closed(const ConversationId& id, Now now) {
  if (!begun_ || dispatch_.size() == 0) return;
  const auto row = rows::conversation(scribe_.view(), id);
  if (!row.ok() || !row.value()) return;
  DispatchOutbox out;
  withdraw(*row.value(), now, out);
  carry_out(std::move(out), now);
}

void Sender::restore(const Conversation& conversation, Now now) {
  DispatchOutbox out;
  for (const auto& reply : conversation.replies) {
    if (reply.sender != scribe_.self() || !reply.open()) continue;
    take_up(conversation, reply, now, out);
    if (!reply.counts) dispatch_.void_reply(reply.reply, now, out);
  }
  carry_out(std::move(out), now);
}

// What was attempted already and is not known here was attempted by an earlier start, or by another
// sender, whose outcome may still be on its way to this node.
void Sender::take_up(const Conversation& conversation, const ReplyState& reply, Now now,
                     DispatchOutbox& out) {
  DispatchHistory history;
  history.attempts = reply.attempts;
  if (reply.has_outcome) history.outcome = kind_of(reply.outcome);
  history.reason = reply.detail;
  dispatch_.restore({reply.reply, conversation.id, conversation.account,
                     HybridTime::of(wall_from_ms(reply.written_ms))},
                    history, now, out);
}

// Who came back with an old disk, and reached nobody at first, learns of outcomes of its own that
// it has lost; and of another sender who comes to a cut's end.
void Sender::withdraw(const Conversation& conversation, Now now, DispatchOutbox& out) {
  if (conversation.is_alias()) return;
  for (const auto& reply : conversation.replies) {
    const bool settled = reply.has_outcome && (reply.outcome == ReplyOutcome::accepted ||
                                               reply.outcome == ReplyOutcome::voided);
    if (settled || reply.sender != scribe_.self()) dispatch_.withdraw(reply.reply, now, out);
  }
  if (conversation.replies_done == 0) return;
  // Those that are long done have rows of their own.
  for (const auto& id : dispatch_.line_of(conversation.id)) {
    const bool in_row = std::any_of(conversation.replies.begin(), conversation.replies.end(),
                                    [&](const ReplyState& reply) { return reply.reply == id; });
    if (!in_row) dispatch_.withdraw(id, now, out);
  }
}

std::optional<Sender::Read> Sender::read(const ReplyId& reply) const {
  auto written = written_reply(scribe_.view(), reply);
  if (!written) return std::nullopt;
  return Read{written->conversation, written->region, std::move(written->body)};
}

void Sender::carry_out(DispatchOutbox&& out, Now now) {
  for (const auto& effect : out) {
    const ReplyId id = std::visit([](const auto& one) { return one.reply; }, effect);
    auto reply = read(id);
    if (!reply) continue;
    const auto subject = reply->conversation.as<Subject>();
    if (const auto* attempt = std::get_if<StoreAttempt>(&effect)) {
      scribe_.write(reply->region, EntryKind::attempt, subject,
                    AttemptBody{attempt->reply, attempt->attempt}, now);
      // The gate holds the call back until the attempt is on the disk.
      DispatchOutbox more;
      dispatch_.attempt_stored(attempt->reply, attempt->attempt, now, more);
      carry_out(std::move(more), now);
    } else if (const auto* post = std::get_if<PostReply>(&effect)) {
      outlet_.emit(CallProvider{post->reply, post->attempt, false, reply->conversation,
                                std::move(reply->body)});
    } else if (const auto* lookup = std::get_if<LookupReply>(&effect)) {
      outlet_.emit(CallProvider{lookup->reply, lookup->attempt, true, reply->conversation,
                                std::move(reply->body)});
    } else if (const auto* outcome = std::get_if<StoreOutcome>(&effect)) {
      OutcomeBody body;
      body.reply = outcome->reply;
      body.outcome = outcome_of(outcome->result.kind);
      body.external_id = outcome->result.external_id;
      body.detail = outcome->result.reason;
      body.account = reply->body.account;
      scribe_.write(reply->region, EntryKind::outcome, subject, body, now);
    }
  }
}

void Sender::answered(const ReplyId& reply, std::uint32_t attempt, bool lookup,
                      const DeliveryResult& result, Now now) {
  DispatchOutbox out;
  if (lookup) {
    dispatch_.looked_up(reply, attempt, result, now, out);
  } else {
    dispatch_.posted(reply, attempt, result, now, out);
  }
  carry_out(std::move(out), now);
}

Status Sender::resolve(const ReplyId& reply, Resolution how, const std::string& external_id,
                       Now now) {
  DispatchOutbox out;
  auto status = dispatch_.resolve(reply, how, external_id, now, out);
  carry_out(std::move(out), now);
  return status;
}

Status Sender::retry(const ReplyId& reply, Now now) {
  DispatchOutbox out;
  auto status = dispatch_.retry(reply, now, out);
  carry_out(std::move(out), now);
  return status;
}

void Sender::tick(Now now) {
  DispatchOutbox out;
  dispatch_.tick(now, out);
  carry_out(std::move(out), now);
}

}  // namespace crossfloor
