#include "node/core/home.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "node/core/accounts.h"
#include "protocol/json_codec.h"
#include "protocol/trace.h"

namespace crossfloor {

Home::Home(Scribe& scribe, const NodeSettings& settings, const MeshView& mesh, Outlet& outlet,
           DeskPort& desk)
    : scribe_(scribe), settings_(settings), mesh_(mesh), outlet_(outlet), desk_(desk) {
  accounts_ = settings.accounts;
}

Status Home::open(Now now) {
  std::vector<ConversationId> open;
  auto status = scribe_.view().scan(rows::open_prefix(), after_prefix(rows::open_prefix()),
                                    [&](ByteView key, ByteView) {
                                      if (auto id = ConversationId::from(key.substr(1))) {
                                        open.push_back(*id);
                                      }
                                      return true;
                                    });
  if (!status.ok()) return status;
  std::vector<MessageId> unplaced;
  status = scribe_.view().scan(rows::unplaced_prefix(), after_prefix(rows::unplaced_prefix()),
                               [&](ByteView key, ByteView) {
                                 if (auto id = MessageId::from(key.substr(1))) {
                                   unplaced.push_back(*id);
                                 }
                                 return true;
                               });
  if (!status.ok()) return status;
  for (const auto& id : unplaced) {
    auto row = rows::message(scribe_.view(), id);
    if (!row.ok()) return row.error();
    if (row.value() && !row.value()->copies.empty()) {
      unplaced_.put(id, row.value()->copies.front().at);
    }
  }
  std::vector<Subject> subjects;
  status = scribe_.view().scan(rows::subject_prefix(), after_prefix(rows::subject_prefix()),
                               [&](ByteView key, ByteView) {
                                 if (auto id = Subject::from(key.substr(1)))
                                   subjects.push_back(*id);
                                 return true;
                               });
  if (!status.ok()) return status;
  for (const auto& subject : subjects) learn_account(subject);
  for (const auto& id : open) {
    auto row = rows::conversation(scribe_.view(), id);
    if (!row.ok()) return row.error();
    refresh(id, std::move(row).value(), now);
  }
  return {};
}

// Accounts of other hosts, from their entries; the own config is not changed by what others say.
void Home::learn_account(const Subject& subject) {
  const auto said = published_account(scribe_.view(), subject);
  if (!said || settings_.account(said->body.account) != nullptr) return;
  accounts_[said->body.account] = account_settings(said->body, said->region);
}

const AccountSettings* Home::account(const std::string& name) const {
  const auto at = accounts_.find(name);
  return at == accounts_.end() ? nullptr : &at->second;
}

Duration Home::target_of(const Conversation& c) const {
  const auto* known = account(c.account);
  if (known == nullptr) return AccountSettings{}.target;
  const bool further = c.first_reply_ms > 0 && known->next_target > Duration{0};
  return further ? known->next_target : known->target;
}

const HostOrder& Home::hosts_of(const AccountSettings& account, Now now) const {
  return orders_.of(scribe_.crypto(), account, mesh_, now);
}

const Conversation* Home::find(const ConversationId& id) const {
  const auto at = open_.find(id);
  return at == open_.end() ? nullptr : &at->second;
}

Region Home::region_of(const Conversation& conversation) const {
  const auto* known = account(conversation.account);
  return known == nullptr ? settings_.home_region : known->region;
}

void Home::allow(bool acting, Now now) {
  if (acting == acting_) return;
  acting_ = acting;
  if (!acting_) return;
  std::vector<ConversationId> ids;
  for (const auto& [id, conversation] : open_) ids.push_back(id);
  for (const auto& id : ids) drive(id, now);
  place_all(now);
}

void Home::news(FoldNews& news, Now now) {
  for (const auto& subject : news.subjects) learn_account(subject);
  std::set<UnplacedMessages::Place> unplaced;
  for (const auto& [id, at] : news.unplaced) {
    unplaced_.put(id, at);
    unplaced.insert({at, id});
  }
  for (auto& [id, row] : news.conversations) refresh(id, std::move(row), now);
  for (const auto& [at, id] : unplaced) {
    if (place(id, now)) unplaced_.erase(id);
  }
  for (const auto& [id, row] : news.conversations) drive(id, now);
}

void Home::refresh(const ConversationId& id, std::optional<Conversation> row, Now now) {
  if (const auto old = open_.find(id); old != open_.end()) {
    by_home_[old->second.home()].erase(id);
    pending_until_.erase({old->second.pending_until_ms, id});
  }
  late_.erase(id);
  if (const auto due = late_at_.find(id); due != late_at_.end()) {
    late_next_.erase({due->second, id});
    late_at_.erase(due);
  }
  if (!row) return;
  Conversation& fresh = *row;
  desk_.changed(fresh, now);
  if (!fresh.is_open()) {
    if (open_.erase(id) > 0) desk_.done(id, now);
    return;
  }
  by_home_[fresh.home()].insert(id);
  if (fresh.state == CourseState::pending && fresh.pending_until_ms > 0) {
    pending_until_.insert({fresh.pending_until_ms, id});
  }
  watch_for_late(fresh);
  open_[id] = std::move(fresh);
}

// Makes of a conversation what its state asks for, if this node steers it.
void Home::drive(const ConversationId& id, Now now) {
  const auto at = open_.find(id);
  if (at == open_.end()) return;
  const Conversation& c = at->second;
  if (!acting_ || c.home() != mesh_.self()) {
    desk_.done(id, now);
    return;
  }
  const bool wanted = !c.unanswered.empty();
  switch (c.state) {
    case CourseState::waiting:
      if (!wanted &&
          (c.reason == "new" || c.reason == "reopened" || c.reason == "customer wrote")) {
        course(c, keep(c, CourseState::closed, "answered elsewhere"), now);
        return;
      }
      desk_.waiting(c, now);
      return;
    case CourseState::ringing:
    case CourseState::active:
    case CourseState::wrap_up:
      if (c.agent_node == mesh_.self() || mesh_.live(c.agent_node)) {
        desk_.assigned(c, now);
        return;
      }
      desk_.assigned(c, now);  // its lease ends by itself
      return;
    case CourseState::pending:
    case CourseState::closed:
      if (!wanted) {
        desk_.done(id, now);
        return;
      }
      CourseBody back = keep(c, CourseState::waiting,
                             c.state == CourseState::closed ? "reopened" : "customer wrote");
      back.prefer_agent = c.last_agent;
      back.prefer_node = c.last_agent_node;
      back.agent.clear();
      back.agent_node = {};
      course(c, back, now);
      return;
  }
}

// --- course ---

Epoch Home::next_epoch(const Conversation& conversation, Now now) {
  return {conversation.term(), scribe_.next_time(now), mesh_.self()};
}

// Who takes it works elsewhere than who had it last, or, if nobody had, than its home.
bool Home::changes_site(const Conversation& c) const {
  const NodeId before = c.last_agent_node.is_zero() ? mesh_.self() : c.last_agent_node;
  return mesh_.site_of(before) != mesh_.site_of(c.agent_node);
}

// A course entry that changes nothing but the state.
CourseBody Home::keep(const Conversation& c, CourseState state, std::string reason) const {
  CourseBody body;
  body.state = state;
  body.reason = std::move(reason);
  body.agent = c.agent;
  body.agent_node = c.agent_node;
  body.team = c.team;
  if (state == CourseState::closed) {
    body.agent.clear();
    body.agent_node = {};
  }
  return body;
}

Scribe::Written Home::course(const Conversation& c, CourseBody body, Now now, Epoch* epoch) {
  const auto write = [&](const Conversation& steered) {
    body.epoch = next_epoch(steered, now);
    if (epoch != nullptr) *epoch = body.epoch;
    return scribe_.write(region_of(c), EntryKind::course, c.id.as<Subject>(), body, now);
  };
  const auto written = write(c);
  if (c.last < written.at && c.epoch < body.epoch) return written;
  // Something of it carries a time that is still to come: of a node whose clock was fast, or that
  // lies. If that is what made this node home, or its own latest word, then what it writes now
  // stands before it and says nothing. In a new term it does.
  auto row = rows::conversation(scribe_.view(), c.id);
  if (!row.ok() || !row.value() || row.value()->epoch == body.epoch) return written;
  take_home(*row.value(), "its latest word is of a time to come", "", now);
  row = rows::conversation(scribe_.view(), c.id);
  if (!row.ok() || !row.value() || row.value()->home() != mesh_.self()) return written;
  return write(*row.value());
}

std::optional<Epoch> Home::assign(const ConversationId& id, const std::string& agent,
                                  const NodeId& agent_node, const std::string& trace_json,
                                  Now now) {
  const auto at = open_.find(id);
  if (at == open_.end() || !acting_) return std::nullopt;
  const Conversation c = at->second;
  if (c.home() != mesh_.self() || c.state != CourseState::waiting) return std::nullopt;
  CourseBody body = keep(c, CourseState::ringing, "offered");
  body.agent = agent;
  body.agent_node = agent_node;
  body.trace = trace_json;
  Epoch epoch;
  course(c, std::move(body), now, &epoch);
  return epoch;
}

void Home::requeue(const ConversationId& id, const Epoch& epoch, const std::string& reason,
                   Now now) {
  const auto at = open_.find(id);
  if (at == open_.end() || !acting_) return;
  const Conversation c = at->second;
  const bool held = c.state == CourseState::ringing || c.state == CourseState::active ||
                    c.state == CourseState::wrap_up;
  if (c.home() != mesh_.self() || !held || epoch < c.assigned) return;
  if (c.state == CourseState::wrap_up && c.unanswered.empty()) {
    course(c, keep(c, CourseState::closed, reason), now);
    return;
  }
  CourseBody body = keep(c, CourseState::waiting, reason);
  if (c.state == CourseState::active) {  // the agent who knew the customer is preferred
    body.prefer_agent = c.agent;
    body.prefer_node = c.agent_node;
  }
  body.agent.clear();
  body.agent_node = {};
  body.trace = trace_of_return(c, reason, now);
  course(c, body, now);
}

// Who had it and lost it, for `explain`.
std::string Home::trace_of_return(const Conversation& c, const std::string& reason, Now now) const {
  const auto elapsed = [&](std::int64_t since_ms) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, ms_of(now.wall) - since_ms));
  };
  const bool no = reason == word_of(BackReason::declined) || reason == word_of(BackReason::missed);
  const bool lease = reason == "lease ended" || reason == word_of(BackReason::lessee_lost) ||
                     reason == word_of(BackReason::not_answered) ||
                     reason == word_of(BackReason::no_hold);
  Trace trace;
  trace.rule = no ? 12 : lease ? 14 : 21;
  trace.rule_name = "back to the queue";
  trace.age_ms = elapsed(c.waiting_since_ms());
  trace.add(
      {c.agent_node, c.agent,
       std::string(word_of(c.state)) + " for " + std::to_string(elapsed(c.since_ms) / 1000) + " s",
       0, reason});
  return write_json(trace).dump();
}

// --- time ---

void Home::tick(Now now) {
  place_all(now);
  take_over_dead(now);
  if (!acting_) return;
  replace_senders(now);
  notice_late(now);
  while (!pending_until_.empty() && pending_until_.begin()->first <= ms_of(scribe_.wall(now))) {
    const auto id = pending_until_.begin()->second;
    pending_until_.erase(pending_until_.begin());
    const auto at = open_.find(id);
    if (at == open_.end() || at->second.home() != mesh_.self()) continue;
    const Conversation c = at->second;
    CourseBody body = keep(c, CourseState::waiting, "its time has come");
    body.prefer_agent = c.last_agent;
    body.prefer_node = c.last_agent_node;
    body.agent.clear();
    body.agent_node = {};
    course(c, body, now);
  }
}

std::optional<Instant> Home::deadline() const {
  return place_on_ ? std::optional(Instant{}) : std::nullopt;
}

}  // namespace crossfloor
