#include "tools/simulator/node.h"

#include "storage/rebuild.h"

namespace crossfloor::simulator {

Now MachineClock::at(Instant world) const {
  const auto ms = world.time_since_epoch().count();
  return {Instant{Duration{ms + ms * drift_ppm / 1'000'000}},
          wall_from_ms(first_wall_ms + ms) + wall_offset};
}

Instant MachineClock::world_time(Instant steady) const {
  const auto ms = steady.time_since_epoch().count();
  Instant world{Duration{ms - ms * drift_ppm / 1'000'000}};
  while (at(world).steady < steady) world += Duration{1};
  return world;
}

Nodes::Nodes(Timeline& timeline, Trace& trace, const Crypto& crypto, const NodeOptions& options,
             std::uint64_t seed, Owner owner)
    : timeline_(timeline),
      trace_(trace),
      crypto_(crypto),
      options_(options),
      dice_(seed, "nodes"),
      owner_(std::move(owner)) {}

Node& Nodes::add(std::unique_ptr<Node> node) {
  node->index = node->wires = nodes_.size();
  node->disk = empty_disk();
  nodes_.push_back(std::move(node));
  return *nodes_.back();
}

std::optional<Error> Nodes::no_room(const Node& node) const {
  if (world() >= node.full_until) return std::nullopt;
  return Error{ErrorCode::full, "no room on the disk", node.site, "make room"};
}

bool Nodes::start(std::size_t index, NodeId authority, const std::vector<Bytes>& documents) {
  Node& node = *nodes_[index];
  node.random = std::make_unique<SeededRandom>(dice_.next());
  const Generation generation = node.random->next();
  node.generations.push_back(generation);
  return boot(node, generation, authority, documents);
}

bool Nodes::start_copy(std::size_t original, NodeId authority,
                       const std::vector<Bytes>& documents) {
  const Node& from = *nodes_[original];
  copy_.index = size();
  copy_.wires = original;
  copy_.site = from.site;
  copy_.region = from.region;
  copy_.key = from.key;
  copy_.id = from.id;
  copy_.settings = from.settings;
  copy_.clock = from.clock;
  copy_.disk = std::make_unique<MemoryStore>(*from.disk);
  copy_.damaged = from.damaged;
  copy_.random = std::make_unique<SeededRandom>(dice_.next());
  return boot(copy_, from.core->scribe().generation(), authority, documents);
}

bool Nodes::boot(Node& node, Generation generation, NodeId authority,
                 const std::vector<Bytes>& documents) {
  ++node.life;
  node.up = true;
  node.stopping = false;
  node.committing.reset();
  node.wakes_at.reset();
  node.paused_until = {};
  node.store = std::make_unique<FaultyStore>(*node.disk);
  for (const auto& key : node.damaged) node.store->damage(key);
  node.roster = std::make_unique<Roster>(crypto_, authority);
  for (const auto& document : documents) (void)node.roster->add(document).ok();
  trace_.note(node.index * 7 + 1);
  if (!make_rows_anew(node)) {
    fail(node);
    return false;
  }
  const Now now = node.now(world());
  node.core = std::make_unique<NodeCore>(
      Scribe::Identity{node.key, node.roster->mesh(), generation}, node.settings,
      NodeCore::Parts{crypto_, *node.random, *node.store, *node.roster, no_room(node)}, now.wall);
  if (!node.core->open(now).ok()) {
    fail(node);
    return false;
  }
  node.waker = std::make_unique<Waker>(*node.core);
  pump(node);
  return node.up;
}

// As crossfloord does it at a start (node/shell/node_lives.cc).
bool Nodes::make_rows_anew(Node& node) {
  if (no_room(node)) return true;
  auto due = rebuild_is_due(*node.store);
  if (!due.ok() || !due.value()) return due.ok();
  std::map<Region, Subjects> subjects;
  for (const auto& [region, secret] : node.settings.region_secrets) {
    subjects.emplace(region, Subjects(crypto_, secret));
  }
  const Projections projections([&](const Region& region) {
    const auto at = subjects.find(region);
    return at == subjects.end() ? nullptr : &at->second;
  });
  return rebuild_rows(*node.store, projections).ok();
}

void Nodes::kill(std::size_t index, double mid_batch) {
  Node& node = (*this)[index];
  if (!node.up) return;
  trace_.note(index * 7 + 2);
  node.up = false;
  ++node.life;
  if (node.committing && dice_.chance(mid_batch)) {
    (void)node.disk->commit(node.committing->batch).ok();
  }
  node.waker.reset();
  node.core.reset();
  node.store.reset();
  node.committing.reset();
}

void Nodes::pause(std::size_t index, Duration length) {
  Node& node = (*this)[index];
  node.paused_until = std::max(node.paused_until, world() + length);
}

void Nodes::call(std::size_t index, Duration delay, Work work) {
  timeline_.after(delay,
                  [this, index, life = (*this)[index].life, work = std::move(work)]() mutable {
                    Node& node = (*this)[index];
                    if (!node.up || node.life != life) return;
                    if (world() < node.paused_until) {
                      return call(index, node.paused_until - world(), std::move(work));
                    }
                    call_now(node, work);
                  });
}

void Nodes::reach(std::size_t index, Work work) {
  Node& node = (*this)[index];
  if (!node.up) return;
  if (world() < node.paused_until) return call(index, Duration{0}, std::move(work));
  call_now(node, work);
}

void Nodes::call_now(Node& node, const Work& work) {
  const auto life = node.life;
  (void)node.waker->look(node.now(world()));
  work(node);
  if (!node.up || node.life != life) return;
  pump(node);
  if (node.up && node.life == life && owner_.called) owner_.called(node);
}

void Nodes::pump(Node& node) {
  const auto life = node.life;
  for (;;) {
    for (auto& effect : node.core->take_effects(node.now(world()))) {
      owner_.carry_out(node, effect);
    }
    if (!node.core->failed().ok()) return fail(node);
    if (node.committing || !node.core->has_writes()) break;
    commit(node);
    if (node.life != life) return;
  }
  wake(node);
}

void Nodes::commit(Node& node) {
  node.committing = std::make_shared<NodeCore::NextBatch>(node.core->next_batch(node.now(world())));
  const bool slow = world() < node.slow_disk_until;
  const NodeOptions usual;
  const Duration most = healed_ ? std::min(options_.sync_max, usual.sync_max) : options_.sync_max;
  const Duration takes = slow ? dice_.between(Duration{50}, Duration{500})
                              : dice_.between(std::min(options_.sync_min, most), most);
  call(node.index, takes, [this, batch = node.committing](Node& writer) {
    writer.committing.reset();
    if (!writer.store->commit(batch->batch).ok()) return fail(writer);
    writer.core->committed(batch->number, writer.now(world()));
    if (owner_.committed) owner_.committed(writer, batch->number);
  });
}

void Nodes::wake(Node& node) {
  (void)node.waker->set(node.now(world()));
  const Instant at = std::max(node.clock.world_time(*node.waker->due()), world() + Duration{1});
  if (node.wakes_at && *node.wakes_at <= at && *node.wakes_at > world()) return;
  node.wakes_at = at;
  plan_wake(node.index, at, at);
}

void Nodes::plan_wake(std::size_t index, Instant planned, Instant when) {
  timeline_.at(when, [this, index, planned, life = (*this)[index].life] {
    Node& node = (*this)[index];
    if (!node.up || node.life != life) return;
    if (node.wakes_at != planned) return;  // an earlier one was planned meanwhile
    if (world() < node.paused_until) return plan_wake(index, planned, node.paused_until);
    call_now(node, [this](Node& woken) {
      woken.wakes_at.reset();
      (void)woken.waker->wake(woken.now(world()));
    });
  });
}

// crossfloord ends with 1 when its store fails, and is started again.
void Nodes::fail(Node& node) {
  node.up = false;
  ++node.life;
  node.waker.reset();
  node.core.reset();
  node.store.reset();
  node.committing.reset();
  owner_.failed(node);
}

}  // namespace crossfloor::simulator
