#include "tools/crossfloor/customers.h"

#include <set>

#include "node/channels/generic_callback.h"
#include "tests/crossfloor/cli_world.h"
#include "tests/crossfloor/stand_in_node.h"

using namespace crossfloor;
using namespace crossfloor::cli;
using namespace crossfloor::test;
using namespace std::chrono_literals;

namespace {

constexpr WallTime noon = wall_from_ms(1'769'860'800'000);

CallbackReply reply_to(const std::string& customer, unsigned char number) {
  CallbackReply out;
  out.reply_id.raw[0] = number;
  out.to = customer;
  out.text = "It is on its way.";
  out.is_public = true;
  return out;
}

std::string body_of(const CallbackReply& reply) {
  return build_callback("http://x/", reply, WebhookSecrets::parse({stand_in_secret}).value(), noon)
      .body;
}

std::string text_of(const std::vector<FlowMessage>& flow) {
  std::string out;
  for (const auto& one : flow) {
    out += std::to_string(one.at.count()) + " " + std::to_string(one.account) + " " +
           write_generic_message(one.message) + "\n";
  }
  return out;
}

std::vector<FlowMessage> first(std::size_t count, const FlowOptions& options,
                               std::uint64_t seed = 3, std::size_t accounts = 2) {
  SeededRandom random(seed);
  CustomerFlow flow(options, accounts, random);
  std::vector<FlowMessage> out;
  while (out.size() < count) {
    auto next = flow.next();
    if (!next) break;
    out.push_back(std::move(*next));
  }
  return out;
}

struct CustomersWorld {
  kj::AsyncIoContext io = kj::setupAsyncIo();
  kj::Network& network = io.provider->getNetwork();
  kj::Timer& timer = io.provider->getTimer();
  SeededRandom random{5};
  CallbackFaults faults;
  std::unique_ptr<CallbackDesk> desk;
  ChannelTargets targets;
  std::vector<std::string> lines;
  std::unique_ptr<CallbackServer> server;
  std::unique_ptr<HttpClient> http = HttpClient::make(network, timer, {}).value();
  WebhookSecrets secrets = WebhookSecrets::parse({stand_in_secret}).value();

  explicit CustomersWorld(CallbackFaults with = {}) : faults(with) {
    desk = std::make_unique<CallbackDesk>(faults, random);
    REQUIRE(
        add_target(std::string("Shop=shop:http://127.0.0.1:1:") + stand_in_secret, targets).ok());
    auto made = CallbackServer::start(
        network, timer, io.waitScope, *desk, targets,
        {.address = "127.0.0.1:0",
         .tls_certificate = {},
         .tls_key = {},
         .on_reply = [this](const std::string& line) { lines.push_back(line); }});
    if (!made.ok()) FAIL(made.error().text());
    server = std::move(made).value();
  }
  DeliveryResult post(const CallbackReply& reply, const std::string& account = "shop") {
    const WallTime now = machine_now().wall;
    return read_callback(
        http->call(build_callback(server->url(account), reply, secrets, now)).wait(io.waitScope),
        now);
  }
  DeliveryResult lookup(const CallbackReply& reply) {
    const WallTime now = machine_now().wall;
    return read_lookup(http->call(build_lookup(server->url("shop"), reply.reply_id, secrets, now))
                           .wait(io.waitScope),
                       now);
  }
};

}  // namespace

TEST_SUITE("callback desk") {
  TEST_CASE("a reply is taken once, repetitions get the first one's id") {
    SeededRandom random(1);
    CallbackDesk desk({}, random);
    const std::string body = body_of(reply_to("c1", 1));
    const auto first_answer = desk.reply("shop", body, noon);
    CHECK(first_answer.status == 200);
    CHECK(first_answer.fresh);
    const auto again = desk.reply("shop", body, noon);
    CHECK(again.status == 409);
    CHECK_FALSE(again.fresh);
    CHECK(again.body == first_answer.body);
    CHECK(desk.figures().different == 0);
    CallbackReply other = reply_to("c1", 1);
    other.text = "Something else.";
    CHECK(desk.reply("shop", body_of(other), noon).status == 409);
    CHECK(desk.figures().different == 1);
    CHECK(desk.reply("second", body, noon).status == 200);
    CHECK(desk.figures().replies == 2);
    CHECK(desk.figures().repetitions == 2);
  }

  TEST_CASE("what it took it knows after a restart, from its log") {
    SeededRandom random(1);
    CallbackDesk before({}, random);
    const auto reply = reply_to("c1", 1);
    const auto answer = before.reply("shop", body_of(reply), noon);
    const auto line = nlohmann::json::parse(before.log_line());
    CHECK(line["to"] == "c1");
    CHECK(line["public"] == true);
    CHECK(line["text"] == "It is on its way.");
    CHECK(line["received_at"] == 1'769'860'800'000);
    CallbackDesk after({}, random);
    after.restore(before.log_line());
    after.restore(before.log_line().substr(0, 20));
    after.restore("");
    CHECK(after.reply("shop", body_of(reply), noon).body == answer.body);
    CHECK(after.figures().repetitions == 1);
    CHECK(after.figures().different == 0);
    CHECK(after.lookup("shop", reply.reply_id.hex()).status == 200);
    CHECK(after.lookup("second", reply.reply_id.hex()).status == 404);
  }

  TEST_CASE("what is no reply is refused and counted") {
    SeededRandom random(1);
    CallbackDesk desk({}, random);
    for (const char* bad : {"", "[]", "{}", "nonsense", R"({"reply_id":"1"})"}) {
      CHECK(desk.reply("shop", bad, noon).status == 400);
    }
    CHECK(desk.figures().unsound == 5);
    CHECK(desk.figures().replies == 0);
  }

  TEST_CASE("a customer waits from his first unanswered message to the next reply") {
    SeededRandom random(1);
    CallbackDesk desk({}, random);
    desk.wrote("shop", "c1", noon);
    desk.wrote("shop", "c1", noon + 5s);
    desk.wrote("shop", "c2", noon);
    CHECK(desk.waiting() == 2);
    (void)desk.reply("shop", body_of(reply_to("c1", 1)), noon + 7s);
    CHECK(desk.waiting() == 1);
    CHECK(desk.waits().back() == 7'000);
    CHECK(nlohmann::json::parse(desk.log_line())["waited_ms"] == 7'000);
    (void)desk.reply("shop", body_of(reply_to("c1", 2)), noon + 9s);
    CHECK(desk.waits().size() == 1);
  }

  TEST_CASE("faults come as often as asked, and a seed gives the same ones") {
    const auto statuses = [](std::uint64_t seed) {
      SeededRandom random(seed);
      CallbackDesk desk({.slow = 0.5, .slow_by = 3s, .fail = 0.2, .refuse = 0.2, .drop = 0.2},
                        random);
      std::map<int, int> out;
      for (int i = 0; i < 1'000; ++i) {
        CallbackReply reply = reply_to("c", static_cast<unsigned char>(i % 256));
        reply.reply_id.raw[1] = static_cast<unsigned char>(i / 256);
        const auto answer = desk.reply("shop", body_of(reply), noon);
        ++out[answer.status];
        out[-1] += answer.after == 3s ? 1 : 0;
        CHECK(answer.fresh == (answer.status == 200 || answer.status == 0));
      }
      CHECK(desk.figures().replies == static_cast<std::size_t>(out[200] + out[0]));
      return out;
    };
    auto got = statuses(11);
    CHECK(got == statuses(11));
    CHECK(got != statuses(12));
    for (const int status : {503, 422, 0}) {
      CAPTURE(status);
      CHECK(got[status] > 130);
      CHECK(got[status] < 270);
    }
    CHECK(got[-1] > 400);
    CHECK(got[-1] < 600);
  }
}

TEST_SUITE("customer flow") {
  TEST_CASE("the rate is as asked, and the gaps are those of a Poisson stream") {
    const auto flow = first(4'000, {.per_second = 50, .prefix = "t"});
    const double seconds = static_cast<double>(flow.back().at.count()) / 1000;
    CHECK(seconds > 72);
    CHECK(seconds < 88);
    std::size_t long_gaps = 0;  // longer than the mean: e^-1 of them
    for (std::size_t i = 1; i < flow.size(); ++i) {
      REQUIRE(flow[i].at >= flow[i - 1].at);
      if (flow[i].at - flow[i - 1].at > 20ms) ++long_gaps;
    }
    CHECK(long_gaps > 1'200);
    CHECK(long_gaps < 1'600);
  }

  TEST_CASE("bursts come at their moments, also beside a stream") {
    const auto only = first(6, {.burst_every = 10s, .burst_size = 3, .prefix = "t"});
    for (std::size_t i = 0; i < 6; ++i) CHECK(only[i].at == (i < 3 ? 10s : 20s));
    std::size_t at_ten = 0;
    Duration last{};
    for (const auto& one :
         first(100, {.per_second = 5, .burst_every = 10s, .burst_size = 7, .prefix = "t"})) {
      CHECK(one.at >= last);
      last = one.at;
      if (one.at == 10s) ++at_ten;
    }
    CHECK(at_ten >= 7);
    CHECK(first(1, {}).empty());
    CHECK(first(1, {.per_second = 1}, 1, 0).empty());
  }

  TEST_CASE("ids are new, public talk has a thread, and who goes on answers what he wrote") {
    std::map<std::string, IncomingMessage> known;
    std::set<std::size_t> accounts;
    std::size_t further = 0, visible = 0;
    for (const auto& [at, account, message] :
         first(500, {.per_second = 10, .customers = 20, .prefix = "run"})) {
      accounts.insert(account);
      CHECK(read_generic_message(write_generic_message(message)).ok());
      CHECK(message.external_id.substr(0, 4) == "run-");
      CHECK(message.is_public == !message.thread_id.empty());
      if (message.is_public) ++visible;
      if (!message.parent_id.empty()) {
        ++further;
        REQUIRE(known.count(message.parent_id) == 1);
        const auto& parent = known.at(message.parent_id);
        CHECK(parent.customer == message.customer);
        CHECK(parent.thread_id == message.thread_id);
      }
      REQUIRE(known.emplace(message.external_id, message).second);
    }
    CHECK(accounts == std::set<std::size_t>{0, 1});
    CHECK(further > 100);
    CHECK(visible > 80);
    CHECK(visible < 250);
  }

  TEST_CASE("a seed gives one flow") {
    const FlowOptions options{.per_second = 10, .prefix = "t"};
    CHECK(text_of(first(50, options, 1)) == text_of(first(50, options, 1)));
    CHECK(text_of(first(50, options, 1)) != text_of(first(50, options, 2)));
  }
}

TEST_SUITE("customers") {
  TEST_CASE("a node's callback is taken once, looked up, and logged") {
    CustomersWorld world;
    const auto reply = reply_to("c1", 1);
    CHECK(world.lookup(reply).kind == DeliveryKind::absent);
    for (int i = 0; i < 3; ++i) {
      const auto result = world.post(reply);
      CHECK(result.kind == DeliveryKind::accepted);
      CHECK(result.external_id == "out-" + reply.reply_id.hex());
    }
    CHECK(world.lookup(reply).external_id == "out-" + reply.reply_id.hex());
    CHECK(world.lines.size() == 1);
    CHECK(world.desk->figures().repetitions == 2);
    CHECK(world.post(reply, "none").kind == DeliveryKind::refused);
  }

  TEST_CASE("who signs with another secret is not heard") {
    CustomersWorld world;
    world.secrets = WebhookSecrets::parse({"whsec_" + std::string(32, 'A')}).value();
    CHECK(world.post(reply_to("c1", 1)).kind == DeliveryKind::refused);
    CHECK(world.desk->figures().forged == 1);
    CHECK(world.lines.empty());
  }

  TEST_CASE("taken and not answered looks to the node like that, and the repetition clears it up") {
    CustomersWorld world({.drop = 1});
    const auto reply = reply_to("c1", 1);
    CHECK(world.post(reply).kind == DeliveryKind::unknown);
    CHECK(world.lines.size() == 1);
    CHECK(world.post(reply).kind == DeliveryKind::accepted);
    CHECK(world.desk->figures().dropped == 1);
  }

  TEST_CASE("failing is retried later, refusing is for good") {
    {
      CustomersWorld failing({.fail = 1});
      CHECK(failing.post(reply_to("c1", 1)).kind == DeliveryKind::retry_later);
    }
    CustomersWorld refusing({.refuse = 1});
    CHECK(refusing.post(reply_to("c1", 1)).kind == DeliveryKind::refused);
    CHECK(refusing.lines.empty());
  }

  TEST_CASE("customers write to several hosts at once and each message is one") {
    CustomersWorld world;
    StandInMesh mesh;
    StandInNode one(world.network, world.timer, world.io.waitScope, mesh);
    StandInNode two(world.network, world.timer, world.io.waitScope, mesh);
    const std::vector<ChannelTarget> accounts = {{"shop", {one.url(), two.url()}, world.secrets},
                                                 {"second", {two.url()}, world.secrets}};
    IntakeClient client(*world.http, world.timer, world.random, {});
    CustomerFlow flow({.per_second = 5'000, .prefix = "t"}, 2, world.random);
    std::vector<std::string> receipts;
    CustomerWriter writer(
        world.timer, client, flow, *world.desk, accounts,
        {.hosts = 2,
         .at_once = 4,
         .most = 60,
         .lasts = {},
         .on_receipt = [&](const std::string& line) { receipts.push_back(line); }});
    writer.run().wait(world.io.waitScope);
    CHECK(writer.figures().written == 60);
    CHECK(writer.figures().accepted == 60);
    CHECK(writer.figures().contradictions == 0);
    CHECK(writer.figures().duplicates == receipts.size() - 60);
    CHECK(writer.figures().duplicates == one.requests);
    CHECK(mesh.messages.size() == 60);
    CHECK(world.desk->waiting() > 10);
    const std::string json = dump_json(figures_json(*world.desk, writer.figures()));
    CHECK(nlohmann::json::parse(json)["accepted"] == 60);
    CHECK(figures_text(*world.desk, writer.figures()).find("WRONG") == std::string::npos);
  }
}
