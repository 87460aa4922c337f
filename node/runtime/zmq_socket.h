// ZeroMQ without exceptions and without blocking: the few calls that the links need, over libzmq's
// C interface. A socket belongs to the thread that runs the event loop; libzmq stops the process
// when another one touches it.
#pragma once

#include <optional>
#include <utility>

#include "protocol/bytes.h"
#include "protocol/identity.h"
#include "protocol/result.h"

namespace crossfloor {

class ZmqContext {
 public:
  ZmqContext();
  ~ZmqContext();  // waits until all its sockets are closed; theirs linger for 0 s
  ZmqContext(const ZmqContext&) = delete;
  ZmqContext& operator=(const ZmqContext&) = delete;
  void* handle() const { return handle_; }

 private:
  void* handle_;
};

class ZmqSocket {
 public:
  struct Frame {
    Bytes data;
    std::string user_id;  // what the ZAP handler answered for the connection it came over
    bool more = false;    // further frames of the same message follow
  };

  // Errors: full (no more sockets or descriptors).
  static Result<ZmqSocket> open(ZmqContext& context, int type);
  ZmqSocket(ZmqSocket&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ZmqSocket& operator=(ZmqSocket&& other) noexcept;
  ~ZmqSocket();  // at once; what is queued is dropped

  // Options are ours, so one that libzmq refuses is a bug.
  ZmqSocket& set(int option, int value);
  ZmqSocket& set(int option, std::int64_t value);
  ZmqSocket& set(int option, ByteView value);

  Status bind(const std::string& endpoint);
  Status connect(const std::string& endpoint);
  // Reports `events` on a PAIR that connects to `endpoint` ("inproc://…").
  Status monitor(const std::string& endpoint, int events);
  void stop_monitor();  // before the PAIR at its other end is closed

  // False if it would have to wait. Looks twice, for the first look may rest on old news of libzmq.
  bool send(ByteView first, ByteView second = {}, bool more = false);
  std::optional<Frame> receive();
  bool writable() const;
  // Becomes readable (edge-triggered) when there may be something to receive or room to send. A
  // send can swallow such an edge: look again after it.
  int fd() const;

  void* handle() const { return handle_; }

 private:
  explicit ZmqSocket(void* handle) : handle_(handle) {}
  int events() const;

  void* handle_;
};

// CURVE on both ends. The server lets nobody in unless a ZAP handler says yes: without a handler
// libzmq would take any key, so the domain is enforced, and then it takes none.
inline constexpr const char* zap_domain = "crossfloor";
void make_curve_server(ZmqSocket& socket, const LinkKeyPair& own);
void make_curve_client(ZmqSocket& socket, const LinkKeyPair& own, const LinkKey& server);

}  // namespace crossfloor
