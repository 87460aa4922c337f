// A server on loopback and clients that write what they like.
#pragma once

#include <doctest/doctest.h>
#include <kj/async-io.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "node/gateway/http_server.h"

namespace crossfloor {

struct GatewayWorld {
  kj::AsyncIoContext io = kj::setupAsyncIo();
  kj::Network& network = io.provider->getNetwork();
  kj::Timer& timer = io.provider->getTimer();
  HttpRouter router;
  std::vector<std::string> faults;
  std::unique_ptr<HttpServer> server;

  HttpServerOptions options(std::string address = "127.0.0.1:0") {
    HttpServerOptions out;
    out.address = std::move(address);
    out.on_fault = [this](const std::string& text) { faults.push_back(text); };
    return out;
  }
  void start(HttpServerOptions with) {
    auto made = HttpServer::start(network, timer, router, std::move(with)).wait(io.waitScope);
    if (!made.ok()) FAIL(made.error().text());
    server = std::move(made).value();
  }
  void start() { start(options()); }

  kj::Own<kj::AsyncIoStream> connect() {
    auto address = network.parseAddress("127.0.0.1", server->port()).wait(io.waitScope);
    return address->connect().wait(io.waitScope);
  }
  void write(kj::AsyncIoStream& stream, const std::string& text) {
    stream.write(text.data(), text.size()).wait(io.waitScope);
  }
  // Until the other side closes; at most 20 s.
  std::string read_all(kj::AsyncIoStream& stream) {
    auto text = timer.timeoutAfter(20 * kj::SECONDS, stream.readAllText(1 << 22))
                    .catch_([](kj::Exception&& e) {
                      return e.getType() == kj::Exception::Type::DISCONNECTED
                                 ? kj::str("<reset>")
                                 : kj::str("<", e.getDescription(), ">");
                    })
                    .wait(io.waitScope);
    return text.cStr();
  }
  // Until `end` has come; at most 20 s.
  std::string read_until(kj::AsyncIoStream& stream, const std::string& end) {
    std::string out;
    while (out.find(end) == std::string::npos) {
      char c = 0;
      const auto got =
          timer.timeoutAfter(20 * kj::SECONDS, stream.tryRead(&c, 1, 1)).wait(io.waitScope);
      if (got == 0) return out + "<end>";
      out += c;
    }
    return out;
  }
  // Lets the loop run until `condition` holds; at most 20 s.
  template <typename Condition>
  void wait_until(Condition condition) {
    for (int i = 0; i < 20'000 && !condition(); ++i) {
      timer.afterDelay(1 * kj::MILLISECONDS).wait(io.waitScope);
    }
    REQUIRE(condition());
  }
  // One connection: all that is written at once, and all that is answered.
  std::string talk(const std::string& text) {
    auto stream = connect();
    write(*stream, text);
    stream->shutdownWrite();
    return read_all(*stream);
  }
  std::string get(const std::string& path, const std::string& headers = "") {
    return talk("GET " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
  }
  std::string post(const std::string& path, const std::string& body,
                   const std::string& headers = "") {
    return talk("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body);
  }
};

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
inline std::string status_of(const std::string& answer) {
  return answer.size() > 12 ? answer.substr(9, 3) : answer;
}

// A folder that goes away again.
struct TemporaryFolder {
  std::filesystem::path path;
  TemporaryFolder() {
    std::string shape = (std::filesystem::temp_directory_path() / "gateway-XXXXXX").string();
    REQUIRE(mkdtemp(shape.data()));
    path = shape;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::string file(const char* name) const { return (path / name).string(); }
};

// A certificate for "localhost" that signs itself, and its key.
void make_certificate(const std::string& certificate_file, const std::string& key_file,
                      const std::string& names = "DNS:localhost");

}  // namespace crossfloor
