#include "tools/crossfloor/agent_auto.h"

#include <algorithm>
#include <cmath>

namespace crossfloor::cli {

AutoAgent::AutoAgent(ClientSurroundings& around, AgentClient::Options client,
                     const AutoOptions& options, AutoFigures& figures, kj::TaskSet& timers)
    : around_(around),
      options_(options),
      figures_(figures),
      timers_(timers),
      client_(around, std::move(client),
              {[this](const client::Message& message) { take(message); },
               [this](const std::string& state) {
                 if (state.rfind("connection lost", 0) == 0) ++figures_.reconnections;
               }}) {}

void AutoAgent::say(Step step, const ConversationId& id, client::Command command) {
  said_[client_.say(std::move(command))] = {step, id, tasks_.at(id).number};
}

// The agents live as long as the loop.
void AutoAgent::later(Duration time, const ConversationId& id, std::function<void()> what) {
  const std::uint64_t number = tasks_.at(id).number;
  timers_.add(around_.timer.afterDelay(time.count() * kj::MILLISECONDS)
                  .then([this, id, number, what = std::move(what)] {
                    const auto at = tasks_.find(id);
                    if (at != tasks_.end() && at->second.number == number) what();
                  }));
}

void AutoAgent::log_off() {
  leaving_ = true;
  client_.say(client::LogOff{"", client::LogOffHow::hand_over});
}

void AutoAgent::take(const client::Message& message) {
  std::visit(
      [this](const auto& one) {
        if constexpr (requires { this->on(one); }) this->on(one);
      },
      message);
  if (const auto* welcome = std::get_if<client::Welcome>(&message)) {
    if (welcome->resumed) return;
    ++figures_.logged_in;
    client_.say(client::SetPresence{"", client::Presence::ready, ""});
  } else if (const auto* over = std::get_if<client::RingOver>(&message)) {
    if (over->reason == "missed") ++figures_.missed;
    tasks_.erase(over->conversation);
  }
}

void AutoAgent::on(const client::SlotsChanged& changed) {
  // An offer that nobody took makes an agent not ready; a script goes on.
  if (changed.slots.presence == client::Presence::not_ready && !leaving_ &&
      changed.slots.reason == "missed") {
    client_.say(client::SetPresence{"", client::Presence::ready, ""});
  }
}

void AutoAgent::on(const client::Snapshot& snapshot) {
  ++figures_.snapshots;
  tasks_.clear();
  for (const auto& view : snapshot.conversations) {
    if (view.state == CourseState::ringing) {
      offered(view.conversation, view.epoch);
    } else if (view.state == CourseState::active) {
      auto& task = tasks_[view.conversation];
      task.number = next_number_++;
      task.epoch = view.epoch;
      task.view = view;
      task.working = true;
      go_on(view.conversation);
    }
  }
}

// With what is this agent's (again). What was said before the connection went is said again by the
// client, and what waits for a home that is away may yet be done; its answer goes on from there: to
// work on it anew would be a second reply.
void AutoAgent::go_on(const ConversationId& id) {
  bool under_way = false;
  for (auto& [command, said] : said_) {
    const bool answers = said.step == Step::reply || said.step == Step::end;
    if (said.conversation != id || !answers) continue;
    said.number = tasks_.at(id).number;
    under_way = true;
  }
  if (!under_way) open(id);
}

void AutoAgent::on(const client::Ring& ring) {
  offered(ring.conversation, ring.epoch);
  auto& task = tasks_.at(ring.conversation);
  if (ring.view) task.view = *ring.view;
  for (const auto& item : ring.items) task.items[item.cursor] = item;
}

void AutoAgent::offered(const ConversationId& id, const Epoch& epoch) {
  ++figures_.rung;
  figures_.last_work = around_.timer.now();
  Task task;
  task.number = next_number_++;
  task.epoch = epoch;
  tasks_[id] = std::move(task);
  const bool taken = around_.random.unit() < options_.accept;
  const auto reaction =
      HandlingTime{HandlingTime::Shape::exponential, options_.reaction}.draw(around_.random);
  later(reaction, id, [this, id, epoch, taken] {
    if (taken) {
      say(Step::accept, id, client::Accept{"", id, epoch});
    } else {
      say(Step::decline, id, client::Decline{"", id, epoch, "as the script says"});
    }
  });
}

void AutoAgent::on(const client::Changed& changed) {
  const auto id = changed.view.conversation;
  const auto at = tasks_.find(id);
  if (at == tasks_.end()) {
    // The customer wrote again in one that was pending, and it came back without ringing; or its
    // lease was over for this node, and home says that it is still this agent's.
    if (!changed.yours || changed.view.state != CourseState::active) return;
    if (changed.view.unanswered.empty()) return;
    auto& task = tasks_[id];
    task.number = next_number_++;
    task.epoch = changed.view.epoch;
    task.view = changed.view;
    task.working = true;
    return go_on(id);
  }
  Task& task = at->second;
  if (!changed.yours) {
    if (task.working && changed.view.state != CourseState::closed) ++figures_.taken_away;
    tasks_.erase(at);
    return;
  }
  task.view = changed.view;
  if (task.working) task.epoch = changed.view.epoch;
  for (const auto& item : changed.items) task.items[item.cursor] = item;
}

// ---- working ------------------------------------------------------------------------------------

void AutoAgent::open(const ConversationId& id) {
  say(Step::open, id, client::Open{"", id, client::max_page});
}

void AutoAgent::on(const client::Opened& opened) {
  said_.erase(opened.id);
  const auto id = opened.view.conversation;
  const auto at = tasks_.find(id);
  if (at == tasks_.end()) return;
  at->second.view = opened.view;
  for (const auto& item : opened.history.items) at->second.items[item.cursor] = item;
  read_on(id, opened.history.next);
}

void AutoAgent::on(const client::HistoryAnswer& answer) {
  const auto said = said_.find(answer.id);
  if (said == said_.end()) return;
  const auto id = said->second.conversation;
  said_.erase(said);
  const auto at = tasks_.find(id);
  if (at == tasks_.end()) return;
  for (const auto& item : answer.page.items) at->second.items[item.cursor] = item;
  read_on(id, answer.page.next);
}

// What is answered must have been seen: pages until every unanswered message is here.
void AutoAgent::read_on(const ConversationId& id, const std::string& next) {
  const Task& task = tasks_.at(id);
  const auto here = [&](const MessageId& message) {
    return std::any_of(task.items.begin(), task.items.end(),
                       [&](const auto& item) { return item.second.message == message; });
  };
  const bool all = std::all_of(task.view.unanswered.begin(), task.view.unanswered.end(), here);
  if (all || next.empty()) return work(id, options_.handling.draw(around_.random));
  say(Step::more, id, client::AskHistory{"", id, next, client::max_page, false});
}

void AutoAgent::work(const ConversationId& id, Duration time) {
  later(time, id, [this, id, time] {
    figures_.worked += time;
    ++figures_.cases;
    answer(id);
  });
}

// What there is to say to the messages that this agent has not answered.
std::vector<PlannedReply> AutoAgent::planned(const Task& task) const {
  std::vector<client::HistoryItem> screen;
  for (const auto& [cursor, item] : task.items) screen.push_back(item);
  auto view = task.view;
  std::erase_if(view.unanswered, [&](const MessageId& m) { return task.answered.contains(m); });
  const AnswerPlan plan{client_.agent(), client_.welcome().site, options_.reply_template,
                        options_.recorded};
  return plan_replies(plan, view, screen);
}

void AutoAgent::answer(const ConversationId& id) {
  Task& task = tasks_.at(id);
  task.replies = planned(task);
  std::reverse(task.replies.begin(), task.replies.end());
  next_reply(id);
}

void AutoAgent::next_reply(const ConversationId& id) {
  Task& task = tasks_.at(id);
  figures_.last_work = around_.timer.now();
  if (task.replies.empty()) return finish(id);
  task.said = std::move(task.replies.back());
  task.replies.pop_back();
  const PlannedReply& reply = task.said;
  task.answered.insert(reply.seen.begin(), reply.seen.end());
  client::Reply command;
  command.conversation = id;
  command.epoch = task.epoch;
  command.text = reply.text;
  command.is_public = reply.is_public;
  command.seen = reply.seen;
  command.keep = true;  // what becomes of it is said when all is answered
  say(Step::reply, id, command);
}

void AutoAgent::finish(const ConversationId& id) {
  Task& task = tasks_.at(id);
  const auto is_new = [&](const MessageId& m) {
    const bool known = std::any_of(task.items.begin(), task.items.end(),
                                   [&](const auto& item) { return item.second.message == m; });
    return known && !task.answered.contains(m);
  };
  std::vector<MessageId> rest;
  for (const auto& message : task.view.unanswered) {
    if (is_new(message)) rest.push_back(message);
  }
  // The customer wrote in the meantime: answered, too. Without any answer to give it ends
  // unanswered.
  if (!rest.empty() && !planned(task).empty()) {
    return work(id, options_.handling.draw(around_.random) / 2);
  }
  switch (options_.ending) {
    case Ending::close: {
      const std::string reason = rest.empty() ? "answered" : "no answer was recorded";
      return say(Step::end, id, client::Close{"", id, task.epoch, reason, rest});
    }
    case Ending::pending:
      return say(Step::end, id, client::SetPending{"", id, task.epoch, 0, rest});
    case Ending::leave:
      tasks_.erase(id);
  }
}

// ---- answers ------------------------------------------------------------------------------------

void AutoAgent::on(const client::Done& done) {
  const auto said = said_.find(done.id);
  if (said == said_.end()) return;
  const auto [step, id, number] = said->second;
  said_.erase(said);
  const auto at = tasks_.find(id);
  if (step == Step::decline) ++figures_.declined;
  if (step == Step::accept) ++figures_.accepted;
  if (step == Step::reply) ++figures_.replies;
  if (step == Step::end && options_.ending == Ending::close) ++figures_.closed;
  figures_.last_work = around_.timer.now();
  // What was closed with something unanswered may ring again before the yes to the close is here.
  if (at == tasks_.end() || at->second.number != number) return;
  if (done.epoch) at->second.epoch = std::max(at->second.epoch, *done.epoch);
  if (step == Step::accept) {
    at->second.working = true;
    open(id);
  } else if (step == Step::reply) {
    next_reply(id);
  } else {
    tasks_.erase(at);
  }
}

void AutoAgent::on(const client::Refused& refused) {
  ++figures_.errors[refused.code];
  const auto said = said_.find(refused.id);
  if (said == said_.end()) return;
  const auto [step, id, number] = said->second;
  said_.erase(said);
  const auto at = tasks_.find(id);
  // What is said too late of an older offer says nothing of the one that rings now.
  if (at == tasks_.end() || at->second.number != number) return;
  const bool may_wait = refused.code == name_of(ErrorCode::full);
  if (may_wait && at->second.working) {
    const Duration pause = std::max(Duration{1'000}, Duration{refused.retry_after_ms});
    if (step != Step::reply) return work(id, pause);  // goes through this case again
    // The same once more: by an earlier reply the message may be answered already.
    at->second.replies.push_back(at->second.said);
    return later(pause, id, [this, id] { next_reply(id); });
  }
  tasks_.erase(at);
}

}  // namespace crossfloor::cli
