#include "node/gateway/http_client.h"

#include "tests/gateway/gateway_world.h"

using namespace crossfloor;
using End = HttpOutcome::End;

namespace {

struct ClientWorld : GatewayWorld {
  HttpClientOptions client_options;
  std::unique_ptr<HttpClient> client;

  ClientWorld() {
    router.add("POST", "/r", [](HttpRequest request) {
      HttpReply reply{201,
                      request.header("x-mark") + "|" + request.header("host") + "|" +
                          request.header("content-length") + "|" + request.body.substr(0, 50),
                      "text/plain",
                      {}};
      reply.headers.emplace_back("Retry-After", "7");
      return reply;
    });
    router.add("GET", "/r/{id}", [](HttpRequest request) {
      return HttpReply::json(request.parameter("id") + request.query["k"]);
    });
    router.add("GET", "/large", [](HttpRequest) { return HttpReply::json(Bytes(65'537, 'x')); });
    router.add("GET", "/stuck", [](HttpRequest) { return kj::Promise<HttpReply>(kj::NEVER_DONE); });
  }
  ~ClientWorld() { server = nullptr; }

  void make_client() {
    auto made = HttpClient::make(network, timer, client_options);
    if (!made.ok()) FAIL(made.error().text());
    client = std::move(made).value();
  }
  HttpOutcome call(HttpCall what) {
    if (!client) make_client();
    return client->call(std::move(what)).wait(io.waitScope);
  }
  std::string url(const std::string& path, const char* scheme = "http") const {
    return std::string(scheme) + "://localhost:" + std::to_string(server->port()) + path;
  }
  // For servers that the test plays by hand.
  kj::Own<kj::ConnectionReceiver> listen_by_hand() {
    auto address = network.parseAddress("127.0.0.1:0").wait(io.waitScope);
    return address->listen();
  }
};

}  // namespace

TEST_SUITE("HTTP client") {
  TEST_CASE("what is sent arrives, and the answer comes back whole") {
    ClientWorld world;
    world.start();
    const auto outcome = world.call({"POST", world.url("/r"), {{"x-mark", "m"}}, "hyvää päivää"});
    REQUIRE(outcome.end == End::answered);
    CHECK(outcome.status == 201);
    const std::string host = "localhost:" + std::to_string(world.server->port());
    CHECK(outcome.body == "m|" + host + "|17|hyvää päivää");
    CHECK(outcome.header("retry-after") == "7");
    const auto large = world.call({"POST", world.url("/r"), {}, Bytes(200'000, 'y')});
    CHECK(large.status == 201);
    CHECK(world.call({"POST", world.url("/r"), {}, ""}).status == 201);
    CHECK(world.call({"GET", world.url("/r/7?k=v"), {}, ""}).body == "7v");
    CHECK(world.call({"GET", world.url("/none"), {}, ""}).status == 404);
  }

  TEST_CASE("without a connection nothing was sent") {
    ClientWorld world;
    unsigned closed_port = 0;
    {
      auto receiver = world.listen_by_hand();
      closed_port = receiver->getPort();
    }
    for (const std::string& url :
         {"http://127.0.0.1:" + std::to_string(closed_port) + "/", std::string("http://"),
          std::string("ftp://x/"), std::string("http://u@x/"), std::string("http://a b/"),
          std::string("")}) {
      CAPTURE(url);
      const auto outcome = world.call({"POST", url, {}, "x"});
      CHECK(outcome.end == End::not_sent);
      CHECK_FALSE(outcome.why.empty());
    }
  }

  TEST_CASE("sent and not answered is told apart, however it happens") {
    ClientWorld world;
    auto receiver = world.listen_by_hand();
    const std::string url = "http://127.0.0.1:" + std::to_string(receiver->getPort()) + "/";
    world.client_options.total_timeout = 300 * kj::MILLISECONDS;
    world.make_client();
    auto calling = world.client->call({"POST", url, {}, "x"}).eagerlyEvaluate(nullptr);
    auto stream = receiver->accept().wait(world.io.waitScope);
    world.read_until(*stream, "\r\n\r\nx");
    SUBCASE("silence") {}
    SUBCASE("closed") {
      stream = nullptr;
    }
    SUBCASE("half a head") {
      world.write(*stream, "HTTP/1.1 200 O");
      stream = nullptr;
    }
    SUBCASE("half a body") {
      world.write(*stream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab");
      stream = nullptr;
    }
    SUBCASE("something that is not HTTP") {
      world.write(*stream, "220 smtp ready\r\n\r\n");
    }
    const auto outcome = calling.wait(world.io.waitScope);
    CHECK(outcome.end == End::no_answer);
    CHECK_FALSE(outcome.why.empty());
  }

  TEST_CASE("an answer over the limit keeps its status and loses its body") {
    ClientWorld world;
    world.start();
    const auto outcome = world.call({"GET", world.url("/large"), {}, ""});
    CHECK(outcome.end == End::answered);
    CHECK(outcome.status == 200);
    CHECK(outcome.body.empty());
    CHECK(has(outcome.why, "larger"));
  }

  TEST_CASE("calls over the limit are not sent, and there is room again later") {
    ClientWorld world;
    world.client_options.max_calls = 1;
    world.start();
    world.make_client();
    {
      auto stuck =
          world.client->call({"GET", world.url("/stuck"), {}, ""}).eagerlyEvaluate(nullptr);
      world.wait_until([&] { return world.server->figures().requests == 1; });
      CHECK(world.call({"GET", world.url("/r/1"), {}, ""}).end == End::not_sent);
    }
    CHECK(world.call({"GET", world.url("/r/1"), {}, ""}).end == End::answered);
  }

  TEST_CASE("https checks who answers") {
    ClientWorld world;
    TemporaryFolder folder;
    make_certificate(folder.file("tls.pem"), folder.file("tls.key"));
    make_certificate(folder.file("other.pem"), folder.file("other.key"));
    auto options = world.options();
    options.tls_certificate = folder.file("tls.pem");
    options.tls_key = folder.file("tls.key");
    world.start(std::move(options));
    const HttpCall call{"GET", world.url("/r/1", "https"), {}, ""};

    CHECK(world.call(call).end == End::not_sent);  // the system does not know this authority
    world.client = nullptr;
    world.client_options.authorities_file = folder.file("other.pem");
    CHECK(world.call(call).end == End::not_sent);
    world.client = nullptr;
    world.client_options.authorities_file = folder.file("tls.pem");
    CHECK(world.call(call).body == "1");
    HttpCall by_address = call;
    by_address.url = "https://127.0.0.1:" + std::to_string(world.server->port()) + "/r/1";
    CHECK(world.call(by_address).end == End::not_sent);  // the certificate names localhost
    HttpCall plain = call;
    plain.url = world.url("/r/1", "http");
    CHECK(world.call(plain).end != End::answered);
  }

  TEST_CASE("a host that is an address is looked for among the certificate's addresses") {
    for (const auto& [names, good] :
         {std::pair{"IP:127.0.0.1", true}, {"IP:127.0.0.2", false}, {"DNS:127.0.0.1", false}}) {
      CAPTURE(names);
      ClientWorld world;
      TemporaryFolder folder;
      make_certificate(folder.file("tls.pem"), folder.file("tls.key"), names);
      auto options = world.options();
      options.tls_certificate = folder.file("tls.pem");
      options.tls_key = folder.file("tls.key");
      world.start(std::move(options));
      world.client_options.authorities_file = folder.file("tls.pem");
      const HttpCall call{
          "GET", "https://127.0.0.1:" + std::to_string(world.server->port()) + "/r/1", {}, ""};
      CHECK((world.call(call).end == End::answered) == good);
    }
  }

  TEST_CASE("authorities that cannot be used are an error that names the file") {
    ClientWorld world;
    TemporaryFolder folder;
    world.client_options.authorities_file = folder.file("none.pem");
    const auto made = HttpClient::make(world.network, world.timer, world.client_options);
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().where == folder.file("none.pem"));
  }

  TEST_CASE("a Unix socket can stand for the host") {
    ClientWorld world;
    TemporaryFolder folder;
    const std::string socket = "unix:" + folder.file("control.sock");
    world.start(world.options(socket));
    world.client_options.connect_to = socket;
    CHECK(world.call({"GET", "http://node/r/7", {}, ""}).body == "7");
  }

  TEST_CASE("WebSockets are opened, spoken and closed from this side as well") {
    ClientWorld world;
    std::vector<std::string> heard;
    std::string closed;
    world.router.add_web_socket("/ws", [](HttpRequest, std::shared_ptr<WebSocketSession> session) {
      session->send("welcome");
      session->on_text = [raw = session.get()](std::string text) { raw->send("re: " + text); };
    });
    world.start();
    world.make_client();
    auto opened =
        world.client
            ->open_web_socket(world.url("/ws", "ws"), {},
                              [&](WebSocketSession& session) {
                                session.on_text = [&](std::string text) { heard.push_back(text); };
                                session.on_close = [&](std::uint16_t code, const std::string&) {
                                  closed = std::to_string(code);
                                };
                              })
            .wait(world.io.waitScope);
    REQUIRE(opened.ok());
    opened.value()->send("hello");
    world.wait_until([&] { return heard.size() == 2; });
    CHECK(heard == std::vector<std::string>{"welcome", "re: hello"});
    opened.value()->close(1000, "done");
    world.wait_until([&] { return !closed.empty(); });
    CHECK(closed == "1000");

    auto refused =
        world.client->open_web_socket(world.url("/r/1"), {}, {}).wait(world.io.waitScope);
    REQUIRE_FALSE(refused.ok());
    CHECK(has(refused.error().what, "200"));
    CHECK_FALSE(
        world.client->open_web_socket("ws://127.0.0.1:1/", {}, {}).wait(world.io.waitScope).ok());
  }
}
