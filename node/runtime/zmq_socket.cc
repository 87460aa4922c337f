#include "node/runtime/zmq_socket.h"

#include <zmq.h>

#include <cerrno>

#include "protocol/check.h"

namespace crossfloor {
namespace {

// libzmq 4.3.4 knows this option but shows its name only to builds with drafts.
constexpr int zap_enforce_domain = 93;
constexpr int most_sockets = 16'384;

Error zmq_error(std::string doing) {
  const int code = zmq_errno();
  return {code == EMFILE || code == ENFILE ? ErrorCode::full : ErrorCode::io,
          std::move(doing) + ": " + zmq_strerror(code), "", ""};
}

class Message {
 public:
  Message() { zmq_msg_init(&message_); }
  explicit Message(std::size_t size) { XF_CHECK(zmq_msg_init_size(&message_, size) == 0); }
  ~Message() { zmq_msg_close(&message_); }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  zmq_msg_t* get() { return &message_; }
  char* data() { return static_cast<char*>(zmq_msg_data(&message_)); }

 private:
  zmq_msg_t message_;
};

template <typename Call>
int uninterrupted(Call call) {
  int rc = call();
  while (rc < 0 && zmq_errno() == EINTR) rc = call();
  return rc;
}

}  // namespace

ZmqContext::ZmqContext() : handle_(zmq_ctx_new()) {
  XF_CHECK(handle_ != nullptr);
  XF_CHECK(zmq_ctx_set(handle_, ZMQ_MAX_SOCKETS, most_sockets) == 0);
}

ZmqContext::~ZmqContext() {
  uninterrupted([&] { return zmq_ctx_term(handle_); });
}

Result<ZmqSocket> ZmqSocket::open(ZmqContext& context, int type) {
  void* handle = zmq_socket(context.handle(), type);
  if (!handle) return zmq_error("opening a socket");
  ZmqSocket socket(handle);
  socket.set(ZMQ_LINGER, 0);
  return socket;
}

ZmqSocket& ZmqSocket::operator=(ZmqSocket&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

ZmqSocket::~ZmqSocket() {
  if (handle_) zmq_close(handle_);
}

ZmqSocket& ZmqSocket::set(int option, int value) {
  XF_CHECK(zmq_setsockopt(handle_, option, &value, sizeof(value)) == 0);
  return *this;
}

ZmqSocket& ZmqSocket::set(int option, std::int64_t value) {
  XF_CHECK(zmq_setsockopt(handle_, option, &value, sizeof(value)) == 0);
  return *this;
}

ZmqSocket& ZmqSocket::set(int option, ByteView value) {
  XF_CHECK(zmq_setsockopt(handle_, option, value.data(), value.size()) == 0);
  return *this;
}

Status ZmqSocket::bind(const std::string& endpoint) {
  if (zmq_bind(handle_, endpoint.c_str()) == 0) return {};
  return zmq_error("binding " + endpoint);
}

Status ZmqSocket::connect(const std::string& endpoint) {
  if (zmq_connect(handle_, endpoint.c_str()) == 0) return {};
  return zmq_error("connecting to " + endpoint);
}

Status ZmqSocket::monitor(const std::string& endpoint, int events) {
  if (zmq_socket_monitor(handle_, endpoint.c_str(), events) == 0) return {};
  return zmq_error("watching a socket");
}

void ZmqSocket::stop_monitor() {
  zmq_socket_monitor(handle_, nullptr, 0);
}

bool ZmqSocket::send(ByteView first, ByteView second, bool more) {
  Message message(first.size() + second.size());
  if (!first.empty()) std::memcpy(message.data(), first.data(), first.size());
  if (!second.empty()) std::memcpy(message.data() + first.size(), second.data(), second.size());
  const int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
  const auto attempt = [&] {
    return uninterrupted([&] { return zmq_msg_send(message.get(), handle_, flags); }) >= 0;
  };
  return attempt() || (writable() && attempt());
}

std::optional<ZmqSocket::Frame> ZmqSocket::receive() {
  Message message;
  if (uninterrupted([&] { return zmq_msg_recv(message.get(), handle_, ZMQ_DONTWAIT); }) < 0) {
    return std::nullopt;
  }
  Frame frame;
  frame.data.assign(message.data(), zmq_msg_size(message.get()));
  frame.more = zmq_msg_more(message.get()) != 0;
  if (const char* user = zmq_msg_gets(message.get(), "User-Id")) frame.user_id = user;
  return frame;
}

int ZmqSocket::events() const {
  int events = 0;
  std::size_t size = sizeof(events);
  XF_CHECK(uninterrupted([&] { return zmq_getsockopt(handle_, ZMQ_EVENTS, &events, &size); }) == 0);
  return events;
}

bool ZmqSocket::writable() const {
  return (events() & ZMQ_POLLOUT) != 0;
}

int ZmqSocket::fd() const {
  int fd = -1;
  std::size_t size = sizeof(fd);
  XF_CHECK(zmq_getsockopt(handle_, ZMQ_FD, &fd, &size) == 0);
  return fd;
}

void make_curve_server(ZmqSocket& socket, const LinkKeyPair& own) {
  socket.set(ZMQ_CURVE_SERVER, 1);
  socket.set(ZMQ_CURVE_SECRETKEY, own.secret.view());
  socket.set(ZMQ_ZAP_DOMAIN, zap_domain);
  socket.set(zap_enforce_domain, 1);
}

void make_curve_client(ZmqSocket& socket, const LinkKeyPair& own, const LinkKey& server) {
  socket.set(ZMQ_CURVE_SERVERKEY, server.view());
  socket.set(ZMQ_CURVE_PUBLICKEY, own.open.view());
  socket.set(ZMQ_CURVE_SECRETKEY, own.secret.view());
}

}  // namespace crossfloor
