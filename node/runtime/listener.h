// The one port of a node: everything that peers say to it, on all kinds of links.
//
// It only receives. A frame's sender is the node that the ZAP handler named for its connection, and
// nothing that the sender says of itself. libzmq cannot drop a single connection of a bound socket,
// so the listening descriptor is held here and given to it: cutting means that a fresh socket takes
// the descriptor over while the old one, with all its connections, is closed.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "node/runtime/files.h"
#include "node/runtime/link_limits.h"
#include "node/runtime/peer_rate.h"
#include "node/runtime/zmq_socket.h"
#include "node/runtime/zmq_watch.h"
#include "protocol/time.h"

namespace crossfloor {

struct ListenerCounters {
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
  std::uint64_t malformed = 0;     // no user, wrong prefix, unknown kind, several parts
  std::uint64_t too_large = 0;     // over the limit of its kind of link
  std::uint64_t not_admitted = 0;  // from a node that is no longer a member
  std::uint64_t over_rate = 0;     // from a member that speaks too fast
};

class Listener {
 public:
  struct Options {
    std::string host = "0.0.0.0";  // numeric
    std::uint16_t port = 0;        // 0: any
    LinkKeyPair keys;
    Duration handshake_timeout{3'000};
    RateLimits rates = rate_limits();
  };
  using Sink = std::function<void(const NodeId&, LinkKind, Bytes)>;
  using Admitted = std::function<bool(const NodeId&)>;

  static Result<std::unique_ptr<Listener>> open(ZmqContext& context, kj::UnixEventPort& port,
                                                const Options& options, Admitted admitted,
                                                std::function<void()> edge);

  // Hands out what has come, within a turn's budget (512 frames or 1 MiB). True if there may be
  // more.
  bool drain(const Sink& sink, Instant now);

  // Ends every connection; members dial again by themselves, others find the door closed.
  Status cut();

  std::uint16_t port() const { return port_; }
  const ListenerCounters& counters() const { return counters_; }
  std::uint64_t over_rate(const NodeId& peer, LinkKind kind) const;
  void forget(const NodeId& peer) { speakers_.erase(peer); }

 private:
  struct Inlet {
    ZmqSocket socket;
    ZmqWatch watch;
  };
  Listener(ZmqContext& context, kj::UnixEventPort& events, const Options& options, OwnFd fd,
           std::uint16_t port, Admitted admitted, std::function<void()> edge);
  Result<std::unique_ptr<Inlet>> make_inlet();
  void take(const ZmqSocket::Frame& frame, const Sink& sink, Instant now);
  bool within_rate(const NodeId& peer, LinkKind kind, std::size_t bytes, Instant now);

  ZmqContext& context_;
  kj::UnixEventPort& events_;
  Options options_;
  OwnFd fd_;
  std::uint16_t port_;
  Admitted admitted_;
  std::function<void()> edge_;
  std::unique_ptr<Inlet> inlet_;
  ListenerCounters counters_;
  struct Speaker {
    std::vector<PeerRate> rates;  // in order of the kinds
    std::array<std::uint64_t, all_link_kinds.size()> refused{};
  };
  std::map<NodeId, Speaker> speakers_;  // members only
};

}  // namespace crossfloor
