// The operators' interface over a real socket, before a whole core.
#include "node/gateway/operator_api.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "protocol/join.h"
#include "storage/memory_store.h"
#include "tests/gateway/gateway_world.h"

using namespace crossfloor;
using Json = nlohmann::ordered_json;

namespace {

const std::string token(40, 't');

// One node, whose effects are carried out at once.
struct OperatorWorld : GatewayWorld {
  SodiumCrypto crypto;
  SeededRandom random{7};
  Authority authority = make_authority(random, {"eu"}).value();
  SigningKey key = make_signing_key(random);
  NodeSettings settings;
  MemoryStore disk;
  Roster roster{crypto, authority.node()};
  std::unique_ptr<NodeCore> core;
  std::unique_ptr<OperatorApi> api;
  Instant time = Instant{} + Duration{1'000'000};
  bool busy = false;
  std::vector<std::string> hashed;

  Now now_() const { return {time, wall_from_ms(1'700'000'000'000)}; }

  OperatorWorld() {
    settings.site = "helsinki";
    settings.home_region = "eu";
    settings.region_secrets["eu"] = authority.region_secret(crypto, "eu");
    AccountSettings chat;
    chat.name = "acme-chat";
    chat.region = "eu";
    chat.brand = "acme";
    chat.hosts = {"helsinki"};
    chat.hosted_here = true;
    settings.accounts[chat.name] = chat;
    AdmitOptions options;
    options.home_region = "eu";
    const auto request = make_request(crypto, key, "helsinki", {"tcp://127.0.0.1:7440"}).value();
    const auto admission =
        admit(crypto, random, authority, request, options, {}, now_().wall).value();
    REQUIRE(roster.add(admission.certificate.text).ok());
    core = std::make_unique<NodeCore>(Scribe::Identity{key, roster.mesh(), 5}, settings,
                                      NodeCore::Parts{crypto, random, disk, roster}, now_().wall);
    REQUIRE(core->open(now_()).ok());
    OperatorApi::Surroundings around;
    around.now = [this] { return now_(); };
    around.changed = [this] { pump(); };
    around.hash_password = [this](std::string password, auto then) {
      hashed.push_back(password);
      if (password.size() < 8) return then(Error{ErrorCode::malformed, "too short", "", ""});
      then(std::string("$argon2id$made-up"));
    };
    api = std::make_unique<OperatorApi>(*core, crypto, random, timer, around);
    api->set_tokens(OperatorTokens::parse(crypto, "# us\nada " + token + "\n").value());
    api->add_routes(router);
    for (int i = 0; i < 1000; ++i) {
      time += Duration{10};
      core->tick(now_());
      pump();
    }
    start();
  }
  ~OperatorWorld() { server = nullptr; }

  void pump() {
    if (busy) return;
    busy = true;
    for (bool more = true; more;) {
      more = false;
      if (core->has_writes()) {
        auto next = core->next_batch(now_());
        REQUIRE(disk.commit(next.batch).ok());
        core->committed(next.number, now_());
        more = true;
      }
      for (auto& effect : core->take_effects(now_())) {
        more = true;
        if (const auto* told = std::get_if<AnswerInspection>(&effect)) api->carry_out(*told);
        if (const auto* done = std::get_if<AnswerCommand>(&effect)) api->carry_out(*done);
      }
    }
    busy = false;
  }

  struct Reply {
    int status = 0;
    Json body;
  };
  Reply ask(const std::string& what, const std::string& body = "{}",
            const std::string& bearer = token) {
    const std::string answer =
        post("/v1/operator/" + what, body,
             "Connection: close\r\n" +
                 (bearer.empty() ? std::string() : "Authorization: Bearer " + bearer + "\r\n"));
    const auto at = answer.find("\r\n\r\n");
    Reply reply{std::stoi(status_of(answer)), Json()};
    if (at != std::string::npos) {
      const auto begin = answer.find('{', at), end = answer.rfind('}');
      if (begin != std::string::npos && end != std::string::npos) {
        reply.body = Json::parse(answer.substr(begin, end + 1 - begin), nullptr, false);
      }
    }
    return reply;
  }
  std::string write(const std::string& text) {
    IncomingMessage message;
    message.external_id = text;
    message.customer.external_id = "4711";
    message.text = text;
    core->intake(1, "acme-chat", message, now_());
    pump();
    time += Duration{300};
    core->tick(now_());
    pump();
    REQUIRE(core->home().conversations().size() == 1);
    return core->home().conversations().begin()->first.hex();
  }
  std::size_t acts() {
    std::size_t count = 0;
    REQUIRE(disk.scan(rows::act_prefix(), after_prefix(rows::act_prefix()),
                      [&](ByteView, ByteView) { return ++count > 0; })
                .ok());
    return count;
  }
};

}  // namespace

TEST_SUITE("operators' interface") {
  TEST_CASE("from a network nothing is answered without a token that is known") {
    OperatorWorld world;
    for (const std::string& bearer : {std::string(), std::string("short"), std::string(40, 'x')}) {
      CAPTURE(bearer);
      CHECK(world.ask("status", "{}", bearer).status == 401);
      CHECK(world.ask("drain", R"({"on":true,"reason":"x"})", bearer).status == 401);
    }
    CHECK_FALSE(world.core->mesh().own_drained());
    const auto answer = world.ask("status");
    CHECK(answer.status == 200);
    CHECK(answer.body["site"] == "helsinki");
  }

  TEST_CASE("what cannot be understood is refused with the field") {
    OperatorWorld world;
    CHECK(world.ask("nonsense").status == 404);
    CHECK(world.ask("queue", "[1]").status == 400);
    CHECK(world.ask("queue", R"({"a":1,"a":2})").status == 400);
    const auto answer = world.ask("queue", R"({"brnd":"x"})");
    CHECK(answer.status == 400);
    CHECK(answer.body["field"] == "brnd");
  }

  TEST_CASE("an act is an entry, by the owner of the token whatever the caller says") {
    OperatorWorld world;
    CHECK(world.ask("drain", R"({"on":true})").status == 400);
    CHECK(world.acts() == 0);
    const auto answer = world.ask("drain", R"({"on":true,"reason":"upgrade","by":"somebody"})");
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
    CHECK(world.core->mesh().own_drained());
    CHECK(world.acts() == 1);
    const auto again = world.ask("drain", R"({"on":true,"reason":"upgrade"})");
    CHECK(again.status == 409);
    CHECK(world.acts() == 1);
  }

  TEST_CASE("close travels to home as a command, and is written down when it was done") {
    OperatorWorld world;
    const std::string id = world.write("hello");
    const std::string body = Json{{"conversation", id.substr(0, 8)}, {"reason", "spam"}}.dump();
    const auto answer = world.ask("close", body);
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
    CHECK(answer.body["conversation"] == id);
    CHECK(world.acts() == 1);
    CHECK(world.ask("close", R"({"conversation":"0000","reason":"x"})").status == 404);
    CHECK(world.ask("close", Json{{"conversation", id}}.dump()).status == 400);
    CHECK(
        world.ask("assign", Json{{"conversation", id}, {"agent", "nobody"}, {"reason", "x"}}.dump())
            .status == 404);
    CHECK(world.acts() == 1);
  }

  TEST_CASE("a password is hashed before the core hears of it, and a hash is not taken") {
    OperatorWorld world;
    auto answer =
        world.ask("agent_add",
                  R"({"name":"bob","brands":["acme"],"password":"correct horse","reason":"new"})");
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
    CHECK(world.hashed == std::vector<std::string>{"correct horse"});
    REQUIRE(world.core->desk().record("bob"));
    CHECK(world.core->desk().record("bob")->password_hash == "$argon2id$made-up");
    answer = world.ask("agent_set", R"({"name":"bob","password":"short","reason":"new"})");
    CHECK(answer.status == 400);
    CHECK(answer.body["field"] == "password");
    answer = world.ask("agent_set", R"({"name":"bob","password_hash":"x","reason":"new"})");
    CHECK(answer.status == 400);
  }

  TEST_CASE("tokens are lines of a name and a long token") {
    const SodiumCrypto crypto;
    for (const std::string& bad :
         {std::string("ada short"), "ada" + token, "ada " + token + " x"}) {
      CAPTURE(bad);
      const auto tokens = OperatorTokens::parse(crypto, "\n" + bad + "\n");
      REQUIRE_FALSE(tokens.ok());
      CHECK(tokens.error().where == "line 2");
    }
    const auto tokens = OperatorTokens::parse(crypto, "ada " + token + "\r\n").value();
    CHECK(tokens.owner(crypto, token) == "ada");
    CHECK_FALSE(tokens.owner(crypto, token + "x"));
  }
}
