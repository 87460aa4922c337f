#include "tools/simulator/gossip.h"

#include <algorithm>

#include "protocol/peer_messages.h"

namespace crossfloor::simulator {
namespace {

constexpr std::int64_t wall_begin = 1'700'000'000'000;
// One frame in so many is encoded, to know what a message weighs.
constexpr std::uint64_t weigh_one_in = 64;
constexpr Duration stand_every{6'000};
constexpr Duration stand_min{500};
constexpr Duration stand_max{4'000};

NodeId id_of(std::size_t number) {
  NodeId id;
  id.raw[0] = static_cast<unsigned char>(number >> 8);
  id.raw[1] = static_cast<unsigned char>(number);
  id.raw[31] = 1;
  return id;
}

std::uint32_t number_of(const NodeId& id) {
  return static_cast<std::uint32_t>(id.raw[0] << 8 | id.raw[1]);
}

NetworkOptions network_of(const GossipOptions& options) {
  NetworkOptions network;
  network.profile = options.wan ? "world" : "lan";
  return network;
}

}  // namespace

struct GossipWorld::Node {
  std::unique_ptr<SeededRandom> random;
  std::unique_ptr<Membership> core;  // none once it died
  Instant still_until{};
  std::optional<Instant> wakes_at;
  std::vector<Letter> waiting;  // what arrived while it stood still
  bool slow = false;
};

GossipWorld::GossipWorld(const GossipOptions& options)
    : options_(options),
      network_(network_of(options)),
      paths_(still_, network_, options.seed),
      dice_(options.seed, "gossip") {
  const auto count = static_cast<std::size_t>(options.nodes);
  nodes_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    ids_.push_back(id_of(i));
    Node& node = nodes_[i];
    node.random = std::make_unique<SeededRandom>(dice_.next());
    node.core = std::make_unique<Membership>(
        MembershipSelf{ids_[i], dice_.next() | 1, now().wall},
        options.wan ? MembershipOptions::wan() : MembershipOptions::lan(), *node.random);
    node.slow = i < static_cast<std::size_t>(options.slow);
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < count; ++k) {
      if (i != k) nodes_[i].core->add_member(ids_[k], "site", "eu");
    }
    calendar_.after(dice_.between(Duration{0}, Duration{1'000}), {GossipEvent::Kind::begin, i, 0});
  }
}

GossipWorld::~GossipWorld() = default;

Now GossipWorld::now() const {
  const Instant at = calendar_.now();
  return {at, wall_from_ms(wall_begin + at.time_since_epoch().count())};
}

void GossipWorld::happen(const GossipEvent& event) {
  Node& node = nodes_[event.node];
  switch (event.kind) {
    case GossipEvent::Kind::begin:
      tick(event.node);
      break;
    case GossipEvent::Kind::arrive: {
      Letter letter = std::move(letters_[event.letter]);
      free_letters_.push_back(event.letter);
      if (!node.core) break;
      if (calendar_.now() < node.still_until) {
        node.waiting.push_back(std::move(letter));
      } else {
        read(event.node, letter);
      }
      break;
    }
    case GossipEvent::Kind::wake:
      if (!node.core || node.wakes_at != calendar_.now()) break;  // planned anew since
      node.wakes_at.reset();
      // Else go_on() does it.
      if (calendar_.now() >= node.still_until) tick(event.node);
      break;
    case GossipEvent::Kind::stand_still:
      node.still_until = calendar_.now() + dice_.between(stand_min, stand_max);
      calendar_.at(node.still_until, {GossipEvent::Kind::go_on, event.node, 0});
      break;
    case GossipEvent::Kind::go_on:
      go_on(event.node);
      break;
  }
}

// A process that was starved of its processor reads what arrived meanwhile, then sees the time.
void GossipWorld::go_on(std::uint32_t number) {
  for (const Letter& letter : std::exchange(nodes_[number].waiting, {})) read(number, letter);
  tick(number);
  calendar_.after(dice_.exponential(stand_every), {GossipEvent::Kind::stand_still, number, 0});
}

void GossipWorld::tick(std::uint32_t number) {
  if (!nodes_[number].core) return;
  nodes_[number].core->tick(now(), out_);
  after_call(number);
}

void GossipWorld::read(std::uint32_t number, const Letter& letter) {
  nodes_[number].core->receive(ids_[letter.from], letter.message, now(), out_);
  after_call(number);
}

void GossipWorld::after_call(std::uint32_t number) {
  for (auto& [to, message] : out_.messages) send(number, number_of(to), std::move(message));
  for (const auto& event : out_.events) heard(number, event);
  out_.messages.clear();
  out_.events.clear();
  out_.clocks.clear();
  plan_wake(number);
}

void GossipWorld::send(std::uint32_t from, std::uint32_t to, MembershipMessage message) {
  if (watching_ && watched_messages_++ % weigh_one_in == 0) {
    figures_.bytes += static_cast<double>(encode(PeerMessage{MembershipFrame{message}}).size()) *
                      static_cast<double>(weigh_one_in);
  }
  if (dice_.chance(network_.loss)) return;
  if (free_letters_.empty()) {
    free_letters_.push_back(static_cast<std::uint32_t>(letters_.size()));
    letters_.emplace_back();
  }
  const std::uint32_t place = free_letters_.back();
  free_letters_.pop_back();
  letters_[place] = {from, std::move(message)};
  calendar_.after(paths_.delay(from, to), {GossipEvent::Kind::arrive, to, place});
}

void GossipWorld::plan_wake(std::uint32_t number) {
  Node& node = nodes_[number];
  const auto deadline = node.core->deadline();
  if (!deadline) return;
  const Instant at = std::max(*deadline, calendar_.now() + Duration{1});
  if (node.wakes_at && *node.wakes_at <= at && *node.wakes_at > calendar_.now()) return;
  node.wakes_at = at;
  calendar_.at(at, {GossipEvent::Kind::wake, number, 0});
}

void GossipWorld::heard(std::uint32_t observer, const MemberEvent& event) {
  const std::uint32_t subject = number_of(event.node);
  if (event.kind == MemberEventKind::died && dead_ == subject && figures_.first == Duration{0}) {
    figures_.first = calendar_.now() - died_;
  }
  if (!watching_ || !nodes_[subject].core) return;
  if (event.kind == MemberEventKind::suspected) {
    figures_.false_suspicions += !nodes_[observer].slow && !nodes_[subject].slow;
  } else if (event.kind == MemberEventKind::died) {
    count_false_death(subject, observer);
  } else if (event.kind != MemberEventKind::left) {
    wrong_.erase({subject, observer});
  }
}

void GossipWorld::count_false_death(std::uint32_t subject, std::uint32_t observer) {
  if (nodes_[subject].slow) {
    ++figures_.deaths_of_slow;
  } else if (nodes_[observer].slow) {
    ++figures_.deaths_at_slow;
  } else {
    const auto first = wrong_.lower_bound({subject, 0});
    if (first == wrong_.end() || first->first != subject) ++figures_.false_deaths;
    ++figures_.believers;
    wrong_.emplace(subject, observer);
  }
}

void GossipWorld::run_for(Duration span) {
  calendar_.run_until(calendar_.now() + span, [this](const GossipEvent& event) { happen(event); });
}

bool GossipWorld::all_see(MemberState state, std::uint32_t of) const {
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    if (!node.core || node.slow || node.core->self() == ids_[of]) return true;
    return node.core->state(ids_[of]) == state;
  });
}

bool GossipWorld::whole() const {
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if (!all_see(MemberState::alive, i)) return false;
  }
  return true;
}

GossipFigures GossipWorld::run() {
  const Instant begun = calendar_.now();
  run_for(options_.quiet);
  figures_.whole = whole();
  network_.loss = options_.loss;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].slow) continue;
    calendar_.after(dice_.exponential(stand_every), {GossipEvent::Kind::stand_still, i, 0});
  }
  watching_ = true;
  run_for(options_.watch);
  watching_ = false;
  const double node_seconds =
      static_cast<double>(nodes_.size()) * static_cast<double>(options_.watch.count()) / 1'000;
  figures_.messages = static_cast<double>(watched_messages_) / node_seconds;
  figures_.bytes /= node_seconds;
  // The last one dies: it is never a slow one.
  dead_ = static_cast<std::uint32_t>(nodes_.size() - 1);
  died_ = calendar_.now();
  nodes_[*dead_].core.reset();
  while (calendar_.now() - died_ < options_.give_up && !figures_.detected) {
    run_for(Duration{20});
    figures_.detected = all_see(MemberState::dead, *dead_);
  }
  figures_.all = calendar_.now() - died_;
  figures_.lasted = calendar_.now() - begun;
  return figures_;
}

}  // namespace crossfloor::simulator
