// What the fold of one conversation asks of other rows, and puts there.
#pragma once

#include "storage/arrival.h"

namespace crossfloor {

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

}  // namespace crossfloor
