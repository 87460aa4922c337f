// The generic channel over real sockets: what one side signs the other one verifies.
#include "node/channels/generic_callback.h"
#include "node/channels/generic_intake.h"
#include "node/gateway/http_client.h"
#include "tests/gateway/gateway_world.h"

using namespace crossfloor;

namespace {

constexpr WallTime noon = wall_from_ms(1'769'860'800'000);

struct ChannelWorld : GatewayWorld {
  WebhookSecrets secrets =
      WebhookSecrets::parse({"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}).value();
  std::vector<IncomingMessage> taken;
  std::map<std::string, std::string> sent;  // reply id → external id, as a bridge keeps it
  std::unique_ptr<HttpClient> client;

  ChannelWorld() {
    router.add("POST", "/v1/channels/{account}/messages", [this](HttpRequest request) {
      if (auto genuine = verify(request); !genuine.ok()) {
        return HttpReply::problem(genuine.error());
      }
      auto message = read_generic_message(request.body);
      if (!message.ok()) return HttpReply::problem(message.error());
      taken.push_back(message.value());
      return HttpReply::json("{}");
    });
    router.add("POST", "/bridge", [this](HttpRequest request) {
      if (auto genuine = verify(request); !genuine.ok()) {
        return HttpReply::problem(genuine.error());
      }
      const auto [at, fresh] =
          sent.emplace(request.header("webhook-id"), "x-" + request.body.substr(0, 1));
      return HttpReply::json(R"({"external_id":")" + at->second + "\"}", fresh ? 200 : 409);
    });
    router.add("GET", "/bridge/{reply}", [this](HttpRequest request) {
      if (auto genuine = verify(request); !genuine.ok()) {
        return HttpReply::problem(genuine.error());
      }
      const auto at = sent.find(request.parameter("reply"));
      if (at == sent.end()) return HttpReply::json("{}", 404);
      return HttpReply::json(R"({"external_id":")" + at->second + "\"}");
    });
    start();
    client = HttpClient::make(network, timer, {}).value();
  }
  ~ChannelWorld() { server = nullptr; }

  Status verify(const HttpRequest& request) const {
    return verify_webhook(secrets,
                          {request.header("webhook-id"), request.header("webhook-timestamp"),
                           request.header("webhook-signature")},
                          request.body, noon);
  }
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server->port()) + path;
  }
  HttpOutcome call(HttpCall what) { return client->call(std::move(what)).wait(io.waitScope); }
};

}  // namespace

TEST_SUITE("generic channel") {
  TEST_CASE("a signed message is taken in, an unsigned or changed one is not") {
    ChannelWorld world;
    IncomingMessage message;
    message.external_id = "m1";
    message.customer.external_id = "c1";
    message.text = "Hyvää päivää";
    HttpCall call{
        "POST", world.url("/v1/channels/shop/messages"), {}, write_generic_message(message)};
    CHECK(world.call(call).status == 401);
    const auto headers = sign_webhook(world.secrets, "d1", call.body, noon);
    call.headers = {{"webhook-id", headers.id},
                    {"webhook-timestamp", headers.timestamp},
                    {"webhook-signature", headers.signature}};
    CHECK(world.call(call).status == 200);
    REQUIRE(world.taken.size() == 1);
    CHECK(world.taken[0] == message);
    call.body += " ";
    const auto refused = world.call(call);
    CHECK(refused.status == 401);
    CHECK(has(refused.body, "webhook-signature"));
    CHECK(refused.header("content-type") == problem_content_type);
    CHECK(world.taken.size() == 1);
  }

  TEST_CASE("a reply is accepted once, whatever is repeated, and can be asked for") {
    ChannelWorld world;
    CallbackReply reply;
    reply.reply_id.raw[0] = 7;
    reply.text = "hello";
    const auto post = build_callback(world.url("/bridge"), reply, world.secrets, noon);
    const auto lookup = build_lookup(world.url("/bridge"), reply.reply_id, world.secrets, noon);
    CHECK(read_lookup(world.call(lookup), noon).kind == DeliveryKind::absent);
    for (int i = 0; i < 3; ++i) {
      const auto result = read_callback(world.call(post), noon);
      CHECK(result.kind == DeliveryKind::accepted);
      CHECK(result.external_id == "x-{");
    }
    CHECK(world.sent.size() == 1);
    CHECK(read_lookup(world.call(lookup), noon).external_id == "x-{");
    world.server = nullptr;
    CHECK(read_callback(world.call(post), noon).kind == DeliveryKind::retry_later);
  }
}
