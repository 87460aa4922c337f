// What a node makes of what it hears of others, and of itself.
#include <algorithm>
#include <tuple>

#include "protocol/membership.h"

namespace crossfloor {
namespace {

// Beyond this a start time is no time: it only serves to outbid every later start. Who is spoken of
// so must be able to outbid it once more, and be believed when it says so itself.
constexpr std::int64_t latest_start_ms = std::int64_t{1} << 53;
constexpr std::int64_t latest_own_start_ms = latest_start_ms * 2;

template <typename Left, typename Right>
auto compare_starts(const Left& left, const Right& right) {
  return std::tie(left.started_ms, left.generation) <=>
         std::tie(right.started_ms, right.generation);
}

bool sensible(const MemberNews& news, std::int64_t latest = latest_start_ms) {
  return news.generation != 0 && news.started_ms >= 0 && news.started_ms < latest;
}

}  // namespace

// The sender itself, or a helper that passes its answer on, proves that it lives.
void Membership::hear(Member& member, const MemberMark& mark, Now now, MembershipOutbox& out) {
  const MemberNews word{member.node,      mark.generation,    mark.started_ms,
                        mark.incarnation, MemberState::alive, {}};
  if (!sensible(word, latest_own_start_ms)) return;
  const auto order = compare_starts(word, member.mark);
  if (order < 0) {
    // Still on its way from an older start; or the clock went back, and it must learn to outbid it.
    News told;
    told.news.push_back(news_of(member));
    send(member.node, std::move(told), max_news_alone, out);
    return;
  }
  heard_anybody_ = now.steady;
  member.last_heard = now.steady;
  take_alive(member, word, now, out);
  if (member.state == MemberState::suspect && mark.incarnation == member.mark.incarnation) {
    revive(member, now, out);  // whatever others say: we hear it
  }
  if (mark.load_version > member.mark.load_version || !member.load_confirmed) {
    member.mark.load_version = std::max(member.mark.load_version, mark.load_version);
    member.load_confirmed = member.state == MemberState::alive;
    ++load_marks_;
  }
}

void Membership::confirm_load(const NodeId& node, std::uint64_t version) {
  Member* const found = known(node);
  if (!found) return;
  Member& member = *found;
  const bool confirmed = member.load_confirmed || member.state == MemberState::alive;
  if (confirmed == member.load_confirmed && version <= member.mark.load_version) return;
  member.load_confirmed = confirmed;
  member.mark.load_version = std::max(member.mark.load_version, version);
  ++load_marks_;
}

void Membership::take_news(const MemberNews& news, Now now, MembershipOutbox& out) {
  if (!sensible(news)) return;
  if (news.node == self_) {
    if (refute(news)) own_news_due_ = true;
    return;
  }
  Member* const found = known(news.node);
  if (!found) return;  // not admitted, or its certificate has not come yet
  Member& member = *found;
  if (compare_starts(news, member.mark) < 0) return;
  if (news.state == MemberState::alive) {
    take_alive(member, news, now, out);
  } else {
    take_accusation(member, news, now, out);
  }
}

bool Membership::refute(const MemberNews& news) {
  const auto order = compare_starts(news, own_);
  if (order < 0) return false;
  if (order > 0) {
    // Said of another start, which seems later than this one: the clock went back meanwhile.
    own_.started_ms = news.started_ms + 1;
    own_.incarnation = 0;
    return true;
  }
  const bool harmless = news.state == MemberState::alive ? news.incarnation <= own_.incarnation
                                                         : news.incarnation < own_.incarnation;
  if (harmless) return false;
  if (news.incarnation == UINT32_MAX) {
    own_.started_ms += 1;
    own_.incarnation = 0;
  } else {
    own_.incarnation = news.incarnation + 1;
  }
  if (news.state != MemberState::alive) adjust_health(+1);
  return true;
}

void Membership::take_alive(Member& member, const MemberNews& news, Now now,
                            MembershipOutbox& out) {
  if (compare_starts(news, member.mark) > 0) {
    new_generation(member, news, now, out);
  } else if (news.incarnation > member.mark.incarnation) {
    member.mark.incarnation = news.incarnation;
  } else {
    return;
  }
  revive(member, now, out);
  queue_.add(member.node);
}

void Membership::take_accusation(Member& member, const MemberNews& news, Now now,
                                 MembershipOutbox& out) {
  const bool newer_start = compare_starts(news, member.mark) > 0;
  if (!newer_start && news.incarnation < member.mark.incarnation) return;
  const bool newer = newer_start || news.incarnation > member.mark.incarnation;
  if (!newer && (member.state == MemberState::dead || member.state == MemberState::left)) return;
  if (news.state != MemberState::left && own_ears_say_otherwise(member, news, now, out)) return;
  if (newer_start) {
    new_generation(member, news, now, out);
  } else {
    member.mark.incarnation = news.incarnation;
  }
  if (news.state == MemberState::suspect) {
    if (!member.live()) revive(member, now, out);  // it spoke after we had given it up
    if (newer) suspicion_.close(member.node);      // it answered the earlier accusers
    accuse(member, news.accuser, now, out);
  } else {
    bury(member, news.state, news.accuser, now, out);
  }
}

void Membership::new_generation(Member& member, const MemberNews& news, Now now,
                                MembershipOutbox& out) {
  const bool first = member.mark.generation == 0;
  // The same process under a later start (its clock had gone back) is no restart.
  const bool restarted = !first && member.mark.generation != news.generation;
  member.mark.started_ms = news.started_ms;
  member.mark.incarnation = news.incarnation;
  if (first || restarted) {
    member.mark.generation = news.generation;
    member.mark.load_version = 0;
    member.load_confirmed = false;
  }
  member.told_incarnation = 0;
  ++load_marks_;
  if (first && (news.state == MemberState::alive || news.state == MemberState::suspect)) {
    out.events.push_back({MemberEventKind::joined, member.node});
    if (!member.live()) set_state(member, MemberState::alive, now);
    lost_.remove(member.node);
    fresh_.erase(member.node);
  }
  if (restarted) out.events.push_back({MemberEventKind::restarted, member.node});
}

// True if the member was heard so lately that a rumour is no reason to doubt it. It is told, once,
// so that it can refute the rumour before others act on it. A suspect not heard since (its link was
// reset a moment after its last word) has no such witness: each further accuser counts.
bool Membership::own_ears_say_otherwise(Member& member, const MemberNews& news, Now now,
                                        MembershipOutbox& out) {
  if (!member.live() || compare_starts(news, member.mark) > 0) return false;
  if (member.state == MemberState::suspect && member.since && member.last_heard <= member.since) {
    return false;
  }
  if (!member.last_heard || now.steady - *member.last_heard >= options_.probe_interval) {
    return false;
  }
  if (news.incarnation >= member.told_incarnation) {
    member.told_incarnation = news.incarnation == UINT32_MAX ? UINT32_MAX : news.incarnation + 1;
    News told;
    told.news.push_back(news);
    send(member.node, std::move(told), max_news_alone, out);
  }
  return true;
}

void Membership::accuse(Member& member, const NodeId& accuser, Now now, MembershipOutbox& out) {
  const int n = live_total();
  const SuspicionTerms terms{patience_min(options_, n), patience_max(options_, n),
                             accusers_wanted(options_, n)};
  if (member.state == MemberState::alive) {
    suspicion_.close(member.node);
    set_state(member, MemberState::suspect, now);
    member.load_confirmed = false;
    member.tried = false;
    out.events.push_back({MemberEventKind::suspected, member.node});
    // Everybody looks for itself in a small mesh; in a large one some do, or the suspect would be
    // buried under questions.
    const bool check =
        n <= look_at_once || random_.below(static_cast<std::uint64_t>(n)) < look_at_once;
    if (check) checks_[member.node] = now.steady;
  }
  if (accuser == self_) {
    member.tried = true;
    checks_.try_emplace(member.node, now.steady);  // once in vain may be chance
  }
  if (suspicion_.accuse(member.node, accuser, terms, now.steady)) {
    member.accuser = accuser;
    queue_.add(member.node);
  }
}

// Its patience is over. In a large mesh not everybody has looked for itself yet.
void Membership::give_up_or_try(Member& member, Now now, MembershipOutbox& out) {
  if (member.tried) {
    bury(member, MemberState::dead, self_, now, out);
    return;
  }
  checks_[member.node] = now.steady;
  const Duration last = scaled(options_.probe_interval, score_);
  suspicion_.accuse(member.node, member.accuser, {last, last, 0}, now.steady);
}

void Membership::revive(Member& member, Now now, MembershipOutbox& out) {
  if (member.state == MemberState::alive) return;
  const bool was_lost = !member.live();
  suspicion_.close(member.node);
  checks_.erase(member.node);
  lost_.remove(member.node);
  fresh_.erase(member.node);
  member.accuser = NodeId{};
  set_state(member, MemberState::alive, now);
  out.events.push_back({MemberEventKind::alive, member.node});
  if (was_lost) {
    const auto spread = static_cast<std::uint64_t>(options_.lost_retry_min.count());
    lost_.hurry(now.steady + Duration{static_cast<std::int64_t>(random_.below(spread))});
  }
}

void Membership::bury(Member& member, MemberState state, const NodeId& accuser, Now now,
                      MembershipOutbox& out) {
  suspicion_.close(member.node);
  checks_.erase(member.node);
  probes_.forget(member.node);
  if (member.state == state) return;
  member.accuser = accuser;
  member.load_confirmed = false;
  set_state(member, state, now);
  const bool left = state == MemberState::left;
  out.events.push_back({left ? MemberEventKind::left : MemberEventKind::died, member.node});
  queue_.add(member.node);
  if (left) {
    fresh_.erase(member.node);
    lost_.remove(member.node);
  } else {
    lost_.add(member.node, now.steady + lost_retry(options_, 0));
  }
}

void Membership::set_state(Member& member, MemberState state, Now now) {
  const bool was_live = member.live();
  member.state = state;
  member.since = now.steady;
  ++load_marks_;
  if (member.live() == was_live) return;
  if (was_live) {
    remove_living(member);
    return;
  }
  add_living(member);
  const auto place = random_.below(round_.size() + 1);
  round_.insert(round_.begin() + static_cast<std::ptrdiff_t>(place), member.node);
}

}  // namespace crossfloor
