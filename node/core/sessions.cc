#include "node/core/sessions.h"

#include <algorithm>

#include "node/core/history.h"

namespace crossfloor {
namespace {

// Takes as long whatever the first difference.
bool same_secret(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return false;
  unsigned char different = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    different = static_cast<unsigned char>(different | (a[i] ^ b[i]));
  }
  return different == 0;
}

}  // namespace

Sessions::Sessions(AgentDesk& desk, const Reader& durable, Random& random, Options options)
    : desk_(desk),
      durable_(durable),
      random_(random),
      options_(options),
      lockout_(options.lockout) {}

void Sessions::send(ConnectionId to, const client::Message& message) {
  if (to != 0) actions_.push_back(SendText{to, client::to_text(message)});
}

void Sessions::end(ConnectionId connection, std::uint16_t code, const std::string& reason) {
  if (connections_.erase(connection) == 0) return;
  actions_.push_back(EndConnection{connection, code, reason});
}

// ---- connections --------------------------------------------------------------------------------

void Sessions::connected(ConnectionId connection, const std::string& address, Now now) {
  Connection fresh;
  fresh.address = address;
  fresh.since = now.steady;
  fresh.allowance = now.steady;
  connections_.emplace(connection, std::move(fresh));
}

void Sessions::disconnected(ConnectionId id, Now now) {
  const auto at = connections_.find(id);
  if (at == connections_.end()) return;
  const std::string agent = at->second.agent;
  connections_.erase(at);
  const auto session = sessions_.find(agent);
  if (session == sessions_.end() || session->second.connection != id) return;
  session->second.connection = 0;
  desk_.connection(agent, false, now);
}

// Each command costs a fixed time; nobody may be ahead by more than the burst.
std::optional<Duration> Sessions::too_fast(Connection& connection, Now now) const {
  const Duration cost{1'000 / options_.commands_per_second};
  const Instant paid = std::max(connection.allowance, now.steady) + cost;
  if (paid - now.steady > options_.burst) return paid - now.steady - options_.burst;
  connection.allowance = paid;
  return std::nullopt;
}

void Sessions::receive(ConnectionId id, const std::string& text, Now now) {
  const auto at = connections_.find(id);
  if (at == connections_.end()) return;
  if (const auto wait = too_fast(at->second, now)) {
    auto refused = refusal(
        client::readable_id(text),
        Error{ErrorCode::full, "too many commands in a short time", "", "wait, then say it again"});
    refused.retry_after_ms = wait->count();
    return send(id, refused);
  }
  auto command = client::read_command(text);
  if (!command.ok()) {
    auto refused = refusal(client::readable_id(text), command.error());
    if (refused.mend.empty()) refused.mend = "write it as the page of the client protocol says";
    return send(id, refused);
  }
  if (at->second.agent.empty()) {
    if (const auto* wanted = std::get_if<client::LogIn>(&command.value())) {
      return log_in(id, *wanted, now);
    }
    return send(id, refusal(client::id_of(command.value()),
                            Error{ErrorCode::unauthenticated, "nobody is logged in here", "type",
                                  "say log_in first"}));
  }
  const std::string agent = at->second.agent;
  const auto session = sessions_.find(agent);
  const auto record = desk_.record(agent);
  if (session == sessions_.end() || !record) return end(id, session_over, "the session is over");
  if (!std::holds_alternative<client::Ping>(command.value())) session->second.used = now.steady;
  const Speaker who{id, agent, session->second, *record};
  std::visit([&](const auto& one) { on(who, one, now); }, command.value());
  const auto still = sessions_.find(agent);
  if (still != sessions_.end()) refresh_slots(agent, still->second);
}

// ---- log-in -------------------------------------------------------------------------------------

void Sessions::log_in(ConnectionId id, const client::LogIn& command, Now now) {
  Connection& connection = connections_.at(id);
  const auto refuse = [&](ErrorCode code, const char* what, const char* field, const char* mend) {
    send(id, refusal(command.id, Error{code, what, field, mend}));
  };
  if (!connection.verifying.empty()) {
    return refuse(ErrorCode::conflict, "the last log-in is still being checked", "",
                  "wait for its answer");
  }
  if (command.version > client::protocol_version) {
    return refuse(ErrorCode::malformed, "this node speaks version 1", "version", "say version 1");
  }
  if (command.token.empty() == command.password.empty()) {
    return refuse(ErrorCode::malformed, "either a password or a token is wanted", "password",
                  "give one of the two");
  }
  if (!command.token.empty()) {
    const auto session = sessions_.find(command.agent);
    if (session == sessions_.end() || !same_secret(session->second.token, command.token)) {
      return refuse(ErrorCode::unauthenticated, "that session is over", "token",
                    "log in with the password");
    }
    return resume(id, command, session->second, now);
  }
  if (const auto wait = lockout_.locked(command.agent, connection.address, now.steady)) {
    auto refused = refusal(command.id, Error{ErrorCode::full, "too many wrong passwords", "agent",
                                             "wait, or ask whoever keeps the agents' records"});
    refused.retry_after_ms = wait->count();
    return send(id, refused);
  }
  if (verifying_ >= options_.max_verifying) {
    auto refused = refusal(command.id, Error{ErrorCode::full, "too many log in at this moment", "",
                                             "say it again in a while"});
    refused.retry_after_ms = 2'000;
    return send(id, refused);
  }
  ++verifying_;
  connection.verifying = command.agent;
  connection.verifying_id = command.id;
  const auto record = desk_.record(command.agent);
  actions_.push_back(VerifyPassword{id, record ? record->password_hash : "", command.password});
}

void Sessions::password_checked(ConnectionId id, bool right, Now now) {
  if (verifying_ > 0) --verifying_;
  const auto at = connections_.find(id);
  if (at == connections_.end() || at->second.verifying.empty()) return;
  const std::string agent = std::exchange(at->second.verifying, {});
  const std::string command_id = std::exchange(at->second.verifying_id, {});
  // As it is now: it may have changed while the password was being checked.
  const auto record = desk_.record(agent);
  if (!right || !record) {
    ++wrong_passwords_;
    lockout_.wrong(agent, at->second.address, now.steady);
    return send(id,
                refusal(command_id, Error{ErrorCode::unauthenticated, "name or password is wrong",
                                          "password", "look at both; names are case sensitive"}));
  }
  lockout_.right(agent);
  if (record->disabled) {
    return send(id, refusal(command_id, Error{ErrorCode::forbidden, "this agent is disabled",
                                              "agent", "ask whoever keeps the agents' records"}));
  }
  if (record->node != desk_.self()) {
    const auto place = desk_.place_of(record->node);
    auto refused = refusal(command_id, Error{ErrorCode::conflict,
                                             "this agent belongs to the node at site " + place.site,
                                             "agent", "log in at one of `addresses`"});
    refused.site = place.site;
    refused.addresses = place.addresses;
    return send(id, refused);
  }
  begin(id, command_id, *record, now);
}

client::Welcome Sessions::welcome(const std::string& id, const AgentRecord& record,
                                  const Session& session, Now now) const {
  client::Welcome out;
  out.id = id;
  out.agent = record.name;
  out.display_name = record.display_name;
  out.signature = record.signature;
  out.team = record.team;
  out.site = desk_.place_of(desk_.self()).site;
  out.brands = record.brands;
  out.token = session.token;
  out.seq = session.seq;
  out.now_ms = ms_of(now.wall);
  out.idle_ms = options_.idle.count();
  return out;
}

// A log-in by password: a new session, which takes the old one's place and work.
void Sessions::begin(ConnectionId id, const std::string& command_id, const AgentRecord& record,
                     Now now) {
  if (auto status = desk_.log_in(record.name, now); !status.ok()) {
    return send(id, refusal(command_id, status.error()));
  }
  end_session(record.name, "logged in elsewhere");
  Session& session = sessions_[record.name];
  session.token = random_.id<Secret>().hex();
  session.connection = id;
  session.used = now.steady;
  connections_.at(id).agent = record.name;
  send(id, welcome(command_id, record, session, now));
  push_snapshot(record.name, session);
}

void Sessions::resume(ConnectionId id, const client::LogIn& command, Session& session, Now now) {
  const auto record = desk_.record(command.agent);
  if (!record || record->disabled || record->node != desk_.self()) {
    end_session(command.agent, "disabled");
    return send(id, refusal(command.id, Error{ErrorCode::unauthenticated, "that session is over",
                                              "token", "log in with the password"}));
  }
  if (session.connection != 0) {
    const auto old = session.connection;
    session.connection = 0;
    end(old, replaced, "a newer connection goes on with this session");
  }
  const auto view = desk_.view(command.agent);
  if (!view || view->presence == Presence::logged_out) {
    if (auto status = desk_.log_in(command.agent, now); !status.ok()) {
      return send(id, refusal(command.id, status.error()));
    }
  }
  session.connection = id;
  session.used = now.steady;
  connections_.at(id).agent = command.agent;
  const bool all_kept =
      command.last_seq <= session.seq &&
      (command.last_seq == session.seq ||
       (!session.pushed.empty() && session.pushed.front().seq <= command.last_seq + 1));
  auto answer = welcome(command.id, *record, session, now);
  answer.resumed = all_kept;
  send(id, answer);
  if (all_kept) {
    for (const auto& one : session.pushed) {
      if (one.seq > command.last_seq) actions_.push_back(SendText{id, one.text});
    }
  } else {
    push_snapshot(command.agent, session);
  }
  desk_.connection(command.agent, true, now);
  refresh_slots(command.agent, session);
}

void Sessions::end_session(const std::string& agent, const std::string& reason) {
  const auto at = sessions_.find(agent);
  if (at == sessions_.end()) return;
  push(at->second, client::SessionOver{0, reason});
  end(at->second.connection, session_over, reason);
  sessions_.erase(at);
}

void Sessions::read_done(ConnectionId id, std::string text) {
  const auto at = connections_.find(id);
  if (at == connections_.end()) return;
  if (at->second.reads > 0) --at->second.reads;
  actions_.push_back(SendText{id, std::move(text)});
}

// ---- what the node says -------------------------------------------------------------------------

bool Sessions::answered(const AnswerCommand& effect, Now now) {
  const auto at = requests_.find(effect.request);
  if (at == requests_.end()) return false;
  const Request request = std::move(at->second);
  requests_.erase(at);
  const auto session = sessions_.find(request.agent);
  if (session == sessions_.end()) return true;
  Session& its = session->second;
  if (its.requests > 0) --its.requests;
  const CommandAnswer& answer = effect.answer;
  if (its.leaving && its.leaving->waits_for.erase(effect.request) > 0) {
    if (!answer.ok) ++its.leaving->failed;
    if (!its.leaving->waits_for.empty()) return true;
    const Leaving left = *std::exchange(its.leaving, std::nullopt);
    if (left.failed == 0) {
      log_off_done(request.agent, left.id, now);
    } else {
      send(its.connection,
           refusal(left.id,
                   Error{ErrorCode::conflict,
                         std::to_string(left.failed) + " conversations could not be made pending",
                         "how", "look at them, or log off with hand_over"}));
    }
    return true;
  }
  if (answer.ok) {
    client::Done done{request.id, answer.conversation, answer.epoch, std::nullopt};
    if (!answer.reply.is_zero()) done.reply = answer.reply;
    send(its.connection, done);
  } else {
    client::Refused refused;
    refused.id = request.id;
    refused.code = answer.code;
    refused.what = answer.what;
    refused.mend = answer.mend;
    refused.holder = answer.holder;
    if (answer.epoch != Epoch{}) refused.epoch = answer.epoch;
    send(its.connection, refused);
  }
  refresh_slots(request.agent, its);
  return true;
}

void Sessions::notify(const NotifyAgent& notice, Now now) {
  const auto at = sessions_.find(notice.agent);
  if (at == sessions_.end()) return;
  switch (notice.what) {
    case NotifyAgent::What::ring:
      push_ring(notice.agent, at->second, notice, now);
      break;
    case NotifyAgent::What::ring_over:
      // If it turns out to be this agent's after all, that is news, however little it changed.
      at->second.shown.erase(notice.conversation);
      push(at->second, client::RingOver{0, notice.conversation, notice.epoch, notice.reason});
      break;
    case NotifyAgent::What::conversation:
      push_changed(notice.agent, at->second, notice);
      break;
    case NotifyAgent::What::slots:
      break;
    case NotifyAgent::What::session_over:
      return end_session(notice.agent, notice.reason);
  }
  refresh_slots(notice.agent, at->second);
}

void Sessions::tick(Now now) {
  std::vector<ConnectionId> strangers;
  for (const auto& [id, connection] : connections_) {
    const bool waits = connection.agent.empty() && connection.verifying.empty();
    if (waits && now.steady - connection.since >= options_.log_in_within) strangers.push_back(id);
  }
  for (const auto id : strangers) end(id, no_log_in, "nobody logged in");
  std::vector<std::string> unused;
  for (auto& [agent, session] : sessions_) {
    if (now.steady - session.used >= options_.idle) {
      unused.push_back(agent);
    } else {
      refresh_slots(agent, session);
    }
  }
  for (const auto& agent : unused) {
    (void)desk_.log_out(agent, now).ok();
    end_session(agent, "unused for too long");
  }
}

}  // namespace crossfloor
