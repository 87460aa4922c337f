#include "node/core/home.h"

#include <algorithm>

#include "node/core/accounts.h"

namespace crossfloor {
namespace {

constexpr Duration inquiry_time{1'000};
constexpr Duration senders_every{5'000};

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
  status = scribe_.view().scan(rows::unplaced_prefix(), after_prefix(rows::unplaced_prefix()),
                               [&](ByteView key, ByteView) {
                                 if (auto id = MessageId::from(key.substr(1))) {
                                   unplaced_.emplace(*id, now.steady);
                                 }
                                 return true;
                               });
  if (!status.ok()) return status;
  std::vector<Subject> subjects;
  status = scribe_.view().scan(rows::subject_prefix(), after_prefix(rows::subject_prefix()),
                               [&](ByteView key, ByteView) {
                                 if (auto id = Subject::from(key.substr(1)))
                                   subjects.push_back(*id);
                                 return true;
                               });
  if (!status.ok()) return status;
  for (const auto& subject : subjects) learn_account(subject);
  for (const auto& id : open) refresh(id, now);
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

HostOrder Home::hosts_of(const AccountSettings& account, Now now) const {
  return host_order(scribe_.crypto(), account, mesh_, now);
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

void Home::news(const FoldNews& news, Now now) {
  for (const auto& subject : news.subjects) learn_account(subject);
  for (const auto& id : news.unplaced) unplaced_.emplace(id, now.steady);
  for (const auto& id : news.conversations) refresh(id, now);
  for (const auto& id : news.unplaced) {
    const auto at = unplaced_.find(id);
    if (at != unplaced_.end() && place(id, at->second, now)) unplaced_.erase(id);
  }
  for (const auto& id : news.conversations) drive(id, now);
}

void Home::refresh(const ConversationId& id, Now now) {
  if (const auto old = open_.find(id); old != open_.end()) {
    by_home_[old->second.home()].erase(id);
    pending_until_.erase({old->second.pending_until_ms, id});
  }
  auto row = rows::conversation(scribe_.view(), id);
  auto marker = scribe_.view().get("O" + Bytes(id.view()));
  if (!row.ok() || !marker.ok() || !row.value()) return;
  Conversation& fresh = *row.value();
  desk_.changed(fresh, now);
  if (!marker.value()) {
    if (open_.erase(id) > 0) desk_.done(id, now);
    return;
  }
  by_home_[fresh.home()].insert(id);
  if (fresh.state == CourseState::pending && fresh.pending_until_ms > 0) {
    pending_until_.insert({fresh.pending_until_ms, id});
  }
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

// --- placement ---

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

void Home::place_all(Now now) {
  for (auto at = unplaced_.begin(); at != unplaced_.end();) {
    const MessageId id = at->first;
    at = place(id, at->second, now) ? unplaced_.erase(at) : std::next(at);
  }
}

Home::Target Home::target_of(const MessageBody& body, const HandleId& handle,
                             const Subjects& subjects, Now now) const {
  const auto& message = body.message;
  const Reader& view = scribe_.view();
  // What was said outside Crossfloor may name no customer: then the parent tells.
  const bool nameless = message.customer.external_id.empty();
  const auto same_customer = [&](const ConversationId& id) -> std::optional<Conversation> {
    auto standing = rows::canonical(view, id);
    if (!standing.ok()) return std::nullopt;
    auto row = rows::conversation(view, standing.value());
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
bool Home::place(const MessageId& id, Instant since, Now now) {
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
  auto entry = entry_at(scribe_.view(), Stream{{primary->at.node, primary->at.generation}, region},
                        primary->at.sequence);
  if (!entry.ok() || !entry.value()) return false;
  auto body = decode_body<MessageBody>(entry.value()->body);
  if (!body.ok()) return false;
  const auto& message = body.value().message;
  const auto handle =
      subjects->handle(body.value().brand, body.value().channel, message.customer.external_id);
  const Target target = target_of(body.value(), handle, *subjects, now);

  // Home of the conversation that it belongs to decides; without one, the account's host order.
  if (target.conversation && target.conversation->home() != mesh_.self() &&
      mesh_.live(target.conversation->home())) {
    return false;
  }
  const AccountSettings* settings = account(body.value().account);
  AccountSettings unknown;
  if (settings == nullptr) {
    unknown.name = body.value().account;
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
    take_home(*target.conversation, "takeover", "", now);
  }
  (void)since;

  PlacedBody placed;
  placed.message = id;
  placed.inbound = message.direction == Direction::in;
  placed.reason = target.reason;
  placed.account = body.value().account;
  placed.brand = body.value().brand;
  placed.channel = body.value().channel;
  placed.handle = target.conversation ? target.conversation->handle : handle;
  placed.thread_id = message.thread_id;
  placed.is_public = message.is_public;
  ConversationId conversation = id.as<ConversationId>();
  if (target.conversation) {
    conversation = target.conversation->id;
    auto current = rows::conversation(scribe_.view(), conversation);
    if (!current.ok() || !current.value()) return false;
    placed.epoch = next_epoch(*current.value(), now);
    placed.reopens = target.conversation->state == CourseState::closed && placed.inbound;
  } else {
    placed.opens = true;
    placed.epoch = {1, scribe_.next_time(now), mesh_.self()};
  }
  scribe_.write(region, EntryKind::placed, conversation.as<Subject>(), placed, now);
  return true;
}

// --- course ---

Epoch Home::next_epoch(const Conversation& conversation, Now now) {
  return {conversation.term(), scribe_.next_time(now), mesh_.self()};
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

Scribe::Written Home::course(const Conversation& conversation, CourseBody body, Now now) {
  body.epoch = next_epoch(conversation, now);
  return scribe_.write(region_of(conversation), EntryKind::course, conversation.id.as<Subject>(),
                       body, now);
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
  const NodeId before = c.last_agent_node.is_zero() ? mesh_.self() : c.last_agent_node;
  body.changes_site = mesh_.site_of(before) != mesh_.site_of(agent_node);
  body.epoch = next_epoch(c, now);
  const Epoch epoch = body.epoch;
  scribe_.write(region_of(c), EntryKind::course, id.as<Subject>(), body, now);
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
  course(c, body, now);
}

// --- commands ---

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
  reply.known_replies = static_cast<std::uint32_t>(c.replies.size()) + 1;
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
      auto row = rows::reply(scribe_.view(), reply.reply);
      if (!row.ok() || !row.value()) continue;
      const auto& at = row.value()->at;
      auto entry = entry_at(scribe_.view(), Stream{{at.node, at.generation}, row.value()->region},
                            at.sequence);
      if (!entry.ok() || !entry.value()) continue;
      auto body = decode_body<ReplyBody>(entry.value()->body);
      if (!body.ok()) continue;
      body.value().sender = sender;
      body.value().epoch = next_epoch(c, now);
      scribe_.write(region_of(c), EntryKind::reply, id.as<Subject>(), body.value(), now);
    }
  }
}

// --- takeover ---

bool Home::needs_care(const Conversation& c) const {
  return !c.unanswered.empty() || c.state == CourseState::ringing ||
         c.state == CourseState::active || c.state == CourseState::wrap_up ||
         c.state == CourseState::waiting;
}

void Home::take_home(const Conversation& c, const std::string& reason, const std::string& by,
                     Now now) {
  const TookHomeBody took{{c.term() + 1, scribe_.next_time(now), mesh_.self()}, reason, by};
  scribe_.write(region_of(c), EntryKind::took_home, c.id.as<Subject>(), took, now);
  ++takeovers_;
}

// A home that was dead for long enough, and that nobody alive heard of, loses what needs care.
void Home::take_over_dead(Now now) {
  if (!acting_) return;
  for (auto& [node, ids] : by_home_) {
    if (node == mesh_.self() || node.is_zero() || ids.empty() || mesh_.live(node)) {
      inquiries_.erase(node);
      continue;
    }
    const auto dead = mesh_.dead_since(node);
    if (!dead || now.steady < *dead + settings_.takeover_after_new) continue;
    const bool long_dead = now.steady >= *dead + settings_.takeover_after;
    std::vector<ConversationId> due;
    for (const auto& id : ids) {
      const Conversation& c = open_.at(id);
      const bool is_new = c.last_agent.empty() && c.state == CourseState::waiting;
      if (!needs_care(c) || (!long_dead && !is_new)) continue;
      const auto* settings = account(c.account);
      if (settings == nullptr || !mine(hosts_of(*settings, now).nodes, Duration{0}, now)) continue;
      due.push_back(id);
    }
    if (due.empty()) continue;
    auto inquiry = inquiries_.find(node);
    const auto within = long_dead ? settings_.takeover_after : settings_.takeover_after_new;
    if (inquiry == inquiries_.end()) {
      Inquiry fresh;
      fresh.number = next_inquiry_++;
      fresh.until = now.steady + inquiry_time;
      for (const auto& peer : mesh_.nodes_of(region_of(open_.at(due.front())), now)) {
        if (peer == mesh_.self() || peer == node || !mesh_.live(peer)) continue;
        fresh.asked.insert(peer);
        outlet_.send<DeskFrame>(
            peer, LinkKind::pulse,
            SeenQuestion{node, static_cast<std::uint64_t>(within.count()), fresh.number});
      }
      inquiry = inquiries_.emplace(node, std::move(fresh)).first;
    }
    Inquiry& asked = inquiry->second;
    if (asked.refuted) {
      if (now.steady >= asked.until) inquiries_.erase(inquiry);
      continue;
    }
    if (asked.absent.size() < asked.asked.size() && now.steady < asked.until) continue;
    if (settings_.takeover == TakeoverRule::majority) {
      const auto admitted = mesh_.nodes_of(region_of(open_.at(due.front())), now).size();
      if ((asked.absent.size() + 1) * 2 <= admitted) {
        if (now.steady >= asked.until) inquiries_.erase(inquiry);
        continue;
      }
    }
    for (const auto& id : due) {
      const Conversation c = open_.at(id);
      take_home(c, "takeover", "", now);
      auto row = rows::conversation(scribe_.view(), id);
      if (!row.ok() || !row.value() || row.value()->home() != mesh_.self()) continue;
      const Conversation taken = std::move(*row.value());
      // Whose agent was on the dead node starts anew; elsewhere the agent keeps it.
      const bool held = taken.state == CourseState::ringing || taken.state == CourseState::active ||
                        taken.state == CourseState::wrap_up;
      if (!held) continue;
      const bool agent_lives = taken.agent_node == mesh_.self() || mesh_.live(taken.agent_node);
      CourseBody body = keep(taken, taken.state, "home taken over");
      if (!agent_lives || taken.state == CourseState::ringing) {
        body.state = CourseState::waiting;
        body.agent.clear();
        body.agent_node = {};
      }
      course(taken, body, now);
    }
    inquiries_.erase(node);
  }
}

void Home::seen_answer(const NodeId& from, const SeenAnswer& answer, Now now) {
  const auto at = inquiries_.find(answer.node);
  if (at == inquiries_.end() || at->second.number != answer.number) return;
  if (!at->second.asked.contains(from)) return;
  if (answer.seen) {
    at->second.refuted = true;
    at->second.until = now.steady + inquiry_time;
  } else {
    at->second.absent.insert(from);
  }
}

Status Home::force(const ConversationId& id, const std::string& by, Now now) {
  const Conversation* c = find(id);
  if (c == nullptr) {
    return Error{ErrorCode::not_found, "no open conversation " + id.hex(), "conversation",
                 "see `crossfloor conversations`"};
  }
  if (c->home() != mesh_.self()) take_home(*c, "forced", by, now);
  return {};
}

std::size_t Home::hand_on(Now now) {
  std::size_t handed = 0;
  const auto own = by_home_[mesh_.self()];
  for (const auto& id : own) {
    const Conversation c = open_.at(id);
    const auto* settings = account(c.account);
    if (settings == nullptr) continue;
    for (const auto& node : hosts_of(*settings, now).nodes) {
      if (node == mesh_.self() || !mesh_.live(node) || mesh_.drained(node)) continue;
      const TookHomeBody took{{c.term() + 1, scribe_.next_time(now), node}, "handed-on", ""};
      scribe_.write(region_of(c), EntryKind::took_home, id.as<Subject>(), took, now);
      ++handed;
      break;
    }
  }
  return handed;
}

void Home::tick(Now now) {
  place_all(now);
  take_over_dead(now);
  if (!acting_) return;
  replace_senders(now);
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
  return std::nullopt;
}

}  // namespace crossfloor
