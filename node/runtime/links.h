// The mesh's transport: encrypted links between nodes, on the event loop.
//
// Each node dials each peer once for each kind of link, says on that link what it has to say, and
// hears the peer on the links that the peer dials. So a frame's sender is known by the key of the
// connection it came over, and by nothing that anybody claims; no reply can be led astray; and a
// node that lost its membership is deaf and dumb by closing what is ours and refusing what is
// theirs.
//
// Links lose: a frame that was sent may be lost with its connection, without a word. What arrives
// over one connection is in order and whole; an hourly fresh connection (forward secrecy is per
// connection) may overtake frames of the one before, but is put to use in a silence only, if there
// is one within a quarter of an hour. The protocols above repeat what matters.
//
// Nothing here blocks, and every call belongs to the thread of the event loop. Callbacks come from
// the event loop, never from within a call, and may call anything here but the destructor. They
// must not throw.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "node/runtime/link_limits.h"
#include "node/runtime/redial.h"
#include "protocol/identity.h"
#include "protocol/result.h"

namespace kj {
class Timer;
class UnixEventPort;
}  // namespace kj

namespace crossfloor {

enum class LinkLoss {
  broken,      // the connection ended, or TCP gave up: a suspicion
  refused,     // the peer (or whoever answers there) does not take our key, or has another one
  unanswered,  // nobody there, or not in time
  closed,      // by this node: forgotten, idle, expired, or dialled anew
};
const char* name_of(LinkLoss loss);

// Who may be spoken with, asked on each handshake and each frame: answer from memory. The roster
// and the wall clock stand behind it.
class LinkGate {
 public:
  virtual ~LinkGate() = default;
  virtual std::optional<NodeId> who(const LinkKey& key) const = 0;
  virtual bool admitted(const NodeId& node) const = 0;
};

class LinkHandler {
 public:
  virtual ~LinkHandler() = default;
  virtual void received(const NodeId& from, LinkKind kind, Bytes frame) = 0;
  // This node can send to the peer, or no longer. Says nothing about the other direction.
  virtual void link_up(const NodeId& peer, LinkKind kind) = 0;
  virtual void link_down(const NodeId& peer, LinkKind kind, LinkLoss loss) = 0;
  // There is room again after a send was refused although the link was up.
  virtual void writable(const NodeId&, LinkKind) {}
};

struct LinkOptions {
  SigningKey key;
  std::string listen_host = "0.0.0.0";  // numeric
  std::uint16_t listen_port = 7440;     // 0: any
  RedialPace::Options redial;
  Duration connect_timeout{1'000};
  Duration handshake_timeout{3'000};
  // A bulk link on which nothing was sent for this long is closed. What is queued then is lost, so
  // it is long enough for a full queue (16 frames of 2 MiB) to leave at 1 Mbit/s.
  Duration bulk_idle{300'000};
  RateLimits rates = rate_limits();   // of each peer, on each kind of link
  Duration recycle_after{3'600'000};  // a link is replaced by a fresh one, made before broken
};

struct LinkStatus {
  NodeId peer;
  LinkKind kind = LinkKind::pulse;
  bool up = false;
  std::string endpoint;     // last dialled
  Duration for_how_long{};  // since it went up, or since it was last lost or first wanted
  unsigned failures = 0;    // dials in a row that came to nothing
  LinkLoss last_loss = LinkLoss::closed;
  std::uint64_t frames_sent = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t frames_received = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t frames_over_rate = 0;  // of the peer, let fall because it spoke too fast
};

struct LinkCounters {
  std::uint64_t keys_refused = 0;         // handshakes with a key that the gate does not know
  std::uint64_t frames_not_admitted = 0;  // from a node that is no longer a member
  std::uint64_t frames_too_large = 0;
  std::uint64_t frames_malformed = 0;
  std::uint64_t frames_over_rate = 0;  // from a member that speaks too fast (rate_limit)
  std::uint64_t dials = 0;
};

class Links {
 public:
  // Listens at once. Errors name the listening address. What is referred to must outlive this.
  static Result<std::unique_ptr<Links>> open(kj::UnixEventPort& port, kj::Timer& timer,
                                             Random& random, const LinkOptions& options,
                                             const LinkGate& gate, LinkHandler& handler);
  ~Links();

  // Keeps links to this peer from now on, as long as the gate admits it. Addresses are endpoints
  // (tcp://host:port, others are passed over); new ones replace the old ones without touching what
  // stands.
  Status connect(const NodeId& peer, const std::vector<std::string>& addresses);
  // Closes at once and dials no more. What the peer says is refused once the gate does not admit
  // it.
  void forget(const NodeId& peer);
  // The same, after one last frame on a link that stands, which the gate is not asked about. It
  // must hold nothing that the peer may not know.
  void part(const NodeId& peer, LinkKind kind, ByteView last_word);
  // Closes and dials anew: nothing came although something was due.
  void redial(const NodeId& peer);

  // False if there is no link or no room; never waits. The frame is at most max_frame(kind). On
  // bulk a first send opens the link and is refused; link_up says when to try again.
  bool send(const NodeId& peer, LinkKind kind, ByteView frame);
  bool up(const NodeId& peer, LinkKind kind) const;

  std::uint16_t port() const;
  std::vector<LinkStatus> status() const;  // in order of peers and kinds
  LinkCounters counters() const;

 private:
  class Impl;
  explicit Links(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace crossfloor
