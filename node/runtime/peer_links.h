// The links to one peer: when each is dialled, replaced, closed. The pulse comes first: while the
// peer does not answer, one socket is all that it costs; the others follow when the pulse is up.
#pragma once

#include <map>

#include "node/runtime/outgoing_link.h"
#include "node/runtime/resolver.h"

namespace crossfloor {

struct LinkNotice {
  enum class What { up, down, writable };
  NodeId peer;
  LinkKind kind = LinkKind::pulse;
  What what = What::up;
  LinkLoss loss = LinkLoss::closed;
};

// What all peers' links share; owned by Links.
struct LinkWorkshop {
  ZmqContext& context;
  kj::UnixEventPort& port;
  Random& random;
  const LinkOptions& options;
  const LinkKeyPair& own;
  Resolver& resolver;
  std::function<void(const NodeId&, LinkKind)> edge;  // look() has something to do
  std::function<void(LinkNotice)> tell;               // queued, never a callback at once
  std::uint64_t dials = 0;
};

class PeerLinks {
 public:
  PeerLinks(LinkWorkshop& shop, const NodeId& peer, const LinkKey& key, Instant now);

  void set_endpoints(std::vector<Endpoint> endpoints, Instant now);
  // Takes notice of what happened on one kind of link.
  void look(LinkKind kind, Instant now);
  // Dials, replaces and closes what is due, but a peer that was away for long is not dialled here.
  void tick(Instant now);
  // Since when such a peer waits for its turn; nothing if it does not. Then dial_patiently().
  std::optional<Instant> waits_for_turn(Instant now) const;
  void dial_patiently(Instant now);

  bool send(LinkKind kind, ByteView frame, Instant now);
  bool up(LinkKind kind) const { return lane(kind).up; }
  void close(Instant now);   // without any dial until tick() is called again
  void retire();             // before close: what was sent gets a second to leave
  void redial(Instant now);  // close, and dial at the next tick
  void heard(LinkKind kind, std::size_t bytes);
  void report(Instant now, std::vector<LinkStatus>& out) const;

 private:
  struct Lane {
    std::unique_ptr<OutgoingLink> link;
    std::unique_ptr<OutgoingLink> successor;  // up or on its way; takes over in a silence
    bool up = false;                          // as told to the handler
    bool wanted = true;
    RedialPace redial;
    Instant dialled{};
    Instant changed{};
    Instant last_sent{};
    Instant successor_dialled{};
    Instant recycle_at{};
    LinkStatus figures;
  };
  Lane& lane(LinkKind kind) { return lanes_[static_cast<std::size_t>(kind)]; }
  const Lane& lane(LinkKind kind) const { return lanes_[static_cast<std::size_t>(kind)]; }

  std::optional<std::string> next_endpoint(Instant now);
  std::unique_ptr<OutgoingLink> make(LinkKind kind, const std::string& endpoint);
  void dial(LinkKind kind, Instant now);
  bool dialling_takes_too_long(Instant since, Instant now) const;
  void tick_standing(LinkKind kind, Instant now);
  void tick_successor(LinkKind kind, Instant now);
  void came_up(LinkKind kind, Instant now);
  void drop(LinkKind kind, LinkLoss loss, Instant now);

  LinkWorkshop& shop_;
  NodeId peer_;
  LinkKey key_;
  std::vector<Endpoint> endpoints_;
  std::size_t turn_ = 0;  // which address is dialled: the next one after each failed pulse
  std::string endpoint_;  // the one at which the pulse was dialled
  std::array<Lane, 3> lanes_;
};

}  // namespace crossfloor
