#include "tools/simulator/world.h"

#include "node/core/verify_node.h"
#include "node/runtime/link_limits.h"
#include "protocol/check.h"
#include "protocol/join.h"

namespace crossfloor::simulator {
namespace {

// What a frame that was not encoded counts for.
constexpr std::size_t usual_frame = 200;

std::string region_name(std::int64_t number) {
  return "region-" + std::to_string(number);
}

bool is_wan(const Options& options) {
  return options.network.profile != "machine" && options.network.profile != "lan";
}

}  // namespace

World::Made::Made(World& world) {
  world.make_mesh();
}

World::World(const Options& options)
    : options_(options),
      keyed_(options.shape.real_crypto ? nullptr : std::make_unique<KeyedCrypto>()),
      sodium_(options.shape.real_crypto ? std::make_unique<SodiumCrypto>() : nullptr),
      crypto_(keyed_ ? static_cast<const Crypto*>(keyed_.get()) : sodium_.get()),
      paths_(timeline_, options_.network, options.seed),
      nodes_(timeline_, trace_, *crypto_, options_.node, options.seed,
             {[this](Node& node, Effect& effect) { carry_out(node, effect); },
              [this](Node& node, std::uint64_t number) { providers_.committed(node, number); },
              [this](Node& node) {
                stage_.trace.tell(now(), [&] { return node.site + " ended: its store failed"; });
                if (nodes_.is_copy(node)) return;
                links_.stopped(node.index, true);
                misfortune_.restart_soon(node.index);
              },
              [this](Node& node) {
                agents_.called(node);
                if (watcher_ != nullptr) watcher_->called(*this, node);
              }}),
      stage_{options_, timeline_, trace_, nodes_, false, {}},
      made_(*this),
      links_(timeline_, paths_, nodes_.size(), is_wan(options), options.seed,
             {[this](std::size_t from, std::size_t to) {
                trace_.note(from * 131 + to);
                tell_links(from, [this, to](Node& node) {
                  for (const auto kind : all_link_kinds) {
                    node.core->link_up(nodes_[to].id, kind, node.now(now()));
                  }
                });
              },
              [this](std::size_t from, std::size_t to, bool reset) {
                trace_.note(from * 137 + to);
                tell_links(from, [this, to, reset](Node& node) {
                  for (const auto kind : all_link_kinds) {
                    node.core->link_down(nodes_[to].id, kind, reset, node.now(now()));
                  }
                });
              }}),
      customers_(stage_, options.seed),
      agents_(stage_, options.seed),
      providers_(stage_, options.seed),
      malice_(stage_, links_, options.seed),
      misfortune_(
          stage_, links_, paths_, options.seed,
          {[this](std::size_t node) { start(node); }, [this](std::size_t node) { copy(node); }}) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) start(i);
}

World::~World() = default;

void World::make_mesh() {
  Dice dice(options_.seed, "mesh");
  std::vector<Region> regions;
  for (std::int64_t i = 0; i < std::max<std::int64_t>(1, options_.shape.regions); ++i) {
    regions.push_back(region_name(i));
  }
  auto made = make_authority(dice.source(), regions);
  XF_CHECK(made.ok());
  const Authority& authority = made.value();
  authority_ = authority.node();
  if (keyed_) keyed_->know(authority.key);
  std::map<Region, std::vector<std::string>> sites;
  for (std::int64_t i = 0; i < options_.shape.nodes; ++i) {
    auto node = std::make_unique<Node>();
    node->site = "site-" + std::to_string(i);
    node->region = regions[static_cast<std::size_t>(i) % regions.size()];
    node->key = make_signing_key(dice.source());
    if (keyed_) keyed_->know(node->key);
    node->id = node->key.node();
    sites[node->region].push_back(node->site);
    const auto drift = static_cast<std::size_t>(options_.node.drift_ppm);
    node->clock.drift_ppm =
        static_cast<std::int64_t>(dice.below(2 * drift + 1)) - options_.node.drift_ppm;
    node->clock.wall_offset =
        dice.between(Duration{0}, options_.node.clock_offset * 2) - options_.node.clock_offset;
    auto request = make_request(*crypto_, node->key, node->site,
                                {"tcp://127.0.0.1:" + std::to_string(7'000 + i)});
    XF_CHECK(request.ok());
    AdmitOptions admit_options;
    admit_options.home_region = node->region;
    auto admission = admit(*crypto_, dice.source(), authority, request.value(), admit_options, {},
                           wall_from_ms(first_wall_ms));
    XF_CHECK(admission.ok());
    documents_.push_back(admission.value().certificate.text);
    index_[node->id] = nodes_.size();
    nodes_.add(std::move(node));
  }
  for (const auto& node : nodes_.all()) {
    NodeSettings& settings = node->settings;
    settings.site = node->site;
    settings.home_region = node->region;
    // All ids hang on it: they are the same whatever signs and hashes later.
    settings.region_secrets[node->region] = authority.region_secret(SodiumCrypto(), node->region);
    settings.durability = options_.shape.mesh_durability ? Durability::mesh : Durability::site;
    settings.takeover_after = options_.shape.takeover_after;
    settings.wan = is_wan(options_);
    AccountSettings desk;
    desk.name = account_of(node->region);
    desk.region = node->region;
    desk.brand = brand;
    desk.channel = options_.shape.chat ? ChannelKind::chat : ChannelKind::social;
    desk.hosts = sites[node->region];
    desk.hosted_here = true;
    desk.repeatable = options_.provider.repeatable;
    desk.lookup = options_.provider.lookup;
    settings.accounts[desk.name] = desk;
  }
}

void World::start(std::size_t index) {
  Node& node = nodes_[index];
  trace_.tell(now(), [&] { return node.site + " starts, node " + node.id.hex().substr(0, 12); });
  if (node.life > 0) ++stage_.facts.restarts;
  if (!nodes_.start(index, authority_, documents_)) return;
  if (node.core->read_only()) return;  // until there is room it speaks to nobody
  links_.started(index);
  agents_.node_started(node);
}

void World::tell_links(std::size_t from, const Nodes::Work& what) {
  nodes_.call(from, Duration{0}, what);
  if (nodes_.is_copied(from)) nodes_.call(nodes_.size(), Duration{0}, what);
}

void World::copy(std::size_t index) {
  stage_.facts.copied.insert({nodes_[index].id, nodes_[index].core->scribe().generation()});
  stage_.facts.lost_disks.insert(nodes_.size());  // the copy's; it is thrown away
  if (!nodes_.start_copy(index, authority_, documents_)) return;
  for (std::size_t to = 0; to < nodes_.size(); ++to) {
    if (to == index || !links_.up(index, to)) continue;
    nodes_.call(nodes_.size(), Duration{0}, [this, to](Node& node) {
      for (const auto kind : all_link_kinds) {
        node.core->link_up(nodes_[to].id, kind, node.now(now()));
      }
    });
  }
}

void World::carry_out(Node& node, Effect& effect) {
  if (meddle && !meddle(node, effect)) return;
  if (auto* message = std::get_if<SendMessage>(&effect)) {
    deliver(node, *message);
  } else if (const auto* answer = std::get_if<AnswerIntake>(&effect)) {
    customers_.answered(node, *answer);
  } else if (const auto* told = std::get_if<AnswerCommand>(&effect)) {
    agents_.answered(node, *told);
  } else if (const auto* notice = std::get_if<NotifyAgent>(&effect)) {
    if (!nodes_.is_copy(node)) agents_.hears(node, *notice);
  } else if (const auto* call = std::get_if<CallProvider>(&effect)) {
    providers_.called(node, *call);
  } else if (const auto* redial = std::get_if<Redial>(&effect)) {
    if (const auto at = index_.find(redial->peer); at != index_.end()) {
      links_.redial(node.wires, at->second);
    }
  } else if (const auto* read = std::get_if<ReadRange>(&effect)) {
    nodes_.call(node.index, Duration{1}, [this, wanted = *read](Node& reader) {
      reader.core->range_read(
          wanted.to, read_range(*reader.store, wanted.stream, wanted.from, wanted.max_bytes),
          reader.now(now()));
    });
  } else if (const auto* asked = std::get_if<ReadVerify>(&effect)) {
    nodes_.call(node.index, Duration{1}, [this, wanted = *asked](Node& reader) {
      reader.core->verify_read(wanted.ticket,
                               answer_verify(*crypto_, *reader.store, *wanted.question),
                               reader.now(now()));
    });
  }
}

void World::deliver(Node& from, SendMessage& message) {
  const auto found = index_.find(message.to);
  if (found == index_.end()) return;
  const std::size_t to = found->second;
  said_.resize(nodes_.size() * nodes_.size());
  ++said_[from.wires * nodes_.size() + to];
  if (from.wires == malice_.villain()) malice_.spoil(message.message);
  std::size_t size = usual_frame;
  std::shared_ptr<const PeerMessage> arrives;
  const bool overheard = malice_.active();
  if (frames_++ % static_cast<std::uint64_t>(options_.shape.codec_one_in) == 0 || overheard) {
    const Bytes frame = encode(message.message);
    size = frame.size();
    if (size > max_frame(message.link)) {
      // The shell drops such a frame and calls it a fault.
      ++stage_.facts.frames_too_large;
      trace_.tell(now(), [&] { return from.site + " makes a frame that is too large"; });
      return;
    }
    if (overheard) malice_.overhears(to, message.link, frame);
    auto decoded = decode_peer_message(frame);
    XF_CHECK(decoded.ok());
    arrives = std::make_shared<const PeerMessage>(std::move(decoded.value()));
  } else {
    arrives = std::make_shared<const PeerMessage>(std::move(message.message));
  }
  links_.send(from.wires, to, message.link, size,
              [this, to, sender = from.wires, link = message.link, size, arrives] {
                nodes_.reach(nodes_.front(to), [this, sender, link, size, arrives](Node& node) {
                  trace_.note(size * 31 + node.index);
                  if (trace_.heard()) tell_message(nodes_[sender], node, *arrives);
                  node.core->receive(nodes_[sender].id, link, *arrives, node.now(now()));
                });
              });
}

void World::each_second() {
  for (std::size_t at = 0; at < said_.size(); ++at) {
    std::uint32_t said = std::exchange(said_[at], 0);
    // What a villain flooded a node with is answered, frame for frame.
    if (at % nodes_.size() == malice_.villain()) {
      said -= std::min(said, malice_.take_thrown(at / nodes_.size()));
    }
    stage_.facts.most_frames = std::max(stage_.facts.most_frames, said);
  }
  if (watcher_ != nullptr) watcher_->each_second(*this);
  timeline_.after(Duration{1'000}, [this] { each_second(); });
}

void World::run() {
  const Instant end = timeline_.now() + whole_length();
  timeline_.after(options_.shape.length, [this] {
    stage_.healing = true;
    trace_.tell(now(), [] { return std::string("the world heals"); });
    misfortune_.heal();
  });
  customers_.begin();
  agents_.begin();
  malice_.begin();
  misfortune_.begin();
  each_second();
  while (timeline_.step(end)) {
    if (watcher_ != nullptr && watcher_->seen_enough()) return;
  }
}

}  // namespace crossfloor::simulator
