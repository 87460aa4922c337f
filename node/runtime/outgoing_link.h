// One dialled link: everything that this node says to one peer on one kind of link. It carries
// nothing back; the peer dials its own. It lives from one dial to the first loss: then it is thrown
// away and another one is dialled, by whoever owns it (libzmq's own reconnecting ends for good when
// a peer refuses the key, and tries only one address).
#pragma once

#include <memory>

#include "node/runtime/links.h"
#include "node/runtime/zmq_socket.h"
#include "node/runtime/zmq_watch.h"
#include "protocol/time.h"

namespace crossfloor {

class OutgoingLink {
 public:
  enum class State { dialling, up, lost };
  struct Options {
    LinkKind kind = LinkKind::pulse;
    std::string endpoint;  // tcp://host:port
    LinkKey peer;
    Duration connect_timeout{1'000};
    Duration handshake_timeout{3'000};
  };

  // `edge` is called from the event loop when look() may have news.
  static Result<std::unique_ptr<OutgoingLink>> dial(ZmqContext& context, kj::UnixEventPort& port,
                                                    const LinkKeyPair& own, const Options& options,
                                                    std::function<void()> edge);
  ~OutgoingLink();

  // Reads what libzmq reports. Returns true once after a refused send, when there is room again.
  bool look();
  State state() const { return state_; }
  LinkLoss loss() const { return loss_; }  // if lost

  bool send(ByteView frame);
  // What was sent still goes out, for a second at most, after this is destroyed.
  void retire();

 private:
  OutgoingLink(kj::UnixEventPort& port, LinkKind kind, ZmqSocket socket, ZmqSocket monitor,
               const std::function<void()>& edge);
  void take_event(std::uint16_t event);

  LinkKind kind_;
  ZmqSocket socket_;
  ZmqSocket monitor_;
  ZmqWatch socket_watch_;  // after the sockets: it must let go of their descriptors first
  ZmqWatch monitor_watch_;
  std::function<void()> edge_;
  State state_ = State::dialling;
  LinkLoss loss_ = LinkLoss::closed;
  bool blocked_ = false;
};

}  // namespace crossfloor
