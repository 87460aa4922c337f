#include <kj/compat/http.h>

#include "tests/gateway/gateway_world.h"

using namespace crossfloor;

namespace {

struct NoMask final : kj::EntropySource {
  void generate(kj::ArrayPtr<kj::byte> buffer) override {
    for (auto& byte : buffer) byte = 0x5a;
  }
};

// A server that hands its sessions to the test, and clients of KJ's make.
struct SocketWorld : GatewayWorld {
  NoMask mask;
  kj::HttpHeaderTable table;
  std::shared_ptr<WebSocketSession> session;
  std::vector<std::string> heard;
  std::vector<std::string> closes;

  SocketWorld() {
    router.add_web_socket(
        "/v1/agent",
        [this](HttpRequest, std::shared_ptr<WebSocketSession> opened) {
          session = opened;
          opened->on_text = [this](std::string text) {
            heard.push_back(text);
            if (text == "throw") throw std::runtime_error("inside");
            if (text == "bye") session->close(4001, "as you wish");
            if (text.rfind("echo ", 0) == 0) session->send(text.substr(5));
          };
          opened->on_close = [this](std::uint16_t code, const std::string& reason) {
            closes.push_back(std::to_string(code) + " " + reason);
          };
        },
        [](const HttpRequest& request) -> Status {
          if (request.query.count("barred") == 0) return {};
          return Error{ErrorCode::forbidden, "barred", "query.barred", "go away"};
        });
  }

  ~SocketWorld() { server = nullptr; }  // tells the sessions, which still need us

  struct Client {
    kj::Own<kj::AsyncIoStream> stream;
    kj::Own<kj::HttpClient> http;
    kj::Own<kj::WebSocket> socket;
    unsigned status = 0;
    ~Client() noexcept {}
  };
  kj::Own<Client> open(const char* path = "/v1/agent") {
    auto client = kj::heap<Client>();
    client->stream = connect();
    kj::HttpClientSettings settings;
    settings.entropySource = mask;
    client->http = kj::newHttpClient(table, *client->stream, settings);
    auto answer = client->http->openWebSocket(path, kj::HttpHeaders(table)).wait(io.waitScope);
    client->status = answer.statusCode;
    if (answer.webSocketOrBody.is<kj::Own<kj::WebSocket>>()) {
      client->socket = kj::mv(answer.webSocketOrBody.get<kj::Own<kj::WebSocket>>());
    }
    return client;
  }
  void say(Client& client, const std::string& text) {
    client.socket->send(kj::arrayPtr(text.data(), text.size())).wait(io.waitScope);
  }
  // The next message as text; a close as "close CODE REASON"; the end as "gone".
  std::string next(Client& client) {
    try {
      auto message =
          timer.timeoutAfter(20 * kj::SECONDS, client.socket->receive()).wait(io.waitScope);
      if (message.is<kj::String>()) return message.get<kj::String>().cStr();
      if (!message.is<kj::WebSocket::Close>()) return "binary";
      const auto& close = message.get<kj::WebSocket::Close>();
      return "close " + std::to_string(close.code) + " " + close.reason.cStr();
    } catch (const kj::Exception&) {
      return "gone";
    }
  }
};

}  // namespace

TEST_SUITE("WebSocket") {
  TEST_CASE("texts go both ways in order") {
    SocketWorld world;
    world.start();
    auto client = world.open();
    CHECK(client->status == 101);
    for (int i = 0; i < 100; ++i) REQUIRE(world.session->send("push " + std::to_string(i)));
    world.say(*client, "echo hyvää päivää");
    for (int i = 0; i < 100; ++i) REQUIRE(world.next(*client) == "push " + std::to_string(i));
    CHECK(world.next(*client) == "hyvää päivää");
    CHECK(world.session->queued_bytes() == 0);
    CHECK(world.server->figures().web_sockets_open == 1);
  }

  TEST_CASE("the server closes after what is queued, and the session is a no-op from then on") {
    SocketWorld world;
    world.start();
    auto client = world.open();
    world.session->send("last words");
    world.session->close(4001, "as you wish");
    CHECK_FALSE(world.session->send("too late"));
    CHECK(world.next(*client) == "last words");
    CHECK(world.next(*client) == "close 4001 as you wish");
    client->socket->close(4001, "").wait(world.io.waitScope);
    world.wait_until([&] { return world.closes.size() == 1; });
    CHECK(world.closes[0] == "4001 as you wish");
    CHECK_FALSE(world.session->is_open());
    world.session->close(1000, "again");
    CHECK(world.server->figures().web_sockets_open == 0);
  }

  TEST_CASE("a client's close is answered and told once") {
    SocketWorld world;
    world.start();
    auto client = world.open();
    client->socket->close(1000, "done").wait(world.io.waitScope);
    CHECK(world.next(*client) == "close 1000 done");
    world.wait_until([&] { return world.closes.size() == 1; });
    CHECK(world.closes[0] == "1000 done");
  }

  TEST_CASE("a client that is gone without a word is noticed") {
    SocketWorld world;
    world.start();
    {
      auto client = world.open();
      client->socket = nullptr;
      client->http = nullptr;
      client->stream = nullptr;
    }
    world.wait_until([&] { return world.closes.size() == 1; });
    CHECK(world.closes[0] == "1006 ");
  }

  TEST_CASE("too large, binary and broken messages close the session, with the reason") {
    SocketWorld world;
    world.start();
    auto client = world.open();
    SUBCASE("largest that is allowed") {
      world.say(*client, std::string(128 * 1024, 'x'));
      world.say(*client, "echo here");
      CHECK(world.next(*client) == "here");
      REQUIRE(world.heard.size() == 2);
      CHECK(world.heard[0].size() == 128 * 1024);
    }
    SUBCASE("too large") {
      auto sending =
          client->socket->send(kj::arrayPtr(std::string(128 * 1024 + 1, 'x').c_str(), 0));
      sending.wait(world.io.waitScope);
      const std::string large(128 * 1024 + 1, 'x');
      auto sent = client->socket->send(kj::arrayPtr(large.data(), large.size()))
                      .catch_([](kj::Exception&&) {})
                      .eagerlyEvaluate(nullptr);
      const auto answer = world.next(*client);
      CAPTURE(answer);
      CHECK((has(answer, "close 1009") || answer == "gone"));
      world.wait_until([&] { return world.closes.size() == 1; });
    }
    SUBCASE("binary") {
      const kj::byte bytes[] = {1, 2, 3};
      client->socket->send(kj::arrayPtr(bytes, 3)).wait(world.io.waitScope);
      CHECK(has(world.next(*client), "close 1003"));
    }
    SUBCASE("not UTF-8") {
      world.say(*client, "\xc3\x28");
      CHECK(has(world.next(*client), "close 1007"));
      CHECK(world.heard.empty());
    }
    SUBCASE("a handler that throws") {
      world.say(*client, "throw");
      CHECK(world.next(*client) == "close 1011 internal fault");
    }
  }

  TEST_CASE("a reader that falls behind is cut off, and others are not") {
    SocketWorld world;
    auto options = world.options();
    options.web_socket.max_queued_bytes = 64 * 1024;
    world.start(std::move(options));
    auto stuck = world.open();
    const auto stuck_session = world.session;
    const std::string text(16 * 1024, 'x');
    // The kernel's buffers take some before the queue grows.
    int sent = 0;
    while (stuck_session->send(text) && sent < 100'000) {
      ++sent;
      world.io.waitScope.poll();
    }
    CHECK(sent < 100'000);
    world.wait_until([&] { return world.closes.size() == 1; });
    CHECK(world.closes[0] == "1008 reads too slowly");
    auto other = world.open();
    world.say(*other, "echo fine");
    CHECK(world.next(*other) == "fine");
  }

  TEST_CASE("a WebSocket can be refused before it opens, and its path is for WebSockets only") {
    SocketWorld world;
    world.start();
    CHECK(world.open("/v1/agent?barred=1")->status == 403);
    CHECK(status_of(world.get("/v1/agent")) == "426");
    CHECK_FALSE(world.session);
    const auto old = world.get("/v1/agent",
                               "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Version: 7\r\nSec-WebSocket-Key: x\r\n");
    CHECK(status_of(old) == "400");
    CHECK(world.open()->status == 101);
  }

  TEST_CASE("pings are answered while the session is silent") {
    SocketWorld world;
    world.start();
    auto stream = world.connect();
    world.write(*stream,
                "GET /v1/agent HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    const auto head = world.read_until(*stream, "\r\n\r\n");
    CHECK(has(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    world.write(*stream, std::string("\x89\x82\x00\x00\x00\x00hi", 8));
    CHECK(world.read_until(*stream, "hi") == "\x8a\x02hi");
  }

  TEST_CASE("draining closes sessions as going away") {
    SocketWorld world;
    world.start();
    auto client = world.open();
    auto drained = world.server->drain().eagerlyEvaluate(nullptr);
    CHECK(world.next(*client) == "close 1001 the node stops");
    client->socket->close(1001, "").wait(world.io.waitScope);
    drained.wait(world.io.waitScope);
    CHECK(world.closes.size() == 1);
  }

  TEST_CASE("a server that goes away tells its sessions") {
    SocketWorld world;
    world.start();
    auto client = world.open();
    world.server = nullptr;
    REQUIRE(world.closes.size() == 1);
    CHECK_FALSE(world.session->send("x"));
    CHECK(world.next(*client) == "gone");
  }
}
