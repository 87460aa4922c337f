// The WebSocketSession over KJ's WebSocket. Only the HTTP server makes these.
#pragma once

#include <kj/async-io.h>
#include <kj/compat/http.h>

#include <deque>

#include "node/gateway/web_socket.h"

namespace crossfloor {

class KjWebSocketSession final : public WebSocketSession,
                                 public std::enable_shared_from_this<KjWebSocketSession> {
 public:
  KjWebSocketSession(kj::Timer& timer, Limits limits) : timer_(timer), limits_(limits) {}

  ~KjWebSocketSession() noexcept override {}

  bool send(std::string text) override;
  void close(std::uint16_t code, std::string reason) override;
  bool is_open() const override { return socket_.get() != nullptr && !closing_; }
  std::size_t queued_bytes() const override { return queued_bytes_; }

  // Serves until either side has closed; never fails. The socket is gone when it resolves.
  kj::Promise<void> run(kj::Own<kj::WebSocket> socket);

 private:
  kj::Promise<void> receive_loop();
  kj::Promise<void> refuse(const kj::Exception& e);
  void take(std::string text);
  void write_next();
  kj::Promise<void> write_loop();
  void give_up(std::uint16_t code, std::string reason);
  void finish();

  kj::Timer& timer_;
  Limits limits_;
  kj::Own<kj::WebSocket> socket_;
  kj::Own<kj::PromiseFulfiller<void>> done_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  std::string writing_;  // must stay where it is until it is written
  bool busy_ = false;
  bool closing_ = false;  // a close frame is queued or sent
  bool close_sent_ = false;
  bool peer_closed_ = false;
  std::uint16_t code_ = lost;
  std::string reason_;
  kj::Promise<void> writes_ = nullptr;
  kj::Promise<void> patience_ = nullptr;
};

}  // namespace crossfloor
