// Replies: written by home, each with the one node that alone may send it.
#include "node/core/home.h"
#include "storage/written_reply.h"

namespace crossfloor {
namespace {

constexpr Duration senders_every{5'000};

}  // namespace

// Of several messages that were on the screen a reply answers the latest. What came in while the
// agent wrote was not seen, and is not what is answered.
void Home::name_parent(ReplyBody& reply) const {
  std::optional<Position> latest;
  Region region;
  for (const auto& id : reply.seen) {
    auto row = rows::message(scribe_.view(), id);
    if (!row.ok() || !row.value()) continue;
    const MessageCopy* copy = row.value()->primary();
    if (copy == nullptr || (latest && copy->at < *latest)) continue;
    latest = copy->at;
    region = row.value()->region;
    reply.parent = id;
  }
  if (!latest) return;
  auto entry = entry_at(scribe_.view(), Stream{{latest->node, latest->generation}, region},
                        latest->sequence);
  if (!entry.ok() || !entry.value()) return;
  auto body = decode_body<MessageBody>(entry.value()->body);
  if (body.ok()) reply.parent_id = body.value().message.external_id;
}

Scribe::Written Home::write_reply(const Conversation& c, const DeskCommand& command,
                                  CommandAnswer& answer, Now now) {
  ReplyBody reply;
  reply.reply = scribe_.subjects(region_of(c))->reply(command.id);
  reply.epoch = next_epoch(c, now);
  reply.command = command.id;
  reply.agent = command.agent;
  reply.agent_node = command.agent_node;
  reply.signature = command.signature;
  reply.text = command.text;
  reply.is_public = command.is_public;
  reply.language = command.language;
  reply.seen = command.seen;
  reply.account = c.account;
  reply.to = c.customer;
  reply.thread_id = c.thread_id;
  reply.parent_id = c.last_external_id;
  name_parent(reply);
  // A chat stays open while the customer is connected; elsewhere the customer is awaited.
  reply.then = command.keep || c.channel == "chat" ? CourseState::active : CourseState::pending;
  reply.known_replies = c.replies_written() + 1;
  reply.known = known_by_home(c, reply.epoch.term);
  if (const auto* settings = account(c.account)) reply.sender = sender_for(*settings, now);
  answer.reply = reply.reply;
  return scribe_.write(region_of(c), EntryKind::reply, c.id.as<Subject>(), reply, now);
}

// Who alone may send: this node if it hosts the account, else the first live host. Zero: nobody.
NodeId Home::sender_for(const AccountSettings& account, Now now) const {
  if (account.hosted_here) return mesh_.self();
  const HostOrder order = hosts_of(account, now);
  for (std::size_t i = 0; i < order.hosts; ++i) {
    if (order.nodes[i] != mesh_.self() && mesh_.live(order.nodes[i])) return order.nodes[i];
  }
  return {};
}

// A reply without a sender, or whose sender died, gets another; but one that may have been
// attempted only where the receiver drops repetitions by our id.
void Home::replace_senders(Now now) {
  if (now.steady < next_senders_) return;
  next_senders_ = now.steady + senders_every;
  for (const auto& id : by_home_[mesh_.self()]) {
    const Conversation& c = open_.at(id);
    const auto* settings = account(c.account);
    if (settings == nullptr) continue;
    for (const auto& reply : c.replies) {
      if (!reply.open() || !reply.counts || mesh_.live(reply.sender)) continue;
      const auto dead = mesh_.dead_since(reply.sender);
      const bool lost = reply.sender.is_zero() || (settings->repeatable && dead &&
                                                   now.steady >= *dead + settings_.takeover_after);
      const NodeId sender = lost ? sender_for(*settings, now) : NodeId{};
      if (sender.is_zero()) continue;
      auto written = written_reply(scribe_.view(), reply.reply);
      if (!written) continue;
      written->body.sender = sender;
      written->body.epoch = next_epoch(c, now);
      scribe_.write(region_of(c), EntryKind::reply, id.as<Subject>(), written->body, now);
    }
  }
}

}  // namespace crossfloor
