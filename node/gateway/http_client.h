// Calls other people's HTTP servers, and says of each call which of three things happened: nothing
// was sent, something was sent and not (wholly) answered, or it was answered.
//
// Each call has a connection of its own: one that is kept open may be closed by the other side just
// as a request goes out, and then nobody knows. https:// checks the certificate against the host's
// name. Redirects are not followed. Nothing here throws.
#pragma once

#include <kj/async-io.h>

#include <functional>
#include <memory>
#include <string>

#include "node/channels/http_exchange.h"
#include "node/gateway/web_socket.h"
#include "protocol/result.h"

namespace crossfloor {

struct HttpClientOptions {
  kj::Duration connect_timeout = 5 * kj::SECONDS;  // name, connection and TLS
  kj::Duration total_timeout = 20 * kj::SECONDS;   // from the call to the last byte of the answer
  std::size_t max_response = 64 * 1024;            // bytes of an answer's body that are kept
  std::size_t max_calls = 256;                     // at once; more are not_sent
  std::string authorities_file;  // PEM; trusted instead of the system's authorities if not empty
  bool trust_system = false;     // besides authorities_file
  // Where to connect, whatever host the URL names: "unix:/run/x/control.sock", "127.0.0.1:7480".
  std::string connect_to;
  WebSocketSession::Limits web_socket;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // `network` and `timer` outlive the client; the client outlives its calls. Errors: an
  // authorities_file that cannot be used.
  static Result<std::unique_ptr<HttpClient>> make(kj::Network& network, kj::Timer& timer,
                                                  HttpClientOptions options);

  // An answer whose body is over the limit is answered with an empty body and says so in `why`.
  // Dropping the promise ends the call.
  virtual kj::Promise<HttpOutcome> call(HttpCall call) = 0;

  // A WebSocket at ws://, wss://, http:// or https://. `prepare` sets on_text and on_close before
  // anything can arrive. An error's `what` holds the status if the server refused.
  virtual kj::Promise<Result<std::shared_ptr<WebSocketSession>>> open_web_socket(
      std::string url, HttpHeaderList headers, std::function<void(WebSocketSession&)> prepare) = 0;
};

}  // namespace crossfloor
