#include "node/runtime/peer_links.h"

namespace crossfloor {
namespace {

// A fresh link takes over when nothing was sent for this long: then all frames of the old one are
// out. If there is no such silence, it takes over all the same after a quarter of the time more.
constexpr Duration silence{200};
constexpr Duration successor_again{60'000};

bool standing(const std::unique_ptr<OutgoingLink>& link) {
  return link && link->state() == OutgoingLink::State::up;
}

std::string endpoint_text(const std::string& address, std::uint16_t port) {
  const bool v6 = address.find(':') != std::string::npos;
  return "tcp://" + (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

}  // namespace

PeerLinks::PeerLinks(LinkWorkshop& shop, const NodeId& peer, const LinkKey& key, Instant now)
    : shop_(shop), peer_(peer), key_(key) {
  for (LinkKind kind : all_link_kinds) {
    lane(kind).figures.peer = peer;
    lane(kind).figures.kind = kind;
    lane(kind).changed = now;
  }
  lane(LinkKind::bulk).wanted = false;
}

void PeerLinks::set_endpoints(std::vector<Endpoint> endpoints, Instant now) {
  const auto same = [](const Endpoint& a, const Endpoint& b) {
    return a.host == b.host && a.port == b.port;
  };
  if (std::equal(endpoints.begin(), endpoints.end(), endpoints_.begin(), endpoints_.end(), same)) {
    return;
  }
  endpoints_ = std::move(endpoints);
  turn_ = 0;
  for (Lane& each : lanes_) each.redial = RedialPace{.failures = 0, .next = now};
}

std::optional<std::string> PeerLinks::next_endpoint(Instant now) {
  std::vector<std::string> all;
  for (const Endpoint& endpoint : endpoints_) {
    for (const std::string& address : shop_.resolver.look_up(endpoint.host, now)) {
      all.push_back(endpoint_text(address, endpoint.port));
    }
  }
  if (all.empty()) return std::nullopt;
  return all[turn_ % all.size()];
}

std::unique_ptr<OutgoingLink> PeerLinks::make(LinkKind kind, const std::string& endpoint) {
  ++shop_.dials;
  auto link = OutgoingLink::dial(
      shop_.context, shop_.port, shop_.own,
      {kind, endpoint, key_, shop_.options.connect_timeout, shop_.options.handshake_timeout},
      [this, kind] { shop_.edge(peer_, kind); });
  return link.ok() ? std::move(link.value()) : nullptr;
}

void PeerLinks::dial(LinkKind kind, Instant now) {
  Lane& lane = this->lane(kind);
  if (kind == LinkKind::pulse) endpoint_ = next_endpoint(now).value_or("");
  lane.figures.endpoint = endpoint_;
  lane.dialled = now;
  if (!endpoint_.empty()) lane.link = make(kind, endpoint_);
  if (!lane.link) drop(kind, LinkLoss::unanswered, now);
}

bool PeerLinks::dialling_takes_too_long(Instant since, Instant now) const {
  return now - since > shop_.options.connect_timeout + shop_.options.handshake_timeout;
}

void PeerLinks::look(LinkKind kind, Instant now) {
  Lane& lane = this->lane(kind);
  if (lane.successor) {
    lane.successor->look();
    if (lane.successor->state() == OutgoingLink::State::lost) {
      lane.successor.reset();
      lane.recycle_at = now + successor_again;
    }
  }
  if (!lane.link) return;
  const bool room = lane.link->look();
  if (lane.link->state() == OutgoingLink::State::lost) return drop(kind, lane.link->loss(), now);
  if (!lane.up && standing(lane.link)) came_up(kind, now);
  if (room) shop_.tell({peer_, kind, LinkNotice::What::writable, {}});
}

void PeerLinks::came_up(LinkKind kind, Instant now) {
  Lane& lane = this->lane(kind);
  lane.up = true;
  lane.changed = lane.last_sent = now;
  lane.redial.succeeded();
  // Up to a tenth earlier, so that links that were made together are not replaced together.
  const Duration whole = shop_.options.recycle_after;
  const auto tenth = static_cast<std::uint64_t>(whole.count() / 10) + 1;
  lane.recycle_at = now + whole - Duration(static_cast<Duration::rep>(shop_.random.below(tenth)));
  shop_.tell({peer_, kind, LinkNotice::What::up, {}});
}

void PeerLinks::drop(LinkKind kind, LinkLoss loss, Instant now) {
  Lane& lane = this->lane(kind);
  lane.link.reset();
  lane.successor.reset();
  lane.figures.last_loss = loss;
  if (lane.up) {
    lane.up = false;
    lane.changed = now;
    lane.redial.lost(shop_.options.redial, shop_.random, now);
    shop_.tell({peer_, kind, LinkNotice::What::down, loss});
  } else {
    lane.redial.failed(shop_.options.redial, shop_.random, lane.dialled);
    if (kind == LinkKind::pulse) ++turn_;
  }
}

void PeerLinks::tick(Instant now) {
  for (LinkKind kind : all_link_kinds) {
    Lane& lane = this->lane(kind);
    const bool in_order = kind == LinkKind::pulse || this->lane(LinkKind::pulse).up;
    if (lane.link) {
      tick_standing(kind, now);
    } else if (lane.wanted && in_order && lane.redial.due(now) &&
               !lane.redial.patient(shop_.options.redial)) {
      dial(kind, now);
    }
  }
}

void PeerLinks::tick_standing(LinkKind kind, Instant now) {
  Lane& lane = this->lane(kind);
  if (!lane.up) {
    if (dialling_takes_too_long(lane.dialled, now)) drop(kind, LinkLoss::unanswered, now);
  } else if (kind == LinkKind::bulk && now - lane.last_sent >= shop_.options.bulk_idle) {
    lane.wanted = false;
    drop(kind, LinkLoss::closed, now);
  } else if (lane.successor || now >= lane.recycle_at) {
    tick_successor(kind, now);
  }
}

void PeerLinks::tick_successor(LinkKind kind, Instant now) {
  Lane& lane = this->lane(kind);
  if (!lane.successor) {
    lane.successor = make(kind, lane.figures.endpoint);
    lane.successor_dialled = now;
    if (!lane.successor) lane.recycle_at = now + successor_again;
  } else if (standing(lane.successor)) {
    const Duration overdue = shop_.options.recycle_after / 4;
    if (now - lane.last_sent < silence && now < lane.recycle_at + overdue) return;
    lane.link->retire();
    lane.link = std::move(lane.successor);
    lane.recycle_at = now + shop_.options.recycle_after;
    shop_.edge(peer_, kind);
  } else if (dialling_takes_too_long(lane.successor_dialled, now)) {
    lane.successor.reset();
    lane.recycle_at = now + successor_again;
  }
}

std::optional<Instant> PeerLinks::waits_for_turn(Instant now) const {
  for (const Lane& lane : lanes_) {
    const bool in_order = &lane == &lanes_[0] || lanes_[0].up;
    if (!lane.link && lane.wanted && in_order && lane.redial.due(now) &&
        lane.redial.patient(shop_.options.redial)) {
      return lane.redial.next;
    }
  }
  return std::nullopt;
}

void PeerLinks::dial_patiently(Instant now) {
  for (LinkKind kind : all_link_kinds) {
    Lane& lane = this->lane(kind);
    const bool in_order = kind == LinkKind::pulse || this->lane(LinkKind::pulse).up;
    if (!lane.link && lane.wanted && in_order && lane.redial.due(now)) return dial(kind, now);
  }
}

bool PeerLinks::send(LinkKind kind, ByteView frame, Instant now) {
  Lane& lane = this->lane(kind);
  lane.wanted = true;
  if (!lane.up || !lane.link->send(frame)) return false;
  lane.last_sent = now;
  ++lane.figures.frames_sent;
  lane.figures.bytes_sent += frame.size();
  return true;
}

void PeerLinks::close(Instant now) {
  for (LinkKind kind : all_link_kinds) {
    if (lane(kind).link) drop(kind, LinkLoss::closed, now);
  }
}

void PeerLinks::retire() {
  for (Lane& lane : lanes_) {
    if (lane.up) lane.link->retire();
  }
}

void PeerLinks::redial(Instant now) {
  // A dial that is on its way is left alone: it is as fresh as one can be.
  for (LinkKind kind : all_link_kinds) {
    if (lane(kind).up) drop(kind, LinkLoss::closed, now);
    lane(kind).redial.next = now;
  }
}

void PeerLinks::heard(LinkKind kind, std::size_t bytes) {
  ++lane(kind).figures.frames_received;
  lane(kind).figures.bytes_received += bytes;
}

void PeerLinks::report(Instant now, std::vector<LinkStatus>& out) const {
  for (const Lane& lane : lanes_) {
    LinkStatus status = lane.figures;
    status.up = lane.up;
    status.for_how_long = now - lane.changed;
    status.failures = lane.redial.failures;
    out.push_back(std::move(status));
  }
}

}  // namespace crossfloor
