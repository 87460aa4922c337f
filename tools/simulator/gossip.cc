#include "tools/simulator/gossip.h"

#include <algorithm>

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

}  // namespace

struct GossipWorld::Node {
  std::unique_ptr<SeededRandom> random;
  std::unique_ptr<Membership> core;
  Instant still_until{};
  std::optional<Instant> wakes_at;
  std::vector<std::function<void()>> waiting;  // what arrived while it stood still
  bool slow = false;
};

GossipWorld::GossipWorld(const GossipOptions& options)
    : options_(options), dice_(options.seed, "gossip") {
  network_.profile = options.wan ? "world" : "lan";
  paths_ = std::make_unique<Paths>(timeline_, network_, options.seed);
  const auto count = static_cast<std::size_t>(options.nodes);
  for (std::size_t i = 0; i < count; ++i) {
    auto node = std::make_unique<Node>();
    node->random = std::make_unique<SeededRandom>(dice_.next());
    node->core = std::make_unique<Membership>(
        MembershipSelf{id_of(i), dice_.next() | 1, now().wall},
        options.wan ? MembershipOptions::wan() : MembershipOptions::lan(), *node->random);
    node->slow = i < static_cast<std::size_t>(options.slow);
    index_[id_of(i)] = i;
    nodes_.push_back(std::move(node));
  }
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < count; ++k) {
      if (i != k) nodes_[i]->core->add_member(id_of(k), "site", "eu");
    }
    timeline_.after(dice_.between(Duration{0}, Duration{1'000}), [this, i] {
      call(i, [this](Membership& core, MembershipOutbox& out) { core.tick(now(), out); });
    });
  }
}

GossipWorld::~GossipWorld() = default;

Now GossipWorld::now() const {
  return {timeline_.now(), wall_from_ms(wall_begin + timeline_.now().time_since_epoch().count())};
}

void GossipWorld::call(std::size_t index,
                       const std::function<void(Membership&, MembershipOutbox&)>& what) {
  Node& node = *nodes_[index];
  if (!node.core) return;
  MembershipOutbox out;
  what(*node.core, out);
  deliver(index, out);
  for (const auto& event : out.events) heard(index, event);
  wake(index);
}

void GossipWorld::deliver(std::size_t from, MembershipOutbox& out) {
  for (auto& [to, message] : out.messages) {
    const std::size_t target = index_.at(to);
    if (watching_) figures_.messages += 1;
    if (watching_ && paths_->counters().frames % weigh_one_in == 0) {
      figures_.bytes += static_cast<double>(encode(PeerMessage{MembershipFrame{message}}).size()) *
                        static_cast<double>(weigh_one_in);
    }
    auto letter = std::make_shared<const MembershipMessage>(std::move(message));
    paths_->send_loose(from, target, 0, [this, from, target, letter] {
      Node& node = *nodes_[target];
      if (!node.core) return;
      const auto read = [this, from, target, letter] {
        call(target, [&](Membership& core, MembershipOutbox& answers) {
          core.receive(id_of(from), *letter, now(), answers);
        });
      };
      if (timeline_.now() < node.still_until) {
        node.waiting.push_back(read);
      } else {
        read();
      }
    });
  }
}

void GossipWorld::wake(std::size_t index) {
  Node& node = *nodes_[index];
  const auto deadline = node.core->deadline();
  if (!deadline) return;
  const Instant at = std::max(*deadline, timeline_.now() + Duration{1});
  if (node.wakes_at && *node.wakes_at <= at && *node.wakes_at > timeline_.now()) return;
  node.wakes_at = at;
  timeline_.at(at, [this, index, at] {
    Node& woken = *nodes_[index];
    if (!woken.core || woken.wakes_at != at) return;
    woken.wakes_at.reset();
    if (timeline_.now() < woken.still_until) return;  // stand_still() goes on from there
    call(index, [this](Membership& core, MembershipOutbox& out) { core.tick(now(), out); });
  });
}

// A process that is starved of its processor: what arrives meanwhile is read when it runs again.
void GossipWorld::stand_still(std::size_t index) {
  timeline_.after(dice_.exponential(stand_every), [this, index] {
    Node& node = *nodes_[index];
    if (!node.core) return;
    node.still_until = timeline_.now() + dice_.between(stand_min, stand_max);
    timeline_.at(node.still_until, [this, index] {
      Node& back = *nodes_[index];
      for (const auto& read : std::exchange(back.waiting, {})) read();
      call(index, [this](Membership& core, MembershipOutbox& out) { core.tick(now(), out); });
      stand_still(index);
    });
  });
}

void GossipWorld::heard(std::size_t observer, const MemberEvent& event) {
  const std::size_t subject = index_.at(event.node);
  if (event.kind == MemberEventKind::died && dead_ == subject && figures_.first == Duration{0}) {
    figures_.first = timeline_.now() - died_;
  }
  if (!watching_ || !nodes_[subject]->core) return;
  const bool healthy = !nodes_[observer]->slow && !nodes_[subject]->slow;
  if (event.kind == MemberEventKind::suspected) figures_.false_suspicions += healthy;
  if (event.kind == MemberEventKind::died) {
    ++(healthy ? figures_.false_deaths : figures_.false_deaths_of_slow);
  }
}

void GossipWorld::run_for(Duration span) {
  const Instant end = timeline_.now() + span;
  while (timeline_.step(end)) {
  }
}

bool GossipWorld::all_see(MemberState state, std::size_t of) const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (i == of || !nodes_[i]->core || nodes_[i]->slow) continue;
    if (nodes_[i]->core->state(id_of(of)) != state) return false;
  }
  return true;
}

bool GossipWorld::whole() const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!all_see(MemberState::alive, i)) return false;
  }
  return true;
}

GossipFigures GossipWorld::run() {
  run_for(options_.quiet);
  figures_.whole = whole();
  network_.loss = options_.loss;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i]->slow) stand_still(i);
  }
  watching_ = true;
  run_for(options_.watch);
  watching_ = false;
  const double node_seconds =
      static_cast<double>(nodes_.size()) * static_cast<double>(options_.watch.count()) / 1'000;
  figures_.messages /= node_seconds;
  figures_.bytes /= node_seconds;
  // The last one dies: it is never a slow one.
  dead_ = nodes_.size() - 1;
  died_ = timeline_.now();
  nodes_[*dead_]->core.reset();
  while (timeline_.now() - died_ < options_.give_up && !figures_.detected) {
    run_for(Duration{20});
    figures_.detected = all_see(MemberState::dead, *dead_);
  }
  figures_.all = timeline_.now() - died_;
  return figures_;
}

}  // namespace crossfloor::simulator
