#include "node/core/replication.h"

#include <algorithm>

#include "protocol/range_codec.h"

namespace crossfloor {
namespace {
constexpr std::size_t max_marks = 20'000;     // streams in one vector
constexpr std::size_t max_documents = 4'096;  // in one message

bool brings_message(const Range& range) {
  return std::any_of(range.entries.begin(), range.entries.end(), [](const Entry& entry) {
    const auto header = EntryHeader::decode(entry.header);
    return header.ok() && header.value().kind == static_cast<std::uint16_t>(EntryKind::message);
  });
}
}  // namespace

Replication::Replication(Scribe& scribe, const Roster& roster, Outlet& outlet, Options options)
    : scribe_(scribe), roster_(roster), outlet_(outlet), options_(options) {}

void Replication::send(const NodeId& to, LinkKind link, ReplicationMessage message) {
  outlet_.send<ReplicationFrame>(to, link, std::move(message));
}

Sequence Replication::held(const Stream& stream) const {
  const auto head = scribe_.log().sealed_head(stream);
  return head ? head->sequence : 0;
}

bool Replication::share(const NodeId& peer, const Region& region, Now now) const {
  return scribe_.subjects(region) != nullptr && roster_.may_hold(peer, region, now.wall);
}

// What is asked of a peer: not what only this node writes, nor what takes nothing more.
bool Replication::own(const Stream& stream) const {
  return stream.origin == Origin{scribe_.self(), scribe_.generation()};
}

bool Replication::wanted(const NodeId& from, const Stream& stream) const {
  return !own(stream) && !scribe_.forked(stream) && !quarantined_.contains({from, stream});
}

std::optional<Fork> Replication::fork_of(const Stream& stream) const {
  const auto& forks = scribe_.log().forks();
  const auto at = forks.find(stream);
  return at == forks.end() ? std::nullopt : std::optional(at->second);
}

// The origin knows a seal that it never made. To others seals of different sequences prove nothing
// by themselves; the entries under them do, and range_read() sends those of both histories.
void Replication::prove_fork(const NodeId& to, const Fork& fork) {
  send(to, LinkKind::live,
       ForkIs{fork.stream.origin.node, fork.stream.origin.generation, fork.stream.region,
              fork.held.encode(), fork.other.encode(), fork.common});
  outlet_.emit(ReadRange{to, fork.stream, fork.common + 1, max_bytes_per_seal});
}

void Replication::tell_fork_to_all(const Stream& stream, Now now) {
  const Fork& fork = scribe_.log().forks().at(stream);
  for (const auto& peer : connected_) {
    if (share(peer, stream.region, now)) prove_fork(peer, fork);
  }
}

void Replication::link_up(const NodeId& peer, Now now) {
  if (!connected_.insert(peer).second) return;
  peers_[peer] = {};
  send(peer, LinkKind::live, Documents{roster_.documents()});
  for (const auto& [stream, fork] : scribe_.log().forks()) {
    if (share(peer, stream.region, now)) prove_fork(peer, fork);
  }
  compare(peer, now);
}

void Replication::link_down(const NodeId& peer, Now now) {
  connected_.erase(peer);
  if (const auto at = peers_.find(peer); at != peers_.end()) {
    if (at->second.fetching) fetching_.erase(*at->second.fetching);
    peers_.erase(at);
    ask_others(now);
  }
}

void Replication::spread(const std::vector<Bytes>& documents) {
  for (const auto& peer : connected_) send(peer, LinkKind::live, Documents{documents});
}

void Replication::compare_all(Now now) {
  for (auto& [node, peer] : peers_) {
    peer.compared = false;
    peer.heard = false;
    peer.goal.clear();
    peer.compare_asked = now.steady;
    compare(node, now);
  }
}

void Replication::announce_durable(Now now) {
  for (const auto& [stream, sequence] : pushed_) {
    if (announced_[stream] == sequence) continue;
    announced_[stream] = sequence;
    for (const auto& peer : connected_) {
      if (!share(peer, stream.region, now)) continue;
      send(peer, LinkKind::live,
           Stored{stream.origin.node, stream.origin.generation, stream.region, sequence});
    }
  }
}

void Replication::push(const std::vector<Range>& ranges, Now now) {
  for (const auto& range : ranges) {
    RangeIs packed = pack_range(range);
    packed.live = true;
    if (brings_message(range)) pushed_[range.stream] = range.seal.sequence;
    for (const auto& peer : connected_) {
      if (!share(peer, range.stream.region, now)) continue;
      outlet_.emit_freely(SendMessage{peer, LinkKind::live, ReplicationFrame{packed}});
    }
  }
}

template <typename Visit>
void Replication::each_shared(const NodeId& peer, Now now, Visit&& visit) const {
  // Few regions, many streams.
  std::vector<std::pair<const Region*, bool>> asked;
  const auto shared = [&](const Region& region) {
    for (const auto& [known, with] : asked) {
      if (*known == region) return with;
    }
    return asked.emplace_back(&region, share(peer, region, now)).second;
  };
  const auto& forks = scribe_.log().forks();
  scribe_.log().each_sealed([&](const Stream& stream, const Head& sealed) {
    if (!shared(stream.region)) return;
    // Of a forked stream up to where its histories part: receipts of before wait for this, too.
    const auto fork = forks.empty() ? forks.end() : forks.find(stream);
    if (fork == forks.end()) return visit(stream, sealed);
    if (fork->second.common > 0) visit(stream, Head{fork->second.common, {}});
  });
}

std::vector<StreamMark> Replication::marks_for(const NodeId& peer, Now now) const {
  std::vector<StreamMark> marks;
  each_shared(peer, now, [&](const Stream& stream, const Head& head) {
    marks.push_back(
        {stream.origin.node, stream.origin.generation, stream.region, head.sequence, head.hash});
  });
  return marks;
}

Hash Replication::hash_for(const NodeId& peer, Now now) const {
  Bytes all;
  each_shared(peer, now, [&](const Stream& stream, const Head& head) {
    append_stream_name(all, stream);
    put_le64(all, head.sequence);
    all.append(head.hash.view());
  });
  return scribe_.crypto().hash(all);
}

void Replication::compare(const NodeId& peer, Now now) {
  auto& known = peers_[peer];
  if (!known.compared && known.compare_asked == Instant{}) known.compare_asked = now.steady;
  send(peer, LinkKind::live, VectorHash{hash_for(peer, now), false});
}

void Replication::receive(const NodeId& from, const ReplicationMessage& message, Now now,
                          Heard& heard) {
  std::visit([&](const auto& one) { on(from, one, now, heard); }, message);
}

void Replication::on(const NodeId&, const Documents& message, Now, Heard& heard) {
  if (message.texts.size() > max_documents) return;
  for (const auto& text : message.texts) heard.documents.push_back(text);
}

void Replication::on(const NodeId& from, const VectorHash& message, Now now, Heard& heard) {
  if (message.hash == hash_for(from, now)) {
    each_shared(from, now, [&](const Stream& stream, const Head& head) {
      heard.held.emplace_back(stream, head.sequence);
    });
    if (auto at = peers_.find(from); at != peers_.end()) {
      at->second.compared = true;
      at->second.heard = true;
      at->second.compared_at = now.steady;
      at->second.missing = 0;
    }
    if (!message.answer) send(from, LinkKind::live, VectorHash{message.hash, true});
    return;
  }
  send(from, LinkKind::live, Vector{marks_for(from, now), false});
}

void Replication::on(const NodeId& from, const Vector& message, Now now, Heard& heard) {
  const auto at = peers_.find(from);
  if (at == peers_.end() || message.streams.size() > max_marks) return;
  Peer& peer = at->second;
  peer.todo.clear();
  peer.missing = 0;
  for (const auto& mark : message.streams) {
    const Stream stream = mark.stream();
    if (mark.sequence == 0 || !share(from, mark.region, now) ||
        !roster_.entry(stream, mark.sequence).take)
      continue;
    // What it claims beyond what is held here proves nothing: not even that it was ever written.
    heard.held.emplace_back(stream, std::min(mark.sequence, held(stream)));
    scribe_.heard(stream, {mark.sequence, mark.hash});
    if (!wanted(from, stream)) continue;
    const Sequence here = held(stream);
    if (mark.sequence == here && mark.hash != scribe_.log().sealed_head(stream)->hash) {
      peer.doubted.try_emplace(stream, Doubt{here, 0});
    } else if (mark.sequence <= here) {
      continue;
    } else {
      peer.missing += mark.sequence - here;
    }
    peer.todo.emplace_back(stream, mark.sequence);
  }
  peer.compared_at = now.steady;
  if (!peer.heard) {
    peer.heard = true;
    peer.goal.assign(peer.todo.begin(), peer.todo.end());
  }
  if (peer.todo.empty()) peer.compared = true;
  if (!message.answer) send(from, LinkKind::live, Vector{marks_for(from, now), true});
  fetch_next(from, now);
}

void Replication::fetch_next(const NodeId& from, Now now) {
  auto at = peers_.find(from);
  if (at == peers_.end() || at->second.fetching) return;
  Peer& peer = at->second;
  for (auto one = peer.todo.begin(); one != peer.todo.end();) {
    const auto [stream, up_to] = *one;
    const auto doubted = peer.doubted.find(stream);
    const Sequence next = doubted == peer.doubted.end() ? held(stream) + 1 : doubted->second.next;
    if (next > up_to || !wanted(from, stream)) {
      if (doubted != peer.doubted.end()) peer.doubted.erase(doubted);
      one = peer.todo.erase(one);
      continue;
    }
    if (fetching_.contains(stream)) {  // from somebody else; looked at again when that ends
      ++one;
      continue;
    }
    peer.fetching = stream;
    peer.asked = now.steady;
    fetching_.insert(stream);
    send(from, LinkKind::bulk,
         Want{stream.origin.node, stream.origin.generation, stream.region, next,
              options_.slice_bytes});
    return;
  }
  // What was asked for is here: whether that was all, the next comparison tells. Not while others
  // bring some of it: that each answer asks anew, until they are done, would be a flood.
  if (peer.todo.empty() && std::exchange(peer.missing, 0) > 0) compare(from, now);
}

// What is no longer on its way from one peer is asked of others who have it.
void Replication::ask_others(Now now) {
  for (const auto& [node, peer] : peers_) {
    if (!peer.fetching && !peer.todo.empty()) fetch_next(node, now);
  }
}

void Replication::Peer::first_of_all(const Stream& stream, Sequence up_to) {
  std::erase_if(todo, [&](const auto& known) {
    if (known.first != stream) return false;
    up_to = std::max(up_to, known.second);
    return true;
  });
  todo.emplace_front(stream, up_to);
}

void Replication::fetch(const NodeId& from, const Stream& stream, Sequence up_to, Now now) {
  const auto at = peers_.find(from);
  if (at == peers_.end() || !wanted(from, stream) || !share(from, stream.region, now)) return;
  if (held(stream) >= up_to || fetching_.contains(stream)) return;
  at->second.first_of_all(stream, up_to);
  fetch_next(from, now);
}

void Replication::on(const NodeId& from, const Want& message, Now now, Heard&) {
  const Stream stream = message.stream();
  if (!share(from, stream.region, now) || message.from == 0) return;
  outlet_.emit(ReadRange{from, stream, message.from,
                         std::min<std::uint32_t>(message.max_bytes, max_bytes_per_seal)});
}

void Replication::range_read(const NodeId& to, const Result<Range>& range, Now now) {
  if (!range.ok() || range.value().entries.empty()) return;
  if (!share(to, range.value().stream.region, now)) return;
  send(to, LinkKind::bulk, pack_range(range.value()));
  // Behind it, so that who holds neither history finds that there are two.
  const auto fork = fork_of(range.value().stream);
  if (!fork) return;
  const auto evidence = evidence_of(scribe_.glance(), *fork);
  if (evidence.ok() && evidence.value()) send(to, LinkKind::bulk, pack_range(*evidence.value()));
}

void Replication::on(const NodeId& from, const RangeIs& message, Now now, Heard&) {
  const Stream stream = message.stream();
  const auto at = peers_.find(from);
  const bool answers = !message.live && at != peers_.end() && at->second.fetching == stream;
  if (answers) {
    at->second.fetching.reset();
    fetching_.erase(stream);
  }
  if (!share(from, stream.region, now) || stream.origin.node == NodeId{}) return;
  const auto known_fork = fork_of(stream);
  auto range = unpack_range(message);
  if (own(stream)) {
    if (range.ok()) scribe_.hear_own(stream, range.value().seal);
    return;
  }
  Result<Sequence> taken =
      range.ok() ? Result<Sequence>(Sequence{0}) : Result<Sequence>(range.error());
  if (range.ok()) {
    const auto verdict = roster_.entry(stream, range.value().seal.sequence);
    if (!verdict.take) {
      taken = Error{ErrorCode::forbidden, "a stream of a node that is not admitted", "", ""};
    } else {
      taken = scribe_.accept(range.value(), now);
    }
  }
  if (taken.ok()) {
    if (at != peers_.end()) {
      // So far the two agree: what differs lies behind.
      const auto doubted = at->second.doubted.find(stream);
      if (answers && doubted != at->second.doubted.end()) doubted->second.next = taken.value() + 1;
    }
    // To the origin, whose receipts wait for it; it leaves when the entries are durable.
    if (from == stream.origin.node) {
      send(from, LinkKind::live,
           Stored{stream.origin.node, stream.origin.generation, stream.region, held(stream)});
    }
  } else if (taken.error().code == ErrorCode::stale) {
    // A gap: what lies before it is asked for; live entries beyond it come with it.
    if (at != peers_.end() && !fetching_.contains(stream) &&
        !quarantined_.contains({from, stream})) {
      at->second.first_of_all(stream, range.value().seal.sequence);
    }
  } else if (scribe_.forked(stream)) {
    if (fork_of(stream) != known_fork) tell_fork_to_all(stream, now);
  } else if (taken.error().code == ErrorCode::conflict &&
             (at == peers_.end() || (!answers && at->second.doubted.contains(stream)))) {
    // Where the two part is found when the link is made, or is being looked for.
  } else if (taken.error().code != ErrorCode::conflict ||
             !look_earlier(at->second, range.value())) {
    ++refused_;
    quarantined_[{from, stream}] = now.steady + options_.quarantine;
  }
  fetch_next(from, now);
  if (answers) ask_others(now);
}

// Its entries do not lead from ours to its seal: altered on the way, or two histories that part
// further back. From half as far it is compared again, until the place is found. False: there is
// none, and the sender is at fault.
bool Replication::look_earlier(Peer& peer, const Range& range) {
  constexpr int most_steps = 48;
  Doubt& doubt = peer.doubted[range.stream];
  if (range.first == 1 || ++doubt.steps > most_steps) {
    peer.doubted.erase(range.stream);
    return false;
  }
  doubt.next = (range.first + 1) / 2;
  if (!fetching_.contains(range.stream)) {
    peer.first_of_all(range.stream, std::max(range.seal.sequence, held(range.stream)));
  }
  return true;
}

void Replication::on(const NodeId& from, const ForkIs& message, Now now, Heard&) {
  const Stream stream = message.stream();
  if (!share(from, stream.region, now) || scribe_.forked(stream)) return;
  auto held_seal = Seal::decode(message.held);
  auto other = Seal::decode(message.other);
  if (!held_seal.ok() || !other.ok()) return;
  if (!roster_.entry(stream, held_seal.value().sequence).take) return;
  if (own(stream)) {
    scribe_.hear_own(stream, held_seal.value());
    scribe_.hear_own(stream, other.value());
    return;
  }
  // What all share must come first: a forked stream takes nothing more.
  if (held(stream) < message.common) return fetch(from, stream, message.common, now);
  const Fork fork{stream, message.common, held_seal.value(), other.value()};
  if (scribe_.take_fork(fork, now).ok()) tell_fork_to_all(stream, now);
}

void Replication::on(const NodeId& from, const Stored& message, Now now, Heard& heard) {
  if (!share(from, message.region, now)) return;  // no disk of that region vouches for it
  if (message.node != scribe_.self() || message.generation != scribe_.generation()) return;
  if (message.sequence > held(message.stream())) return;
  auto& highest = stored_[from][message.stream()];
  highest = std::max(highest, message.sequence);
  heard.stored = true;
}

void Replication::tick(Now now) {
  if (!started_) started_ = now.steady;
  std::erase_if(quarantined_, [&](const auto& one) { return one.second <= now.steady; });
  for (auto& [node, peer] : peers_) {
    if (!peer.fetching || now.steady < peer.asked + options_.answer_within) continue;
    const Stream stream = *peer.fetching;
    fetching_.erase(stream);
    // Last of all: whoever else has it is asked first.
    const auto known = std::find_if(peer.todo.begin(), peer.todo.end(),
                                    [&](const auto& one) { return one.first == stream; });
    if (known != peer.todo.end()) std::rotate(known, known + 1, peer.todo.end());
    ask_others(now);
    peer.fetching.reset();
    fetch_next(node, now);
  }
  if (now.steady < next_compare_) return;
  next_compare_ = now.steady + options_.compare_every;
  if (connected_.empty()) return;
  auto next = last_compared_ ? connected_.upper_bound(*last_compared_) : connected_.begin();
  if (next == connected_.end()) next = connected_.begin();
  last_compared_ = *next;
  compare(*next, now);
}

std::optional<Instant> Replication::deadline() const {
  Instant due = next_compare_;
  if (fetching_.empty()) return due;
  for (const auto& [node, peer] : peers_) {
    if (peer.fetching) due = std::min(due, peer.asked + options_.answer_within);
  }
  return due;
}

bool Replication::caught_up(const std::vector<NodeId>& heard, Now now) const {
  // Nobody was reached: a node that has nobody else begins at once, others let links be made. Who
  // acts too early places anew what its peers have long answered.
  constexpr Duration alone{2'000};
  constexpr Duration nobody_in_reach{5'000};
  constexpr Duration links_take{10'000};
  if (!started_) return false;
  if (now.steady < *started_ + links_take &&
      std::any_of(heard.begin(), heard.end(),
                  [&](const NodeId& node) { return !connected_.contains(node); })) {
    return false;
  }
  if (connected_.empty()) {
    const bool others = roster_.members(now.wall).size() > 1;
    return now.steady >= *started_ + (others ? nobody_in_reach : alone);
  }
  return std::all_of(peers_.begin(), peers_.end(),
                     [&](const auto& one) { return caught_up_with(one.first, one.second, now); });
}

bool Replication::caught_up_with(const NodeId& node, const Peer& peer, Now now) const {
  constexpr Duration silent{3'000};
  if (peer.compared) return true;
  if (!peer.heard) return now.steady >= peer.compare_asked + silent;
  return std::all_of(peer.goal.begin(), peer.goal.end(), [&](const auto& goal) {
    return held(goal.first) >= goal.second || !wanted(node, goal.first);
  });
}

bool Replication::alone(const Region& region, Now now) const {
  return std::none_of(connected_.begin(), connected_.end(),
                      [&](const NodeId& peer) { return roster_.may_hold(peer, region, now.wall); });
}

std::vector<Replication::Lag> Replication::lags() const {
  std::vector<Lag> all;
  for (const auto& [node, peer] : peers_) {
    Lag lag{node, 0, peer.compared_at};
    for (const auto& [stream, up_to] : peer.todo) {
      const Sequence here = held(stream);
      if (up_to > here) lag.entries += up_to - here;
    }
    all.push_back(lag);
  }
  return all;
}

}  // namespace crossfloor
