// A conversation's entries, written down as a story for the tests of its fold.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>

#include "storage/conversation.h"

namespace crossfloor::story {

template <typename T>
T named(unsigned char name) {
  T id;
  id.raw[0] = name;
  return id;
}
inline const auto home = named<NodeId>(1);
inline const auto rival = named<NodeId>(2);
inline const auto id = named<ConversationId>(100);
inline MessageId msg(unsigned char number) {
  return named<MessageId>(number);
}

// What lies beside the row, of the items that are held.
struct Beside final : ConversationMemory {
  const std::vector<ConversationItem>& held;
  std::map<ReplyId, ReplyState> done;

  explicit Beside(const std::vector<ConversationItem>& items) : held(items) {}
  bool folded_before(const MessageId& message, const Position& place) override {
    return std::any_of(held.begin(), held.end(), [&](const ConversationItem& item) {
      return item.kind == EntryKind::message && item.message == message && item.at < place;
    });
  }
  void put_done(const ReplyState& reply) override {
    CHECK(done.emplace(reply.reply, reply).second);
  }
  std::optional<ReplyState> take_done(const ReplyId& reply) override {
    auto taken = done.extract(reply);
    return taken.empty() ? std::nullopt : std::optional(std::move(taken.mapped()));
  }
};

// The entries of one conversation, written at given milliseconds by given nodes. What it folds to
// is reckoned in two ways, all at once and one by one, which must agree.
struct Story {
  std::vector<ConversationItem> items;

  ConversationItem& add(std::int64_t ms, const NodeId& node, EntryKind kind) {
    ConversationItem item;
    item.at = {HybridTime::of(wall_from_ms(ms)), node, 1, items.size() + 1};
    item.subject = id;
    item.kind = kind;
    items.push_back(item);
    return items.back();
  }
  static Epoch epoch(std::uint64_t term, std::int64_t ms, const NodeId& node) {
    return {term, HybridTime::of(wall_from_ms(ms)), node};
  }
  MessageBody& message(std::int64_t ms, unsigned char number, const NodeId& node = home) {
    auto& item = add(ms, node, EntryKind::message);
    item.message = msg(number);
    MessageBody body;
    body.taken_ms = ms;
    body.message.external_id = "m" + std::to_string(number);
    body.message.customer.external_id = "ann";
    const auto known = std::make_shared<MessageBody>(std::move(body));
    item.body = std::shared_ptr<const MessageBody>(known);
    return *known;
  }
  void open(std::int64_t ms, const NodeId& node = home, bool inbound = true) {
    PlacedBody body;
    body.opens = true;
    body.inbound = inbound;
    body.epoch = epoch(1, ms, node);
    body.account = "page";
    add(ms, node, EntryKind::placed).body = body;
  }
  void took(std::int64_t ms, std::uint64_t term, const NodeId& node) {
    add(ms, node, EntryKind::took_home).body = TookHomeBody{epoch(term, ms, node), "takeover", ""};
  }
  void hands_on(std::int64_t ms, std::uint64_t term, const NodeId& from, const NodeId& to) {
    add(ms, from, EntryKind::took_home).body = TookHomeBody{epoch(term, ms, to), "handed-on", ""};
  }
  CourseBody& course(std::int64_t ms, CourseState state, const std::string& agent = "",
                     std::uint64_t term = 1, const NodeId& node = home) {
    CourseBody body;
    body.epoch = epoch(term, ms, node);
    body.state = state;
    body.agent = agent;
    add(ms, node, EntryKind::course).body = body;
    return std::get<CourseBody>(items.back().body);
  }
  ReplyBody& reply(std::int64_t ms, unsigned char number, std::vector<MessageId> seen,
                   std::uint64_t term = 1, const NodeId& node = home) {
    ReplyBody body;
    body.reply = named<ReplyId>(number);
    body.epoch = epoch(term, ms, node);
    body.agent = "bob";
    body.sender = node;
    body.seen = std::move(seen);
    add(ms, node, EntryKind::reply).body = body;
    return std::get<ReplyBody>(items.back().body);
  }
  void attempt(std::int64_t ms, unsigned char reply, std::uint32_t number,
               const NodeId& node = home) {
    add(ms, node, EntryKind::attempt).body = AttemptBody{named<ReplyId>(reply), number};
  }
  void outcome(std::int64_t ms, unsigned char reply, ReplyOutcome outcome,
               const NodeId& node = home) {
    OutcomeBody body;
    body.reply = named<ReplyId>(reply);
    body.outcome = outcome;
    add(ms, node, EntryKind::outcome).body = body;
  }

  Conversation fold() const {
    auto sorted = items;
    std::sort(sorted.begin(), sorted.end(),
              [](const auto& a, const auto& b) { return a.at < b.at; });
    Beside beside_all(sorted);
    const Conversation all = fold_conversation(id, sorted, beside_all);
    // One by one, in the order of writing; what sorts earlier is folded again as a whole.
    Conversation grown;
    grown.id = id;
    std::vector<ConversationItem> so_far;
    Beside beside(so_far);
    for (const auto& item : items) {
      so_far.push_back(item);
      std::sort(so_far.begin(), so_far.end(),
                [](const auto& a, const auto& b) { return a.at < b.at; });
      if (fold_next(grown, item, beside)) continue;
      beside.done.clear();
      grown = fold_conversation(id, so_far, beside);
    }
    CHECK(grown == all);
    CHECK(beside.done == beside_all.done);
    return all;
  }
};

inline std::vector<MessageId> unanswered(const Conversation& c) {
  std::vector<MessageId> ids;
  for (const auto& u : c.unanswered) ids.push_back(u.message);
  return ids;
}

}  // namespace crossfloor::story
