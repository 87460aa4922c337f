#include "tools/crossfloor/agent_client.h"

#include <kj/debug.h>

#include <algorithm>

#include "node/gateway/tls.h"
#include "protocol/identity.h"

namespace crossfloor::cli {
namespace {

constexpr std::size_t max_frame = 64 * 1024 * 1024;
constexpr kj::Duration first_wait = 200 * kj::MILLISECONDS;
constexpr kj::Duration longest_wait = 5 * kj::SECONDS;
constexpr kj::Duration connect_patience = 5 * kj::SECONDS;

// A WebSocket's mask keeps proxies from misreading frames; it is no secret.
struct Mask final : kj::EntropySource {
  explicit Mask(Random& given) : random(given) {}
  void generate(kj::ArrayPtr<kj::byte> buffer) override {
    random.fill(buffer.begin(), buffer.size());
  }
  Random& random;
};

}  // namespace

AgentClient::AgentClient(ClientSurroundings& around, Options options, Handlers handlers)
    : around_(around),
      options_(std::move(options)),
      handlers_(std::move(handlers)),
      heard_(around.timer.now()) {
  char bytes[8];
  around_.random.fill(bytes, sizeof bytes);
  mark_ = to_hex(ByteView(bytes, sizeof bytes));
}

void AgentClient::end(Status how) {
  if (!over_) over_ = std::move(how);
}

std::string AgentClient::say(client::Command command) {
  std::string id = mark_ + "-" + std::to_string(next_id_++);
  std::visit([&](auto& one) { one.id = id; }, command);
  std::string text = client::to_text(command);
  unanswered_.emplace_back(id, text);
  if (ready_) write(std::move(text));
  return id;
}

// ---- connecting ---------------------------------------------------------------------------------

kj::Promise<Status> AgentClient::run() {
  return connect_once()
      .catch_([this](kj::Exception&& wrong) { why_lost_ = wrong.getDescription().cStr(); })
      .then([this]() -> kj::Promise<Status> {
        hang_up();
        if (over_) return Status(*over_);
        if (ready_ || wait_ == 0 * kj::SECONDS) {
          if (handlers_.on_state) handlers_.on_state("connection lost: " + why_lost_);
          ++reconnections_;
        }
        ready_ = false;
        wait_ = std::clamp(wait_ * 2, first_wait, longest_wait);
        const auto jitter = static_cast<std::int64_t>(around_.random.below(200));
        return around_.timer.afterDelay(wait_ + jitter * kj::MILLISECONDS).then([this] {
          return run();
        });
      });
}

kj::Promise<kj::Own<kj::AsyncIoStream>> AgentClient::connect() {
  using Stream = kj::Own<kj::AsyncIoStream>;
  const auto dial = [this](const std::string& text, unsigned port) {
    return around_.network.parseAddress(text.c_str(), port).then([](auto&& address) {
      auto stream = address->connect();
      return stream.attach(kj::mv(address));
    });
  };
  if (options_.url.rfind("unix:", 0) == 0) return dial(options_.url, 0);
  const auto endpoint = parse_endpoint(options_.url);
  if (!endpoint.ok()) {
    end(endpoint.error());
    return KJ_EXCEPTION(FAILED, "no address of a node");
  }
  const std::string host = endpoint.value().host.find(':') == std::string::npos
                               ? endpoint.value().host
                               : "[" + endpoint.value().host + "]";
  auto stream = dial(host, endpoint.value().port);
  if (endpoint.value().scheme != "https") return stream;
  auto tls = load_client_tls(options_.authorities);
  if (!tls.ok()) {
    end(tls.error());
    return KJ_EXCEPTION(FAILED, "no TLS");
  }
  return stream.then([tls = tls.value(), name = endpoint.value().host](Stream&& plain) {
    auto secure = tls->wrapClient(kj::mv(plain), name.c_str());
    return secure.attach(std::shared_ptr<kj::TlsContext>(tls));
  });
}

kj::Promise<void> AgentClient::connect_once() {
  return around_.timer.timeoutAfter(connect_patience, connect())
      .then([this](kj::Own<kj::AsyncIoStream>&& stream) {
        lines_ = kj::heap<Lines>();
        lines_->stream = kj::mv(stream);
        lines_->mask = kj::heap<Mask>(around_.random);
        kj::HttpClientSettings settings;
        settings.entropySource = *lines_->mask;
        lines_->http = kj::newHttpClient(around_.headers, *lines_->stream, settings);
        kj::HttpHeaders headers(around_.headers);
        headers.set(kj::HttpHeaderId::HOST, "node");
        return around_.timer.timeoutAfter(connect_patience,
                                          lines_->http->openWebSocket("/v1/agent", headers));
      })
      .then([this](kj::HttpClient::WebSocketResponse&& response) -> kj::Promise<void> {
        if (response.webSocketOrBody.is<kj::Own<kj::WebSocket>>()) {
          return talk(kj::mv(response.webSocketOrBody.get<kj::Own<kj::WebSocket>>()));
        }
        why_lost_ = "the node answered with HTTP status " + std::to_string(response.statusCode);
        return kj::READY_NOW;
      });
}

kj::Promise<void> AgentClient::talk(kj::Own<kj::WebSocket> socket) {
  socket_ = kj::mv(socket);
  leaving_ = false;
  heard_ = around_.timer.now();
  why_lost_ = "the node closed it";
  log_in();
  return receive_loop()
      .exclusiveJoin(watch())
      .catch_([this](kj::Exception&& wrong) { why_lost_ = wrong.getDescription().cStr(); })
      .then([this] { hang_up(); });
}

void AgentClient::hang_up() {
  writes_ = nullptr;
  socket_ = nullptr;
  lines_ = nullptr;
  queue_.clear();
  busy_ = false;
}

kj::Promise<void> AgentClient::watch() {
  return around_.timer.afterDelay(options_.ping_every).then([this]() -> kj::Promise<void> {
    if (around_.timer.now() - heard_ > options_.patience) {
      why_lost_ = "not a word from the node";
      return kj::READY_NOW;
    }
    if (ready_) write(client::to_text(client::Command{client::Ping{mark_ + "-ping"}}));
    return watch();
  });
}

// ---- talking ------------------------------------------------------------------------------------

void AgentClient::log_in() {
  client::LogIn command;
  command.id = log_in_id_ = mark_ + "-" + std::to_string(next_id_++);
  command.agent = options_.agent;
  if (welcome_.token.empty()) {
    command.password = options_.password;
  } else {
    command.token = welcome_.token;
    command.last_seq = last_seq_;
  }
  write(client::to_text(client::Command{command}));
}

void AgentClient::write(std::string text) {
  queue_.push_back(std::move(text));
  if (busy_ || socket_.get() == nullptr) return;
  busy_ = true;
  writes_ = write_loop()
                .catch_([this](kj::Exception&& wrong) {
                  why_lost_ = wrong.getDescription().cStr();
                  queue_.clear();  // receiving fails, too, and connects anew
                  busy_ = false;
                })
                .eagerlyEvaluate(nullptr);
}

kj::Promise<void> AgentClient::write_loop() {
  if (queue_.empty()) {
    busy_ = false;
    return kj::READY_NOW;
  }
  writing_ = std::move(queue_.front());
  queue_.pop_front();
  return socket_->send(kj::arrayPtr(writing_.data(), writing_.size())).then([this] {
    return write_loop();
  });
}

kj::Promise<void> AgentClient::receive_loop() {
  return socket_->receive(max_frame).then(
      [this](kj::WebSocket::Message&& message) -> kj::Promise<void> {
        heard_ = around_.timer.now();
        if (message.is<kj::WebSocket::Close>()) {
          const auto& close = message.get<kj::WebSocket::Close>();
          why_lost_ = "closed by the node, " + std::to_string(close.code) + " " +
                      std::string(close.reason.cStr());
          return kj::READY_NOW;
        }
        if (message.is<kj::String>()) {
          const auto& text = message.get<kj::String>();
          auto read = client::read_message(std::string_view(text.begin(), text.size()));
          if (!read.ok()) {
            why_lost_ = "not understood: " + read.error().text();
            return kj::READY_NOW;
          }
          take(read.value());
        }
        if (over_ || leaving_) return kj::READY_NOW;
        return receive_loop();
      });
}

void AgentClient::take(const client::Message& message) {
  const auto& id = client::id_of(message);
  if (const auto* refused = std::get_if<client::Refused>(&message)) {
    if (id == log_in_id_) return refused_log_in(*refused);
  }
  if (const auto* welcome = std::get_if<client::Welcome>(&message)) {
    welcome_ = *welcome;
    if (!welcome_.resumed) last_seq_ = 0;
    ready_ = true;
    wait_ = first_wait / 2;
    if (handlers_.on_state) handlers_.on_state("connected to site " + welcome_.site);
    // What was not answered is said again, as it was.
    for (const auto& [known, text] : unanswered_) write(text);
    if (handlers_.on_message) handlers_.on_message(message);
    return;
  }
  if (id == mark_ + "-ping") return;
  if (const auto seq = client::seq_of(message); seq != 0) {
    if (seq <= last_seq_) return;
    last_seq_ = seq;
  } else {
    std::erase_if(unanswered_, [&](const auto& one) { return one.first == id; });
  }
  if (const auto* over = std::get_if<client::SessionOver>(&message)) {
    if (over->reason == "logged off") {
      end({});
    } else {
      end(Error{ErrorCode::conflict,
                "the session of " + options_.agent + " is over: " + over->reason, "", ""});
    }
  }
  if (handlers_.on_message) handlers_.on_message(message);
}

// Waits where the node says so, goes where the agent belongs, forgets a token that is worth
// nothing.
void AgentClient::refused_log_in(const client::Refused& refused) {
  if (!welcome_.token.empty() && refused.code == name_of(ErrorCode::unauthenticated)) {
    welcome_.token.clear();
    last_seq_ = 0;
    return log_in();
  }
  constexpr unsigned max_redirections = 3;
  if (!refused.addresses.empty() && redirections_ < max_redirections) {
    ++redirections_;
    options_.url = refused.addresses.front();
    if (handlers_.on_state) {
      handlers_.on_state("this agent belongs to site " + refused.site + ", going to " +
                         options_.url);
    }
    why_lost_ = "going to another node";
    leaving_ = true;
    return;
  }
  if (refused.retry_after_ms > 0 && refused.retry_after_ms <= 10'000) {
    why_lost_ = refused.what;
    wait_ = refused.retry_after_ms * kj::MILLISECONDS;
    leaving_ = true;
    return;
  }
  end(Error{ErrorCode::unauthenticated, "log-in of " + options_.agent + " refused: " + refused.what,
            refused.field, refused.mend});
}

}  // namespace crossfloor::cli
