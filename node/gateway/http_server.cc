#include "node/gateway/http_server.h"

#include <kj/compat/http.h>
#include <kj/debug.h>

#include <list>
#include <sstream>

#include "node/gateway/connection.h"
#include "node/gateway/tls.h"
#include "node/gateway/web_socket_session.h"

namespace crossfloor {
namespace {

constexpr std::size_t read_step = 16 * 1024;

std::string text_of(const kj::StringPtr& text) {
  return {text.begin(), text.size()};
}

std::string lower(kj::StringPtr text) {
  std::string out = text_of(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// KJ throws at what could break out of its line.
bool header_is_sound(const std::string& name, const std::string& value) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  for (const char c : name) {
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!alphanumeric && marks.find(c) == std::string_view::npos) return false;
  }
  return !name.empty() && value.find_first_of(std::string("\r\n\0", 3)) == std::string::npos;
}

// What the server answers of its own accord, with a status that no ErrorCode stands for.
HttpReply refusal(int status, std::string what, std::string where, std::string mend,
                  ErrorCode code = ErrorCode::malformed) {
  return HttpReply::problem(Error{code, std::move(what), std::move(where), std::move(mend)},
                            status);
}

HttpReply internal_fault() {
  return HttpReply::problem(
      Error{ErrorCode::io, "the node failed at this request", "", "see the node's log"}, 500);
}

class Server;

// The bytes of bodies that are being received; given back when the request is over.
class BodyShare {
 public:
  explicit BodyShare(std::size_t& total) : total_(total) {}
  ~BodyShare() { total_ -= bytes_; }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;
  void add(std::size_t bytes) {
    bytes_ += bytes;
    total_ += bytes;
  }
  std::size_t total() const { return total_; }

 private:
  std::size_t& total_;
  std::size_t bytes_ = 0;
};

// What has become of a body: complete, or the answer that refuses it.
using Received = std::optional<HttpReply>;

class Server final : public HttpServer,
                     private kj::HttpServerErrorHandler,
                     private kj::TaskSet::ErrorHandler {
 public:
  Server(kj::Timer& timer, const HttpRouter& router, HttpServerOptions options,
         kj::Own<kj::ConnectionReceiver> receiver, std::shared_ptr<kj::TlsContext> tls)
      : timer_(timer),
        router_(router),
        options_(std::move(options)),
        receiver_(kj::mv(receiver)),
        tls_(std::move(tls)),
        server_(
            timer, table_, [this](kj::AsyncIoStream& stream) { return new_service(stream); },
            settings()),
        tasks_(*this) {
    port_ = options_.address.rfind("unix:", 0) == 0 ? 0 : receiver_->getPort();
    accepting_ =
        accept_loop().eagerlyEvaluate([this](kj::Exception&& e) { fault("accepting ended", e); });
  }

  unsigned port() const override { return port_; }
  bool secure() const override { return tls_ != nullptr; }
  const HttpServerFigures& figures() const override { return figures_; }
  Status reload() override;
  kj::Promise<void> drain() override;

  ~Server() noexcept override {}

 private:
  class Service;

  kj::HttpServerSettings settings() {
    kj::HttpServerSettings out;
    out.headerTimeout = options_.receive_timeout;
    out.pipelineTimeout = options_.idle_timeout;
    // Who sends too much is read on for a while, so that he gets to see the answer.
    out.canceledUploadGraceBytes = 1024 * 1024;
    out.canceledUploadGracePeriod = 2 * kj::SECONDS;
    out.errorHandler = *this;
    return out;
  }
  kj::Own<kj::HttpService> new_service(kj::AsyncIoStream& stream);

  kj::Promise<void> accept_loop();
  void take(kj::Own<kj::AsyncIoStream> stream);
  kj::Promise<void> serve(kj::Own<kj::AsyncIoStream> stream);

  kj::Promise<void> request(const std::string& peer, kj::HttpMethod method, kj::StringPtr url,
                            const kj::HttpHeaders& headers, kj::AsyncInputStream& body,
                            kj::HttpService::Response& response);
  std::optional<HttpReply> read_head(kj::HttpMethod method, kj::StringPtr url,
                                     const kj::HttpHeaders& headers, HttpRequest& request);
  kj::Promise<Received> receive_body(kj::AsyncInputStream& stream, std::size_t most,
                                     HttpRequest& request);
  kj::Promise<Received> read_step_of(kj::AsyncInputStream& stream, std::size_t most,
                                     HttpRequest& request, BodyShare& share,
                                     kj::ArrayPtr<kj::byte> buffer);
  kj::Promise<void> open_web_socket(const HttpRouter::Route& route, HttpRequest request,
                                    kj::HttpService::Response& response);
  kj::Promise<void> answer(HttpReply reply, kj::HttpService::Response& response, bool head);

  kj::Promise<void> handleClientProtocolError(kj::HttpHeaders::ProtocolError error,
                                              kj::HttpService::Response& response) override;
  kj::Promise<void> handleApplicationError(kj::Exception exception,
                                           kj::Maybe<kj::HttpService::Response&> response) override;
  kj::Promise<void> handleNoResponse(kj::HttpService::Response& response) override;
  void taskFailed(kj::Exception&&) override {}  // a connection ended badly: its own affair

  void fault(const char* what, const std::string& why);
  void fault(const char* what, const kj::Exception& e) { fault(what, text_of(e.getDescription())); }

  kj::Timer& timer_;
  const HttpRouter& router_;
  HttpServerOptions options_;
  HttpServerFigures figures_;
  kj::HttpHeaderTable table_;
  kj::Own<kj::ConnectionReceiver> receiver_;
  std::shared_ptr<kj::TlsContext> tls_;
  unsigned port_ = 0;
  std::size_t bodies_bytes_ = 0;
  std::list<std::weak_ptr<KjWebSocketSession>> web_sockets_;
  kj::HttpServer server_;
  kj::TaskSet tasks_;
  kj::Promise<void> accepting_ = nullptr;
};

class Server::Service final : public kj::HttpService {
 public:
  Service(Server& server, std::string peer) : server_(server), peer_(std::move(peer)) {}
  kj::Promise<void> request(kj::HttpMethod method, kj::StringPtr url,
                            const kj::HttpHeaders& headers, kj::AsyncInputStream& body,
                            Response& response) override {
    return server_.request(peer_, method, url, headers, body, response);
  }

 private:
  Server& server_;
  std::string peer_;
};

kj::Own<kj::HttpService> Server::new_service(kj::AsyncIoStream& stream) {
  return kj::heap<Service>(*this, kj::downcast<Connection>(stream).peer());
}

void Server::fault(const char* what, const std::string& why) {
  ++figures_.faults;
  if (options_.on_fault) options_.on_fault(std::string(what) + ": " + why);
}

kj::Promise<void> Server::accept_loop() {
  return receiver_->accept()
      .then(
          [this](kj::Own<kj::AsyncIoStream>&& stream) -> kj::Promise<void> {
            take(kj::mv(stream));
            return kj::READY_NOW;
          },
          [this](kj::Exception&& e) -> kj::Promise<void> {
            // Out of file descriptors or memory: those who are connected go on being served.
            fault("a connection could not be accepted", e);
            return timer_.afterDelay(100 * kj::MILLISECONDS);
          })
      .then([this] { return accept_loop(); });
}

void Server::take(kj::Own<kj::AsyncIoStream> stream) {
  if (figures_.connections_open >= options_.max_connections) {
    ++figures_.connections_refused;
    return;  // closes it
  }
  ++figures_.connections_open;
  tasks_.add(kj::evalNow([&] {
               return serve(kj::mv(stream));
             }).attach(kj::defer([this] { --figures_.connections_open; })));
}

kj::Promise<void> Server::serve(kj::Own<kj::AsyncIoStream> stream) {
  tune(*stream);
  std::string peer = peer_of(*stream);
  if (!tls_) return server_.listenHttp(kj::heap<Connection>(kj::mv(stream), std::move(peer)));
  auto context = tls_;  // reload() may put another in its place
  return timer_.timeoutAfter(options_.receive_timeout, context->wrapServer(kj::mv(stream)))
      .then(
          [this, peer = std::move(peer)](kj::Own<kj::AsyncIoStream>&& wrapped) mutable {
            return server_.listenHttp(kj::heap<Connection>(kj::mv(wrapped), std::move(peer)));
          },
          [this](kj::Exception&&) -> kj::Promise<void> {
            ++figures_.tls_failures;
            return kj::READY_NOW;
          })
      .attach(kj::heap<std::shared_ptr<kj::TlsContext>>(context));
}

Status Server::reload() {
  if (!tls_) return {};
  auto fresh = load_server_tls(options_.tls_certificate, options_.tls_key);
  if (!fresh.ok()) return fresh.error();
  tls_ = fresh.value();
  return {};
}

kj::Promise<void> Server::drain() {
  accepting_ = nullptr;
  for (const auto& held : web_sockets_) {
    if (const auto session = held.lock()) {
      session->close(WebSocketSession::going_away, "the node stops");
    }
  }
  return server_.drain();
}

std::optional<HttpReply> Server::read_head(kj::HttpMethod method, kj::StringPtr url,
                                           const kj::HttpHeaders& headers, HttpRequest& request) {
  request.method = kj::str(method).cStr();
  request.secure = tls_ != nullptr;
  if (url.size() > options_.max_target_bytes) {
    return refusal(414, "is longer than " + std::to_string(options_.max_target_bytes) + " bytes",
                   "url", "send a shorter one", ErrorCode::too_large);
  }
  std::size_t bytes = 0;
  headers.forEach([&](kj::StringPtr name, kj::StringPtr value) {
    bytes += name.size() + value.size();
    if (request.headers.size() > options_.max_header_fields) return;
    request.headers.emplace_back(lower(name), text_of(value));
  });
  if (request.headers.size() > options_.max_header_fields || bytes > options_.max_header_bytes) {
    return refusal(431, "are too many or too long", "headers",
                   "send at most " + std::to_string(options_.max_header_fields) + " with " +
                       std::to_string(options_.max_header_bytes) + " bytes together",
                   ErrorCode::too_large);
  }
  // Two lengths for one body are how a request is hidden in another.
  const std::string length = request.header("content-length");
  if (!length.empty() && !request.header("transfer-encoding").empty()) {
    return refusal(400, "comes with Transfer-Encoding", "headers.content-length", "send only one");
  }
  if (length.find_first_not_of("0123456789") != std::string::npos) {
    return refusal(400, "is not one number", "headers.content-length", "send it once");
  }
  if (auto target = read_target({url.begin(), url.size()}, request); !target.ok()) {
    return HttpReply::problem(target.error());
  }
  return std::nullopt;
}

kj::Promise<void> Server::request(const std::string& peer, kj::HttpMethod method, kj::StringPtr url,
                                  const kj::HttpHeaders& headers, kj::AsyncInputStream& body,
                                  kj::HttpService::Response& response) {
  ++figures_.requests;
  auto held = kj::heap<HttpRequest>();
  HttpRequest& in = *held;
  in.peer = peer;
  const bool head = method == kj::HttpMethod::HEAD;
  const bool upgrade = headers.isWebSocket();
  if (auto refused = read_head(method, url, headers, in)) {
    return answer(std::move(*refused), response, head);
  }
  const auto match = router_.match(in);
  if (!match.route) {
    if (match.status != 405) {
      return answer(refusal(404, "nothing is served at this path", "url",
                            "see docs/ for the paths of this interface", ErrorCode::not_found),
                    response, head);
    }
    auto reply =
        refusal(405, in.method + " is not served at this path", "method", "use " + match.allowed);
    reply.headers.emplace_back("Allow", match.allowed);
    return answer(std::move(reply), response, head);
  }
  if (match.route->open) {
    if (!upgrade) {
      return answer(refusal(426, "only a WebSocket is served at this path", "headers.upgrade",
                            "open it as a WebSocket"),
                    response, head);
    }
    return open_web_socket(*match.route, std::move(in), response);
  }
  return receive_body(body, match.route->max_body, in)
      .then([this, &in, &response, head,
             route = match.route](Received&& refused) -> kj::Promise<void> {
        if (refused) return answer(std::move(*refused), response, head);
        return kj::evalNow([&] { return route->handle(std::move(in)); })
            .catch_([this](kj::Exception&& e) {
              fault("a handler failed", e);
              return internal_fault();
            })
            .then([this, &response, head](HttpReply&& reply) {
              return answer(std::move(reply), response, head);
            });
      })
      .attach(kj::mv(held));
}

kj::Promise<Received> Server::receive_body(kj::AsyncInputStream& stream, std::size_t most,
                                           HttpRequest& request) {
  const auto too_large = [most] {
    return Received(refusal(413, "is larger than " + std::to_string(most) + " bytes", "body",
                            "send less at once", ErrorCode::too_large));
  };
  KJ_IF_MAYBE (length, stream.tryGetLength()) {
    if (*length > most) return too_large();
  }
  auto share = kj::heap<BodyShare>(bodies_bytes_);
  auto buffer = kj::heapArray<kj::byte>(read_step);
  auto reading = read_step_of(stream, most, request, *share, buffer);
  return timer_.timeoutAfter(options_.receive_timeout, kj::mv(reading))
      .catch_([](kj::Exception&& e) -> Received {
        if (e.getType() == kj::Exception::Type::OVERLOADED) {
          return refusal(408, "did not arrive in time", "body", "send it faster");
        }
        if (e.getType() == kj::Exception::Type::DISCONNECTED) kj::throwFatalException(kj::mv(e));
        return refusal(400, "breaks its transfer coding", "body", "send well-formed chunks");
      })
      .attach(kj::mv(share), kj::mv(buffer));
}

kj::Promise<Received> Server::read_step_of(kj::AsyncInputStream& stream, std::size_t most,
                                           HttpRequest& request, BodyShare& share,
                                           kj::ArrayPtr<kj::byte> buffer) {
  return stream.tryRead(buffer.begin(), 1, buffer.size())
      .then([this, &stream, most, &request, &share,
             buffer](std::size_t size) -> kj::Promise<Received> {
        if (size == 0) return Received{};
        if (request.body.size() + size > most) {
          return Received(refusal(413, "is larger than " + std::to_string(most) + " bytes", "body",
                                  "send less at once", ErrorCode::too_large));
        }
        share.add(size);
        if (share.total() > options_.max_bodies_bytes) {
          return Received(refusal(503, "too much is being received at once", "",
                                  "try again in a moment", ErrorCode::full));
        }
        request.body.append(reinterpret_cast<const char*>(buffer.begin()), size);
        return read_step_of(stream, most, request, share, buffer);
      });
}

kj::Promise<void> Server::open_web_socket(const HttpRouter::Route& route, HttpRequest in,
                                          kj::HttpService::Response& response) {
  if (route.guard) {
    if (auto admitted = route.guard(in); !admitted.ok()) {
      return answer(HttpReply::problem(admitted.error()), response, false);
    }
  }
  auto session = std::make_shared<KjWebSocketSession>(timer_, options_.web_socket);
  auto running = session->run(response.acceptWebSocket(kj::HttpHeaders(table_)));
  const auto place = web_sockets_.insert(web_sockets_.end(), session);
  ++figures_.web_sockets_open;
  auto counted = running.attach(kj::defer([this, place] {
    web_sockets_.erase(place);
    --figures_.web_sockets_open;
  }));
  try {
    route.open(std::move(in), session);
  } catch (const std::exception& e) {
    fault("a WebSocket's handler failed", e.what());
    session->close(WebSocketSession::fault, "internal fault");
  }
  return counted;
}

kj::Promise<void> Server::answer(HttpReply reply, kj::HttpService::Response& response, bool head) {
  if (reply.status == 0) return KJ_EXCEPTION(DISCONNECTED, "a handler wants no answer");
  if (reply.status >= 400 && reply.status < 500) ++figures_.refused;
  kj::HttpHeaders headers(table_);
  if (!reply.body.empty()) {
    headers.set(kj::HttpHeaderId::CONTENT_TYPE, kj::str(reply.content_type.c_str()));
  }
  headers.add("X-Content-Type-Options", "nosniff");
  bool cached = false;
  for (const auto& [name, value] : reply.headers) {
    if (!header_is_sound(name, value)) {
      fault("a handler's header was left out", "unsound name or value");
      continue;
    }
    cached |= lower(name.c_str()) == "cache-control";
    headers.add(kj::str(name.c_str()), kj::str(value.c_str()));
  }
  if (!cached) headers.add("Cache-Control", "no-store");
  auto body = kj::heap<Bytes>(std::move(reply.body));
  const char* reason = http_reason_of(reply.status);
  auto stream = response.send(static_cast<kj::uint>(reply.status), *reason ? reason : "Other",
                              headers, body->size());
  if (head || body->empty()) return kj::READY_NOW;
  auto writing = stream->write(body->data(), body->size());
  return timer_.timeoutAfter(options_.send_timeout, kj::mv(writing))
      .attach(kj::mv(stream), kj::mv(body));
}

kj::Promise<void> Server::handleClientProtocolError(kj::HttpHeaders::ProtocolError error,
                                                    kj::HttpService::Response& response) {
  return answer(
      refusal(static_cast<int>(error.statusCode), text_of(error.description), "", "send HTTP/1.1"),
      response, false);
}

kj::Promise<void> Server::handleApplicationError(kj::Exception exception,
                                                 kj::Maybe<kj::HttpService::Response&> response) {
  // Gone, or does not take the answer: nobody to speak to.
  if (exception.getType() == kj::Exception::Type::DISCONNECTED ||
      exception.getType() == kj::Exception::Type::OVERLOADED) {
    return kj::READY_NOW;
  }
  // KJ's parser refused what came. Its text quotes the request, so it goes nowhere, also not into
  // the log.
  const bool peers_fault =
      std::string_view(exception.getFile()).find("http.c++") != std::string_view::npos;
  if (!peers_fault) fault("a request failed", exception);
  KJ_IF_MAYBE (out, response) {
    if (!peers_fault) return answer(internal_fault(), *out, false);
    return answer(refusal(400, "cannot be read", "headers",
                          "send Content-Length once, or Transfer-Encoding: chunked"),
                  *out, false);
  }
  return kj::READY_NOW;
}

kj::Promise<void> Server::handleNoResponse(kj::HttpService::Response& response) {
  fault("a request was not answered", "no response");
  return answer(internal_fault(), response, false);
}

Error cannot_listen(const std::string& address, std::string what, std::string mend) {
  return Error{ErrorCode::io, std::move(what), address, std::move(mend)};
}

bool all_local(const std::string& addresses) {
  std::stringstream in(addresses);
  std::string one;
  bool any = false;
  while (std::getline(in, one, ',')) {
    if (!is_local(one)) return false;
    any = true;
  }
  return any;
}

}  // namespace

kj::Promise<Result<std::unique_ptr<HttpServer>>> HttpServer::start(kj::Network& network,
                                                                   kj::Timer& timer,
                                                                   const HttpRouter& router,
                                                                   HttpServerOptions options) {
  using Made = Result<std::unique_ptr<HttpServer>>;
  std::shared_ptr<kj::TlsContext> tls;
  if (!options.tls_certificate.empty() || !options.tls_key.empty()) {
    auto loaded = load_server_tls(options.tls_certificate, options.tls_key);
    if (!loaded.ok()) return Made(loaded.error());
    tls = loaded.value();
  }
  const std::string address = options.address;
  return kj::evalNow([&] { return network.parseAddress(address.c_str()); })
      .then([&timer, &router, options = std::move(options),
             tls](kj::Own<kj::NetworkAddress>&& parsed) mutable -> Made {
        if (!tls && !all_local(kj::str(parsed->toString()).cStr())) {
          return Error{ErrorCode::forbidden, "would speak plain HTTP where others can listen",
                       options.address, "set tls_certificate and tls_key, or listen on 127.0.0.1"};
        }
        return Made(std::make_unique<Server>(timer, router, std::move(options), parsed->listen(),
                                             std::move(tls)));
      })
      .catch_([address](kj::Exception&& e) -> Made {
        return cannot_listen(address, "cannot be listened on: " + text_of(e.getDescription()),
                             "choose another address or port");
      });
}

std::unique_ptr<HttpServer> HttpServer::serve(kj::Timer& timer, const HttpRouter& router,
                                              HttpServerOptions options,
                                              kj::Own<kj::ConnectionReceiver> unix_socket) {
  return std::make_unique<Server>(timer, router, std::move(options), kj::mv(unix_socket), nullptr);
}

}  // namespace crossfloor
