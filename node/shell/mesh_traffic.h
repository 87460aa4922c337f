// Between the core and the links: frames to messages and back, who is dialled, and a short queue
// for what finds its link full or still closed.
//
// Whatever is dropped here the protocols repeat. The queue is only there so that a burst over a
// link that stands, or the first answer on a bulk link, does not have to wait for that.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>

#include "node/core/effects.h"
#include "node/core/link_view.h"
#include "node/runtime/links.h"
#include "node/runtime/metrics.h"
#include "protocol/roster.h"

namespace crossfloor {

class MeshTraffic final : public LinkView, private LinkGate, private LinkHandler {
 public:
  struct Owner {  // called on the loop, never from within a call
    std::function<void(const NodeId& from, LinkKind, const PeerMessage&)> received;
    std::function<void(const NodeId& peer, LinkKind)> up;
    std::function<void(const NodeId& peer, LinkKind, bool reset)> down;
  };
  using Clock = std::function<WallTime()>;

  // What is referred to must outlive this. Errors: those of Links.
  static Result<std::unique_ptr<MeshTraffic>> open(kj::UnixEventPort& port, kj::Timer& timer,
                                                   Random& random, const LinkOptions& options,
                                                   const Roster& roster, Metrics& metrics,
                                                   Clock clock, Owner owner);
  ~MeshTraffic();

  // Dials whoever is a member now, and forgets whoever is no longer, after a last word to those who
  // were revoked.
  void meet_members();
  // Whose door is shut to this node's key, or was when it was tried last.
  std::vector<NodeId> refused_by() const;
  void send(const SendMessage& message);
  void redial(const NodeId& peer) { links_->redial(peer); }

  const Links& links() const { return *links_; }
  std::vector<LinkFigures> link_figures() const override;

 private:
  struct Queue {
    std::deque<Bytes> frames;
    std::size_t bytes = 0;
  };

  MeshTraffic(const Roster& roster, const NodeId& self, Metrics& metrics, Clock clock, Owner owner);

  std::optional<NodeId> who(const LinkKey& key) const override;
  bool admitted(const NodeId& node) const override;
  void received(const NodeId& from, LinkKind kind, Bytes frame) override;
  void link_up(const NodeId& peer, LinkKind kind) override;
  void link_down(const NodeId& peer, LinkKind kind, LinkLoss loss) override;
  void writable(const NodeId& peer, LinkKind kind) override { flush(peer, kind); }

  void part_with(const NodeId& peer);
  void flush(const NodeId& peer, LinkKind kind);
  void drop(const NodeId& peer, LinkKind kind, const char* reason, std::size_t frames = 1);

  const Roster& roster_;
  NodeId self_;
  Metrics& metrics_;
  Clock clock_;
  Owner owner_;
  std::map<NodeId, std::vector<std::string>> dialled_;
  std::map<std::pair<NodeId, LinkKind>, Queue> queues_;
  std::map<std::pair<NodeId, LinkKind>, std::uint64_t> dropped_;
  std::set<std::string> told_;  // what was logged once
  std::unique_ptr<Links> links_;
};

}  // namespace crossfloor
