// What a dead home left: asked about among the living, then taken over; and what is handed on.
#include "node/core/home.h"

namespace crossfloor {
namespace {

constexpr Duration inquiry_time{1'000};

}  // namespace

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

// The new term begins with a word of its own on who has it, also if that is nobody. Left to what
// the lost home said, it would change when that home's last entries come at last: who went on here,
// and who was given it there, would both have it in one epoch. Whose agent was on a dead node
// starts anew; elsewhere the agent keeps it.
void Home::take_over(const Conversation& c, const std::string& reason, const std::string& by,
                     Now now) {
  take_home(c, reason, by, now);
  const auto row = rows::conversation(scribe_.view(), c.id);
  if (!row.ok() || !row.value() || row.value()->home() != mesh_.self()) return;
  const Conversation& taken = *row.value();
  const bool held = taken.state == CourseState::ringing || taken.state == CourseState::active ||
                    taken.state == CourseState::wrap_up;
  CourseBody body = keep(taken, taken.state, held ? "home taken over" : taken.reason);
  if (!held) {
    body.prefer_agent = taken.prefer_agent;
    body.prefer_node = taken.prefer_node;
    body.pending_until_ms = taken.pending_until_ms;
  }
  const bool agent_lives = taken.agent_node == mesh_.self() || mesh_.live(taken.agent_node);
  if (held && (!agent_lives || taken.state == CourseState::ringing)) {
    body.state = CourseState::waiting;
    body.agent.clear();
    body.agent_node = {};
  }
  course(taken, std::move(body), now);
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
      take_over(c, "takeover", "", now);
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
  if (c->home() != mesh_.self()) take_over(Conversation(*c), "forced", by, now);
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

}  // namespace crossfloor
