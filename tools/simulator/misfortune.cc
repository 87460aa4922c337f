#include "tools/simulator/misfortune.h"

#include "storage/log_keys.h"

namespace crossfloor::simulator {

Misfortune::Misfortune(Stage& stage, Links& links, Paths& paths, std::uint64_t seed, Owner owner)
    : stage_(stage),
      links_(links),
      paths_(paths),
      dice_(seed, "misfortune"),
      owner_(std::move(owner)) {}

void Misfortune::often(Duration every, std::function<void()> what) {
  if (every == Duration{0}) return;
  stage_.timeline.after(dice_.exponential(every), [this, every, what = std::move(what)]() mutable {
    if (stage_.healing) return;
    what();
    often(every, std::move(what));
  });
}

void Misfortune::begin() {
  const NetworkOptions& network = stage_.options.network;
  const NodeOptions& node = stage_.options.node;
  often(network.cuts_every, [this] { cut(); });
  often(network.partitions_every, [this] { partition(); });
  often(network.one_way_every, [this] { one_way(); });
  often(network.flaps_every, [this] { flap(); });
  often(network.clogs_every, [this] { clog(); });
  often(node.slow_disks_every, [this] { slow_disk(); });
  often(node.crashes_every, [this] {
    crash(any(), dice_.chance(stage_.options.node.power), up_to(stage_.options.node.down_max));
  });
  often(node.pauses_every, [this] { pause(); });
  often(node.stops_every, [this] { stop_cleanly(); });
  often(node.lost_disks_every, [this] { lose_disk(); });
  often(node.old_backups_every, [this] { restore_backup(); });
  often(node.write_errors_every, [this] { fail_write(); });
  often(node.read_errors_every, [this] { fail_read(); });
  often(node.full_disks_every, [this] { fill_disk(); });
  often(node.jumps_every, [this] { jump(); });
  often(node.flips_every, [this] { flip_byte(); });
  often(node.clones_every, [this] { clone(); });
}

void Misfortune::heal() {
  for (const auto& block : blocks_) {
    if (!std::exchange(block->active, false)) continue;
    for (const auto& [from, to] : block->directions) links_.unblock(from, to);
  }
  blocks_.clear();
  paths_.heal();
  stage_.nodes.heal();
  if (const Node& copy = stage_.nodes[stage_.nodes.size()]; copy.up) {
    stage_.nodes.kill(copy.index, 1.0);
    reset_links_to(copy.wires);
  }
  for (const auto& node : stage_.nodes.all()) {
    node->paused_until = std::min(node->paused_until, stage_.now());
    node->slow_disk_until = {};
    node->full_until = std::min(node->full_until, stage_.now());
    room(node->index);
    if (!node->up) restart_soon(node->index);
  }
}

void Misfortune::restart_soon(std::size_t index) {
  stage_.timeline.after(dice_.between(Duration{200}, Duration{2'000}), [this, index] {
    if (!stage_.nodes[index].up) owner_.start(index);
  });
}

std::optional<std::pair<std::size_t, std::size_t>> Misfortune::any_two() {
  if (stage_.nodes.size() < 2) return std::nullopt;
  const std::size_t one = any();
  const std::size_t other = (one + 1 + dice_.below(stage_.nodes.size() - 1)) % stage_.nodes.size();
  return std::make_pair(one, other);
}

// --- wires ---

void Misfortune::block(std::vector<std::pair<std::size_t, std::size_t>> directions,
                       Duration length) {
  stage_.facts.ever_apart = true;
  const auto one = std::make_shared<Block>(Block{std::move(directions)});
  for (const auto& [from, to] : one->directions) links_.block(from, to);
  std::erase_if(blocks_, [](const auto& old) { return !old->active; });
  blocks_.push_back(one);
  stage_.timeline.after(length, [this, one] {
    if (!std::exchange(one->active, false)) return;
    for (const auto& [from, to] : one->directions) links_.unblock(from, to);
    stage_.trace.tell(stage_.now(), [&] {
      return "the way from node " + std::to_string(one->directions.front().first) + " to node " +
             std::to_string(one->directions.front().second) + " is open again";
    });
  });
}

void Misfortune::cut() {
  const std::size_t node = any();
  const Duration length = up_to(stage_.options.network.cut_max);
  stage_.strikes("cut: " + stage_.nodes[node].site + " from all others, for " +
                 duration_text(length));
  std::vector<std::pair<std::size_t, std::size_t>> directions;
  for (std::size_t other = 0; other < stage_.nodes.size(); ++other) {
    if (other == node) continue;
    directions.emplace_back(node, other);
    directions.emplace_back(other, node);
  }
  if (!directions.empty()) block(std::move(directions), length);
}

void Misfortune::partition() {
  const std::size_t groups = 2 + dice_.below(2);
  std::vector<std::size_t> group;
  std::string text;
  for (std::size_t i = 0; i < stage_.nodes.size(); ++i) {
    group.push_back(dice_.below(groups));
    text += std::to_string(group.back());
  }
  std::vector<std::pair<std::size_t, std::size_t>> directions;
  for (std::size_t a = 0; a < group.size(); ++a) {
    for (std::size_t b = 0; b < group.size(); ++b) {
      if (group[a] != group[b]) directions.emplace_back(a, b);
    }
  }
  if (directions.empty()) return;
  const Duration length = up_to(stage_.options.network.partition_max);
  stage_.strikes("partition: nodes fall into groups " + text + " for " + duration_text(length));
  block(std::move(directions), length);
}

void Misfortune::one_way() {
  const auto pair = any_two();
  if (!pair) return;
  const Duration length = up_to(stage_.options.network.cut_max);
  stage_.strikes("one-way cut: from node " + std::to_string(pair->first) + " to node " +
                 std::to_string(pair->second) + " for " + duration_text(length));
  block({*pair}, length);
}

void Misfortune::flap() {
  const auto pair = any_two();
  if (!pair) return;
  const Duration length = up_to(stage_.options.network.flap_max);
  stage_.strikes("flapping link: nodes " + std::to_string(pair->first) + " and " +
                 std::to_string(pair->second) + " for " + duration_text(length));
  for (Duration at{0}; at < length;) {
    const Duration down = dice_.between(Duration{200}, Duration{5'000});
    stage_.timeline.after(at, [this, pair, down] {
      if (stage_.healing) return;
      block({*pair, {pair->second, pair->first}}, down);
    });
    at += down + dice_.between(Duration{200}, Duration{4'000});
  }
}

void Misfortune::clog() {
  const auto pair = any_two();
  if (!pair) return;
  const Duration length = up_to(stage_.options.network.clog_max);
  stage_.strikes("clogged: from node " + std::to_string(pair->first) + " to node " +
                 std::to_string(pair->second) + " for " + duration_text(length));
  paths_.clog(pair->first, pair->second, stage_.now() + length);
}

// --- machines ---

void Misfortune::crash(std::size_t index, bool power, Duration down) {
  if (!stage_.nodes[index].up) return;
  stage_.facts.ever_apart = true;
  stage_.strikes((power ? "power cut: " : "crash: ") + stage_.nodes[index].site + ", down for " +
                 duration_text(down));
  stage_.nodes.kill(index, stage_.options.node.mid_batch);
  links_.stopped(index, !power);
  stage_.timeline.after(down, [this, index] {
    if (!stage_.nodes[index].up) owner_.start(index);
  });
}

void Misfortune::slow_disk() {
  Node& node = stage_.nodes[any()];
  const Duration length = up_to(Duration{20'000});
  stage_.strikes("slow disk: " + node.site + " for " + duration_text(length));
  node.slow_disk_until = std::max(node.slow_disk_until, stage_.now() + length);
}

void Misfortune::pause() {
  const std::size_t index = any();
  const Duration length = up_to(stage_.options.node.pause_max);
  stage_.facts.ever_apart = true;
  stage_.strikes("standstill: " + stage_.nodes[index].site + " for " + duration_text(length));
  stage_.nodes.pause(index, length);
}

void Misfortune::stop_cleanly() {
  Node& node = stage_.nodes[any()];
  if (!node.up || node.stopping) return;
  stage_.facts.ever_apart = true;
  stage_.strikes("clean stop: " + node.site);
  node.stopping = true;
  const std::size_t index = node.index;
  stage_.nodes.call(index, Duration{0}, [this](Node& n) { n.core->stop(n.now(stage_.now())); });
  // As crossfloord does it: until everything is safe and said, but not for ever.
  stage_.nodes.call(index, Duration{1'000}, [this, index](Node& n) {
    const auto life = n.life;
    stage_.timeline.after(Duration{1}, [this, index, life] {
      if (!stage_.nodes[index].up || stage_.nodes[index].life != life) return;
      stage_.nodes.kill(index, 1.0);
      links_.stopped(index, true);
      stage_.timeline.after(dice_.between(Duration{500}, Duration{8'000}), [this, index] {
        if (!stage_.nodes[index].up) owner_.start(index);
      });
    });
  });
}

bool Misfortune::all_have_all() const {
  for (const auto& node : stage_.nodes.all()) {
    if (!node->up || node->committing || node->core->has_writes()) return false;
    for (const auto& other : stage_.nodes.all()) {
      if (other->region != node->region || !other->up) continue;
      if (node->core->scribe().log().vector() != other->core->scribe().log().vector()) return false;
    }
  }
  return true;
}

void Misfortune::lose_disk() {
  const std::size_t index = any();
  Node& node = stage_.nodes[index];
  if (!node.up || !all_have_all()) return;
  stage_.strikes("lost disk: " + node.site);
  crash(index, true, up_to(stage_.options.node.down_max));
  stage_.facts.lost_disks.insert(index);
  node.disk = stage_.nodes.empty_disk();
  node.backup.reset();
  node.damaged.clear();
}

// The copy was made at the time of the last such accident, or is made now for the next one.
void Misfortune::restore_backup() {
  const std::size_t index = any();
  Node& node = stage_.nodes[index];
  if (!node.damaged.empty()) return;
  if (!node.backup) {
    node.backup = std::make_unique<MemoryStore>(*node.disk);
    return;
  }
  if (!node.up || !all_have_all()) return;
  stage_.strikes("restored from an old backup: " + node.site);
  crash(index, true, up_to(stage_.options.node.down_max));
  stage_.facts.lost_disks.insert(index);
  node.disk = std::move(node.backup);
}

void Misfortune::fail_write() {
  Node& node = stage_.nodes[any()];
  if (!node.up) return;
  stage_.facts.ever_apart = true;
  stage_.strikes("write error: " + node.site);
  node.store->fail_commit_after(0, dice_.chance(0.5));
}

void Misfortune::fail_read() {
  Node& node = stage_.nodes[any()];
  if (!node.up) return;
  stage_.facts.ever_apart = true;
  stage_.strikes("read error: " + node.site);
  node.store->fail_read_after(dice_.below(50));
}

// The commit fails, the node opens its store for reading only, and looks for room each second.
void Misfortune::fill_disk() {
  Node& node = stage_.nodes[any()];
  if (!node.up || node.full_until > stage_.now()) return;
  const Duration length = dice_.between(Duration{2'000}, stage_.options.node.full_max);
  stage_.facts.ever_apart = true;
  stage_.strikes("full disk: " + node.site + " for " + duration_text(length));
  node.store->no_room(true);
  node.full_until = stage_.now() + length;
  stage_.timeline.after(length + Duration{1'000}, [this, index = node.index] { room(index); });
}

void Misfortune::room(std::size_t index) {
  Node& node = stage_.nodes[index];
  if (stage_.now() < node.full_until || !node.up) return;
  if (!node.core->read_only()) {
    node.store->no_room(false);  // nothing was written meanwhile
    return;
  }
  stage_.nodes.kill(index, 0);
  owner_.start(index);
}

void Misfortune::jump() {
  Node& node = stage_.nodes[any()];
  const Duration most = stage_.options.node.jump_max;
  const Duration to = dice_.between(Duration{0}, most * 2) - most;
  stage_.strikes("clock jump: " + node.site + " is now off by " + std::to_string(to.count()) +
                 "ms");
  node.clock.wall_offset = to;
}

// A byte of an entry that all have: verify must find it, and nobody may ever get it from this node.
void Misfortune::flip_byte() {
  Node& node = stage_.nodes[any()];
  if (!node.up || !node.damaged.empty() || !all_have_all()) return;
  const VersionVector held = node.core->scribe().log().vector();
  auto streams = stored_streams(*node.disk);
  if (held.empty() || !streams.ok()) return;
  const auto& [stream, last] =
      *std::next(held.begin(), static_cast<std::ptrdiff_t>(dice_.below(held.size())));
  const Sequence sequence = 1 + dice_.below(last);
  const Bytes key = keys::entry(streams.value().at(stream), sequence);
  const auto value = node.disk->get(key);
  if (!value.ok() || !value.value()) return;
  const auto mask = static_cast<unsigned char>(1U << dice_.below(8));
  if (!node.store->flip(key, dice_.below(value.value()->size()), mask)) return;
  node.store->damage(key);
  node.damaged.insert(key);
  const std::string entry = short_name(stream) + " " + std::to_string(sequence);
  stage_.facts.ever_apart = true;
  stage_.strikes("flipped byte: " + node.site + ", entry " + entry);
  stage_.facts.flips.push_back({node.index, entry, verify_finds(node, stream)});
  mend_disk({node.index, key, *value.value()}, stage_.now() + up_to(stage_.options.node.flip_max));
}

bool Misfortune::verify_finds(const Node& node, const Stream& stream) const {
  Head head;
  for (;;) {
    auto slice =
        verify_stream(*node.disk, stage_.nodes.crypto(), node.roster->mesh(), stream, head);
    if (!slice.ok() || slice.value().done) return !slice.ok();
    head = slice.value().reached;
  }
}

bool Misfortune::others_have_all_of(const Node& node) const {
  auto held = stored_heads(*node.disk);
  if (!held.ok()) return false;
  for (const auto& other : stage_.nodes.all()) {
    if (other->region != node.region || other.get() == &node) continue;
    if (!other->up || other->committing || other->core->has_writes()) return false;
    for (const auto& [stream, head] : held.value()) {
      if (stream.region != node.region) continue;
      const auto has = other->core->scribe().log().sealed_head(stream);
      if (!has || has->sequence < head.sequence) return false;
    }
  }
  return true;
}

// The operator has read verify's report: the disk is replaced if all others have what is on it;
// else, after a while, the one entry is put right, as `crossfloor verify` says how.
void Misfortune::mend_disk(const Damage& damage, Instant until) {
  Node& node = stage_.nodes[damage.node];
  if (node.damaged.empty()) return;  // the disk was lost, too
  const bool due = stage_.now() >= until || stage_.healing;
  const bool replaced = due && others_have_all_of(node);
  constexpr Duration patience{30'000};
  if (!replaced && !stage_.healing && stage_.now() < until + patience) {
    stage_.timeline.after(Duration{500}, [this, damage, until] { mend_disk(damage, until); });
    return;
  }
  stage_.strikes((replaced ? "damaged disk replaced: " : "damaged entry put right: ") + node.site);
  if (replaced) {
    crash(damage.node, true, stage_.healing ? Duration{1'000} : Duration{5'000});
    stage_.facts.lost_disks.insert(damage.node);
    node.disk = stage_.nodes.empty_disk();
    node.backup.reset();
  } else {
    crash(damage.node, false, Duration{500});
    Batch right;
    right.put(damage.key, damage.value);
    (void)node.disk->commit(right).ok();
  }
  node.damaged.clear();
}

void Misfortune::clone() {
  const std::size_t index = any();
  Node& node = stage_.nodes[index];
  const std::size_t copy = stage_.nodes.size();
  if (!node.up || node.stopping || node.core->read_only() || stage_.nodes[copy].up) return;
  const Duration length = up_to(stage_.options.node.clone_max);
  stage_.facts.ever_apart = true;
  stage_.strikes("cloned machine: " + node.site + " for " + duration_text(length));
  owner_.copy(index);
  turn_address();
  stage_.timeline.after(length, [this, index, copy, life = stage_.nodes[copy].life] {
    if (stage_.nodes[copy].life != life) return;
    stage_.nodes.kill(copy, 1.0);
    reset_links_to(index);
  });
}

// Whoever answers there now knows nothing of the connections of the other.
void Misfortune::reset_links_to(std::size_t index) {
  for (std::size_t other = 0; other < stage_.nodes.size(); ++other) {
    if (other != index) links_.redial(other, index);
  }
}

void Misfortune::turn_address() {
  if (!stage_.nodes[stage_.nodes.size()].up) return;
  stage_.nodes.turn_address();
  reset_links_to(stage_.nodes[stage_.nodes.size()].wires);
  stage_.timeline.after(dice_.between(Duration{500}, Duration{3'000}), [this] { turn_address(); });
}

}  // namespace crossfloor::simulator
