// The node's HTTP edge: takes requests in under limits, hands them to a router as plain values, and
// answers. Everything that is wrong is answered with a problem document; nothing that a handler
// throws is shown to the other side, and no exception leaves.
//
// Limits: header fields and their bytes (431), target (414), body (413), all bodies being received
// together (503), time to receive a request (408), time to take the answer, connections. TLS unless
// the address is loopback or a Unix socket: plain HTTP elsewhere is refused at start.
#pragma once

#include <kj/async-io.h>

#include <functional>
#include <memory>
#include <string>

#include "node/gateway/router.h"

namespace crossfloor {

struct HttpServerOptions {
  std::string address;  // "127.0.0.1:7480", "*:7480", "unix:/run/x/control.sock"; port 0: any
  std::string tls_certificate;  // PEM files; both or none
  std::string tls_key;
  std::size_t max_connections = 1024;
  std::size_t max_header_fields = 64;
  std::size_t max_header_bytes = 16 * 1024;
  std::size_t max_target_bytes = 4096;
  std::size_t max_bodies_bytes = 32 * 1024 * 1024;  // of all requests that are being received
  kj::Duration receive_timeout = 10 * kj::SECONDS;  // from the first byte to the last of a request
  kj::Duration idle_timeout = 60 * kj::SECONDS;     // between requests of a connection
  kj::Duration send_timeout = 30 * kj::SECONDS;     // for the other side to take an answer
  WebSocketSession::Limits web_socket;
  // What went wrong inside, for the log: never personal, never on the wire.
  std::function<void(const std::string&)> on_fault;
};

struct HttpServerFigures {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_refused = 0;  // over the limit
  std::uint64_t tls_failures = 0;
  std::uint64_t requests = 0;
  std::uint64_t web_sockets_open = 0;
  std::uint64_t refused = 0;  // answered 4xx by the server itself or by a handler
  std::uint64_t faults = 0;   // answered 5xx
};

class HttpServer {
 public:
  // Drops what runs, and tells open WebSockets by their on_close.
  virtual ~HttpServer() = default;

  // Listens at once. `router`, `network` and `timer` outlive the server. Errors: an address that
  // cannot be used, TLS files that do not fit, plain HTTP where others could listen.
  static kj::Promise<Result<std::unique_ptr<HttpServer>>> start(kj::Network& network,
                                                                kj::Timer& timer,
                                                                const HttpRouter& router,
                                                                HttpServerOptions options);

  // The same on a socket that the caller listens on already, a Unix socket with rights of its own.
  static std::unique_ptr<HttpServer> serve(kj::Timer& timer, const HttpRouter& router,
                                           HttpServerOptions options,
                                           kj::Own<kj::ConnectionReceiver> unix_socket);

  virtual unsigned port() const = 0;  // 0 for a Unix socket
  virtual bool secure() const = 0;
  virtual const HttpServerFigures& figures() const = 0;

  // Reads the TLS files again; connections that stand keep what they have. On error the old ones
  // stay in use.
  virtual Status reload() = 0;

  // Takes no more connections and requests; resolves when those that run are answered. Open
  // WebSockets are closed as going away.
  virtual kj::Promise<void> drain() = 0;
};

}  // namespace crossfloor
