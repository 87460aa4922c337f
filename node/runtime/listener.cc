#include "node/runtime/listener.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

namespace crossfloor {
namespace {

constexpr std::size_t frames_per_turn = 512;
constexpr std::size_t bytes_per_turn = 1024 * 1024;
// libzmq counts the encrypted frame: command name, nonce, flags and authenticator are 33 bytes.
constexpr std::size_t curve_overhead = 64;
constexpr int backlog = 512;
constexpr int frames_waiting = 64;  // of each connection; beyond that TCP holds the sender back

struct Listening {
  OwnFd fd;
  std::uint16_t port = 0;
};

Result<Listening> listen_on(const std::string& host, std::uint16_t port) {
  const std::string name = host + ":" + std::to_string(port);
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return Error{ErrorCode::malformed, "'" + host + "' is no numeric address", "mesh.listen",
                 "write it like 0.0.0.0:7440 or [::]:7440"};
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> address(found, freeaddrinfo);
  OwnFd fd(socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return system_error("opening a socket", name);
  const int on = 1, off = 0;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (found->ai_family == AF_INET6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0) {
    Error error = system_error("binding", name);
    error.where = "mesh.listen";
    error.mend = "choose another port, or end whoever uses this one";
    return error;
  }
  if (::listen(fd.get(), backlog) != 0) return system_error("listening", name);
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return system_error("reading the port", name);
  }
  const std::uint16_t network_order = bound.ss_family == AF_INET6
                                          ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                          : reinterpret_cast<sockaddr_in*>(&bound)->sin_port;
  return Listening{std::move(fd), ntohs(network_order)};
}

}  // namespace

Listener::Listener(ZmqContext& context, kj::UnixEventPort& events, const Options& options, OwnFd fd,
                   std::uint16_t port, Admitted admitted, std::function<void()> edge)
    : context_(context),
      events_(events),
      options_(options),
      fd_(std::move(fd)),
      port_(port),
      admitted_(std::move(admitted)),
      edge_(std::move(edge)) {}

Result<std::unique_ptr<Listener>> Listener::open(ZmqContext& context, kj::UnixEventPort& port,
                                                 const Options& options, Admitted admitted,
                                                 std::function<void()> edge) {
  auto listening = listen_on(options.host, options.port);
  if (!listening.ok()) return listening.error();
  std::unique_ptr<Listener> listener(
      new Listener(context, port, options, std::move(listening.value().fd), listening.value().port,
                   std::move(admitted), std::move(edge)));
  if (auto status = listener->cut(); !status.ok()) return status.error();
  return listener;
}

Status Listener::cut() {
  auto fresh = make_inlet();
  if (!fresh.ok()) return fresh.error();
  inlet_ = std::move(fresh.value());
  edge_();  // what came before the watch was set has no edge any more
  return {};
}

Result<std::unique_ptr<Listener::Inlet>> Listener::make_inlet() {
  auto opened = ZmqSocket::open(context_, ZMQ_PULL);
  if (!opened.ok()) return opened.error();
  ZmqSocket& socket = opened.value();
  make_curve_server(socket, options_.keys);
  const auto most =
      static_cast<std::int64_t>(max_frame(LinkKind::bulk) + frame_prefix + curve_overhead);
  socket.set(ZMQ_MAXMSGSIZE, most).set(ZMQ_RCVHWM, frames_waiting);
  socket.set(ZMQ_HANDSHAKE_IVL, static_cast<int>(options_.handshake_timeout.count()));
  // A peer that vanished without a word is noticed by probes: its connection costs memory here.
  socket.set(ZMQ_TCP_KEEPALIVE, 1).set(ZMQ_TCP_KEEPALIVE_IDLE, 30);
  socket.set(ZMQ_TCP_KEEPALIVE_INTVL, 5).set(ZMQ_TCP_KEEPALIVE_CNT, 3);
  socket.set(ZMQ_IPV6, 1);
  const int copy = fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return system_error("copying a descriptor", "mesh.listen");
  socket.set(ZMQ_USE_FD, copy);  // libzmq's from here on
  // The address is not used, but must be one.
  auto status = socket.bind("tcp://127.0.0.1:" + std::to_string(port_));
  if (!status.ok()) {
    ::close(copy);
    return status.error();
  }
  const int ready = socket.fd();
  return std::unique_ptr<Inlet>(new Inlet{std::move(socket), ZmqWatch(events_, ready, edge_)});
}

bool Listener::drain(const Sink& sink, Instant now) {
  std::size_t frames = 0, bytes = 0;
  while (frames < frames_per_turn && bytes < bytes_per_turn) {
    auto frame = inlet_->socket.receive();
    if (!frame) return false;
    ++frames;
    bytes += frame->data.size();
    bool several = false;
    while (frame->more) {
      several = true;
      auto next = inlet_->socket.receive();
      if (!next) break;  // cannot be: libzmq hands over whole messages
      frame->more = next->more;
    }
    if (several) {
      ++counters_.malformed;
    } else {
      take(*frame, sink, now);
    }
  }
  return true;
}

bool Listener::within_rate(const NodeId& peer, LinkKind kind, std::size_t bytes, Instant now) {
  Speaker& speaker = speakers_[peer];
  if (speaker.rates.empty()) {
    for (const RateLimit& limit : options_.rates) speaker.rates.emplace_back(limit);
  }
  const auto at = static_cast<std::size_t>(kind);
  if (speaker.rates[at].admit(bytes, now)) return true;
  ++speaker.refused[at];
  ++counters_.over_rate;
  return false;
}

std::uint64_t Listener::over_rate(const NodeId& peer, LinkKind kind) const {
  const auto at = speakers_.find(peer);
  return at == speakers_.end() ? 0 : at->second.refused[static_cast<std::size_t>(kind)];
}

void Listener::take(const ZmqSocket::Frame& frame, const Sink& sink, Instant now) {
  const auto node = NodeId::from_hex_text(frame.user_id);
  const std::size_t number = frame.data.size() < frame_prefix
                                 ? all_link_kinds.size()
                                 : static_cast<unsigned char>(frame.data[1]);
  const bool known_kind = number < all_link_kinds.size();
  const auto kind = known_kind ? all_link_kinds[number] : LinkKind::pulse;
  if (!node || !known_kind || static_cast<std::uint8_t>(frame.data[0]) != frame_format) {
    ++counters_.malformed;
  } else if (!admitted_(*node)) {
    ++counters_.not_admitted;
  } else if (frame.data.size() - frame_prefix > max_frame(kind)) {
    ++counters_.too_large;
  } else if (within_rate(*node, kind, frame.data.size(), now)) {
    ++counters_.frames;
    counters_.bytes += frame.data.size();
    sink(*node, kind, frame.data.substr(frame_prefix));
  }
}

}  // namespace crossfloor
