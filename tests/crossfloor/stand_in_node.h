// A node's intake and nothing behind it: judges and remembers messages as docs/channel.md says.
#pragma once

#include <doctest/doctest.h>
#include <kj/async-io.h>

#include <functional>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "node/channels/generic_intake.h"
#include "node/channels/generic_receipt.h"
#include "node/gateway/http_server.h"
#include "node/runtime/clock.h"
#include "protocol/json_codec.h"
#include "tools/crossfloor/channel_targets.h"

namespace crossfloor::test {

inline constexpr const char* stand_in_secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

// What several hosts know together.
struct StandInMesh {
  std::map<std::string, IncomingMessage> messages;  // account/external id
  std::map<std::string, std::size_t> deliveries;
};

class StandInNode {
 public:
  StandInNode(kj::Network& network, kj::Timer& timer, kj::WaitScope& scope, StandInMesh& mesh)
      : mesh_(mesh) {
    router_.add("POST", "/v1/channels/{account}/messages",
                [this](HttpRequest request) { return take(request); });
    HttpServerOptions options;
    options.address = "127.0.0.1:0";
    auto made = HttpServer::start(network, timer, router_, options).wait(scope);
    if (!made.ok()) FAIL(made.error().text());
    server_ = std::move(made).value();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  std::size_t requests = 0;
  // An answer instead of the right one, for the nth request from 0.
  std::function<std::optional<HttpReply>(std::size_t)> instead;
  bool forgetful = false;  // names each message anew, which no node may do

 private:
  HttpReply take(const HttpRequest& request) {
    const std::size_t number = requests++;
    if (instead) {
      if (auto reply = instead(number)) return *reply;
    }
    const auto genuine =
        verify_webhook(WebhookSecrets::parse({stand_in_secret}).value(),
                       {request.header("webhook-id"), request.header("webhook-timestamp"),
                        request.header("webhook-signature")},
                       request.body, machine_now().wall);
    if (!genuine.ok()) return HttpReply::problem(genuine.error());
    const auto message = read_generic_message(request.body);
    if (!message.ok()) return HttpReply::problem(message.error());
    const std::string name = request.parameter("account") + "/" + message.value().external_id;
    ++mesh_.deliveries[name];
    GenericReceipt receipt;
    receipt.duplicate = !mesh_.messages.emplace(name, message.value()).second;
    const Hash hash = SodiumCrypto().hash(forgetful ? std::to_string(number) : name, {}, {});
    receipt.message_id = *MessageId::from(hash.view().substr(0, MessageId::size));
    receipt.stream = stream_text({{{}, 1}, "eu"});
    receipt.durable = Durable::mesh;
    return HttpReply::json(json_text(receipt));
  }

  StandInMesh& mesh_;
  HttpRouter router_;
  std::unique_ptr<HttpServer> server_;
};

// One that serves from a thread of its own, for verbs that have a loop of their own.
class StandInNodeThread {
 public:
  StandInNodeThread() {
    std::promise<std::string> started;
    auto url = started.get_future();
    thread_ = std::thread([this, &started] {
      auto io = kj::setupAsyncIo();
      StandInNode node(io.provider->getNetwork(), io.provider->getTimer(), io.waitScope, mesh);
      auto stop = kj::newPromiseAndCrossThreadFulfiller<void>();
      stop_ = kj::mv(stop.fulfiller);
      started.set_value(node.url());
      stop.promise.wait(io.waitScope);
    });
    url_ = url.get();
  }
  ~StandInNodeThread() { stop(); }
  const std::string& url() const { return url_; }
  // From then on `mesh` may be looked at.
  void stop() {
    if (!thread_.joinable()) return;
    stop_->fulfill();
    thread_.join();
  }

  StandInMesh mesh;

 private:
  std::thread thread_;
  std::string url_;
  kj::Own<kj::CrossThreadPromiseFulfiller<void>> stop_;
};

}  // namespace crossfloor::test
