#include "node/gateway/http_client.h"

#include <kj/compat/http.h>
#include <kj/debug.h>
#include <sodium.h>

#include <optional>

#include "node/gateway/connection.h"
#include "node/gateway/tls.h"
#include "node/gateway/web_socket_session.h"

namespace crossfloor {
namespace {

constexpr std::size_t read_step = 16 * 1024;
constexpr std::size_t max_headers = 128;
constexpr std::size_t max_why = 200;

struct Target {
  bool tls = false;
  std::string authority;  // "host" or "host:port", for the Host header
  std::string host;       // without port and brackets, for the certificate
  std::string path;       // with the query
};

std::optional<Target> read_url(std::string_view url) {
  Target out;
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return std::nullopt;
  const std::string_view scheme = url.substr(0, scheme_end);
  out.tls = scheme == "https" || scheme == "wss";
  if (!out.tls && scheme != "http" && scheme != "ws") return std::nullopt;
  const std::string_view rest = url.substr(scheme_end + 3);
  const auto end = std::min(rest.find_first_of("/?#"), rest.size());
  out.authority = rest.substr(0, end);
  out.path = rest.substr(end, rest.find('#') - end);
  if (out.path.empty() || out.path.front() != '/') out.path.insert(0, "/");
  for (const char c : url) {
    if (c <= ' ' || c == '\x7f') return std::nullopt;
  }
  if (out.authority.empty() || out.authority.find('@') != std::string::npos) return std::nullopt;
  if (out.authority.front() == '[') {
    const auto close = out.authority.find(']');
    if (close == std::string::npos) return std::nullopt;
    out.host = out.authority.substr(1, close - 1);
  } else {
    out.host = out.authority.substr(0, out.authority.find(':'));
  }
  if (out.host.empty()) return std::nullopt;
  return out;
}

std::string why_of(const kj::Exception& e) {
  if (e.getType() == kj::Exception::Type::OVERLOADED) return "it took too long";
  // KJ's parser quotes what it could not read, which may be personal.
  if (std::string_view(e.getFile()).find("http.c++") != std::string_view::npos) {
    return e.getType() == kj::Exception::Type::DISCONNECTED ? "the connection was closed"
                                                            : "the answer is not sound HTTP";
  }
  std::string out = e.getDescription().cStr();
  if (out.size() > max_why) out.resize(max_why);
  return out;
}

std::string lower(kj::StringPtr text) {
  std::string out(text.begin(), text.size());
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

class SystemEntropy final : public kj::EntropySource {
 public:
  void generate(kj::ArrayPtr<kj::byte> buffer) override {
    randombytes_buf(buffer.begin(), buffer.size());
  }
};

class Caller final : public HttpClient, private kj::TaskSet::ErrorHandler {
 public:
  Caller(kj::Network& network, kj::Timer& timer, HttpClientOptions options,
         std::shared_ptr<kj::TlsContext> tls)
      : network_(network),
        timer_(timer),
        options_(std::move(options)),
        tls_(std::move(tls)),
        tasks_(*this) {}
  ~Caller() noexcept override {}

  kj::Promise<HttpOutcome> call(HttpCall call) override;
  kj::Promise<Result<std::shared_ptr<WebSocketSession>>> open_web_socket(
      std::string url, HttpHeaderList headers,
      std::function<void(WebSocketSession&)> prepare) override;

 private:
  // One call's state, kept until its promise is gone. Members go in reverse order.
  struct Run {
    HttpCall call;
    Target target;
    bool sent = false;
    HttpOutcome outcome;
    kj::Own<kj::AsyncIoStream> stream;
    kj::Own<kj::HttpClient> client;
    kj::Array<kj::byte> buffer;
    kj::Own<kj::AsyncInputStream> body;
    kj::Promise<void> writing = nullptr;
    ~Run() noexcept {}
  };

  kj::Promise<kj::Own<kj::AsyncIoStream>> connect(const Target& target);
  kj::HttpHeaders headers_for(const Target& target, const HttpHeaderList& list) const;
  kj::Promise<void> exchange(Run& run);
  kj::Promise<void> read_body(Run& run);
  void serve(std::shared_ptr<KjWebSocketSession> session, kj::Own<Run> run,
             kj::Own<kj::WebSocket> socket);
  void taskFailed(kj::Exception&&) override {}

  kj::Network& network_;
  kj::Timer& timer_;
  HttpClientOptions options_;
  std::shared_ptr<kj::TlsContext> tls_;
  kj::HttpHeaderTable table_;
  SystemEntropy entropy_;
  std::size_t calls_ = 0;
  kj::TaskSet tasks_;
};

// Until this resolves nothing of the request has left.
kj::Promise<kj::Own<kj::AsyncIoStream>> Caller::connect(const Target& target) {
  const std::string where = options_.connect_to.empty() ? target.authority : options_.connect_to;
  auto connecting =
      kj::evalNow([&] { return network_.parseAddress(where.c_str(), target.tls ? 443 : 80); })
          .then([](kj::Own<kj::NetworkAddress>&& address) {
            auto connected = address->connect();
            return connected.attach(kj::mv(address));
          })
          .then([this, tls = target.tls, host = target.host](kj::Own<kj::AsyncIoStream>&& stream)
                    -> kj::Promise<kj::Own<kj::AsyncIoStream>> {
            tune(*stream);
            if (!tls) return kj::mv(stream);
            return tls_->wrapClient(kj::mv(stream), host.c_str());
          });
  return timer_.timeoutAfter(options_.connect_timeout, kj::mv(connecting));
}

kj::HttpHeaders Caller::headers_for(const Target& target, const HttpHeaderList& list) const {
  kj::HttpHeaders out(table_);
  out.set(kj::HttpHeaderId::HOST, kj::str(target.authority.c_str()));
  out.add("User-Agent", "crossfloor");
  for (const auto& [name, value] : list) out.add(kj::str(name.c_str()), kj::str(value.c_str()));
  return out;
}

kj::Promise<HttpOutcome> Caller::call(HttpCall call) {
  auto run = kj::heap<Run>();
  Run& r = *run;
  r.call = std::move(call);
  const auto not_sent = [](std::string why) {
    HttpOutcome out;
    out.why = std::move(why);
    return out;
  };
  auto target = read_url(r.call.url);
  if (!target) return not_sent("the URL cannot be used");
  r.target = std::move(*target);
  if (r.call.method != "GET" && r.call.method != "POST" && r.call.method != "PUT") {
    return not_sent("unknown method");
  }
  if (calls_ >= options_.max_calls) return not_sent("too many calls at once");
  ++calls_;
  auto whole = kj::evalNow([&] {
                 return connect(r.target);
               }).then([this, &r](kj::Own<kj::AsyncIoStream>&& stream) {
    r.stream = kj::mv(stream);
    return exchange(r);
  });
  return timer_.timeoutAfter(options_.total_timeout, kj::mv(whole))
      .then([&r] { return std::move(r.outcome); },
            [&r](kj::Exception&& e) {
              HttpOutcome out;
              out.end = r.sent ? HttpOutcome::End::no_answer : HttpOutcome::End::not_sent;
              out.why = why_of(e);
              return out;
            })
      .attach(kj::mv(run), kj::defer([this] { --calls_; }));
}

kj::Promise<void> Caller::exchange(Run& run) {
  run.client = kj::newHttpClient(table_, *run.stream);
  const auto headers = headers_for(run.target, run.call.headers);
  const bool with_body = run.call.method != "GET";
  const auto method = !with_body                  ? kj::HttpMethod::GET
                      : run.call.method == "POST" ? kj::HttpMethod::POST
                                                  : kj::HttpMethod::PUT;
  run.sent = true;
  auto request = run.client->request(method, run.target.path.c_str(), headers,
                                     with_body ? kj::Maybe<std::uint64_t>(run.call.body.size())
                                               : kj::Maybe<std::uint64_t>(nullptr));
  if (with_body && !run.call.body.empty()) {
    // Beside the answer, not before it: a server may refuse without reading it all.
    auto writing = request.body->write(run.call.body.data(), run.call.body.size());
    run.writing = writing.attach(kj::mv(request.body)).eagerlyEvaluate([](kj::Exception&&) {});
  }
  return request.response.then([this, &run](kj::HttpClient::Response&& response) {
    run.outcome.status = static_cast<int>(response.statusCode);
    response.headers->forEach([&](kj::StringPtr name, kj::StringPtr value) {
      if (run.outcome.headers.size() >= max_headers) return;
      run.outcome.headers.emplace_back(lower(name), std::string(value.begin(), value.size()));
    });
    run.body = kj::mv(response.body);
    run.buffer = kj::heapArray<kj::byte>(read_step);
    return read_body(run);
  });
}

kj::Promise<void> Caller::read_body(Run& run) {
  return run.body->tryRead(run.buffer.begin(), 1, run.buffer.size())
      .then([this, &run](std::size_t size) -> kj::Promise<void> {
        run.outcome.body.append(reinterpret_cast<const char*>(run.buffer.begin()), size);
        const bool too_large = run.outcome.body.size() > options_.max_response;
        if (size > 0 && !too_large) return read_body(run);
        if (too_large) {
          run.outcome.body.clear();
          run.outcome.why =
              "the answer is larger than " + std::to_string(options_.max_response) + " bytes";
        }
        run.outcome.end = HttpOutcome::End::answered;
        return kj::READY_NOW;
      });
}

kj::Promise<Result<std::shared_ptr<WebSocketSession>>> Caller::open_web_socket(
    std::string url, HttpHeaderList headers, std::function<void(WebSocketSession&)> prepare) {
  using Opened = Result<std::shared_ptr<WebSocketSession>>;
  auto run = kj::heap<Run>();
  Run& r = *run;
  auto target = read_url(url);
  if (!target) return Opened(Error{ErrorCode::malformed, "the URL cannot be used", url, ""});
  r.target = std::move(*target);
  r.call.headers = std::move(headers);
  auto opening = kj::evalNow([&] {
                   return connect(r.target);
                 }).then([this, &r](kj::Own<kj::AsyncIoStream>&& stream) {
    r.stream = kj::mv(stream);
    kj::HttpClientSettings settings;
    settings.entropySource = entropy_;
    r.client = kj::newHttpClient(table_, *r.stream, settings);
    return r.client->openWebSocket(r.target.path.c_str(), headers_for(r.target, r.call.headers));
  });
  return timer_.timeoutAfter(options_.total_timeout, kj::mv(opening))
      .then([this, run = kj::mv(run), prepare = std::move(prepare)](
                kj::HttpClient::WebSocketResponse&& response) mutable -> Opened {
        if (!response.webSocketOrBody.is<kj::Own<kj::WebSocket>>()) {
          // Before the client and the stream on which it lies.
          response.webSocketOrBody = kj::Own<kj::AsyncInputStream>();
          return Error{ErrorCode::unavailable,
                       "answered " + std::to_string(response.statusCode) + " and no WebSocket",
                       run->target.authority, ""};
        }
        auto session = std::make_shared<KjWebSocketSession>(timer_, options_.web_socket);
        if (prepare) prepare(*session);
        serve(session, kj::mv(run), kj::mv(response.webSocketOrBody.get<kj::Own<kj::WebSocket>>()));
        return Opened(std::shared_ptr<WebSocketSession>(session));
      })
      .catch_([url](kj::Exception&& e) -> Opened {
        return Error{ErrorCode::unavailable, "cannot be reached: " + why_of(e), url, ""};
      });
}

void Caller::serve(std::shared_ptr<KjWebSocketSession> session, kj::Own<Run> run,
                   kj::Own<kj::WebSocket> socket) {
  tasks_.add(session->run(kj::mv(socket)).attach(kj::mv(run)));
}

}  // namespace

Result<std::unique_ptr<HttpClient>> HttpClient::make(kj::Network& network, kj::Timer& timer,
                                                     HttpClientOptions options) {
  auto tls = load_client_tls(options.authorities_file,
                             options.trust_system ? Trust::besides_system : Trust::only_these);
  if (!tls.ok()) return tls.error();
  return std::unique_ptr<HttpClient>(
      std::make_unique<Caller>(network, timer, std::move(options), tls.value()));
}

}  // namespace crossfloor
