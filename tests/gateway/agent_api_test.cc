#include "node/gateway/agent_api.h"

#include <kj/compat/http.h>

#include "tests/core/agent_desk_for_tests.h"
#include "tests/gateway/gateway_world.h"

using namespace crossfloor;

namespace {

struct FixedMask final : kj::EntropySource {
  void generate(kj::ArrayPtr<kj::byte> buffer) override {
    for (auto& byte : buffer) byte = 0x5a;
  }
};

// A node's end on a real socket: real sessions and store, a desk that does as it is told. What
// other threads would do is done later on the loop.
struct ApiWorld : GatewayWorld, kj::TaskSet::ErrorHandler {
  LogForTests log;
  AgentDeskForTests desk{log.crypto, log.settings.region_secrets["eu"]};
  SeededRandom random{3};
  Sessions sessions{desk, log.store, random, Sessions::Options{}};
  kj::TaskSet later{*this};
  std::unique_ptr<AgentApi> api;
  bool refuse_reads = false;
  bool hold_passwords = false;
  std::vector<std::function<void()>> held;
  int changes = 0;
  FixedMask mask;
  kj::HttpHeaderTable table;

  ApiWorld() {
    desk.node = log.self();
    AgentApi::Surroundings around;
    around.now = [this] { return Now{Instant{}, log.wall}; };
    around.changed = [this] { ++changes; };
    around.verify_password = [this](std::string hash, std::string password,
                                    std::function<void(bool)> then) {
      const auto check = [=] { then(hash == "hash of " + password); };
      if (hold_passwords) return held.push_back(check);
      later.add(kj::evalLater(std::function<void()>(check)));
    };
    around.run_read = [this](std::function<std::string(const Reader&)> work,
                             std::function<void(std::string)> then) -> Status {
      if (refuse_reads) return Error{ErrorCode::full, "too much is being read", "", "wait"};
      later.add(kj::evalLater([this, work, then] { then(work(log.store)); }));
      return {};
    };
    api = std::make_unique<AgentApi>(sessions, timer, around);
    api->add_routes(router);
    start();
  }
  ~ApiWorld() { server = nullptr; }
  void taskFailed(kj::Exception&& exception) override {
    FAIL(std::string(exception.getDescription().cStr()));
  }

  struct Client {
    kj::Own<kj::AsyncIoStream> stream;
    kj::Own<kj::HttpClient> http;
    kj::Own<kj::WebSocket> socket;
    ~Client() noexcept {}
  };
  kj::Own<Client> open() {
    auto client = kj::heap<Client>();
    client->stream = connect();
    kj::HttpClientSettings settings;
    settings.entropySource = mask;
    client->http = kj::newHttpClient(table, *client->stream, settings);
    auto answer =
        client->http->openWebSocket("/v1/agent", kj::HttpHeaders(table)).wait(io.waitScope);
    REQUIRE(answer.statusCode == 101);
    client->socket = kj::mv(answer.webSocketOrBody.get<kj::Own<kj::WebSocket>>());
    return client;
  }
  void say(Client& client, const client::Command& command) {
    const std::string text = client::to_text(command);
    client.socket->send(kj::arrayPtr(text.data(), text.size())).wait(io.waitScope);
  }
  // The next message of this type; a close fails.
  template <typename T>
  T next(Client& client) {
    for (int i = 0; i < 100; ++i) {
      auto message =
          timer.timeoutAfter(20 * kj::SECONDS, client.socket->receive(4 << 20)).wait(io.waitScope);
      REQUIRE(message.is<kj::String>());
      auto read = client::read_message(message.get<kj::String>().cStr());
      REQUIRE_MESSAGE(read.ok(), read.error().text());
      if (auto* found = std::get_if<T>(&read.value())) return *found;
    }
    FAIL("no such message: " << T::name);
    return {};
  }
  std::uint16_t next_close(Client& client) {
    for (int i = 0; i < 100; ++i) {
      auto message =
          timer.timeoutAfter(20 * kj::SECONDS, client.socket->receive()).wait(io.waitScope);
      if (message.is<kj::WebSocket::Close>()) return message.get<kj::WebSocket::Close>().code;
    }
    return 0;
  }
};

}  // namespace

TEST_SUITE("agent API") {
  TEST_CASE("over a real socket: log in, be rung, look, answer, log off") {
    ApiWorld world;
    world.desk.add("anna");
    const auto message = world.log.message("m1", "ann", "hyvää päivää");
    const auto conversation = world.log.open(message, "ann");
    const auto epoch =
        world.log.course(conversation, CourseState::ringing, "anna", world.desk.node);
    world.log.commit();

    auto client = world.open();
    world.say(*client, client::LogIn{"1", 1, "anna", "wrong", "", 0});
    CHECK(world.next<client::Refused>(*client).code == "unauthenticated");
    world.say(*client, client::LogIn{"2", 1, "anna", "anna", "", 0});
    CHECK(world.next<client::Welcome>(*client).agent == "anna");
    CHECK(world.next<client::Snapshot>(*client).seq == 1);
    world.say(*client, client::SetPresence{"3", client::Presence::ready, ""});
    CHECK(world.next<client::Done>(*client).id == "3");
    CHECK(world.desk.said.back() == "presence anna ready ");

    world.api->carry_out(NotifyAgent{NotifyAgent::What::ring, "anna", conversation, epoch,
                                     Instant{} + Duration{20'000}, "", true});
    const auto ring = world.next<client::Ring>(*client);
    REQUIRE(ring.items.size() == 1);
    CHECK(ring.items[0].text == "hyvää päivää");
    world.say(*client, client::Accept{"4", conversation, ring.epoch});
    world.wait_until([&] { return world.desk.commands.size() == 1; });
    CommandAnswer answer;
    answer.ok = true;
    answer.conversation = conversation;
    answer.epoch = epoch;
    CHECK(world.api->carry_out(AnswerCommand{world.desk.last_request(), answer}));
    CHECK(world.next<client::Done>(*client).id == "4");
    CHECK_FALSE(world.api->carry_out(AnswerCommand{99, answer}));

    world.say(*client, client::Open{"5", conversation, 20});
    CHECK(world.next<client::Opened>(*client).customer.brand == "acme");
    world.refuse_reads = true;
    world.say(*client, client::Open{"6", conversation, 20});
    CHECK(world.next<client::Refused>(*client).code == "full");

    world.say(*client, client::LogOff{"7", client::LogOffHow::hand_over});
    CHECK(world.next<client::SessionOver>(*client).reason == "logged off");
    CHECK(world.next_close(*client) == Sessions::session_over);
    CHECK(world.desk.said.back() == "log out anna");
    CHECK(world.changes > 5);
  }

  TEST_CASE("a connection that is cut is resumed on another without losing a push") {
    ApiWorld world;
    world.desk.add("anna");
    const auto conversation = world.log.open(world.log.message("m1", "ann", "hi"), "ann");
    world.log.commit();
    std::string token;
    {
      auto client = world.open();
      world.say(*client, client::LogIn{"1", 1, "anna", "anna", "", 0});
      token = world.next<client::Welcome>(*client).token;
      CHECK(world.next<client::Snapshot>(*client).seq == 1);
    }
    world.wait_until([&] { return world.desk.said.back() == "anna is lost"; });
    world.api->carry_out(NotifyAgent{NotifyAgent::What::ring_over, "anna", conversation, Epoch{},
                                     Instant{}, "missed", true});
    auto client = world.open();
    world.say(*client, client::LogIn{"2", 1, "anna", "", token, 1});
    CHECK(world.next<client::Welcome>(*client).resumed);
    CHECK(world.next<client::RingOver>(*client).reason == "missed");
    CHECK(world.sessions.connections() == 1);
  }

  TEST_CASE("what comes back from a thread after the connection went finds nobody") {
    ApiWorld world;
    world.desk.add("anna");
    world.hold_passwords = true;
    {
      auto client = world.open();
      world.say(*client, client::LogIn{"1", 1, "anna", "anna", "", 0});
      world.wait_until([&] { return world.held.size() == 1; });
    }
    world.wait_until([&] { return world.sessions.connections() == 0; });
    world.held[0]();
    CHECK(world.sessions.sessions() == 0);
    CHECK(world.faults.empty());
  }
}
