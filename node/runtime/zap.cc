#include "node/runtime/zap.h"

#include <zmq.h>

namespace crossfloor {

Result<Zap> Zap::open(ZmqContext& context, Who who) {
  auto socket = ZmqSocket::open(context, ZMQ_REP);
  if (!socket.ok()) return socket.error();
  if (auto status = socket.value().bind("inproc://zeromq.zap.01"); !status.ok()) {
    return status.error();
  }
  return Zap(std::move(socket.value()), std::move(who));
}

void Zap::serve() {
  std::vector<Bytes> request;
  while (auto frame = socket_.receive()) {
    request.push_back(std::move(frame->data));
    if (frame->more) continue;
    answer(request);
    request.clear();
  }
}

// version, request id, domain, address, identity, mechanism, credentials…
void Zap::answer(const std::vector<Bytes>& request) {
  std::optional<NodeId> node;
  if (request.size() == 7 && request[0] == "1.0" && request[2] == zap_domain &&
      request[5] == "CURVE") {
    if (const auto key = LinkKey::from(request[6])) node = who_(*key);
  }
  if (!node) ++refused_;
  const bool more = true;
  socket_.send("1.0", {}, more);
  socket_.send(request.size() > 1 ? request[1] : Bytes(), {}, more);
  socket_.send(node ? "200" : "400", {}, more);
  socket_.send(node ? "OK" : "not a member", {}, more);
  socket_.send(node ? node->hex() : "", {}, more);
  socket_.send("");
}

}  // namespace crossfloor
