#include "node/core/node_core.h"

#include <algorithm>

#include "node/core/accounts.h"
#include "node/core/rights.h"

namespace crossfloor {
namespace {

// Placement, takeover and receipts are looked at this often even when nothing happens.
constexpr Duration look_every{250};
constexpr Duration load_every{100};
constexpr Duration load_pause{10};  // between two load records, at least

}  // namespace

NodeCore::NodeCore(const Scribe::Identity& identity, const NodeSettings& settings,
                   const Parts& parts, WallTime started)
    : settings_(settings),
      read_only_(parts.read_only),
      roster_(parts.roster),
      scribe_(parts.crypto, parts.random, identity, settings, parts.store),
      mesh_({identity.key.node(), identity.generation, started}, settings, parts.roster,
            parts.random, *this),
      replication_(scribe_, parts.roster, *this, Replication::Options{}),
      desk_(scribe_, settings, mesh_, *this),
      home_(scribe_, settings, mesh_, *this, desk_),
      intake_(scribe_, settings, mesh_, replication_, *this),
      sender_(scribe_, settings, *this),
      commands_(scribe_, home_, desk_, intake_.receipts(), mesh_, settings, *this,
                Commands::Options{}),
      operators_(*this, *this),
      verify_(scribe_, settings, mesh_, parts.roster, home_, *this, VerifyPort::Options{}) {
  desk_.attach(home_);
}

NodeCore::~NodeCore() = default;

void NodeCore::emit(Effect effect) {
  // Who cannot write has nothing to wait for, and nothing to say but to those who ask it.
  if (read_only_) return emit_freely(std::move(effect));
  gate_.hold(scribe_.last_write(), std::move(effect));
}

void NodeCore::emit_freely(Effect effect) {
  if (read_only_ && std::holds_alternative<SendMessage>(effect)) return;
  gate_.pass(std::move(effect));
}

Status NodeCore::open(Now now) {
  if (auto status = scribe_.open(); !status.ok()) return status;
  mesh_.roster_changed(now);
  if (auto status = home_.open(now); !status.ok()) return status;
  if (auto status = desk_.open(now); !status.ok()) return status;
  if (read_only_) return {};
  sender_.open(now);
  restored_ = true;
  desk_.resume(now);
  publish_accounts(now);
  tick(now);
  return {};
}

// Accounts hosted here, so that every node of their regions knows who receives and sends there.
void NodeCore::publish_accounts(Now now) {
  for (const auto& [name, account] : settings_.accounts) {
    const Subjects* subjects = scribe_.subjects(account.region);
    if (!account.hosted_here || subjects == nullptr) continue;
    const AccountBody body = account_body(account);
    const Subject subject = subjects->account(name);
    const auto known = published_account(scribe_.view(), subject);
    if (known && known->body == body) continue;
    scribe_.write(account.region, EntryKind::account, subject, body, now);
  }
}

// --- the mesh ---

void NodeCore::link_up(const NodeId& peer, LinkKind link, Now now) {
  if (link == LinkKind::live) {
    mesh_.link_up(peer, now);
    replication_.link_up(peer, now);
  }
  settle(now);
}

void NodeCore::link_down(const NodeId& peer, LinkKind link, bool reset, Now now) {
  if (link == LinkKind::live) replication_.link_down(peer, now);
  if (link == LinkKind::pulse && reset) {
    Mesh::Heard heard_now;
    mesh_.link_reset(peer, now, heard_now);
    heard(heard_now, now);
  }
  settle(now);
}

void NodeCore::receive(const NodeId& from, LinkKind, const PeerMessage& message, Now now) {
  if (auto may = may_say(roster_, from, message, now.wall); !may.ok()) {
    if (may.error().code != ErrorCode::forbidden) return;
    Overstepped& counted = overstepped_[from];
    ++counted.times;
    counted.last = may.error();
    return;
  }
  std::visit([&](const auto& frame) { on(from, frame, now); }, message);
  settle(now);
}

void NodeCore::on(const NodeId& from, const MembershipFrame& frame, Now now) {
  Mesh::Heard heard_now;
  mesh_.receive(from, frame.message, now, heard_now);
  scribe_.correct_clock(mesh_.clocks().correction());
  heard(heard_now, now);
}

void NodeCore::on(const NodeId& from, const LoadFrame& frame, Now now) {
  Mesh::Heard heard_now;
  mesh_.receive(from, frame.message, now, heard_now);
  heard(heard_now, now);
}

void NodeCore::on(const NodeId& from, const RoutingFrame& frame, Now now) {
  desk_.receive(from, frame.message, now);
}

void NodeCore::on(const NodeId& from, const LeaseFrame& frame, Now now) {
  desk_.receive(from, frame.message, now);
}

void NodeCore::on(const NodeId& from, const ReplicationFrame& frame, Now now) {
  Replication::Heard heard_now;
  replication_.receive(from, frame.message, now, heard_now);
  take_documents(heard_now.documents, now);
  for (const auto& [stream, sequence] : heard_now.held) intake_.receipts().stored(stream, sequence);
  if (const auto* stored = std::get_if<Stored>(&frame.message)) {
    // From a peer about our stream, or from an origin about its own: either way two disks have it.
    const bool ours = stored->node == mesh_.self();
    const bool holds = roster_.may_hold(from, stored->region, now.wall);
    if (ours ? heard_now.stored : stored->node == from && holds) {
      intake_.receipts().stored(stored->stream(), stored->sequence);
    }
  }
}

void NodeCore::on(const NodeId& from, const DeskFrame& frame, Now now) {
  if (const auto* command = std::get_if<DeskCommand>(&frame.message)) {
    commands_.receive(from, *command, now);
  } else if (const auto* answer = std::get_if<CommandAnswer>(&frame.message)) {
    if (auto command_answered = commands_.receive(from, *answer, now)) {
      desk_.after(*command_answered, *answer, now);
    }
  } else if (const auto* question = std::get_if<SeenQuestion>(&frame.message)) {
    const auto last = mesh_.last_heard(question->node);
    const bool seen =
        mesh_.live(question->node) &&
        (question->node == mesh_.self() ||
         (last && now.steady - *last < Duration{static_cast<std::int64_t>(question->within_ms)}));
    send<DeskFrame>(from, LinkKind::pulse, SeenAnswer{question->node, seen, question->number});
  } else if (const auto* seen = std::get_if<SeenAnswer>(&frame.message)) {
    home_.seen_answer(from, *seen, now);
  } else if (const auto* asked = std::get_if<InspectQuestion>(&frame.message)) {
    if (VerifyPort::asks(asked->what)) {
      verify_.receive(from, *asked, now);
    } else {
      operators_.receive(from, *asked, now);
    }
  } else if (const auto* told = std::get_if<InspectAnswer>(&frame.message)) {
    if (VerifyPort::numbers(told->number)) {
      verify_.receive(from, *told);
    } else {
      operators_.receive(from, *told, now);
    }
  }
}

void NodeCore::heard(Mesh::Heard& heard, Now now) {
  if (!heard.events.empty()) desk_.member_events(heard.events, now);
  // TCP's own retransmission can be nearly a minute away after a silent cut: dial anew.
  for (const auto& event : heard.events) {
    if (event.kind == MemberEventKind::suspected) emit_freely(Redial{event.node});
  }
  if (heard.loads_changed) desk_.loads_changed(now);
}

void NodeCore::take_documents(const std::vector<Bytes>& documents, Now now) {
  std::vector<Bytes> fresh;
  for (const auto& document : documents) {
    auto added = roster_.add(document);
    if (added.ok() && added.value() == Roster::Added::fresh) fresh.push_back(document);
  }
  if (fresh.empty()) return;
  for (const auto& document : fresh) {
    scribe_.workspace().put("D" + Bytes(scribe_.crypto().hash(document).view()), document);
  }
  mesh_.roster_changed(now);
  replication_.spread(fresh);
  emit(RosterChanged{});
}

Result<bool> NodeCore::add_document(ByteView document, Now now) {
  if (read_only_) return *read_only_;
  auto added = roster_.add(document);
  if (!added.ok()) return added.error();
  if (added.value() == Roster::Added::known) return false;
  const Bytes text(document);
  scribe_.workspace().put("D" + Bytes(scribe_.crypto().hash(text).view()), text);
  mesh_.roster_changed(now);
  replication_.spread({text});
  emit(RosterChanged{});
  settle(now);
  return true;
}

void NodeCore::heard(const Stream& stream, const Head& head, Now now) {
  scribe_.heard(stream, head);
  settle(now);
}

void NodeCore::range_read(const NodeId& to, const Result<Range>& range, Now now) {
  replication_.range_read(to, range, now);
}

// --- channels ---

void NodeCore::intake(RequestId request, const std::string& account, const IncomingMessage& message,
                      Now now) {
  if (read_only_) return emit(AnswerIntake{request, *read_only_});
  intake_.take(request, account, message, now);
  settle(now);
}

void NodeCore::provider_answered(const ReplyId& reply, std::uint32_t attempt, bool lookup,
                                 const DeliveryResult& result, Now now) {
  sender_.answered(reply, attempt, lookup, result, now);
  settle(now);
}

// --- people ---

Status NodeCore::log_in(const std::string& agent, Now now) {
  auto status = desk_.log_in(agent, now);
  settle(now);
  return status;
}

Status NodeCore::log_out(const std::string& agent, Now now) {
  auto status = desk_.log_out(agent, now);
  settle(now);
  return status;
}

Status NodeCore::presence(const std::string& agent, Presence presence, const std::string& reason,
                          Now now) {
  auto status = desk_.presence(agent, presence, reason, now);
  settle(now);
  return status;
}

void NodeCore::connection(const std::string& agent, bool up, Now now) {
  desk_.connection(agent, up, now);
  settle(now);
}

void NodeCore::command(RequestId request, const DeskCommand& command, Now now) {
  Status status = may_write();
  if (status.ok()) status = desk_.before(command, now);
  if (!status.ok()) {
    CommandAnswer answer;
    answer.id = command.id;
    answer.code = name_of(status.error().code);
    answer.what = status.error().what;
    answer.mend = status.error().mend;
    answer.conversation = command.conversation;
    if (const Conversation* c = home_.find(command.conversation)) {
      answer.epoch = c->epoch;
      answer.holder = c->agent;
    }
    emit(AnswerCommand{request, answer});
  } else if (commands_.submit(request, command, now)) {
    desk_.under_way(command, now);
  }
  settle(now);
}

void NodeCore::link(RequestId request, const CustomerLink& link, Now now) {
  commands_.link(request, link, now);
  settle(now);
}

Status NodeCore::set_agent(const AgentRecord& record, Now now) {
  if (auto status = may_write(); !status.ok()) return status;
  if (auto status = check_agent_record(record); !status.ok()) return status;
  const auto known = desk_.record(record.name);
  if (known && known->node != mesh_.self() && record.node == mesh_.self() &&
      mesh_.live(known->node)) {
    return Error{ErrorCode::conflict,
                 "agent " + record.name + " belongs to site " + mesh_.site_of(known->node), "name",
                 "disable it there first, or choose another name"};
  }
  scribe_.write(settings_.home_region, EntryKind::agent,
                scribe_.subjects(settings_.home_region)->agent(record.name), record, now);
  settle(now);
  return {};
}

Status NodeCore::set_link(const Region& region, const LinkBody& link, Now now) {
  if (auto status = may_write(); !status.ok()) return status;
  if (scribe_.subjects(region) == nullptr) {
    return Error{ErrorCode::not_found, "this node does not hold region " + region, "region", ""};
  }
  scribe_.write(region, EntryKind::link, link.first.as<Subject>(), link, now);
  settle(now);
  return {};
}

void NodeCore::act(const ActBody& act, Now now) {
  scribe_.write(settings_.home_region, EntryKind::act, {}, act, now);
  settle(now);
}

void NodeCore::drain(bool on, Now now) {
  mesh_.set_drained(on);
  desk_.set_open(!on, now);
  if (on) home_.hand_on(now);
  settle(now);
}

Status NodeCore::resolve(const ReplyId& reply, Resolution how, const std::string& external_id,
                         Now now) {
  auto status = sender_.resolve(reply, how, external_id, now);
  settle(now);
  return status;
}

Status NodeCore::retry(const ReplyId& reply, Now now) {
  auto status = sender_.retry(reply, now);
  settle(now);
  return status;
}

Status NodeCore::force_takeover(const ConversationId& id, const std::string& by, Now now) {
  auto status = home_.force(id, by, now);
  settle(now);
  return status;
}

void NodeCore::operate(RequestId request, const std::string& what, const std::string& arguments,
                       Now now) {
  if (read_only_ && Operators::writes(what)) {
    emit(AnswerInspection{request, error_json(*read_only_)});
  } else if (VerifyPort::asks(what)) {
    verify_.ask(request, what, arguments, now);
  } else {
    operators_.ask(request, what, arguments, now);
  }
  settle(now);
}

void NodeCore::verify_read(std::uint64_t ticket, const std::string& json, Now now) {
  verify_.read(ticket, json);
  settle(now);
}

// --- time and disk ---

void NodeCore::tick(Now now) {
  if (read_only_) {
    next_look_ = now.steady + look_every;
    operators_.tick(now);
    verify_.tick(now);
    return;
  }
  Mesh::Heard heard_now;
  mesh_.tick(now, heard_now);
  heard(heard_now, now);
  replication_.tick(now);
  desk_.tick(now);
  sender_.tick(now);
  commands_.tick(now);
  operators_.tick(now);
  verify_.tick(now);
  if (now.steady >= next_look_) {
    next_look_ = now.steady + look_every;
    // Whoever was called dead may have been taken over: look at what the others have first.
    const auto incarnation = mesh_.membership().own_mark().incarnation;
    if (incarnation != incarnation_) {
      incarnation_ = incarnation;
      replication_.compare_all(now);
    }
    std::vector<NodeId> heard = mesh_.membership().live();
    std::erase(heard, mesh_.self());
    home_.allow(replication_.caught_up(heard, now) && !stopping_, now);
    home_.tick(now);
    sender_.allow(home_.acting(), home_.conversations(), now);
  }
  settle(now);
}

Instant NodeCore::deadline() const {
  Instant due = next_look_;
  if (read_only_) return due;
  if (load_due_) due = std::min(due, *load_due_);
  for (const auto& one :
       {mesh_.deadline(), replication_.deadline(), desk_.deadline(), home_.deadline(),
        sender_.deadline(), commands_.deadline(), operators_.deadline(), verify_.deadline()}) {
    if (one && *one < due) due = *one;
  }
  return due;
}

void NodeCore::standstill(Duration gap, Now now) {
  mesh_.standstill(gap);
  desk_.standstill(gap);
  if (gap > Duration{1'000}) woke(now);
}

void NodeCore::woke(Now now) {
  home_.allow(false, now);
  sender_.allow(false, home_.conversations(), now);
  replication_.compare_all(now);
}

NodeCore::NextBatch NodeCore::next_batch(Now now) {
  auto closed = scribe_.close();
  replication_.push(closed.live, now);
  return {std::move(closed.batch), closed.number};
}

void NodeCore::committed(std::uint64_t number, Now now) {
  scribe_.committed(number);
  gate_.durable(number);
  replication_.announce_durable(now);
  settle(now);
}

void NodeCore::stop(Now now) {
  if (stopping_ || read_only_) return;
  desk_.stop(now);
  mesh_.set_drained(true);
  home_.hand_on(now);
  settle(now);
  stopping_ = true;
  intake_.stop();
  Mesh::Heard heard_now;
  mesh_.leave(now, heard_now);
}

void NodeCore::settle(Now now) {
  bool desk_moved = false;
  for (;;) {
    FoldNews news = scribe_.take_news();
    const bool folded =
        !news.conversations.empty() || !news.unplaced.empty() || !news.subjects.empty();
    if (folded) {
      if (!news.subjects.empty()) desk_.learn_agents(news.subjects, now);
      home_.news(news, now);
      if (restored_) {
        for (const auto& [id, row] : news.conversations) {
          if (const Conversation* c = home_.find(id)) {
            sender_.changed(*c, now);
          } else {
            sender_.closed(id, now);
          }
        }
      }
    }
    const bool routed = desk_.settle(now);
    const auto own_commands = desk_.take_commands();
    for (const auto& one : own_commands) {
      if (desk_.before(one, now).ok()) commands_.submit(0, one, now);
    }
    for (const auto& missing : desk_.take_missing()) fetch(missing, now);
    desk_moved = desk_moved || folded || routed;
    if (!folded && !routed && own_commands.empty()) break;
  }
  intake_.release(now);
  // Reckoning the load costs classes x agents: when the desk moved, but under traffic not for each
  // message; and else now and then.
  if (desk_moved && !load_due_) load_due_ = last_load_ + load_pause;
  if ((load_due_ && now.steady >= *load_due_) || now.steady >= next_load_) {
    load_due_.reset();
    last_load_ = now.steady;
    next_load_ = now.steady + load_every;
    mesh_.set_own_load(desk_.load(now), now);
  }
}

// Where its conversation is not known yet, neither is the region of its stream.
void NodeCore::fetch(const Desk::Missing& missing, Now now) {
  for (const auto& [region, secret] : settings_.region_secrets) {
    replication_.fetch(missing.home, {{missing.at.node, missing.at.generation}, region},
                       missing.at.sequence, now);
  }
}

std::vector<Effect> NodeCore::take_effects(Now now) {
  std::vector<Effect> out;
  if (scribe_.misread()) return out;
  for (;;) {
    auto effects = gate_.take();
    if (effects.empty()) return out;
    for (auto& effect : effects) {
      auto* message = std::get_if<SendMessage>(&effect);
      if (message != nullptr && message->to == mesh_.self()) {
        std::visit([&](const auto& frame) { on(mesh_.self(), frame, now); }, message->message);
        settle(now);
      } else {
        out.push_back(std::move(effect));
      }
    }
  }
}

}  // namespace crossfloor
