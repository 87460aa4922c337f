#include "tools/crossfloor/replay.h"

#include <set>

#include "tests/crossfloor/cli_world.h"
#include "tests/crossfloor/stand_in_node.h"
#include "tools/crossfloor/families.h"

using namespace crossfloor;
using namespace crossfloor::cli;
using namespace crossfloor::test;

namespace {

struct ReplayWorld {
  kj::AsyncIoContext io = kj::setupAsyncIo();
  kj::Network& network = io.provider->getNetwork();
  kj::Timer& timer = io.provider->getTimer();
  StandInMesh mesh;
  StandInNode one{network, timer, io.waitScope, mesh};
  StandInNode two{network, timer, io.waitScope, mesh};
  SeededRandom random{5};
  std::unique_ptr<HttpClient> http = HttpClient::make(network, timer, {}).value();
  IntakeClient::Options patient{.first_pause = Duration{1}, .longest_pause = Duration{4}};
  ChannelTarget target{
      "shop", {one.url(), two.url()}, WebhookSecrets::parse({stand_in_secret}).value()};
  std::vector<ReplayMessage> messages;
  std::vector<std::string> receipts;

  void add_messages(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      IncomingMessage message;
      message.external_id = "m" + std::to_string(i);
      message.customer.external_id = "c";
      message.text = "hello";
      messages.push_back({i + 2, &target, message.external_id, write_generic_message(message)});
    }
  }
  ReplayReport play(const DeliveryOptions& options, std::size_t at_once = 8) {
    IntakeClient client(*http, timer, random, patient);
    std::vector<Planned> planned;
    for (std::size_t i = 0; i < messages.size(); ++i) planned.push_back({0, target.hosts.size()});
    Replay replay(timer, client, messages, plan_deliveries(planned, options, random), {},
                  {.at_once = at_once,
                   .on_receipt = [this](const std::string& line) { receipts.push_back(line); },
                   .on_progress = {}});
    replay.run().wait(io.waitScope);
    return replay.report();
  }
};

}  // namespace

TEST_SUITE("replay") {
  TEST_CASE("each message is stored once, however often it is delivered, and has receipts") {
    ReplayWorld world;
    world.add_messages(60);
    const auto report = world.play({.least = 1, .most = 3, .shuffle = 10, .timed = false});
    CHECK(report.accepted == 60);
    CHECK(report.deliveries == world.one.requests + world.two.requests);
    CHECK(report.duplicates == report.deliveries - 60);
    CHECK(report.duplicates > 0);
    CHECK(report.fine());
    CHECK(report.mesh == report.deliveries);
    CHECK(report.known == 0);
    CHECK(world.mesh.messages.size() == 60);
    CHECK(world.two.requests > 0);
    REQUIRE(world.receipts.size() == report.deliveries);
    std::set<std::string> named;
    for (const auto& line : world.receipts) {
      const auto json = nlohmann::json::parse(line);
      CHECK(json["account"] == "shop");
      CHECK(json["durable"] == "mesh");
      CHECK(json["message_id"].get<std::string>().size() == 32);
      CHECK(json.contains("stream"));
      CHECK(json.contains("sequence"));
      CHECK(json.contains("hash"));
      named.insert(json["external_id"].get<std::string>());
    }
    CHECK(named.size() == 60);
    CHECK(world.play({.timed = false}).known == 60);
  }

  TEST_CASE("what fails for a while is tried again at the next host, what is refused is not") {
    ReplayWorld world;
    world.add_messages(3);
    world.messages[1].body = R"({"external_id":"m1","direction":"sideways"})";
    world.one.instead = [](std::size_t number) -> std::optional<HttpReply> {
      if (number % 2 == 0) return HttpReply::json("{}", 503);
      return HttpReply::none();
    };
    const auto report = world.play({.timed = false}, 1);
    CHECK(report.accepted == 2);
    CHECK(report.retries == 3);
    CHECK(world.one.requests == 3);
    CHECK(world.two.requests == 3);
    REQUIRE(report.refused.size() == 1);
    const auto& [reason, group] = *report.refused.begin();
    CHECK(reason.substr(0, 14) == "400 direction:");
    CHECK(group.lines == std::vector<std::size_t>{3});
    CHECK_FALSE(report.fine());
  }

  TEST_CASE("a wrong secret is refused at once, nobody there is given up after a while") {
    ReplayWorld world;
    world.add_messages(2);
    world.target.secrets = WebhookSecrets::parse({"whsec_" + std::string(32, 'A')}).value();
    auto report = world.play({.timed = false});
    CHECK(report.refused_messages() == 2);
    CHECK(report.refused.begin()->first.substr(0, 3) == "401");
    CHECK(world.one.requests == 2);

    world.target.hosts = {"http://127.0.0.1:1"};
    world.patient.patience = Duration{5};
    report = world.play({.timed = false});
    CHECK(report.given_up_messages() == 2);
    CHECK(report.retries > 0);
  }

  TEST_CASE("one message with two names is a contradiction that the report tells") {
    ReplayWorld world;
    world.add_messages(1);
    world.one.forgetful = world.two.forgetful = true;
    const auto report = world.play({.least = 3, .most = 3, .timed = false});
    CHECK_FALSE(report.contradictions.empty());
    CHECK_FALSE(report.fine());
    CHECK(report_text(report).find("became two messages") != std::string::npos);
  }

  TEST_CASE("a 2xx without a receipt is no promise") {
    ReplayWorld world;
    world.add_messages(1);
    world.one.instead = [](std::size_t) { return HttpReply::json("fine", 200); };
    const auto report = world.play({.timed = false});
    CHECK(report.accepted == 0);
    CHECK(report.refused_messages() == 1);
  }

  TEST_CASE("the verb plays a table into the accounts of its brands and reports") {
    StandInNodeThread node;
    TemporaryFolder folder;
    const std::string table = folder.path() + "/table.csv";
    put_file(table,
             "tweet_id,author_id,inbound,created_at,text,in_response_to_tweet_id\n"
             "2,ShopHelp,False,Tue Oct 31 22:11:00 +0000 2017,@77 which one?,1.0\n"
             "1,77,True,Tue Oct 31 22:10:00 +0000 2017,\"@ShopHelp\nmy parcel, please\",\n"
             "3,88,True,Tue Oct 31 22:12:00 +0000 2017,@OtherHelp hi,\n"
             "4,OtherHelp,False,Tue Oct 31 22:13:00 +0000 2017,broken \r row,3.0\n");
    const std::string receipts = folder.path() + "/receipts.jsonl";
    const std::vector<std::string> base = {
        "replay",       table,
        "--preset",     "customer-support-on-twitter",
        "--account-of", "ShopHelp=shop:" + node.url() + ":" + stand_in_secret};
    auto arguments = base;
    for (const char* more :
         {"--fast", "--deliveries", "2", "--seed", "9", "--json", "--receipts"}) {
      arguments.push_back(more);
    }
    arguments.push_back(receipts);
    const Ran ran = run({add_replay_verb}, arguments);
    INFO(ran.err);
    CHECK(ran.code == 1);  // rows were refused
    const auto json = ran.json();
    CHECK(json["rows"] == 4);
    CHECK(json["accepted"] == 2);
    CHECK(json["duplicates"] == 2);
    CHECK(json["refused"] == 2);
    CHECK(json["seed"] == 9);
    const std::string kept = content_of(receipts);
    CHECK(std::count(kept.begin(), kept.end(), '\n') == 4);

    arguments = base;
    arguments.push_back("--brands");
    CHECK(run({add_replay_verb}, arguments).out == "ShopHelp\t1 in\t1 out\n");
    arguments.back() = "--answers";
    arguments.push_back(folder.path() + "/answers.csv");
    CHECK(run({add_replay_verb}, arguments).code == 0);
    CHECK(content_of(arguments.back()) == "external_id,reply\n\"1\",\"@77 which one?\"\n");
    node.stop();
    REQUIRE(node.mesh.messages.size() == 2);
    const auto& question = node.mesh.messages.at("shop/1");
    const auto& answer = node.mesh.messages.at("shop/2");
    CHECK(question.direction == Direction::in);
    CHECK(question.is_public);
    CHECK(question.thread_id == "1");
    CHECK(answer.direction == Direction::out);
    CHECK(answer.parent_id == "1");
    CHECK(answer.customer.external_id == "77");
  }

  TEST_CASE("send delivers one message, and says what is wrong before it leaves") {
    StandInNodeThread node;
    TemporaryFolder folder;
    const std::string secret = folder.path() + "/secret";
    put_file(secret, std::string(stand_in_secret) + "\n");
    std::filesystem::permissions(secret, std::filesystem::perms::owner_read);
    const std::vector<std::string> base = {"send", "--url",         node.url(), "--account",
                                           "shop", "--secret-file", secret};
    const auto with = [&base](const std::vector<std::string>& more) {
      auto out = base;
      out.insert(out.end(), more.begin(), more.end());
      return run({add_send_verb}, out);
    };
    const Ran ran = with({"--customer", "c1", "--text", "hello", "--id", "m1", "--json"});
    INFO(ran.err);
    CHECK(ran.code == 0);
    CHECK(ran.json()["external_id"] == "m1");
    CHECK(ran.json()["duplicate"] == false);
    CHECK(with({"--customer", "c1", "--text", "hello", "--id", "m1"}).out.find("already") !=
          std::string::npos);
    CHECK(with({"--text", "to nobody"}).code == 2);
    CHECK(with({"--customer", "c1", "--text", "x", "--language", "not a language"}).code == 2);
    node.stop();
    CHECK(node.mesh.messages.size() == 1);
    CHECK(with({"--customer", "c1", "--text", "x", "--patience", "1ms"}).code == 3);
    std::filesystem::permissions(secret, std::filesystem::perms::all);
    CHECK(with({"--customer", "c1", "--text", "x"}).code == 1);
  }
}
