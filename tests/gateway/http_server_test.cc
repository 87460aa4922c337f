#include "node/gateway/http_server.h"

#include "node/gateway/tls.h"
#include "protocol/crypto.h"
#include "tests/gateway/gateway_world.h"

using namespace crossfloor;

namespace {

// Echoes what it was given, so that a test sees what a handler sees.
kj::Promise<HttpReply> echo(HttpRequest request) {
  std::string text = request.method + " " + request.path;
  for (const auto& [name, value] : request.parameters) text += " {" + name + "=" + value + "}";
  for (const auto& [name, value] : request.query) text += " [" + name + "=" + value + "]";
  if (!request.header("x-mark").empty()) text += " x-mark:" + request.header("x-mark");
  text += " body:" + std::to_string(request.body.size());
  if (request.body.size() < 100) text += ":" + request.body;
  return HttpReply{200, text, "text/plain", {}};
}

struct EchoWorld : GatewayWorld {
  EchoWorld() {
    router.add("GET", "/hello/{name}", echo);
    router.add("GET", "/hello/world", [](HttpRequest) { return HttpReply::json("\"literal\""); });
    router.add("POST", "/v1/channels/{account}/messages", echo);
    router.add("GET", "/app/{file*}", echo);
    router.add("GET", "/throws", [](HttpRequest) -> kj::Promise<HttpReply> {
      throw std::runtime_error("secret of the inside");
    });
    router.add("GET", "/fails", [](HttpRequest) -> kj::Promise<HttpReply> {
      return kj::Promise<void>(kj::READY_NOW).then([]() -> HttpReply {
        throw std::runtime_error("secret of the inside");
      });
    });
  }
};

}  // namespace

TEST_SUITE("HTTP server") {
  TEST_CASE("requests reach their handler as plain values") {
    EchoWorld world;
    world.start();
    CHECK(world.server->port() != 0);
    CHECK(has(world.get("/hello/a%20b?x=1&y=%C3%A4+c", "X-Mark: m\r\n"),
              "GET /hello/a%20b {name=a b} [x=1] [y=ä c] x-mark:m body:0"));
    CHECK(has(world.get("/hello/world"), "\"literal\""));
    CHECK(has(world.get("/app/js/main.js"), "{file=js/main.js}"));
    CHECK(has(world.post("/v1/channels/shop/messages", "{}"),
              "POST /v1/channels/shop/messages {account=shop} body:2:{}"));
    CHECK(world.server->figures().requests == 4);
    CHECK(world.faults.empty());
  }

  TEST_CASE("HEAD is GET without the body") {
    EchoWorld world;
    world.start();
    const auto answer = world.talk("HEAD /hello/world HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(status_of(answer) == "200");
    CHECK(has(answer, "Content-Length: 9"));
    CHECK_FALSE(has(answer, "literal"));
  }

  TEST_CASE("pipelined and chunked requests are answered in order on one connection") {
    EchoWorld world;
    world.start();
    const auto answer = world.talk(
        "POST /v1/channels/a/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        "GET /hello/second HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto first = answer.find("body:5:abcde");
    REQUIRE(first != std::string::npos);
    CHECK(answer.find("{name=second}") > first);
    CHECK(world.server->figures().connections_open <= 1);
  }

  TEST_CASE("what is wrong is answered with a status and a problem document") {
    EchoWorld world;
    world.start();
    const std::string huge(256 * 1024 + 1, 'x');
    struct Row {
      std::string answer;
      const char* status;
    };
    const auto chunked = [&](const std::string& chunks) {
      return world.talk(
          "POST /v1/channels/a/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
          chunks);
    };
    for (const auto& [answer, status] :
         {Row{world.get("/nothing"), "404"}, Row{world.get("/hello/"), "404"},
          Row{world.post("/hello/x", "{}"), "405"}, Row{world.get("/hello/%zz"), "404"},
          Row{world.get("/hello/%00"), "404"}, Row{world.get("/hello/%ff"), "404"},
          Row{world.get("/hello/x?a=1&a=2"), "400"}, Row{world.get("/hello/x?a=%f"), "400"},
          Row{world.get("hello"), "400"}, Row{world.get("/" + std::string(5000, 'a')), "414"},
          Row{world.get("/hello/x", "A: " + std::string(20'000, 'a') + "\r\n"), "431"},
          Row{world.get("/hello/x",
                        [] {
                          std::string many;
                          for (int i = 0; i < 100; ++i) many += "H" + std::to_string(i) + ": v\r\n";
                          return many;
                        }()),
              "431"},
          Row{chunked("zz\r\nabc\r\n0\r\n\r\n"), "400"},
          Row{world.post("/v1/channels/a/messages", "{}", "Transfer-Encoding: chunked\r\n"), "400"},
          Row{world.talk("POST /v1/channels/a/messages HTTP/1.1\r\nHost: x\r\n"
                         "Content-Length: -5\r\n\r\n"),
              "400"},
          Row{world.talk("POST /v1/channels/a/messages HTTP/1.1\r\nHost: x\r\n"
                         "Transfer-Encoding: chuncked\r\n\r\n"),
              "400"},
          Row{world.talk("NONSENSE / HTTP/1.1\r\n\r\n"), "501"},
          Row{world.talk("\x16\x03\x01\x02\r\n\r\n"), "501"},
          Row{world.talk("GET /hello/x HTTP/1.1\r\nbroken header\r\n\r\n"), "400"}}) {
      CAPTURE(answer.substr(0, 600));
      CAPTURE(status);
      CHECK(status_of(answer) == status);
      CHECK(has(answer, "application/problem+json"));
      CHECK(has(answer, "\"detail\""));
    }
    CHECK(has(world.post("/hello/x", "{}"), "Allow: GET, HEAD"));
    CHECK(status_of(world.post("/v1/channels/a/messages", huge)) == "413");
    CHECK(world.faults.empty());
    CHECK(has(world.get("/hello/still"), "{name=still}"));
  }

  TEST_CASE("a body without a stated length is cut off at the limit") {
    EchoWorld world;
    world.start();
    auto stream = world.connect();
    world.write(*stream,
                "POST /v1/channels/a/messages HTTP/1.1\r\nHost: x\r\n"
                "Transfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "8000\r\n" + std::string(0x8000, 'x') + "\r\n";
    for (int i = 0; i < 8; ++i) world.write(*stream, chunk);
    world.write(*stream, "1\r\nx\r\n");
    CHECK(status_of(world.read_until(*stream, "\r\n\r\n")) == "413");
  }

  TEST_CASE("the inside of a failing handler is logged and never shown") {
    EchoWorld world;
    world.start();
    for (const char* path : {"/throws", "/fails"}) {
      const auto answer = world.get(path);
      CHECK(status_of(answer) == "500");
      CHECK_FALSE(has(answer, "secret"));
    }
    REQUIRE(world.faults.size() == 2);
    CHECK(has(world.faults[1], "secret of the inside"));
    CHECK(world.server->figures().faults == 2);
  }

  TEST_CASE("a header that could break out of its line is left out, the answer goes out") {
    EchoWorld world;
    world.router.add("GET", "/split", [](HttpRequest) {
      auto reply = HttpReply::json("\"body\"");
      reply.headers = {{"X-Bad", "a\r\nX-Evil: b"}, {"X Bad", "c"}, {"X-Good", "d"}};
      return reply;
    });
    world.start();
    const auto answer = world.get("/split");
    CHECK(has(answer, "X-Good: d"));
    CHECK(has(answer, "\"body\""));
    CHECK_FALSE(has(answer, "Evil"));
    CHECK(world.faults.size() == 2);
  }

  TEST_CASE("who sends his request drop by drop is cut off in time") {
    EchoWorld world;
    auto options = world.options();
    options.receive_timeout = 50 * kj::MILLISECONDS;
    world.start(std::move(options));
    SUBCASE("in the headers") {
      auto stream = world.connect();
      world.write(*stream, "GET /hello/x HTTP/1.1\r\nHost: x\r\nX-Slow: ");
      CHECK_FALSE(has(world.read_all(*stream), "200"));
    }
    SUBCASE("in the body") {
      auto stream = world.connect();
      world.write(
          *stream,
          "POST /v1/channels/a/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab");
      const auto answer = world.read_all(*stream);
      CHECK(status_of(answer) == "408");
      CHECK(has(answer, "did not arrive in time"));
    }
    SUBCASE("saying nothing at all") {
      auto stream = world.connect();
      world.read_all(*stream);
    }
    world.wait_until([&] { return world.server->figures().connections_open == 0; });
  }

  TEST_CASE("connections over the limit are closed at once, and there is room again later") {
    EchoWorld world;
    auto options = world.options();
    options.max_connections = 2;
    world.start(std::move(options));
    auto first = world.connect();
    auto second = world.connect();
    auto third = world.connect();
    const auto refused = world.read_all(*third);
    CHECK((refused == "" || refused == "<reset>"));
    CHECK(world.server->figures().connections_refused == 1);
    first = nullptr;
    world.write(*second, "GET /hello/x HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(has(world.read_until(*second, "{name=x}"), "200"));
    CHECK(has(world.get("/hello/again"), "{name=again}"));
  }

  TEST_CASE("plain HTTP is refused where others could listen") {
    EchoWorld world;
    for (const char* address : {"0.0.0.0:0", "*:0", "[::]:0"}) {
      CAPTURE(address);
      auto made =
          HttpServer::start(world.network, world.timer, world.router, world.options(address))
              .wait(world.io.waitScope);
      REQUIRE_FALSE(made.ok());
      CHECK(made.error().code == ErrorCode::forbidden);
      CHECK(has(made.error().mend, "tls_certificate"));
    }
  }

  TEST_CASE("an address that cannot be used is an error that names it") {
    EchoWorld world;
    world.start();
    const std::string taken = "127.0.0.1:" + std::to_string(world.server->port());
    for (const std::string& address : {taken, std::string("127.0.0.1:99999"), std::string("a b")}) {
      CAPTURE(address);
      auto made =
          HttpServer::start(world.network, world.timer, world.router, world.options(address))
              .wait(world.io.waitScope);
      REQUIRE_FALSE(made.ok());
      CHECK(made.error().where == address);
    }
  }

  TEST_CASE("a Unix socket is served in plain") {
    EchoWorld world;
    TemporaryFolder folder;
    world.start(world.options("unix:" + folder.file("control.sock")));
    auto address = world.network.parseAddress(("unix:" + folder.file("control.sock")).c_str())
                       .wait(world.io.waitScope);
    auto stream = address->connect().wait(world.io.waitScope);
    world.write(*stream, "GET /hello/x HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(has(world.read_until(*stream, "{name=x}"), "200"));
  }

  TEST_CASE("TLS is spoken with the given certificate, and reload takes a new one") {
    EchoWorld world;
    TemporaryFolder folder;
    make_certificate(folder.file("tls.pem"), folder.file("tls.key"));
    auto options = world.options("0.0.0.0:0");
    options.tls_certificate = folder.file("tls.pem");
    options.tls_key = folder.file("tls.key");
    world.start(std::move(options));
    CHECK(world.server->secure());

    const auto ask = [&](kj::TlsContext& trust) -> std::string {
      try {
        auto stream = trust.wrapClient(world.connect(), "localhost").wait(world.io.waitScope);
        world.write(*stream, "GET /hello/x HTTP/1.1\r\nHost: x\r\n\r\n");
        return world.read_until(*stream, "{name=x}");
      } catch (const kj::Exception&) {
        return "refused";
      }
    };
    auto old_trust = load_client_tls(folder.file("tls.pem"));
    REQUIRE(old_trust.ok());
    CHECK(has(ask(*old_trust.value()), "200"));
    CHECK_FALSE(has(world.get("/hello/x"), "200"));  // plain HTTP to a TLS port

    make_certificate(folder.file("tls.pem"), folder.file("tls.key"));
    CHECK(world.server->reload().ok());
    CHECK(ask(*old_trust.value()) == "refused");
    auto new_trust = load_client_tls(folder.file("tls.pem"));
    REQUIRE(new_trust.ok());
    CHECK(has(ask(*new_trust.value()), "200"));

    make_certificate(folder.file("tls.pem"), folder.file("other.key"));
    const auto mismatch = world.server->reload();
    REQUIRE_FALSE(mismatch.ok());
    CHECK(mismatch.error().where == folder.file("tls.key"));
    CHECK(has(ask(*new_trust.value()), "200"));  // the old pair stays in use
  }

  TEST_CASE("by chance: broken requests are answered or cut off, and never hurt the next one") {
    EchoWorld world;
    auto options = world.options();
    options.receive_timeout = 200 * kj::MILLISECONDS;
    world.start(std::move(options));
    const std::uint64_t seed = 20'261'124;
    CAPTURE(seed);
    SeededRandom chance(seed);
    const std::string models[] = {
        "POST /v1/channels/a/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde",
        "POST /v1/channels/a/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n0\r\n\r\n",
        "GET /hello/x?a=%20&b HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"};
    for (int round = 0; round < 300; ++round) {
      std::string text = models[chance.below(3)];
      for (std::uint64_t i = chance.below(6); i > 0; --i) {
        const std::size_t place = chance.below(text.size());
        switch (chance.below(3)) {
          case 0:
            text[place] = static_cast<char>(chance.below(256));
            break;
          case 1:
            text.erase(place, chance.below(8));
            break;
          default:
            text.insert(place, text.substr(chance.below(text.size()), chance.below(40)));
        }
      }
      CAPTURE(to_hex(text));
      const auto answer = world.talk(text);
      const bool proper = answer.empty() || answer == "<reset>" || has(answer, "HTTP/1.1 ");
      REQUIRE(proper);
    }
    CHECK(world.faults.empty());
    CHECK(has(world.get("/hello/still"), "{name=still}"));
  }

  TEST_CASE("draining answers what runs and takes nothing new") {
    EchoWorld world;
    auto paf = kj::newPromiseAndFulfiller<HttpReply>();
    auto held = kj::mv(paf.promise);
    world.router.add("GET", "/slow", [&](HttpRequest) { return kj::mv(held); });
    world.start();
    auto stream = world.connect();
    world.write(*stream, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    world.wait_until([&] { return world.server->figures().requests == 1; });
    auto drained = world.server->drain().eagerlyEvaluate(nullptr);
    CHECK_FALSE(drained.poll(world.io.waitScope));
    paf.fulfiller->fulfill(HttpReply::json("\"done\""));
    CHECK(has(world.read_all(*stream), "\"done\""));
    drained.wait(world.io.waitScope);
  }
}
