#include "node/desk/lease_ledger.h"

#include <algorithm>

namespace crossfloor {
namespace {

std::uint64_t mixed(std::uint64_t value) {  // splitmix64's finish
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ull;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebull;
  return value ^ (value >> 31);
}

// A set's hash is the sum of its members', so that it is kept up to date by adding and subtracting.
std::uint64_t hash_of(const ConversationId& conversation, const Epoch& epoch) {
  std::uint64_t hash = 0x9e3779b97f4a7c15ull;
  const auto eat = [&](std::uint64_t value) { hash = mixed(hash ^ value) + 0x9e3779b97f4a7c15ull; };
  eat(get_le64(conversation.view().data()));
  eat(get_le64(conversation.view().data() + 8));
  eat(epoch.term);
  eat(epoch.time.value);
  for (std::size_t i = 0; i < NodeId::size; i += 8) eat(get_le64(epoch.node.view().data() + i));
  return hash;
}

std::uint32_t page_count(std::size_t size, std::size_t per_page) {
  return static_cast<std::uint32_t>(std::max<std::size_t>((size + per_page - 1) / per_page, 1));
}

constexpr std::uint32_t max_pages = 1024;

}  // namespace

// ---- Home's side ------------------------------------------------------------------------------

void LeaseLedger::granted(const Granted& lease, Now now) {
  remove_given(lease.conversation);
  if (lease.lessee == self_) return;
  given_[lease.conversation] = {lease, now.steady, now.steady, false};
  due(now.steady + lease.term);
  auto& lessee = lessees_[lease.lessee];
  lessee.leases.insert(lease.conversation);
  lessee.hash += hash_of(lease.conversation, lease.epoch);
}

void LeaseLedger::accepted(const ConversationId& conversation, const Epoch& epoch) {
  const auto it = given_.find(conversation);
  if (it != given_.end() && it->second.lease.epoch == epoch) it->second.active = true;
}

void LeaseLedger::ended(const ConversationId& conversation) {
  remove_given(conversation);
}

void LeaseLedger::remove_given(const ConversationId& conversation) {
  const auto it = given_.find(conversation);
  if (it == given_.end()) return;
  auto& lessee = lessees_.at(it->second.lease.lessee);
  lessee.leases.erase(conversation);
  lessee.hash -= hash_of(conversation, it->second.lease.epoch);
  given_.erase(it);
}

void LeaseLedger::stood_still(Duration gap) {
  for (auto& [conversation, given] : given_) given.renewed += gap;
}

void LeaseLedger::on(const NodeId& from, const Renew& renew, Now now, LeaseOutbox& out) {
  auto& lessee = lessees_[from];
  const bool equal = lessee.leases.size() == renew.count && lessee.hash == renew.hash;
  if (equal) {
    for (const auto& conversation : lessee.leases) given_.at(conversation).renewed = now.steady;
  }
  if (renew.number > lessee.newest) {  // one that comes twice must not date an old set anew
    lessee.newest = renew.number;
    lessee.asked.reset();
    if (!equal) lessee.asked = {renew.number, now.steady};
  }
  out.messages.emplace_back(from, Renewed{renew.number, equal});
}

void LeaseLedger::on(const NodeId& from, const LeaseSet& set, Now now, LeaseOutbox& out) {
  auto& lessee = lessees_[from];
  LeaseVerdict verdict{set.number, set.page, {}};
  if (lessee.judging != set.number) {
    if (lessee.judging > set.number) return;  // a newer set is on its way
    lessee.judging = set.number;
    lessee.pages.clear();
    lessee.listed.clear();
  }
  for (const auto& name : set.leases) {
    const auto it = given_.find(name.conversation);
    if (it == given_.end() || it->second.lease.lessee != from ||
        it->second.lease.epoch != name.epoch) {
      verdict.voided.push_back(name);
    } else {
      it->second.renewed = now.steady;
      lessee.listed.insert(name.conversation);
    }
  }
  out.messages.emplace_back(from, std::move(verdict));
  lessee.pages.insert(set.page);
  if (lessee.pages.size() < set.pages) return;
  if (!lessee.asked || lessee.asked->first != set.number) return;
  // What was active well before home asked and is not listed, the lessee has lost. What only rings,
  // or was given since, may be on its way: for that the router's own deadlines are there.
  const Instant asked = lessee.asked->second;
  lessee.asked.reset();
  const auto leases = lessee.leases;
  for (const auto& conversation : leases) {
    const auto given = given_.at(conversation);
    if (lessee.listed.count(conversation) || !given.active) continue;
    if (given.at + options_.on_its_way > asked) continue;
    remove_given(conversation);
    out.events.push_back(LeaseLost{from, conversation, given.lease.epoch, given.lease.agent,
                                   LeaseLost::Why::unknown_to_lessee});
  }
}

void LeaseLedger::on(const NodeId& from, const Resume& resume, Now now, LeaseOutbox& out) {
  auto& lessee = lessees_[from];
  if (lessee.resumed != resume.number && !resume.still_running) {
    lessee.resumed = resume.number;
    lessee.asked.reset();
    lessee.newest = 0;
    lessee.judging = 0;
    const auto leases = lessee.leases;
    for (const auto& conversation : leases) {
      const auto given = given_.at(conversation);
      if (given.active) continue;
      remove_given(conversation);  // what rang when it stopped rings no more
      out.events.push_back(LeaseLost{from, conversation, given.lease.epoch, given.lease.agent,
                                     LeaseLost::Why::lessee_restarted});
    }
  }
  std::vector<Given*> active;  // what only rings is no work yet
  for (const auto& conversation : lessee.leases) {
    auto& given = given_.at(conversation);
    if (given.active) active.push_back(&given);
  }
  ResumeAnswer answer{
      resume.number, resume.attempt, 0, page_count(active.size(), ResumeAnswer::per_page), {}};
  for (Given* given : active) {
    given->renewed = now.steady;
    const auto& lease = given->lease;
    answer.leases.push_back({lease.conversation, lease.epoch, lease.agent, lease.kind,
                             static_cast<std::uint64_t>(lease.term.count())});
    if (answer.leases.size() < ResumeAnswer::per_page) continue;
    out.messages.emplace_back(from, answer);
    answer.leases.clear();
    ++answer.page;
  }
  if (answer.page < answer.pages) out.messages.emplace_back(from, std::move(answer));
}

// ---- The lessee's side ------------------------------------------------------------------------

void LeaseLedger::taken(const NodeId& home_id, const ConversationId& conversation,
                        const Epoch& epoch, Duration term, Instant since, Now now) {
  if (const auto known = held_.find(conversation); known != held_.end()) {
    const bool same = known->second.home == home_id && known->second.epoch == epoch;
    if (same) since = std::max(since, known->second.confirmed);
    remove_held(conversation);
  }
  if (home_id == self_) return;
  held_[conversation] = {home_id, epoch, term, since};
  auto& home = homes_[home_id];
  if (home.leases.empty()) home.next = now.steady + term / 3;
  home.leases.insert(conversation);
  home.hash += hash_of(conversation, epoch);
  home.next = std::min(home.next, now.steady + pace(home));
  due(std::min(home.next, since + term));
}

void LeaseLedger::dropped(const ConversationId& conversation, const Epoch& epoch) {
  const auto it = held_.find(conversation);
  if (it != held_.end() && it->second.epoch <= epoch) remove_held(conversation);
}

void LeaseLedger::remove_held(const ConversationId& conversation) {
  const auto it = held_.find(conversation);
  if (it == held_.end()) return;
  const auto home = homes_.find(it->second.home);
  home->second.leases.erase(conversation);
  home->second.hash -= hash_of(conversation, it->second.epoch);
  held_.erase(it);
}

Duration LeaseLedger::pace(const Home& home) const {
  Duration shortest = Duration::max();
  for (const auto& conversation : home.leases) {
    shortest = std::min(shortest, held_.at(conversation).term);
  }
  return std::max(shortest / 3, Duration{100});
}

void LeaseLedger::on(const NodeId& from, const Renewed& renewed, Now now, LeaseOutbox& out) {
  const auto found = homes_.find(from);
  if (found == homes_.end()) return;
  auto& home = found->second;
  const auto sent = home.sent.find(renewed.number);
  if (sent == home.sent.end()) return;
  const Instant when = sent->second;
  home.sent.erase(home.sent.begin(), std::next(sent));
  if (!renewed.equal) {
    send_set(from, home, renewed.number, now, out);
    return;
  }
  // What was taken after this renewal was sent keeps its own, later start.
  for (const auto& conversation : home.leases) {
    auto& lease = held_.at(conversation);
    lease.confirmed = std::max(lease.confirmed, when);
  }
}

void LeaseLedger::send_set(const NodeId& to, Home& home, std::uint64_t number, Now now,
                           LeaseOutbox& out) {
  home.pages.clear();
  LeaseSet set{number, 0, page_count(home.leases.size(), leases_per_page), {}};
  const auto send = [&] {
    home.pages[{number, set.page}] = {now.steady, set.leases};
    out.messages.emplace_back(to, set);
    set.leases.clear();
    ++set.page;
  };
  for (const auto& conversation : home.leases) {
    set.leases.push_back({conversation, held_.at(conversation).epoch});
    if (set.leases.size() == leases_per_page) send();
  }
  if (set.page < set.pages) send();
}

void LeaseLedger::on(const NodeId& from, const LeaseVerdict& verdict, Now, LeaseOutbox& out) {
  const auto found = homes_.find(from);
  if (found == homes_.end()) return;
  const auto page = found->second.pages.find({verdict.number, verdict.page});
  if (page == found->second.pages.end()) return;
  const auto [when, names] = std::move(page->second);
  found->second.pages.erase(page);
  for (const auto& name : names) {
    const auto held = held_.find(name.conversation);
    if (held == held_.end() || held->second.home != from || held->second.epoch != name.epoch) {
      continue;
    }
    const auto& voided = verdict.voided;
    if (std::find(voided.begin(), voided.end(), name) == voided.end()) {
      held->second.confirmed = std::max(held->second.confirmed, when);
      continue;
    }
    remove_held(name.conversation);
    out.events.push_back(LeaseEnded{from, name.conversation, name.epoch, LeaseEnded::Why::voided});
  }
}

void LeaseLedger::resume(const std::vector<NodeId>& homes, Now now, LeaseOutbox& out) {
  resume_number_ = random_->next() | 1;
  resuming_.clear();
  answered_.clear();
  for (const auto& home : homes) {
    if (home == self_) continue;
    resuming_[home] = {now.steady, true, 0, {}, {}};
    due(now.steady);
  }
  if (resuming_.empty()) {
    out.events.push_back(ResumeDone{});
  } else {
    tick(now, out);
  }
}

void LeaseLedger::ask(const NodeId& home, Now now, LeaseOutbox& out) {
  if (home == self_ || resuming_.count(home)) return;
  if (resume_number_ == 0) resume_number_ = random_->next() | 1;
  resuming_[home] = {now.steady, false, 0, {}, {}};
  due(now.steady);
  tick(now, out);
}

bool LeaseLedger::resuming() const {
  return std::any_of(resuming_.begin(), resuming_.end(),
                     [](const auto& each) { return each.second.awaited; });
}

void LeaseLedger::on(const NodeId& from, const ResumeAnswer& answer, Now now, LeaseOutbox& out) {
  const auto it = resuming_.find(from);
  if (it == resuming_.end() || answer.number != resume_number_) return;
  auto& question = it->second;
  const auto sent = question.sent.find(answer.attempt);
  if (sent == question.sent.end()) return;
  auto& pages = question.pages[answer.attempt];
  if (!pages.insert(answer.page).second) return;
  for (const auto& lease : answer.leases) {
    const Duration term{static_cast<std::int64_t>(lease.term_ms)};
    taken(from, lease.conversation, lease.epoch, term, sent->second, now);
    out.events.push_back(
        LeaseResumed{from, lease.conversation, lease.epoch, lease.agent, lease.kind});
  }
  if (pages.size() < answer.pages) return;
  answered_.insert(from);
  finish_resume(from, out);
}

void LeaseLedger::finish_resume(const NodeId& home, LeaseOutbox& out) {
  const auto it = resuming_.find(home);
  if (it == resuming_.end()) return;
  const bool awaited = it->second.awaited;
  resuming_.erase(it);
  if (awaited && !resuming()) out.events.push_back(ResumeDone{});
}

// ---- Both -------------------------------------------------------------------------------------

void LeaseLedger::receive(const NodeId& from, const LeaseMessage& message, Now now,
                          LeaseOutbox& out) {
  if (!check_lease_message(message).ok()) return;
  std::visit([&](const auto& each) { on(from, each, now, out); }, message);
}

void LeaseLedger::node_lost(const NodeId& node, LeaseOutbox& out) {
  finish_resume(node, out);
}

void LeaseLedger::due(Instant when) {
  if (!next_ || when < *next_) next_ = when;
}

void LeaseLedger::tick(Now now, LeaseOutbox& out) {
  if (!next_ || now.steady < *next_) return;
  // The lessee's ends come first in one node, as they do between nodes.
  std::vector<ConversationId> over;
  for (const auto& [conversation, lease] : held_) {
    if (lease.confirmed + lease.term <= now.steady) over.push_back(conversation);
  }
  for (const auto& conversation : over) {
    const auto lease = held_.at(conversation);
    remove_held(conversation);
    out.events.push_back(
        LeaseEnded{lease.home, conversation, lease.epoch, LeaseEnded::Why::expired});
  }
  for (auto& [id, home] : homes_) {
    if (home.leases.empty() || home.next > now.steady) continue;
    home.next = now.steady + pace(home);
    home.sent[++home.number] = now.steady;
    constexpr std::size_t remembered = 8;
    if (home.sent.size() > remembered) home.sent.erase(home.sent.begin());
    out.messages.emplace_back(id, Renew{home.number, home.leases.size(), home.hash});
  }
  over.clear();
  for (const auto& [conversation, given] : given_) {
    if (given.renewed + given.lease.term <= now.steady) over.push_back(conversation);
  }
  for (const auto& conversation : over) {
    const auto given = given_.at(conversation);
    remove_given(conversation);
    ++expired_;
    out.events.push_back(LeaseLost{given.lease.lessee, conversation, given.lease.epoch,
                                   given.lease.agent, LeaseLost::Why::expired});
  }
  for (auto& [home, asked] : resuming_) {
    if (asked.next > now.steady) continue;
    asked.next = now.steady + options_.resume_every;
    asked.sent[++asked.attempt] = now.steady;
    constexpr std::size_t remembered = 8;
    if (asked.sent.size() > remembered) {
      asked.pages.erase(asked.sent.begin()->first);
      asked.sent.erase(asked.sent.begin());
    }
    out.messages.emplace_back(home,
                              Resume{resume_number_, asked.attempt, answered_.count(home) > 0});
  }
  look_for_next();
}

void LeaseLedger::look_for_next() {
  next_.reset();
  for (const auto& [conversation, lease] : held_) due(lease.confirmed + lease.term);
  for (const auto& [id, home] : homes_) {
    if (!home.leases.empty()) due(home.next);
  }
  for (const auto& [conversation, given] : given_) due(given.renewed + given.lease.term);
  for (const auto& [home, asked] : resuming_) due(asked.next);
}

std::optional<Instant> LeaseLedger::deadline() const {
  return next_;
}

Status check_lease_message(const LeaseMessage& message) {
  const auto too_large = [](const char* where) {
    return Error{ErrorCode::too_large, "has too many leases or pages", where,
                 "send pages of at most 32"};
  };
  if (const auto* set = std::get_if<LeaseSet>(&message)) {
    if (set->leases.size() > leases_per_page || set->pages > max_pages || set->page >= set->pages) {
      return too_large("lease_set");
    }
  } else if (const auto* verdict = std::get_if<LeaseVerdict>(&message)) {
    if (verdict->voided.size() > leases_per_page) return too_large("lease_verdict");
  } else if (const auto* answer = std::get_if<ResumeAnswer>(&message)) {
    if (answer->leases.size() > ResumeAnswer::per_page || answer->pages > max_pages ||
        answer->page >= answer->pages) {
      return too_large("resume_answer");
    }
    for (const auto& lease : answer->leases) {
      constexpr std::uint64_t a_day = 24ull * 3'600'000;
      if (lease.term_ms > a_day || static_cast<std::size_t>(lease.kind) >= channel_kinds) {
        return Error{ErrorCode::malformed, "a term of over a day, or an unknown channel kind",
                     "resume_answer", ""};
      }
    }
  }
  return {};
}

}  // namespace crossfloor
