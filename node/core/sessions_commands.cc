// What a client that is logged in may say.
#include <algorithm>

#include "node/core/history.h"
#include "node/core/sessions.h"

namespace crossfloor {
namespace {

constexpr Duration longest_pending = std::chrono::hours(24 * 366);

Error full(const char* what) {
  return {ErrorCode::full, what, "", "wait for the answers to those before"};
}

}  // namespace

void Sessions::on(const Speaker& who, const client::LogIn& command, Now) {
  send(who.connection, refusal(command.id, Error{ErrorCode::conflict,
                                                 "this connection is logged in as " + who.agent,
                                                 "type", "open another connection"}));
}

void Sessions::on(const Speaker& who, const client::SetPresence& command, Now now) {
  if (command.presence == client::Presence::logged_out) {
    return send(who.connection,
                refusal(command.id, Error{ErrorCode::malformed, "leaving is another command",
                                          "presence", "say log_off"}));
  }
  const auto presence = static_cast<Presence>(command.presence);
  if (auto status = desk_.presence(who.agent, presence, command.reason, now); !status.ok()) {
    return send(who.connection, refusal(command.id, status.error()));
  }
  send(who.connection, client::Done{command.id, {}, {}, {}});
}

void Sessions::on(const Speaker& who, const client::AskSlots& command, Now) {
  send(who.connection, client::SlotsAnswer{command.id, slots_of(who.agent)});
}

void Sessions::on(const Speaker& who, const client::Ping& command, Now now) {
  send(who.connection, client::Pong{command.id, ms_of(now.wall)});
}

// ---- reading ------------------------------------------------------------------------------------

void Sessions::read(const Speaker& who, const std::string& id, ClientRead read) {
  Connection& connection = connections_.at(who.connection);
  if (connection.reads >= options_.max_reads) {
    return send(who.connection, refusal(id, full("too many pages are being read for you")));
  }
  ++connection.reads;
  read.brands = who.record.brands;
  actions_.push_back(ReadForClient{who.connection, std::move(read)});
}

void Sessions::on(const Speaker& who, const client::Open& command, Now) {
  read(who, command.id, {{}, command, {}});
}

void Sessions::on(const Speaker& who, const client::AskHistory& command, Now) {
  read(who, command.id, {{}, command, {}});
}

void Sessions::on(const Speaker& who, const client::FindCustomer& command, Now) {
  if (auto may = entitled(who.record.brands, command.brand); !may.ok()) {
    auto refused = refusal(command.id, may.error());
    refused.field = "brand";
    return send(who.connection, refused);
  }
  read(who, command.id,
       {{}, command, desk_.handles(command.brand, command.channel, command.external_id)});
}

// ---- doing --------------------------------------------------------------------------------------

DeskCommand Sessions::desk_command(const Speaker& who, Verb verb, const std::string& id,
                                   const ConversationId& conversation, const Epoch& epoch) const {
  DeskCommand out;
  out.id = desk_.command_id(who.agent, id);
  out.verb = verb;
  out.conversation = conversation;
  out.epoch = epoch;
  out.agent = who.agent;
  out.agent_node = desk_.self();
  out.site = desk_.place_of(desk_.self()).site;
  return out;
}

// One of the agent's brands, and not too much at once. False: refused, and said so.
bool Sessions::may_touch(const Speaker& who, const std::string& id,
                         const ConversationId& conversation_id) {
  const auto refuse = [&](const Error& error) {
    send(who.connection, refusal(id, error));
    return false;
  };
  auto conversation = standing_conversation(durable_, conversation_id);
  if (conversation.ok()) {
    auto may = entitled(who.record.brands, conversation.value().brand);
    if (!may.ok()) return refuse(may.error());
  } else {
    // What rings here may have overtaken its history; nothing else is anybody's to touch.
    const auto work = slots_of(who.agent).work;
    const bool known = std::any_of(work.begin(), work.end(), [&](const client::WorkView& one) {
      return one.conversation == conversation_id;
    });
    if (!known) return refuse(conversation.error());
  }
  if (who.session.requests >= options_.max_requests) {
    return refuse(full("too many of your commands wait"));
  }
  return true;
}

void Sessions::submit(const Speaker& who, const std::string& id, const DeskCommand& command,
                      Now now) {
  if (!may_touch(who, id, command.conversation)) return;
  ++who.session.requests;
  const RequestId request = desk_.command(command, now);
  requests_.emplace(request, Request{who.agent, id});
}

void Sessions::on(const Speaker& who, const client::Accept& c, Now now) {
  submit(who, c.id, desk_command(who, Verb::accept, c.id, c.conversation, c.epoch), now);
}

void Sessions::on(const Speaker& who, const client::Decline& c, Now now) {
  auto command = desk_command(who, Verb::decline, c.id, c.conversation, c.epoch);
  command.reason = c.reason;
  submit(who, c.id, command, now);
}

void Sessions::on(const Speaker& who, const client::Reply& c, Now now) {
  auto command = desk_command(who, Verb::reply, c.id, c.conversation, c.epoch);
  command.text = c.text;
  command.is_public = c.is_public;
  command.language = c.language;
  command.seen = c.seen;
  command.keep = c.keep;
  command.signature = who.record.signature;
  submit(who, c.id, command, now);
}

void Sessions::on(const Speaker& who, const client::Note& c, Now now) {
  auto command = desk_command(who, Verb::note, c.id, c.conversation, {});
  command.text = c.text;
  submit(who, c.id, command, now);
}

void Sessions::on(const Speaker& who, const client::SetPending& c, Now now) {
  const auto until = wall_from_ms(c.until_ms);
  if (c.until_ms != 0 && (until <= now.wall || until > now.wall + longest_pending)) {
    return send(who.connection,
                refusal(c.id, Error{ErrorCode::malformed, "is not within the next 366 days",
                                    "until_ms", "0 waits for the customer's answer alone"}));
  }
  auto command = desk_command(who, Verb::pending, c.id, c.conversation, c.epoch);
  command.until_ms = c.until_ms;
  command.seen = c.seen;
  submit(who, c.id, command, now);
}

void Sessions::on(const Speaker& who, const client::Transfer& c, Now now) {
  auto command = desk_command(who, Verb::transfer, c.id, c.conversation, c.epoch);
  command.team = c.team;
  command.skills = c.skills;
  if (!c.team.empty() && !desk_.has_team(c.team)) {
    return send(who.connection,
                refusal(c.id, Error{ErrorCode::not_found, "nobody known here is of this team",
                                    "team", "look at the spelling"}));
  }
  if (!c.to_agent.empty()) {
    const auto record = desk_.record(c.to_agent);
    if (!record || record->disabled) {
      return send(who.connection,
                  refusal(c.id, Error{ErrorCode::not_found, "nobody here knows this agent",
                                      "to_agent", "look at the spelling"}));
    }
    const auto conversation = standing_conversation(durable_, c.conversation);
    if (conversation.ok() && !entitled(record->brands, conversation.value().brand).ok()) {
      return send(
          who.connection,
          refusal(c.id, Error{ErrorCode::forbidden,
                              c.to_agent + " does not work for " + conversation.value().brand,
                              "to_agent", "name another agent, a team, or the queue"}));
    }
    command.to_agent = c.to_agent;
    command.to_node = record->node;
  }
  submit(who, c.id, command, now);
}

void Sessions::on(const Speaker& who, const client::WrapUp& c, Now now) {
  submit(who, c.id, desk_command(who, Verb::wrap_up, c.id, c.conversation, c.epoch), now);
}

void Sessions::on(const Speaker& who, const client::Close& c, Now now) {
  auto command = desk_command(who, Verb::close, c.id, c.conversation, c.epoch);
  command.reason = c.reason;
  command.seen = c.seen;
  submit(who, c.id, command, now);
}

void Sessions::link(const Speaker& who, CustomerLink link, const std::string& id, Now now) {
  if (!may_touch(who, id, link.conversation)) return;
  link.id = desk_.command_id(who.agent, id);
  link.agent = who.agent;
  ++who.session.requests;
  const RequestId request = desk_.link(link, now);
  requests_.emplace(request, Request{who.agent, id});
}

void Sessions::on(const Speaker& who, const client::Link& c, Now now) {
  link(who, {{}, c.conversation, c.channel, c.external_id, true, {}, c.reason}, c.id, now);
}

void Sessions::on(const Speaker& who, const client::Unlink& c, Now now) {
  link(who, {{}, c.conversation, c.channel, c.external_id, false, {}, c.reason}, c.id, now);
}

void Sessions::on(const Speaker& who, const client::Draft& c, Now) {
  const auto mine = desk_.conversations_of(who.agent);
  if (std::find(mine.begin(), mine.end(), c.conversation) == mine.end()) {
    return send(who.connection,
                refusal(c.id, Error{ErrorCode::stale, "this conversation is not with you",
                                    "conversation", "keep the draft with the client"}));
  }
  desk_.draft(who.agent, c.conversation, c.text);
  send(who.connection, client::Done{c.id, c.conversation, {}, {}});
}

// ---- leaving ------------------------------------------------------------------------------------

void Sessions::on(const Speaker& who, const client::LogOff& command, Now now) {
  std::vector<client::ConversationView> open;
  for (auto& view : views_of(who.agent)) {
    const bool working = view.state == CourseState::active || view.state == CourseState::wrap_up;
    if (working && view.agent == who.agent) open.push_back(std::move(view));
  }
  if (command.how == client::LogOffHow::ask && !open.empty()) {
    return send(who.connection, client::LogOffQuestion{command.id, std::move(open)});
  }
  if (command.how != client::LogOffHow::keep_pending || open.empty()) {
    return log_off_done(std::string(who.agent), command.id, now);
  }
  if (who.session.leaving) {
    return send(who.connection,
                refusal(command.id, Error{ErrorCode::conflict, "you are logging off already", "",
                                          "wait for the answer, or log off with hand_over"}));
  }
  Leaving leaving;
  leaving.id = command.id;
  for (const auto& view : open) {
    // An id of its own for each, the same when the command is repeated.
    const auto id = command.id + '/' + view.conversation.hex();
    auto pending = desk_command(who, Verb::pending, id, view.conversation, view.epoch);
    ++who.session.requests;
    const RequestId request = desk_.command(pending, now);
    requests_.emplace(request, Request{who.agent, command.id});
    leaving.waits_for.insert(request);
  }
  who.session.leaving = std::move(leaving);
}

void Sessions::log_off_done(const std::string& agent, const std::string& id, Now now) {
  (void)desk_.log_out(agent, now).ok();
  const auto session = sessions_.find(agent);
  if (session == sessions_.end()) return;
  send(session->second.connection, client::Done{id, {}, {}, {}});
  end_session(agent, "logged off");
}

}  // namespace crossfloor
