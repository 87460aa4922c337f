// The door of the mesh (ZeroMQ's RFC 27): libzmq asks it about the key of everybody who dials, and
// what it answers as User-Id stands on each message of that connection. It answers yes only to
// CURVE keys that the gate knows; everything else is a no. There is one for each context, it must
// be bound before any socket, and it has no high-water mark, so the gate may only look into memory.
#pragma once

#include <functional>

#include "node/runtime/zmq_socket.h"

namespace crossfloor {

class Zap {
 public:
  using Who = std::function<std::optional<NodeId>(const LinkKey&)>;

  static Result<Zap> open(ZmqContext& context, Who who);

  // Answers all who wait.
  void serve();
  int fd() const { return socket_.fd(); }
  std::uint64_t refused() const { return refused_; }

 private:
  Zap(ZmqSocket socket, Who who) : socket_(std::move(socket)), who_(std::move(who)) {}
  void answer(const std::vector<Bytes>& request);

  ZmqSocket socket_;
  Who who_;
  std::uint64_t refused_ = 0;
};

}  // namespace crossfloor
