// What agents and operators ask of a conversation: checked against who holds it, written, answered.
#include <algorithm>

#include "node/core/home.h"

namespace crossfloor {
namespace {

Error refuse(ErrorCode code, std::string what, std::string mend = {}) {
  return {code, std::move(what), "", std::move(mend)};
}

CommandAnswer answer_of(const DeskCommand& command, const Conversation& conversation) {
  CommandAnswer answer;
  answer.id = command.id;
  answer.ok = true;
  answer.conversation = conversation.id;
  answer.epoch = conversation.epoch;
  return answer;
}

CommandAnswer refused(const DeskCommand& command, const Error& error,
                      const Conversation* conversation) {
  CommandAnswer answer;
  answer.id = command.id;
  answer.code = name_of(error.code);
  answer.what = error.what;
  answer.mend = error.mend;
  answer.conversation = command.conversation;
  if (conversation != nullptr) {
    answer.epoch = conversation->epoch;
    answer.holder = conversation->agent;
  }
  return answer;
}

}  // namespace

Home::Done Home::command(const DeskCommand& command, Now now) {
  const auto no = [&](const Error& error, const Conversation* c) -> Done {
    return {refused(command, error, c), std::nullopt};
  };
  if (!acting_) {
    return no(refuse(ErrorCode::unavailable, "this node is catching up with its peers",
                     "it is repeated by itself"),
              nullptr);
  }
  auto standing = rows::canonical(scribe_.view(), command.conversation);
  auto row =
      rows::conversation(scribe_.view(), standing.ok() ? standing.value() : command.conversation);
  if (!row.ok() || !row.value() || !row.value()->opened) {
    return no(refuse(ErrorCode::not_found, "no conversation " + command.conversation.hex(),
                     "see `crossfloor conversations`"),
              nullptr);
  }
  const Conversation c = std::move(*row.value());
  if (auto known = rows::command(scribe_.view(), command.id); known.ok() && known.value()) {
    CommandAnswer answer = answer_of(command, c);
    answer.reply = scribe_.subjects(region_of(c))->reply(command.id);
    const Position& at = known.value()->at;
    return {answer, Scribe::Written{at, {}, {{at.node, at.generation}, region_of(c)}}};
  }
  if (c.home() != mesh_.self()) {
    return no(refuse(ErrorCode::unavailable, "home of this conversation is another node",
                     "it is repeated by itself"),
              &c);
  }
  if (!command.by_operator && command.verb != Verb::note) {
    const bool holds = c.agent == command.agent && c.agent_node == command.agent_node;
    if (!holds || command.epoch < c.assigned) {
      return no(refuse(ErrorCode::stale,
                       c.agent.empty() ? "this conversation is with nobody now"
                                       : "this conversation is with " + c.agent + " now",
                       "keep the draft, and open the conversation again"),
                &c);
    }
  }
  CommandAnswer answer = answer_of(command, c);
  CourseBody body = keep(c, c.state, "");
  body.by = command.agent;
  body.command = command.id;
  const auto write = [&]() -> Done {
    const auto written = course(c, body, now);
    answer.epoch = body.state == CourseState::closed || body.state == CourseState::waiting
                       ? c.epoch
                       : Epoch{c.term(), written.at.time, mesh_.self()};
    return {answer, written};
  };
  const auto wrong_state = [&](const char* wanted) {
    return no(refuse(ErrorCode::conflict,
                     std::string("the conversation is ") + word_of(c.state) + ", not " + wanted),
              &c);
  };
  const bool working = c.state == CourseState::active || c.state == CourseState::wrap_up ||
                       c.state == CourseState::pending;
  switch (command.verb) {
    case Verb::accept:
      if (c.state == CourseState::active) return {answer, std::nullopt};
      if (c.state != CourseState::ringing) return wrong_state("ringing");
      body.state = CourseState::active;
      body.reason = "accepted";
      body.changes_site = changes_site(c);
      return write();
    case Verb::decline:
      if (c.state != CourseState::ringing) return wrong_state("ringing");
      body.state = CourseState::waiting;
      body.reason = "declined";
      body.agent.clear();
      body.agent_node = {};
      return write();
    case Verb::reply: {
      if (!working) return wrong_state("active");
      const auto written = write_reply(c, command, answer, now);
      return {answer, written};
    }
    case Verb::note: {
      const NoteBody note{next_epoch(c, now), command.id, command.agent, command.text};
      return {answer, scribe_.write(region_of(c), EntryKind::note, c.id.as<Subject>(), note, now)};
    }
    case Verb::pending:
      if (!working) return wrong_state("active");
      body.state = CourseState::pending;
      body.reason = "set pending";
      body.pending_until_ms = command.until_ms;
      body.seen = command.seen;
      return write();
    case Verb::wrap_up:
      if (!working) return wrong_state("active");
      body.state = CourseState::wrap_up;
      body.reason = "wrapping up";
      return write();
    case Verb::close:
      if (!command.by_operator && !working) return wrong_state("active");
      if (command.reason.empty()) {
        return no(refuse(ErrorCode::malformed, "a conversation is closed with a reason",
                         "say why in `reason`"),
                  &c);
      }
      body.state = CourseState::closed;
      body.reason = command.reason;
      body.seen = command.seen;
      if (command.by_operator) {
        for (const auto& u : c.unanswered) body.seen.push_back(u.message);
      }
      body.agent.clear();
      body.agent_node = {};
      return write();
    case Verb::transfer:
      if (!working) return wrong_state("active");
      body.state = CourseState::waiting;
      body.reason = "transfer";
      body.agent.clear();
      body.agent_node = {};
      body.prefer_agent = command.to_agent;
      body.prefer_node = command.to_node;
      body.team = command.team;
      body.skills = command.skills;
      return write();
    case Verb::requeue:
    case Verb::assign:
      if (c.state == CourseState::closed && c.unanswered.empty()) return wrong_state("open");
      body.state = CourseState::waiting;
      body.reason = command.verb == Verb::assign ? "assigned" : "requeued";
      body.agent.clear();
      body.agent_node = {};
      body.prefer_agent = command.to_agent;
      body.prefer_node = command.to_node;
      return write();
    case Verb::takeover:
      return {answer, std::nullopt};  // it is home already
  }
  return no(refuse(ErrorCode::malformed, "a verb that this node does not know"), &c);
}

}  // namespace crossfloor
