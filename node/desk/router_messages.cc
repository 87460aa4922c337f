// What other nodes (and this one) say, and what the floor reports by itself.
#include <algorithm>

#include "node/desk/router.h"
#include "node/desk/weighed_line.h"

namespace crossfloor {

void Router::receive(const NodeId& from, const RoutingMessage& message, Now now, DeskOutbox& out) {
  if (!check_routing_message(message).ok()) return;  // the link's codec has counted it
  std::visit([&](const auto& each) { on(from, each, now, out); }, message);
  absorb_floor(now, out);
  serve_freed(now, out);
}

void Router::slots_changed(Now now, DeskOutbox& out) {
  absorb_floor(now, out);
  serve_freed(now, out);
}

void Router::absorb_floor(Now now, DeskOutbox& out) {
  for (auto& event : floor_.take_events()) {
    if (auto* lost = std::get_if<WorkLost>(&event)) {
      out.notices.push_back(WorkEnded{lost->agent, lost->conversation, lost->epoch, lost->reason});
      out.events.push_back(LeaseDropped{lost->home, lost->conversation, lost->epoch});
      send_back(lost->home,
                {lost->conversation, lost->epoch, lost->nonce, lost->agent, lost->reason}, now,
                out);
    } else if (auto* over = std::get_if<WrapUpOver>(&event)) {
      out.events.push_back(LeaseDropped{over->home, over->conversation, over->epoch});
      out.events.push_back(std::move(*over));
    } else {
      out.notices.push_back(std::move(std::get<PresenceChanged>(event)));
    }
  }
}

void Router::send_back(const NodeId& home, Back back, Now now, DeskOutbox& out) {
  out.send(home, back);
  backs_[back.conversation] = {home, back, now.steady + options_.repeat_every,
                               now.steady + options_.back_for};
}

// ---- As lessee --------------------------------------------------------------------------------

Status Router::agent_accepts(const ConversationId& conversation, const Epoch& epoch,
                             const std::string& agent, Now now) {
  return floor_.accept(conversation, epoch, agent, now);
}

Status Router::agent_declines(const ConversationId& conversation, const Epoch& epoch,
                              const std::string& agent, Now now, DeskOutbox& out) {
  const auto status = floor_.decline(conversation, epoch, agent, now);
  if (status.ok()) slots_changed(now, out);
  return status;
}

bool Router::agent_ends(const ConversationId& conversation, const std::string& agent, Now now,
                        DeskOutbox& out) {
  const auto* work = floor_.work_of(conversation);
  if (!work || work->home == self_ || !floor_.ends(conversation, agent, now)) return false;
  slots_changed(now, out);
  return true;
}

void Router::on(const NodeId& from, const Offer& offer, Now now, DeskOutbox& out) {
  const auto& need = offer.need;
  note_class(need.service, now);
  Decline decline{offer.nonce, need.conversation, DeclineReason::drained, 0, 0};
  if (open_) {
    const auto agent =
        floor_.hold_best(need, from, offer.nonce, now.steady + options_.hold_for, now);
    if (agent) {
      out.send(from, Held{offer.nonce, need.conversation, *agent});
      return;
    }
    const auto free = floor_.free_slots(need.service);
    decline.reason = floor_.why_not(need);
    decline.free_primary = free.primary;
    decline.free_helper = free.helper;
    if (decline.reason == DeclineReason::full && !need.only_agent.empty()) {
      constexpr std::size_t most = 32;
      constexpr std::uint64_t longest = 600'000;
      auto& homes = wanted_[need.only_agent];
      const Duration wait{static_cast<std::int64_t>(std::min(offer.wait_ms, longest))};
      if (homes.size() < most) homes[from] = now.steady + wait;
    }
  }
  out.send(from, decline);
}

void Router::on(const NodeId& from, const Release& release, Now now, DeskOutbox&) {
  floor_.release_hold(release.nonce, from, now);
}

void Router::on(const NodeId& from, const Commit& commit, Now now, DeskOutbox& out) {
  assigned(from, commit.assignment, now, out);
}

void Router::on(const NodeId& from, const Grant& grant, Now now, DeskOutbox& out) {
  const auto it = pulls_.find(grant.assignment.nonce);
  if (it != pulls_.end() && it->second.home == from) {
    const auto agent = it->second.agent;
    pulls_.erase(it);
    pulling_.erase(agent);
    freed_.insert(agent);  // may have more free slots
  }
  assigned(from, grant.assignment, now, out);
}

void Router::assigned(const NodeId& from, const Assignment& assignment, Now now, DeskOutbox& out) {
  const auto& conversation = assignment.conversation;
  const auto answer_back = [&](BackReason reason) {
    send_back(from, {conversation, assignment.epoch, assignment.nonce, assignment.agent, reason},
              now, out);
  };
  const auto& excluded = assignment.excluded;
  const auto* hold = floor_.work_by_nonce(assignment.nonce);
  if (hold && hold->state == SlotState::held && hold->home == from &&
      std::find(excluded.begin(), excluded.end(), assignment.agent) != excluded.end()) {
    floor_.release_hold(assignment.nonce, from, now);
    answer_back(BackReason::excluded);
    return;
  }
  std::optional<WorkEnded> before;
  if (const auto* work = floor_.work_of(conversation)) {
    before = WorkEnded{work->agent, conversation, work->epoch, BackReason::not_taken};
  }
  switch (floor_.ring(from, assignment, now)) {
    case Floor::RingOutcome::rings: {
      const auto* work = floor_.work_of(conversation);
      if (before && before->agent != work->agent) out.notices.push_back(*before);
      backs_.erase(conversation);  // of a lower epoch
      out.events.push_back(LeaseTaken{from, conversation, assignment.epoch, assignment.agent,
                                      Duration{static_cast<std::int64_t>(assignment.lease_ms)},
                                      work->held_since});
      // Who accepts at once says so with the next word; if that is lost, home asks again.
      if (!assignment.auto_accept) {
        out.send(from, Ringing{conversation, assignment.epoch, assignment.nonce});
      }
      RingNotice notice;
      notice.agent = assignment.agent;
      notice.conversation = conversation;
      notice.epoch = assignment.epoch;
      notice.home = from;
      notice.service = assignment.service;
      notice.age = Duration{static_cast<std::int64_t>(assignment.age_ms)};
      notice.deadline = *work->until;
      notice.auto_accept = assignment.auto_accept;
      notice.needed = assignment.needed;
      out.notices.push_back(std::move(notice));
      break;
    }
    case Floor::RingOutcome::already:
      out.send(from, Ringing{conversation, assignment.epoch, assignment.nonce});
      break;
    case Floor::RingOutcome::no_hold: {
      // If it rang here before under this epoch, home gets the same answer again.
      const auto open = backs_.find(conversation);
      if (open != backs_.end() && open->second.back.epoch == assignment.epoch) {
        out.send(from, open->second.back);
      } else {
        answer_back(BackReason::no_hold);
      }
      break;
    }
    case Floor::RingOutcome::stale:
      break;
    case Floor::RingOutcome::not_yet:
      parked_.try_emplace(assignment.nonce, Parked{from, assignment, now.steady});
      break;
  }
}

void Router::ring_parked(Now now, DeskOutbox& out) {
  for (auto it = parked_.begin(); it != parked_.end();) {
    const auto* hold = floor_.work_by_nonce(it->first);
    if (hold && !floor_.counts(*hold)) {
      ++it;
      continue;
    }
    Parked parked = std::move(it->second);
    it = parked_.erase(it);
    if (!hold) continue;  // given up, or taken back
    parked.assignment.age_ms += static_cast<std::uint64_t>((now.steady - parked.since).count());
    assigned(parked.home, parked.assignment, now, out);
  }
}

void Router::on(const NodeId& from, const Deny& deny, Now now, DeskOutbox& out) {
  const auto it = pulls_.find(deny.nonce);
  if (it == pulls_.end() || it->second.home != from) return;
  end_pull(deny.nonce, true, now, out);
}

void Router::on(const NodeId& from, const BackHeard& heard, Now, DeskOutbox&) {
  const auto it = backs_.find(heard.conversation);
  if (it == backs_.end() || it->second.home != from) return;
  if (it->second.back.epoch == heard.epoch) backs_.erase(it);
}

void Router::on(const NodeId& from, const Withdrawn& withdrawn, Now now, DeskOutbox& out) {
  const auto open = backs_.find(withdrawn.conversation);
  if (open != backs_.end() && open->second.back.epoch <= withdrawn.epoch) backs_.erase(open);
  floor_.release_hold(withdrawn.nonce, from, now);
  const auto* work = floor_.work_of(withdrawn.conversation);
  if (!work || work->home != from || work->epoch > withdrawn.epoch) return;
  out.notices.push_back(
      WorkEnded{work->agent, withdrawn.conversation, work->epoch, BackReason::not_taken});
  out.events.push_back(LeaseDropped{from, withdrawn.conversation, work->epoch});
  floor_.release(withdrawn.conversation, withdrawn.epoch, now);
}

// ---- As home ----------------------------------------------------------------------------------

void Router::on(const NodeId& from, const Held& held, Now now, DeskOutbox& out) {
  const auto it = tasks_.find(held.conversation);
  if (it == tasks_.end() || it->second.nonce != held.nonce || it->second.node != from) {
    out.send(from, Release{held.nonce});
    return;
  }
  if (it->second.stage != Stage::offered) return;  // came twice
  decide(it->second, from, held.agent, held.nonce, false, now, out);
}

void Router::on(const NodeId& from, const Decline& decline, Now now, DeskOutbox& out) {
  const auto it = tasks_.find(decline.conversation);
  if (it == tasks_.end()) return;
  auto& task = it->second;
  if (task.stage != Stage::offered || task.nonce != decline.nonce || task.node != from) return;
  if (task.reserved) {
    if (decline.reason != DeclineReason::full || !worth_waiting(task.what)) {
      task.reserved = false;
      task.asked.clear();
    }
  } else {
    auto& own = correct(from, task.what.service, now);
    own.fresh = {FreeSlots{decline.free_primary, decline.free_helper}, own.until};
    own.free_taken.clear();
    if (decline.reason == DeclineReason::only_excluded || decline.reason == DeclineReason::nobody) {
      task.said_so.insert(from);
    }
  }
  offer_failed(it, std::string("declined: ") + word_of(decline.reason), now, out);
}

void Router::on(const NodeId& from, const Pull& pull, Now now, DeskOutbox& out) {
  if (std::find(granted_.begin(), granted_.end(), pull.nonce) != granted_.end()) return;
  const auto filter = filter_for(pull.agent.name, &from, now);
  auto head = line_.head_for(pull.agent, filter, now.steady);
  std::vector<ConversationId> recalled;
  if (!head) {
    recalled = recall_offers(from, now, out);
    head = line_.head_for(pull.agent, filter, now.steady);
  }
  // Who may go anywhere because nobody fitting was on duty here stays, if somebody came since.
  while (head) {
    const auto& task = tasks_.at(head->conversation);
    const Need need = need_of(task, now);
    if (!home_only(task, need)) break;
    put_in_line(task, need);
    head = line_.head_for(pull.agent, filter, now.steady);
  }
  // Whoever it came for was taken meanwhile; the next here are less urgent than others elsewhere.
  const bool better_elsewhere =
      head && head->urgency * urgency_unit * 100 <
                  static_cast<double>(pull.elsewhere) * (100 - options_.pull_in_vain_percent);
  if (!head || better_elsewhere) {
    out.send(from, Deny{pull.nonce, static_cast<std::uint32_t>(line_.size())});
    for (const auto& conversation : recalled) place(conversation, now, out);
    return;
  }
  constexpr std::size_t remembered = 1024;
  granted_.push_back(pull.nonce);
  if (granted_.size() > remembered) granted_.pop_front();
  auto& task = tasks_.at(head->conversation);
  const std::uint32_t rule = !task.reserved ? 8 : task.what.directed ? 22 : 6;
  task.trace = {};
  start_trace(task.trace, rule, task, now);
  if (open_) floor_.best(need_of(task, now), &task.trace);
  std::string known = "asked with a free slot for";
  for (const auto& channel : pull.agent.channels) {
    known += std::string(" ") + word_of(channel.kind) +
             (channel.duty == Duty::helper ? " (helper)" : "");
  }
  task.trace.add({from, pull.agent.name, known + "; the most urgent of those that fit", 0, ""});
  for (const auto& line : pull.weighed) task.trace.weighed.push_back(candidate_of(line));
  task.trace.weighed_left_out = pull.weighed_left_out;
  decide(task, from, pull.agent.name, pull.nonce, true, now, out);
  for (const auto& conversation : recalled) place(conversation, now, out);
}

void Router::on(const NodeId& from, const Ringing& ringing, Now now, DeskOutbox& out) {
  const auto it = tasks_.find(ringing.conversation);
  if (it == tasks_.end()) return;  // accepted already, or gone: its epoch decides
  auto& task = it->second;
  const bool current = (task.stage == Stage::committing || task.stage == Stage::ringing) &&
                       task.epoch == ringing.epoch && task.node == from;
  if (!current) {
    out.send(from, Withdrawn{ringing.conversation, ringing.epoch, ringing.nonce});
    return;
  }
  if (task.stage == Stage::ringing) return;
  task.stage = Stage::ringing;
  set_timer(task, now.steady + ring_time(task.what) + options_.ring_slack);
}

void Router::on(const NodeId& from, const Back& back, Now now, DeskOutbox& out) {
  out.send(from, BackHeard{back.conversation, back.epoch});
  take_back(back.conversation, back.epoch, back.reason, back.agent, &from, now, out);
}

}  // namespace crossfloor
