#include "protocol/membership.h"

#include <algorithm>

#include "protocol/check.h"

namespace crossfloor {
namespace {
// Members never tried before are greeted this many at a time, this far apart.
constexpr std::size_t greetings_at_once = 16;
constexpr Duration greeting_pause{100};
// More than this many at once are not checked when nobody is heard any more.
constexpr std::size_t isolation_checks = 64;
}  // namespace

const char* name_of(MemberEventKind kind) {
  switch (kind) {
    case MemberEventKind::joined:
      return "joined";
    case MemberEventKind::alive:
      return "alive";
    case MemberEventKind::suspected:
      return "suspected";
    case MemberEventKind::died:
      return "died";
    case MemberEventKind::left:
      return "left";
    case MemberEventKind::restarted:
      return "restarted";
  }
  return "unknown";
}

Membership::Membership(const MembershipSelf& self, const MembershipOptions& options, Random& random)
    : self_(self.node),
      options_(options),
      random_(random),
      own_{self.generation, std::max<std::int64_t>(0, ms_of(self.started)), 0, 0},
      probes_(random.below(std::uint64_t{1} << 62)),
      lost_(options) {
  XF_CHECK(self.generation != 0);
}

void Membership::add_member(const NodeId& node, std::string site, Region region,
                            std::string address) {
  if (node == self_) return;
  const auto [at, inserted] = members_.try_emplace(node);
  at->second.node = node;
  at->second.site = std::move(site);
  at->second.region = std::move(region);
  at->second.address = std::move(address);
  if (!inserted) return;
  index_.add(at->second);
  fresh_.insert(node);
}

void Membership::forget(const NodeId& node) {
  const auto found = members_.find(node);
  if (found == members_.end()) return;
  if (found->second.live()) remove_living(found->second);
  index_.remove(node);
  members_.erase(found);
  ++load_marks_;
  probes_.forget(node);
  round_trips_.forget(node);
  suspicion_.close(node);
  lost_.remove(node);
  queue_.remove(node);
  checks_.erase(node);
  fresh_.erase(node);
  std::erase(round_, node);
}

void Membership::receive(const NodeId& from, const MembershipMessage& message, Now now,
                         MembershipOutbox& out) {
  if (left_) return;
  begin(now);
  catch_up(now);
  Member* const sender = known(from);
  if (!sender) return;
  own_news_due_ = false;
  std::visit(
      [&](const auto& m) {
        hear(*sender, m.mark, now, out);
        const std::size_t count = std::min(m.news.size(), max_news_alone);
        for (std::size_t i = 0; i < count; ++i) take_news(m.news[i], now, out);
        answer(from, m, now, out);
      },
      message);
  // Who brought us a rumour of ourselves hears the refutation first; others by gossip. An answered
  // ping has told it already.
  if (own_news_due_) {
    if (!std::holds_alternative<Ping>(message)) send(from, News{}, max_news_on_probe, out);
    queue_.add(self_);
  }
  latest_ = std::max(latest_, now.steady);
}

void Membership::answer(const NodeId& from, const Ping& ping, Now now, MembershipOutbox& out) {
  Ack ack;
  ack.number = ping.number;
  ack.wall_ms = ms_of(now.wall);
  send(from, std::move(ack), max_news_on_probe, out);
}

void Membership::answer(const NodeId& from, const Ack& ack, Now now, MembershipOutbox& out) {
  const NodeId subject = ack.subject.value_or(from);
  if (subject != from) {
    // Counts only for a probe of ours: nobody can keep a member alive by answers nobody asked for.
    const Probe* probe = probes_.find(ack.number);
    Member* const reached = known(subject);
    if (!probe || probe->target != subject || !reached || !ack.subject_mark) return;
    hear(*reached, *ack.subject_mark, now, out);
  }
  if (const auto probe = probes_.answered(ack.number, subject)) {
    if (probe->in_turn) adjust_health(-1);
    // Asked again, it is not known which of the two questions this answers.
    if (subject == from && ack.wall_ms != 0 && !probe->helped) {
      const Duration half = (now.steady - probe->started) / 2;
      out.clocks.push_back({from, wall_from_ms(ack.wall_ms) + half - now.wall});
    }
    if (!probe->helped) round_trips_.add(subject, now.steady - probe->started);
    return;
  }
  if (subject != from) return;
  if (const auto relay = probes_.relay_answered(ack.number, from)) {
    Ack passed;
    passed.number = relay->asker_number;
    passed.subject = from;
    passed.subject_mark = ack.mark;
    send(relay->asker, std::move(passed), max_news_on_probe, out);
  }
}

void Membership::answer(const NodeId& from, const PingRequest& request, Now now,
                        MembershipOutbox& out) {
  if (request.target == self_ || request.target == from) return;
  Nack nack;
  nack.number = request.number;
  Relay relay;
  relay.number = probes_.next_number();
  relay.asker = from;
  relay.asker_number = request.number;
  relay.target = request.target;
  // Early enough that the asker has it before its own probe ends.
  relay.nack_at = now.steady + options_.probe_timeout * 8 / 10;
  relay.ends = now.steady + options_.probe_interval;
  if (!known(request.target) || !probes_.start_relay(relay)) {
    send(from, std::move(nack), max_news_on_probe, out);
    return;
  }
  Ping ping;
  ping.number = relay.number;
  send(request.target, std::move(ping), max_news_on_probe, out);
}

void Membership::answer(const NodeId& from, const Nack& nack, Now, MembershipOutbox&) {
  probes_.nack(nack.number, from);
}

void Membership::tick(Now now, MembershipOutbox& out) {
  if (left_) return;
  begin(now);
  catch_up(now);
  greet_fresh(now, out);
  for (std::uint64_t number : probes_.take_needing_help(now.steady)) ask_helpers(number, now, out);
  for (const Probe& probe : probes_.take_failed(now.steady)) probe_failed(probe, now, out);
  for (const Relay& relay : probes_.take_unanswered_relays(now.steady)) {
    Nack nack;
    nack.number = relay.asker_number;
    send(relay.asker, std::move(nack), max_news_on_probe, out);
  }
  for (const NodeId& node : suspicion_.take_dead(now.steady)) {
    if (Member* const member = known(node)) give_up_or_try(*member, now, out);
  }
  check_suspects(now, out);
  if (now.steady >= next_probe_) probe_next_in_turn(now, out);
  check_isolation(now, out);
  while (const auto node = lost_.take(now.steady)) {
    Ping ping;
    ping.number = probes_.next_number();
    send(*node, std::move(ping), max_news_on_probe, out);
  }
  if (!queue_.empty() && now.steady >= next_gossip_) gossip(now, out);
  latest_ = std::max(latest_, now.steady);
}

void Membership::begin(Now now) {
  if (begun_) return;
  begun_ = true;
  latest_ = heard_anybody_ = next_gossip_ = next_greeting_ = now.steady;
  const auto interval = static_cast<std::uint64_t>(options_.probe_interval.count());
  next_probe_ = now.steady + Duration{static_cast<std::int64_t>(random_.below(interval))};
}

// A call that comes much later than was asked for: the loop, the process or the machine stood
// still.
void Membership::catch_up(Now now) {
  const auto due = timers();
  if (!due) return;
  const Duration late = now.steady - std::max(*due, latest_);
  if (late > options_.probe_timeout) standstill(late);
}

void Membership::standstill(Duration gap) {
  probes_.shift(gap);
  suspicion_.shift(gap);
  for (auto& [node, at] : checks_) at += gap;
  next_probe_ += gap;
  heard_anybody_ += gap;
  latest_ += gap;  // what else is late because of this gap has been accounted for
  adjust_health(+1);
}

// Each is tried once, soon; then it is one of the lost until it answers.
void Membership::greet_fresh(Now now, MembershipOutbox& out) {
  if (fresh_.empty() || now.steady < next_greeting_) return;
  next_greeting_ = now.steady + greeting_pause;
  for (std::size_t i = 0; i < greetings_at_once && !fresh_.empty(); ++i) {
    const NodeId node = *fresh_.begin();
    fresh_.erase(fresh_.begin());
    Member& member = *known(node);
    if (!member.since) member.since = now.steady;
    lost_.add(node, now.steady + lost_retry(options_, 0));
    Ping ping;
    ping.number = probes_.next_number();
    send(node, std::move(ping), max_news_on_probe, out);
  }
}

void Membership::probe(const NodeId& target, bool in_turn, Now now, MembershipOutbox& out) {
  Probe probe;
  probe.number = probes_.next_number();
  probe.target = target;
  probe.in_turn = in_turn;
  probe.started = now.steady;
  probe.help_at = now.steady + scaled(options_.probe_timeout, score_);
  probe.again = scaled(options_.probe_again, score_);
  probe.ends = now.steady + scaled(options_.probe_interval, score_);
  probes_.start(probe);
  Ping ping;
  ping.number = probe.number;
  send(target, std::move(ping), max_news_on_probe, out);
}

void Membership::probe_next_in_turn(Now now, MembershipOutbox& out) {
  next_probe_ = now.steady + scaled(options_.probe_interval, score_);
  for (int rounds = 0; rounds < 2; ++rounds) {
    while (!round_.empty()) {
      const NodeId target = round_.back();
      round_.pop_back();
      const Member* member = find(target);
      if (!member || !member->live() || probes_.probing(target)) continue;
      probe(target, true, now, out);
      return;
    }
    for (const auto& [node, member] : members_) {
      if (member.live()) round_.push_back(node);
    }
    for (std::size_t i = round_.size(); i > 1; --i) {
      std::swap(round_[i - 1], round_[random_.below(i)]);
    }
  }
}

void Membership::ask_helpers(std::uint64_t number, Now, MembershipOutbox& out) {
  const Probe* probe = probes_.find(number);
  const NodeId target = probe->target;
  Ping again;
  again.number = number;
  send(target, std::move(again), max_news_on_probe, out);
  const bool first = probe->helpers.empty();
  const auto helpers = first
                           ? random_live(static_cast<std::size_t>(options_.indirect_probes), target)
                           : probe->helpers;
  for (const NodeId& helper : helpers) {
    PingRequest request;
    request.number = number;
    request.target = target;
    send(helper, std::move(request), max_news_on_probe, out);
  }
  if (first) probes_.helpers_asked(number, helpers);
}

void Membership::probe_failed(const Probe& probe, Now now, MembershipOutbox& out) {
  Member* const found = known(probe.target);
  if (!found || !found->live()) return;
  Member& member = *found;
  if (member.last_heard && *member.last_heard >= probe.started) return;  // by another road
  // Helpers who did not even say that they failed: perhaps it is us who cannot be heard.
  if (probe.in_turn)
    adjust_health(living_.size() > 1 ? static_cast<int>(probe.silent_helpers.size()) : 1);
  accuse(member, self_, now, out);
}

void Membership::check_suspects(Now now, MembershipOutbox& out) {
  for (auto& [node, at] : checks_) {
    if (at > now.steady) continue;
    at = now.steady + scaled(options_.probe_interval, score_);
    known(node)->tried = true;
    if (!probes_.probing(node)) probe(node, false, now, out);
  }
}

void Membership::check_isolation(Now now, MembershipOutbox& out) {
  if (living_.empty()) {
    heard_anybody_ = now.steady;
    return;
  }
  if (now.steady - heard_anybody_ < options_.isolation_after) return;
  heard_anybody_ = now.steady;  // and again after as long a silence
  for (const NodeId& node : random_live(isolation_checks, self_)) {
    if (!probes_.probing(node)) probe(node, false, now, out);
  }
}

void Membership::gossip(Now now, MembershipOutbox& out) {
  next_gossip_ = now.steady + options_.gossip_interval;
  for (const NodeId& node : random_live(static_cast<std::size_t>(options_.gossip_nodes), self_)) {
    if (queue_.any_for(node)) send(node, News{}, max_news_alone, out);
  }
  queue_.end_round(retransmit_limit(options_, live_total()));
}

void Membership::link_reset(const NodeId& node, Now now, MembershipOutbox& out) {
  if (left_) return;
  begin(now);
  catch_up(now);
  Member* const member = known(node);
  if (!member || member->state != MemberState::alive) return;
  accuse(*member, self_, now, out);
  latest_ = std::max(latest_, now.steady);
}

void Membership::leave(Now now, MembershipOutbox& out) {
  if (left_) return;
  begin(now);
  for (const auto& [node, member] : members_) {
    if (!member.live()) continue;
    News news;
    news.news.push_back(own_news(MemberState::left));
    send(node, std::move(news), max_news_on_probe, out);
  }
  left_ = true;
}

std::optional<Instant> Membership::timers() const {
  if (!begun_) return std::nullopt;
  Instant earliest = Instant::max();
  const auto consider = [&](std::optional<Instant> at) {
    if (at) earliest = std::min(earliest, *at);
  };
  consider(probes_.deadline());
  consider(suspicion_.deadline());
  for (const auto& [node, at] : checks_) consider(at);
  if (!living_.empty()) {
    consider(next_probe_);
    consider(heard_anybody_ + options_.isolation_after);
    if (!queue_.empty()) consider(next_gossip_);
  }
  consider(lost_.deadline());
  if (earliest == Instant::max()) return std::nullopt;
  return earliest;
}

std::optional<Instant> Membership::deadline() const {
  if (left_) return std::nullopt;
  if (!begun_) return Instant{};
  const auto earliest = timers();
  if (fresh_.empty()) return earliest;
  return std::min(earliest.value_or(Instant::max()), next_greeting_);
}

// The buddy system: whoever is suspected or given up hears so first, with whatever is said to it.
void Membership::add_news(const NodeId& to, std::vector<MemberNews>& news, std::size_t max_news) {
  const Member* member = find(to);
  if (member && member->mark.generation != 0 && member->state != MemberState::alive) {
    news.push_back(news_of(*member));
  }
  if (news.size() >= max_news) return;
  const int limit = retransmit_limit(options_, live_total());
  for (const NodeId& node : queue_.take(max_news - news.size(), limit, to)) {
    if (node == self_) {
      news.push_back(own_news(MemberState::alive));
    } else if (const Member* about = find(node)) {
      news.push_back(news_of(*about));
    }
  }
}

MemberNews Membership::news_of(const Member& member) const {
  return {member.node,  member.mark.generation, member.mark.started_ms, member.mark.incarnation,
          member.state, member.accuser};
}

MemberNews Membership::own_news(MemberState state) const {
  return {self_, own_.generation, own_.started_ms, own_.incarnation, state, {}};
}

void Membership::add_living(Member& member) {
  member.place = living_.size();
  living_.push_back(&member);
}

// The last one takes its place.
void Membership::remove_living(const Member& member) {
  Member* const last = living_.back();
  living_[member.place] = last;
  last->place = member.place;
  living_.pop_back();
}

// Of a large mesh few are drawn: by trying. Of a small one a partial shuffle, which always ends.
std::vector<NodeId> Membership::random_live(std::size_t count, const NodeId& except) {
  std::vector<NodeId> live;
  if (count * 4 < living_.size()) {
    while (live.size() < count) {
      const NodeId& node = living_[random_.below(living_.size())]->node;
      if (node != except && std::find(live.begin(), live.end(), node) == live.end()) {
        live.push_back(node);
      }
    }
    return live;
  }
  for (const Member* member : living_) {
    if (member->node != except) live.push_back(member->node);
  }
  count = std::min(count, live.size());
  for (std::size_t i = 0; i < count; ++i)
    std::swap(live[i], live[i + random_.below(live.size() - i)]);
  live.resize(count);
  return live;
}

void Membership::adjust_health(int by) {
  score_ = std::clamp(score_ + by, 0, options_.health_max - 1);
}

const Member* Membership::find(const NodeId& node) const {
  return known(node);
}

std::optional<MemberState> Membership::state(const NodeId& node) const {
  if (node == self_) return left_ ? MemberState::left : MemberState::alive;
  const Member* member = find(node);
  if (!member) return std::nullopt;
  return member->state;
}

std::vector<NodeId> Membership::live() const {
  std::vector<NodeId> live;
  bool own = left_;
  for (const auto& [node, member] : members_) {
    if (!own && self_ < node) {
      live.push_back(self_);
      own = true;
    }
    if (member.live()) live.push_back(node);
  }
  if (!own) live.push_back(self_);
  return live;
}

std::optional<Instant> Membership::last_heard(const NodeId& node) const {
  const Member* member = find(node);
  if (!member) return std::nullopt;
  return member->last_heard;
}

std::optional<Instant> Membership::dead_since(const NodeId& node) const {
  const Member* member = find(node);
  if (!member || member->state != MemberState::dead) return std::nullopt;
  return member->since;
}

}  // namespace crossfloor
