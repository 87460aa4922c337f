#include "node/core/commands.h"

#include <algorithm>

namespace crossfloor {

std::optional<NodeId> Commands::home_of(const ConversationId& conversation) const {
  auto standing = rows::canonical(scribe_.view(), conversation);
  if (!standing.ok()) return std::nullopt;
  auto row = rows::conversation(scribe_.view(), standing.value());
  if (row.ok() && row.value() && row.value()->opened) return row.value()->home();
  // What rings here may have come before its history.
  const Work* work = desk_.floor().work_of(conversation);
  if (work == nullptr || work->state == SlotState::held) return std::nullopt;
  return work->home;
}

bool Commands::submit(RequestId request, const DeskCommand& command, Now now) {
  if (auto known = pending_.find(command.id); known != pending_.end()) {
    known->second.requests.push_back(request);
    return true;
  }
  const auto refuse = [&](ErrorCode code, std::string what, std::string mend) {
    CommandAnswer answer;
    answer.id = command.id;
    answer.code = name_of(code);
    answer.what = std::move(what);
    answer.mend = std::move(mend);
    answer.conversation = command.conversation;
    outlet_.emit(AnswerCommand{request, answer});
    return false;
  };
  if (pending_.size() >= options_.max_waiting) {
    return refuse(ErrorCode::full, "too many commands wait for homes that cannot be reached",
                  "try again in a minute");
  }
  if (!home_of(command.conversation)) {
    return refuse(ErrorCode::not_found, "no conversation " + command.conversation.hex(),
                  "see `crossfloor conversations`");
  }
  auto& pending = pending_[command.id];
  pending = {command, {request}, now.steady, now.steady, {}};
  forward(pending, now);
  return true;
}

void Commands::forward(Pending& pending, Now now) {
  pending.next = now.steady + options_.repeat_every;
  const auto home = home_of(pending.command.conversation);
  if (!home) return;
  pending.asked.insert(*home);
  if (*home == mesh_.self()) {
    carry_out(mesh_.self(), DeskCommand(pending.command), now);
  } else if (mesh_.live(*home)) {
    outlet_.send<DeskFrame>(*home, LinkKind::live, pending.command);
  }
}

bool Commands::may_act(const NodeId& node, const ConversationId& conversation, Now now) const {
  auto standing = rows::canonical(scribe_.view(), conversation);
  auto row = rows::conversation(scribe_.view(), standing.ok() ? standing.value() : conversation);
  if (!row.ok() || !row.value()) return true;  // home says that it does not know it
  const auto holders = mesh_.nodes_of(home_.region_of(*row.value()), now);
  return std::find(holders.begin(), holders.end(), node) != holders.end();
}

void Commands::link(RequestId request, const CustomerLink& link, Now now) {
  CommandAnswer answer;
  answer.id = link.id;
  answer.conversation = link.conversation;
  const auto refuse = [&](ErrorCode code, std::string what, std::string mend) {
    answer.code = name_of(code);
    answer.what = std::move(what);
    answer.mend = std::move(mend);
    outlet_.emit(AnswerCommand{request, answer});
  };
  auto standing = rows::canonical(scribe_.view(), link.conversation);
  auto row =
      rows::conversation(scribe_.view(), standing.ok() ? standing.value() : link.conversation);
  if (!row.ok() || !row.value() || !row.value()->opened) {
    return refuse(ErrorCode::not_found, "no conversation " + link.conversation.hex(), "");
  }
  const Conversation& c = *row.value();
  if (!from_word<ChannelKind>(link.channel)) {
    return refuse(ErrorCode::malformed, "'" + link.channel + "' is no channel",
                  "say chat, social, email, call or other");
  }
  const HandleId other =
      scribe_.subjects(c.region)->handle(c.brand, link.channel, link.external_id);
  if (other == c.handle) {
    return refuse(ErrorCode::conflict, "that is the handle of this conversation itself", "");
  }
  const LinkBody body{c.handle, other, link.linked, link.agent, link.reason};
  const auto written =
      scribe_.write(c.region, EntryKind::link, body.first.as<Subject>(), body, now);
  answer.ok = true;
  answer.epoch = c.epoch;
  const auto send = [this, request, answer](bool) { outlet_.emit(AnswerCommand{request, answer}); };
  const bool mesh = settings_.durability == Durability::mesh &&
                    mesh_.nodes_of(written.stream.region, now).size() > 1;
  if (mesh) {
    receipts_.wait(written.stream, written.at.sequence, send);
  } else {
    send(true);
  }
}

void Commands::receive(const NodeId& from, const DeskCommand& command, Now now) {
  // Who acts is said by the node whose agent it is; nobody speaks for another node's agents, and
  // nobody acts on customers of a region that it may not hold.
  if (!command.by_operator && command.agent_node != from) return;
  if (!may_act(from, command.conversation, now)) return;
  carry_out(from, command, now);
}

// The answer leaves when what it says is durable; under mesh durability at another node, too.
void Commands::carry_out(const NodeId& asker, const DeskCommand& command, Now now) {
  auto done = home_.command(command, now);
  if (!done.answer.ok && done.answer.code == name_of(ErrorCode::unavailable)) return;  // repeated
  desk_.carried_out(command, done.answer, now);
  const auto send = [this, asker, answer = done.answer](bool) {
    outlet_.send<DeskFrame>(asker, LinkKind::live, answer);
  };
  const bool mesh = settings_.durability == Durability::mesh && done.written &&
                    mesh_.nodes_of(done.written->stream.region, now).size() > 1;
  if (mesh) {
    receipts_.wait(done.written->stream, done.written->at.sequence, send);
  } else {
    send(true);
  }
}

std::optional<DeskCommand> Commands::receive(const NodeId& from, const CommandAnswer& answer, Now) {
  const auto at = pending_.find(answer.id);
  if (at == pending_.end() || !at->second.asked.contains(from)) return std::nullopt;
  for (const auto request : at->second.requests) outlet_.emit(AnswerCommand{request, answer});
  DeskCommand command = std::move(at->second.command);
  pending_.erase(at);
  return command;
}

void Commands::tick(Now now) {
  for (auto& [id, pending] : pending_) {
    if (now.steady >= pending.next) forward(pending, now);
  }
}

std::optional<Instant> Commands::deadline() const {
  std::optional<Instant> first;
  for (const auto& [id, pending] : pending_) {
    if (!first || pending.next < *first) first = pending.next;
  }
  return first;
}

std::vector<Commands::Waiting> Commands::waiting() const {
  std::vector<Waiting> all;
  for (const auto& [id, pending] : pending_) {
    all.push_back(
        {pending.command, home_of(pending.command.conversation).value_or(NodeId{}), pending.since});
  }
  return all;
}

}  // namespace crossfloor
