#include "node/shell/mesh_traffic.h"

#include "node/runtime/log.h"

namespace crossfloor {
namespace {

// At most this waits for one link: a burst of live entries while a peer is slow, or a page or two
// of catch-up.
constexpr std::size_t max_queued_frames = 4096;
constexpr std::size_t max_queued_bytes = 8 << 20;

std::string short_id(const NodeId& node) {
  return node.hex().substr(0, 12);
}

}  // namespace

Result<std::unique_ptr<MeshTraffic>> MeshTraffic::open(kj::UnixEventPort& port, kj::Timer& timer,
                                                       Random& random, const LinkOptions& options,
                                                       const Roster& roster, Metrics& metrics,
                                                       Clock clock, Owner owner) {
  std::unique_ptr<MeshTraffic> traffic(
      new MeshTraffic(roster, options.key.node(), metrics, std::move(clock), std::move(owner)));
  auto links = Links::open(port, timer, random, options, *traffic, *traffic);
  if (!links.ok()) return links.error();
  traffic->links_ = std::move(links).value();
  traffic->meet_members();
  return traffic;
}

MeshTraffic::MeshTraffic(const Roster& roster, const NodeId& self, Metrics& metrics, Clock clock,
                         Owner owner)
    : roster_(roster),
      self_(self),
      metrics_(metrics),
      clock_(std::move(clock)),
      owner_(std::move(owner)) {}

MeshTraffic::~MeshTraffic() = default;

void MeshTraffic::meet_members() {
  const WallTime wall = clock_();
  for (auto known = dialled_.begin(); known != dialled_.end();) {
    if (roster_.member(known->first, wall)) {
      ++known;
      continue;
    }
    log_info("peer_forgotten", {{"peer", short_id(known->first)}});
    part_with(known->first);
    for (const LinkKind kind : all_link_kinds) {
      queues_.erase({known->first, kind});
      dropped_.erase({known->first, kind});
    }
    known = dialled_.erase(known);
  }
  for (const NodeId& node : roster_.members(wall)) {
    if (node == self_) continue;
    const Certificate* certificate = roster_.certificate(node);
    const auto known = dialled_.find(node);
    if (known != dialled_.end() && known->second == certificate->addresses) continue;
    if (auto status = links_->connect(node, certificate->addresses); !status.ok()) {
      log_error("peer_cannot_be_dialled", status.error());
    }
    dialled_[node] = certificate->addresses;
  }
}

// Who was revoked could not learn it: no door is open to it any more. The revocation is signed and
// no secret, so it is the last word on the link that still stands.
void MeshTraffic::part_with(const NodeId& peer) {
  const Revocation* revoked = roster_.revocation(peer);
  if (revoked == nullptr) return links_->forget(peer);
  const PeerMessage told = ReplicationFrame{Documents{{revoked->text}}};
  links_->part(peer, LinkKind::live, encode(told));
}

std::vector<NodeId> MeshTraffic::refused_by() const {
  std::vector<NodeId> peers;
  for (const LinkStatus& link : links_->status()) {
    const bool refused = link.failures > 0 && link.last_loss == LinkLoss::refused;
    if (link.kind == LinkKind::pulse && !link.up && refused) peers.push_back(link.peer);
  }
  return peers;
}

void MeshTraffic::send(const SendMessage& message) {
  const Bytes frame = encode(message.message);
  if (frame.size() > max_frame(message.link)) {
    drop(message.to, message.link, "too_large");
    const std::string what =
        std::visit([](const auto& family) { return family.name; }, message.message);
    if (told_.insert(what).second) {
      log_error("frame_too_large", Error{ErrorCode::too_large,
                                         "a message of the family " + what + " has " +
                                             std::to_string(frame.size()) + " bytes",
                                         name_of(message.link), "report it: this is a fault"});
    }
    return;
  }
  const auto key = std::make_pair(message.to, message.link);
  const auto queue = queues_.find(key);
  if (queue == queues_.end() && links_->send(message.to, message.link, frame)) return;
  if (message.link == LinkKind::pulse) return drop(message.to, message.link, "no_room");
  if (message.link == LinkKind::live && !links_->up(message.to, message.link)) {
    return drop(message.to, message.link, "no_link");
  }
  Queue& waiting = queues_[key];
  if (waiting.frames.size() >= max_queued_frames ||
      waiting.bytes + frame.size() > max_queued_bytes) {
    return drop(message.to, message.link, "queue_full");
  }
  waiting.bytes += frame.size();
  waiting.frames.push_back(frame);
}

void MeshTraffic::flush(const NodeId& peer, LinkKind kind) {
  const auto at = queues_.find({peer, kind});
  if (at == queues_.end()) return;
  Queue& queue = at->second;
  while (!queue.frames.empty() && links_->send(peer, kind, queue.frames.front())) {
    queue.bytes -= queue.frames.front().size();
    queue.frames.pop_front();
  }
  if (queue.frames.empty()) queues_.erase(at);
}

void MeshTraffic::drop(const NodeId& peer, LinkKind kind, const char* reason, std::size_t frames) {
  dropped_[{peer, kind}] += frames;
  metrics_
      .counter("crossfloor_frames_dropped_total", "Frames that were not sent",
               {{"link", name_of(kind)}, {"reason", reason}})
      .add(static_cast<double>(frames));
}

std::vector<LinkFigures> MeshTraffic::link_figures() const {
  std::vector<LinkFigures> out;
  for (const LinkStatus& link : links_->status()) {
    LinkFigures one;
    one.peer = link.peer;
    one.kind = link.kind;
    one.up = link.up;
    one.endpoint = link.endpoint;
    one.for_how_long = link.for_how_long;
    if (link.failures > 0 || !link.up) one.last_loss = name_of(link.last_loss);
    one.failures = link.failures;
    one.frames_sent = link.frames_sent;
    one.bytes_sent = link.bytes_sent;
    one.frames_received = link.frames_received;
    one.bytes_received = link.bytes_received;
    one.frames_over_rate = link.frames_over_rate;
    const auto key = std::make_pair(link.peer, link.kind);
    if (const auto queue = queues_.find(key); queue != queues_.end()) {
      one.frames_queued = queue->second.frames.size();
      one.bytes_queued = queue->second.bytes;
    }
    if (const auto dropped = dropped_.find(key); dropped != dropped_.end()) {
      one.frames_dropped = dropped->second;
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::optional<NodeId> MeshTraffic::who(const LinkKey& key) const {
  return roster_.key_allowed(key, clock_());
}

bool MeshTraffic::admitted(const NodeId& node) const {
  return roster_.member(node, clock_());
}

void MeshTraffic::received(const NodeId& from, LinkKind kind, Bytes frame) {
  auto message = decode_peer_message(frame);
  if (message.ok()) return owner_.received(from, kind, message.value());
  // A newer node may say what this one does not know; anything else is a fault somewhere.
  const char* reason = name_of(message.error().code);
  metrics_
      .counter("crossfloor_frames_refused_total", "Frames of peers that were not understood",
               {{"link", name_of(kind)}, {"reason", reason}})
      .add();
  if (told_.insert(from.hex() + reason).second) {
    log_warning("frame_refused", {{"peer", short_id(from)},
                                  {"link", name_of(kind)},
                                  {"bytes", frame.size()},
                                  {"why", message.error().what}});
  }
}

void MeshTraffic::link_up(const NodeId& peer, LinkKind kind) {
  log_info("link_up", {{"peer", short_id(peer)}, {"link", name_of(kind)}});
  owner_.up(peer, kind);
  flush(peer, kind);
}

void MeshTraffic::link_down(const NodeId& peer, LinkKind kind, LinkLoss loss) {
  log_info("link_down",
           {{"peer", short_id(peer)}, {"link", name_of(kind)}, {"why", name_of(loss)}});
  if (const auto at = queues_.find({peer, kind}); at != queues_.end()) {
    drop(peer, kind, "link_lost", at->second.frames.size());
    queues_.erase(at);
  }
  owner_.down(peer, kind, loss == LinkLoss::broken);
}

}  // namespace crossfloor
