// One open WebSocket, seen from the handler that serves it.
//
// Messages are texts of at most `max_message` bytes; binary and broken ones close the session. What
// is sent waits in a bounded queue: a reader that falls behind by more than that is closed, so that
// one stuck browser costs bounded memory and delays nobody. Pings are answered below this.
//
// The handler may keep the pointer for as long as it likes: on a closed session everything is a
// no-op. Nothing here throws.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace crossfloor {

class WebSocketSession {
 public:
  struct Limits {
    std::size_t max_message = 128 * 1024;
    std::size_t max_queued_bytes = 1024 * 1024;
    std::size_t max_queued_messages = 4096;
  };
  // Close codes of RFC 6455 that are used here.
  static constexpr std::uint16_t going_away = 1001;
  static constexpr std::uint16_t protocol_error = 1002;
  static constexpr std::uint16_t binary_refused = 1003;
  static constexpr std::uint16_t lost = 1006;  // never on the wire
  static constexpr std::uint16_t bad_text = 1007;
  static constexpr std::uint16_t too_slow = 1008;
  static constexpr std::uint16_t too_large = 1009;
  static constexpr std::uint16_t fault = 1011;

  virtual ~WebSocketSession() = default;

  // False if the session is closed, or is closed now because its reader is too slow.
  virtual bool send(std::string text) = 0;
  // After what is queued. The other side has 5 s to agree.
  virtual void close(std::uint16_t code, std::string reason) = 0;
  virtual bool is_open() const = 0;
  virtual std::size_t queued_bytes() const = 0;

  // Set by the handler before it returns. `on_close` is called once, whoever closed.
  std::function<void(std::string text)> on_text;
  std::function<void(std::uint16_t code, const std::string& reason)> on_close;
};

}  // namespace crossfloor
