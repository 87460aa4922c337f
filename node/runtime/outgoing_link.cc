#include "node/runtime/outgoing_link.h"

#include <zmq.h>

#include <atomic>

#include "protocol/check.h"

namespace crossfloor {
namespace {

constexpr int events_wanted = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                              ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                              ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED |
                              ZMQ_EVENT_CLOSED;

void set_up(ZmqSocket& socket, const LinkKeyPair& own, const OutgoingLink::Options& options) {
  make_curve_client(socket, own, options.peer);
  // Frames wait only for a peer that is there; what was queued for a lost one is lost with it, and
  // the protocols above say it again.
  socket.set(ZMQ_IMMEDIATE, 1).set(ZMQ_SNDHWM, high_water(options.kind));
  socket.set(ZMQ_RECONNECT_IVL, -1);  // whoever owns this link dials anew
  socket.set(ZMQ_CONNECT_TIMEOUT, static_cast<int>(options.connect_timeout.count()));
  socket.set(ZMQ_HANDSHAKE_IVL, static_cast<int>(options.handshake_timeout.count()));
  // A link on which something is due but not acknowledged is given up after 5 s (TCP alone would
  // try for a quarter of an hour). An idle one costs a probe every 30 s; gossip has its own pings.
  socket.set(ZMQ_TCP_MAXRT, 5'000);
  socket.set(ZMQ_TCP_KEEPALIVE, 1).set(ZMQ_TCP_KEEPALIVE_IDLE, 30);
  socket.set(ZMQ_TCP_KEEPALIVE_INTVL, 5).set(ZMQ_TCP_KEEPALIVE_CNT, 3);
  socket.set(ZMQ_IPV6, 1);
}

// Names of monitors are only ever used inside one process.
std::string next_monitor_name() {
  static std::atomic<std::uint64_t> counter{0};
  return "inproc://link-monitor-" + std::to_string(++counter);
}

}  // namespace

const char* name_of(LinkLoss loss) {
  switch (loss) {
    case LinkLoss::broken:
      return "broken";
    case LinkLoss::refused:
      return "refused";
    case LinkLoss::unanswered:
      return "unanswered";
    case LinkLoss::closed:
      return "closed";
  }
  return "unknown";
}

Result<std::unique_ptr<OutgoingLink>> OutgoingLink::dial(ZmqContext& context,
                                                         kj::UnixEventPort& port,
                                                         const LinkKeyPair& own,
                                                         const Options& options,
                                                         std::function<void()> edge) {
  auto socket = ZmqSocket::open(context, ZMQ_PUSH);
  if (!socket.ok()) return socket.error();
  auto monitor = ZmqSocket::open(context, ZMQ_PAIR);
  if (!monitor.ok()) return monitor.error();
  set_up(socket.value(), own, options);
  const std::string name = next_monitor_name();
  if (auto status = socket.value().monitor(name, events_wanted); !status.ok()) {
    return status.error();
  }
  if (auto status = monitor.value().connect(name); !status.ok()) return status.error();
  if (auto status = socket.value().connect(options.endpoint); !status.ok()) return status.error();
  return std::unique_ptr<OutgoingLink>(new OutgoingLink(
      port, options.kind, std::move(socket.value()), std::move(monitor.value()), edge));
}

OutgoingLink::OutgoingLink(kj::UnixEventPort& port, LinkKind kind, ZmqSocket socket,
                           ZmqSocket monitor, const std::function<void()>& edge)
    : kind_(kind),
      socket_(std::move(socket)),
      monitor_(std::move(monitor)),
      socket_watch_(port, socket_.fd(), edge),
      monitor_watch_(port, monitor_.fd(), edge),
      edge_(edge) {
  edge_();  // what happened before the watches were set has no edge any more
}

// libzmq's I/O thread would wait for ever to tell a monitor that nobody listens to any more.
OutgoingLink::~OutgoingLink() {
  socket_.stop_monitor();
}

bool OutgoingLink::look() {
  while (auto frame = monitor_.receive()) {
    // Event number and value, then, in a second frame, the endpoint.
    if (frame->data.size() == 6) {
      std::uint16_t event = 0;
      std::memcpy(&event, frame->data.data(), sizeof(event));
      take_event(event);
    }
    while (frame && frame->more) frame = monitor_.receive();
  }
  const bool room = socket_.writable();  // also lets libzmq take notice of what happened
  if (!blocked_ || !room || state_ != State::up) return false;
  blocked_ = false;
  return true;
}

void OutgoingLink::take_event(std::uint16_t event) {
  if (state_ == State::lost) return;  // the first reason is the true one
  if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
    state_ = State::up;
    return;
  }
  const bool was_up = state_ == State::up;
  state_ = State::lost;
  if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH || event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) {
    loss_ = LinkLoss::refused;
  } else {
    loss_ = was_up ? LinkLoss::broken : LinkLoss::unanswered;
  }
}

void OutgoingLink::retire() {
  socket_.set(ZMQ_LINGER, 1'000);
}

bool OutgoingLink::send(ByteView frame) {
  XF_CHECK(frame.size() <= max_frame(kind_));
  if (state_ != State::up) return false;
  const char prefix[frame_prefix] = {static_cast<char>(frame_format), static_cast<char>(kind_)};
  const bool sent = socket_.send(ByteView(prefix, frame_prefix), frame);
  blocked_ = !sent;
  edge_();  // the send may have swallowed an edge
  return sent;
}

}  // namespace crossfloor
