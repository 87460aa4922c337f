// Pull: a slot that is free here asks for the most urgent conversation that waits anywhere.
#include <algorithm>

#include "node/desk/router.h"
#include "node/desk/weighed_line.h"

namespace crossfloor {

void Router::serve_freed(Now now, DeskOutbox& out) {
  ring_parked(now, out);
  for (auto& agent : floor_.take_freed()) freed_.insert(agent);
  while (!freed_.empty()) {
    const auto agent = *freed_.begin();
    freed_.erase(freed_.begin());
    serve(agent, true, now, out);
  }
  plan_idle_pull(now);
}

void Router::serve(const std::string& agent, bool may_pull, Now now, DeskOutbox& out) {
  if (now.steady < no_pull_before_) may_pull = false;
  while (open_ && !pulling_.count(agent)) {
    const auto profile = floor_.profile(agent);
    if (!profile) return;
    if (may_pull) {
      if (const auto home = wanted_by(agent, now.steady)) {
        start_pull(*profile, {agent, *home, {}, 1, {}, 0}, {}, now, out);
        return;
      }
    }
    const auto local = line_.head_for(*profile, filter_for(agent, nullptr, now), now.steady);
    if (may_pull) {
      const auto remote = best_remote(*profile, {}, local ? &*local : nullptr, false, now);
      if (remote) {
        auto weighed = weigh({*profile, local ? &*local : nullptr, &*remote, nullptr, true}, now);
        note_pulled(*remote, now);
        start_pull(*profile, {agent, remote->home, {}, 1, {}, 0}, std::move(weighed), now, out);
        return;
      }
    }
    if (!local) return;
    auto& task = tasks_.at(local->conversation);
    std::vector<TraceCandidate> elsewhere;
    for (const auto& line : weigh({*profile, &*local, nullptr, nullptr, may_pull}, now)) {
      if (line.node != self_) elsewhere.push_back(candidate_of(line));
    }
    assign_local(task, agent, 8, std::move(elsewhere), now, out);
  }
}

// This wrap-up ends within a second: what waits elsewhere is asked for now, and rings when it is
// over. What waits here needs no time to get here.
void Router::look_ahead(Nonce ending, Now now, DeskOutbox& out) {
  const auto profile = floor_.profile_after(ending);
  if (!open_ || !profile || pulling_.count(profile->name) || now.steady < no_pull_before_) return;
  const auto local = line_.head_for(*profile, filter_for(profile->name, nullptr, now), now.steady);
  const auto remote = best_remote(*profile, {}, local ? &*local : nullptr, false, now);
  if (!remote) return;
  auto weighed = weigh({*profile, local ? &*local : nullptr, &*remote, nullptr, true}, now);
  note_pulled(*remote, now);
  start_pull(*profile, {profile->name, remote->home, {}, 1, {}, ending}, std::move(weighed), now,
             out);
}

// The most urgent head that gossip shows, if it beats the local one by enough. `any_time` looks
// past pauses and own corrections: is there something that this agent may yet pull?
std::optional<Router::RemoteHead> Router::best_remote(const AgentProfile& agent,
                                                      const std::set<NodeId>& asked,
                                                      const WaitingLine::Head* local, bool any_time,
                                                      Now now) {
  std::optional<RemoteHead> best;
  for (const auto& peer : peers_.usable(now)) {
    const auto& record = *peer.record;
    if (asked.count(record.node)) continue;
    if (!any_time && paused(agent.name, record, now.steady)) continue;
    for (const auto& load : record.classes) {
      if (load.waiting == 0) continue;
      // Reckoned before words are compared, which takes longer: can it be the one at all?
      const Duration most =
          load.oldest_ms.empty() ? peer.age : peer.age + Duration{load.oldest_ms[0]};
      const double at_most = urgency_of(load, most);
      if ((best && at_most <= best->urgency) || (local && at_most <= local->urgency)) continue;
      const auto* channel = duty_for(agent.channels, load.service.kind);
      if (!channel || !matches(agent.abilities, load.service)) continue;
      const auto taken = any_time ? 0 : waiting_taken(record, load.service, now.steady);
      if (load.waiting <= taken) continue;
      Duration age = peer.age;
      if (!load.oldest_ms.empty()) {
        age += Duration{load.oldest_ms[std::min<std::size_t>(taken, load.oldest_ms.size() - 1)]};
      }
      if (channel->duty == Duty::helper && !any_time &&
          !helpers_may(load.service.kind, target_of(load) * options_.helper_after_percent / 100,
                       age, now)) {
        continue;
      }
      const RemoteHead head{record.node, &load, age, urgency_of(load, age)};
      if (local && !beats_local(head, *local)) continue;
      if (!best || head.urgency > best->urgency) best = head;
    }
  }
  return best;
}

// Of the most urgent that waits there; the channel's, if it was not told.
Duration Router::target_of(const ClassLoad& load) const {
  if (load.target_ms > 0) return Duration{load.target_ms};
  return options_.target[kind_index(load.service.kind)];
}

double Router::urgency_of(const ClassLoad& load, Duration age) const {
  return static_cast<double>(age.count()) / static_cast<double>(target_of(load).count());
}

// Older by enough to be worth a slot here. Short waits are compared as strictly as long ones: the
// margin is a share of the wait, so that no site's customers wait longer than others' by more than
// that share. Work from a home for which agents here are slow, or may be, has to be older by up to
// twice the time that a conversation takes, while the mesh is nearly full.
bool Router::beats_local(const RemoteHead& remote, const WaitingLine::Head& local) const {
  const auto kind = remote.load->service.kind;
  const auto& here = tasks_.at(local.conversation).what;
  const auto target = static_cast<double>(std::max(here.target, Duration{1}).count());
  const auto by = [&](Duration margin) {
    return remote.urgency > local.urgency + static_cast<double>(margin.count()) / target;
  };
  const Duration most = here.times.pull_margin.value_or(options_.pull_delta[kind_index(kind)]);
  const Duration margin = std::min(most, Duration{remote.age * options_.pull_delta_percent / 100});
  if (!by(margin)) return false;
  return by(slow_help_.reserve(remote.home, kind));
}

bool Router::paused(const std::string& agent, const LoadRecord& record, Instant now) const {
  if (avoided(record.node, now)) return true;
  const auto it = denied_.find({agent, record.node});
  return it != denied_.end() && it->second.until > now &&
         it->second.version == Version{record.generation, record.version};
}

void Router::start_pull(const AgentProfile& agent, PullRun run, std::vector<WeighedLine> weighed,
                        Now now, DeskOutbox& out) {
  std::vector<ChannelKind> kinds;
  for (const auto& channel : agent.channels) kinds.push_back(channel.kind);
  const Nonce nonce = fresh_nonce();
  // A little longer than we wait, so that it is always we who end it.
  const Duration wait = patience(run.home);
  const auto until = now.steady + 2 * wait;
  const bool held =
      run.behind != 0
          ? floor_.hold_behind(run.behind, run.home, nonce, until + floor_.options().soon, now)
          : floor_.hold_agent(agent.name, kinds, {}, run.home, nonce, until, now);
  if (!held) return;
  run.give_up = now.steady + wait;
  pulling_[agent.name] = nonce;
  const auto left_out = weighed.size() - std::min(weighed.size(), max_weighed);
  weighed.resize(weighed.size() - left_out);
  out.send(run.home, Pull{nonce, agent, std::move(weighed), static_cast<std::uint32_t>(left_out),
                          elsewhere(agent, run, now)});
  pulls_[nonce] = std::move(run);
}

// What this slot could have if that home had nobody as urgent any more; nothing if it will not be
// asked for again.
std::uint64_t Router::elsewhere(const AgentProfile& agent, const PullRun& run, Now now) {
  if (run.tries >= options_.max_pulls) return 0;
  auto asked = run.asked;
  asked.insert(run.home);
  const auto local = line_.head_for(agent, filter_for(agent.name, nullptr, now), now.steady);
  const auto remote = best_remote(agent, asked, local ? &*local : nullptr, false, now);
  const double urgency = remote ? remote->urgency : local ? local->urgency : 0;
  return static_cast<std::uint64_t>(std::clamp(urgency, 0.0, 1e9) * urgency_unit);
}

void Router::note_pulled(const RemoteHead& head, Now now) {
  auto& own = correct(head.home, head.load->service, now);
  own.waiting_taken.push_back(own.until);
}

// Denied, or not answered in time: another home, at most three in all, then what waits here.
void Router::end_pull(Nonce nonce, bool answered, Now now, DeskOutbox& out) {
  const auto it = pulls_.find(nonce);
  if (it == pulls_.end()) return;
  PullRun run = std::move(it->second);
  pulls_.erase(it);
  pulling_.erase(run.agent);
  if (!answered) avoided_[run.home] = now.steady + options_.avoid_for;

  Version version{};
  for (const auto& peer : peers_.usable(now)) {
    if (peer.record->node == run.home) version = {peer.record->generation, peer.record->version};
  }
  constexpr std::size_t most = 4096;
  if (denied_.size() >= most) {
    std::erase_if(denied_, [&](const auto& each) { return each.second.until <= now.steady; });
  }
  auto& denied = denied_[{run.agent, run.home}];
  if (denied.version != version) denied = {version, {}, {}};
  denied.pause = std::clamp(denied.pause * 2, Duration{1'000}, Duration{30'000});
  denied.until = now.steady + denied.pause;

  for (auto& agent : floor_.take_freed()) freed_.insert(agent);
  floor_.release_hold(nonce, run.home, now);
  for (auto& agent : floor_.take_freed()) {
    if (agent != run.agent) freed_.insert(agent);  // its own end of a pull is no freed slot
  }
  run.asked.insert(run.home);
  auto profile = run.behind != 0 ? floor_.profile_after(run.behind) : std::nullopt;
  if (!profile) {
    run.behind = 0;
    profile = floor_.profile(run.agent);
  }
  if (!profile || !open_) return;
  if (run.tries < options_.max_pulls) {
    const auto local = line_.head_for(*profile, filter_for(run.agent, nullptr, now), now.steady);
    const auto remote = best_remote(*profile, run.asked, local ? &*local : nullptr, false, now);
    if (remote) {
      auto weighed = weigh({*profile, local ? &*local : nullptr, &*remote, &run, true}, now);
      note_pulled(*remote, now);
      run.home = remote->home;
      ++run.tries;
      start_pull(*profile, std::move(run), std::move(weighed), now, out);
      return;
    }
  }
  serve(run.agent, false, now, out);
}

std::optional<NodeId> Router::wanted_by(const std::string& agent, Instant now) {
  const auto it = wanted_.find(agent);
  if (it == wanted_.end()) return std::nullopt;
  std::optional<NodeId> home;
  for (auto each = it->second.begin(); each != it->second.end() && !home;) {
    if (each->second > now && !avoided(each->first, now)) home = each->first;
    each = it->second.erase(each);
  }
  if (it->second.empty()) wanted_.erase(it);
  return home;
}

// ---- While idle -------------------------------------------------------------------------------

// What waits elsewhere is told as free here from now on, so that its home can offer the next one at
// once instead of waiting to be asked.
void Router::loads_changed(Now now, DeskOutbox& out) {
  slow_help_.weigh(now);
  for (const auto& peer : peers_.usable(now)) {
    for (const auto& load : peer.record->classes) {
      if (load.waiting > 0) note_class(load.service, now);
    }
  }
  if (idle_stale_) idle_look_.reset();
  serve_freed(now, out);
  offer_to_free(now, out);
}

// Many idle nodes hear of one waiting conversation at once; each pulls with such a probability that
// about two of them do, and draws again while somebody still waits.
void Router::plan_idle_pull(Now now) {
  if (!open_ || idle_look_ || !floor_.anybody_available()) return;
  const auto peers = peers_.usable(now);
  const bool somebody_waits = std::any_of(peers.begin(), peers.end(), [](const PeerLoad& peer) {
    const auto& classes = peer.record->classes;
    return std::any_of(classes.begin(), classes.end(),
                       [](const ClassLoad& load) { return load.waiting > 0; });
  });
  if (!somebody_waits) return;
  bool later = false;
  std::vector<AgentProfile> hopeless;  // nobody waits anywhere for what these could do
  for (const auto& agent : floor_.available()) {
    if (pulling_.count(agent)) continue;
    const auto profile = floor_.profile(agent);
    if (!profile) continue;
    const auto alike = [&](const AgentProfile& other) {
      return other.abilities == profile->abilities && other.channels == profile->channels;
    };
    if (std::any_of(hopeless.begin(), hopeless.end(), alike)) continue;
    if (!best_remote(*profile, {}, nullptr, true, now)) {
      hopeless.push_back(*profile);
      continue;
    }
    const auto remote = best_remote(*profile, {}, nullptr, false, now);
    if (!remote) {
      later = true;
      continue;
    }
    std::uint64_t waiting = 0;
    std::uint64_t idle_nodes = 1;
    for (const auto& peer : peers) {
      const auto* load = peer.record->find(remote->load->service);
      if (!load) continue;
      waiting += load->waiting;
      if (load->free_primary + load->free_helper > 0) ++idle_nodes;
    }
    const double chance = 2.0 * static_cast<double>(waiting) / static_cast<double>(idle_nodes);
    idle_pull_ = random_.unit() < chance;
    idle_stale_ = false;
    const Duration pause = idle_pull_
                               ? Duration{static_cast<std::int64_t>(random_.below(
                                     static_cast<std::uint64_t>(options_.idle_jitter.count()) + 1))}
                               : options_.idle_redraw;
    idle_look_ = std::max(now.steady + pause, no_pull_before_);
    return;
  }
  if (later) {
    idle_pull_ = false;
    idle_stale_ = true;
    idle_look_ = now.steady + 2 * options_.idle_redraw;
  }
}

void Router::look_while_idle(Now now, DeskOutbox& out) {
  idle_look_.reset();
  if (!idle_pull_) return;  // serve_freed, which follows, draws again
  for (const auto& agent : floor_.available()) serve(agent, true, now, out);
}

// Members come back one by one: the first sets the pause for all.
void Router::healed(const NodeId& node, Now now) {
  slow_help_.came_back(node);
  const bool same = now.steady < healed_at_ + options_.heals_within;
  if (healed_at_ != Instant{} && same) return;
  healed_at_ = now.steady;
  const auto most = static_cast<std::uint64_t>(options_.heal_jitter.count()) + 1;
  no_pull_before_ = now.steady + Duration{static_cast<std::int64_t>(random_.below(most))};
}

void Router::set_open(bool open, Now now, DeskOutbox& out) {
  if (open_ == open) return;
  open_ = open;
  if (!open) return;
  for (auto& agent : floor_.available()) freed_.insert(agent);
  serve_freed(now, out);
}

}  // namespace crossfloor
