// This node's agents: their records, their sessions, and what their commands mean for the floor.
#include <algorithm>

#include "node/core/desk_parts.h"
#include "node/core/kept_times.h"

namespace crossfloor {
namespace {

// The agent is done with the conversation by it, unless home refuses it. A close without a reason
// is refused.
bool ends_work(const DeskCommand& command) {
  switch (command.verb) {
    case Verb::close:
      return !command.reason.empty();
    case Verb::pending:
    case Verb::transfer:
      return true;
    default:
      return false;
  }
}

}  // namespace

// --- records ---

std::optional<AgentRecord> Desk::read_record(const Subject& subject) const {
  auto row = rows::subject(scribe_.view(), subject);
  if (!row.ok() || !row.value()) return std::nullopt;
  if (row.value()->kind != static_cast<std::uint16_t>(EntryKind::agent)) return std::nullopt;
  const auto& at = row.value()->at;
  auto entry =
      entry_at(scribe_.view(), Stream{{at.node, at.generation}, row.value()->region}, at.sequence);
  if (!entry.ok() || !entry.value()) return std::nullopt;
  auto record = decode_body<AgentRecord>(entry.value()->body);
  if (!record.ok() || !check_agent_record(record.value()).ok()) return std::nullopt;
  return std::move(record).value();
}

std::optional<AgentRecord> Desk::record(const std::string& agent) const {
  if (const AgentRecord* own = floor_.agent(agent)) return *own;
  for (const auto& [region, secret] : settings_.region_secrets) {
    if (auto found = read_record(scribe_.subjects(region)->agent(agent))) return found;
  }
  return std::nullopt;
}

std::vector<AgentRecord> Desk::records() const {
  std::vector<Subject> subjects;
  (void)scribe_.view()
      .scan(rows::subject_prefix(), after_prefix(rows::subject_prefix()),
            [&](ByteView key, ByteView) {
              if (auto id = Subject::from(key.substr(1))) subjects.push_back(*id);
              return true;
            })
      .ok();
  std::vector<AgentRecord> records;
  for (const auto& subject : subjects) {
    if (auto record = read_record(subject)) records.push_back(std::move(*record));
  }
  std::sort(records.begin(), records.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return records;
}

Status Desk::open(Now now) {
  for (const auto& record : records()) {
    if (record.node == mesh_.self()) floor_.set_agent(record, now);
  }
  for (std::size_t i = 0; i < channel_kinds; ++i) {
    const auto kind = static_cast<ChannelKind>(i);
    const auto times = kept_handling_times(scribe_.view(), kind);
    if (times.local_cases + times.remote_cases > 0) router_.remember_handling(kind, times);
  }
  return {};
}

void Desk::learn_agents(const std::set<Subject>& subjects, Now now) {
  for (const auto& subject : subjects) {
    auto record = read_record(subject);
    if (!record) continue;
    if (record->node == mesh_.self()) {
      floor_.set_agent(*record, now);
    } else if (floor_.agent(record->name) != nullptr) {
      floor_.remove_agent(record->name, now);  // moved to another node
    }
    if (record->disabled) {
      outlet_.emit(
          NotifyAgent{NotifyAgent::What::session_over, record->name, {}, {}, {}, "disabled", true});
    }
  }
  router_.slots_changed(now, out_);
}

// --- sessions and commands ---

Status Desk::log_in(const std::string& agent, Now now) {
  if (!settings_.may_serve) {
    return Error{ErrorCode::forbidden, "the certificate of this node gives no right to serve", "",
                 "ask the admin: crossfloor mesh admit … --right serve"};
  }
  auto status = floor_.log_in(agent, now);
  if (!status.ok()) return status;
  // What this agent had when the connection went or the node stopped is still this agent's; of
  // other homes' work they must say so themselves.
  std::vector<const Conversation*> missing;
  for (const auto& [id, c] : home_->conversations()) {
    if (c.agent == agent && is_missing(c)) missing.push_back(&c);
  }
  for (const Conversation* c : missing) {
    if (c->home() != mesh_.self()) {
      ledger_.ask(c->home(), now, leases_out_);
    } else {
      take_up(c->id, mesh_.self(), c->assigned, agent, kind_of(*c), now);
    }
  }
  router_.slots_changed(now, out_);
  return status;
}

Status Desk::log_out(const std::string& agent, Now now) {
  auto status = floor_.log_out(agent, now);
  router_.slots_changed(now, out_);
  return status;
}

void Desk::draft(const std::string& agent, const ConversationId& conversation,
                 const std::string& text) {
  const Work* work = floor_.work_of(conversation);
  if (text.empty() || work == nullptr || work->agent != agent) {
    drafts_.erase(conversation);
  } else {
    drafts_[conversation] = {agent, text};
  }
}

Status Desk::presence(const std::string& agent, Presence presence, const std::string& reason,
                      Now now) {
  auto status = floor_.set_presence(agent, presence, reason, now);
  router_.slots_changed(now, out_);
  return status;
}

void Desk::connection(const std::string& agent, bool up, Now now) {
  if (up) {
    floor_.connection_back(agent, now);
  } else {
    floor_.connection_lost(agent, now);
  }
  router_.slots_changed(now, out_);
}

Status Desk::before(const DeskCommand& command, Now now) {
  if (command.by_operator) return {};
  if (command.verb == Verb::accept) {
    auto taken = router_.agent_accepts(command.conversation, command.epoch, command.agent, now);
    // Said again after this node restarted: home wrote it down the first time, and will say so.
    const Conversation* c = home_->find(command.conversation);
    const bool has_it = c != nullptr && c->state == CourseState::active &&
                        c->agent == command.agent && c->agent_node == mesh_.self();
    return has_it ? Status{} : taken;
  }
  if (command.verb == Verb::decline) {
    return router_.agent_declines(command.conversation, command.epoch, command.agent, now, out_);
  }
  return {};
}

void Desk::under_way(const DeskCommand& command, Now now) {
  if (command.by_operator || !ends_work(command)) return;
  (void)router_.agent_ends(command.conversation, command.agent, now, out_);
}

void Desk::after(const DeskCommand& command, const CommandAnswer& answer, Now now) {
  if (command.by_operator) return;
  if (answer.ok && command.verb == Verb::wrap_up) {
    const Work* work = floor_.work_of(command.conversation);
    if (work != nullptr) {
      (void)floor_.wrap_up(command.conversation, work->epoch, now.steady + wrap_up_time, now).ok();
    }
  }
  if (!answer.ok && ends_work(command)) refused_to_end(command, now);
  if (!answer.ok && command.verb == Verb::accept) {
    // It was too late: the slot is free again. Not that of a later epoch: it may ring here anew.
    floor_.release(command.conversation, command.epoch, now);
    ledger_.dropped(command.conversation, command.epoch);
    router_.slots_changed(now, out_);
  }
}

// It is still with the agent, unless something else has taken its place: then it goes back to home.
void Desk::refused_to_end(const DeskCommand& command, Now now) {
  const Work* work = floor_.work_of(command.conversation);
  if (work == nullptr || floor_.goes_on(command.conversation)) return;
  const Back back{command.conversation, work->epoch, work->nonce, work->agent, BackReason::no_room};
  out_.notices.push_back(WorkEnded{back.agent, back.conversation, back.epoch, back.reason});
  const NodeId home = work->home;
  floor_.release(back.conversation, back.epoch, now);  // and with it `work`
  ledger_.dropped(back.conversation, back.epoch);
  router_.give_back(home, back, now, out_);
}

void Desk::carried_out(const DeskCommand& command, const CommandAnswer& answer, Now now) {
  if (!answer.ok || command.by_operator) return;
  if (command.verb == Verb::accept) {
    router_.accepted(command.conversation, command.epoch);
    ledger_.accepted(command.conversation, command.epoch);
  } else if (command.verb == Verb::decline) {
    router_.back(command.conversation, command.epoch, BackReason::declined, command.agent, now,
                 out_);
  }
}

}  // namespace crossfloor
