// What operators are answered, by one node and by several.
#include "node/core/inspect.h"

#include <nlohmann/json.hpp>

#include "node/core/inspect_merge.h"
#include "node/core/operators.h"
#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const Json* row_where(const Json& answer, const char* field, const std::string& value) {
  for (const Json& row : answer["rows"]) {
    if (row.value(field, "") == value) return &row;
  }
  return nullptr;
}

}  // namespace

TEST_SUITE("inspect") {
  TEST_CASE("a node that is well says so, and what is going on") {
    CoreWorld world({"helsinki"});
    world.start();
    const Json answer = world.ask(0, "status");
    CHECK(answer["site"] == "helsinki");
    REQUIRE(answer["rows"].size() == 1);
    CHECK(answer["rows"][0]["waiting"] == 0);
    CHECK(answer["rows"][0]["acting"] == true);
    CHECK(answer["wrong"].empty());
  }

  TEST_CASE("who waits is in the line, in the conversations and, when late, what is wrong") {
    CoreWorld world({"helsinki"});
    world.start();
    world.write(0, CoreWorld::chat, "4711", "hello?");
    Json queue = world.ask(0, "queue");
    REQUIRE(queue["rows"].size() == 1);
    CHECK(queue["rows"][0]["stage"] == "waiting");
    CHECK(queue["rows"][0]["brand"] == "acme");
    CHECK(queue["rows"][0]["late"] == false);
    CHECK(world.ask(0, "queue", {{"brand", "other"}})["rows"].empty());
    const std::string id = queue["rows"][0]["conversation"];
    CHECK(world.ask(0, "status")["wrong"].empty());
    world.run(Duration{40'000});
    CHECK(world.ask(0, "queue")["rows"][0]["late"] == true);
    const Json status = world.ask(0, "status");
    REQUIRE(status["wrong"].size() == 1);
    CHECK(has(status["wrong"][0]["what"], "unanswered beyond the target"));
    CHECK(has(status["wrong"][0]["show"], "crossfloor explain " + id.substr(0, 12)));
    CHECK(has(status["wrong"][0]["mend"], "crossfloor assign"));
    CHECK(world.ask(0, "conversations", {{"state", "waiting"}})["rows"][0]["conversation"] == id);
    CHECK(world.ask(0, "conversations", {{"state", "active"}})["rows"].empty());
  }

  TEST_CASE("a conversation is told by its whole id or a part of it, with texts") {
    CoreWorld world({"helsinki"});
    world.start();
    world.write(0, CoreWorld::chat, "4711", "my parcel is lost");
    const std::string id = world.ask(0, "queue")["rows"][0]["conversation"];
    for (const std::string& name : {id, id.substr(0, 8), id.substr(0, 5)}) {
      const Json answer = world.ask(0, "conversation", {{"id", name}});
      REQUIRE_MESSAGE(!answer.contains("error"), answer.dump());
      CHECK(answer["conversation"]["conversation"] == id);
      REQUIRE(row_where(answer, "what", "customer"));
      CHECK((*row_where(answer, "what", "customer"))["text"] == "my parcel is lost");
      CHECK(row_where(answer, "what", "opened"));
    }
    CHECK(world.ask(0, "conversation", {{"id", "abc"}})["error"]["code"] == "malformed");
    const std::string none = id[0] == 'f' ? "0000" : "ffff";
    CHECK(world.ask(0, "conversation", {{"id", none}})["error"]["code"] == "not_found");
  }

  TEST_CASE("a message that two hosts took in at the same instant is told once") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.write_everywhere(CoreWorld::chat, "4711", "my parcel is lost");
    const std::string id = world.ask(0, "queue")["rows"][0]["conversation"];
    for (const std::size_t node : {0, 1}) {
      const Json answer = world.ask(node, "conversation", {{"id", id}});
      std::size_t told = 0;
      for (const Json& row : answer["rows"]) told += row["what"] == "customer";
      CHECK(told == 1);
      const auto row = rows::message(world.core(node).scribe().view(),
                                     ConversationId::from_hex_text(id)->as<MessageId>());
      CHECK(row.value()->copies.size() == 2);  // each host wrote it down
    }
  }

  TEST_CASE("pages of a conversation follow on each other and lose nothing") {
    CoreWorld world({"helsinki"});
    world.start();
    for (int i = 0; i < 5; ++i) world.write(0, CoreWorld::chat, "7", "text " + std::to_string(i));
    const std::string id = world.ask(0, "queue")["rows"][0]["conversation"];
    const Json whole = world.ask(0, "conversation", {{"id", id}});
    CHECK_FALSE(whole.contains("next"));
    Json paged = Json::array();
    Json arguments = {{"id", id}, {"limit", 2}};
    for (int pages = 0; pages < 20; ++pages) {
      const Json page = world.ask(0, "conversation", arguments);
      for (const Json& row : page["rows"]) paged.push_back(row);
      if (!page.contains("next")) break;
      arguments["after"] = page["next"];
    }
    REQUIRE(paged.size() == whole["rows"].size());
    for (std::size_t i = 0; i < paged.size(); ++i) {
      CHECK(paged[i]["time_ms"] == whole["rows"][i]["time_ms"]);
    }
  }

  TEST_CASE("explain tells the rule, and what was known of each candidate") {
    CoreWorld world({"helsinki"});
    world.start();
    world.add_agent(0, "ada");
    world.write(0, CoreWorld::chat, "4711", "hello");
    const Json found = world.ask(0, "conversations");
    REQUIRE(found["rows"].size() == 1);
    CHECK(found["rows"][0]["agent"] == "ada");
    const Json answer = world.ask(0, "explain", {{"id", found["rows"][0]["conversation"]}});
    const Json* rang = row_where(answer, "what", "ringing");
    REQUIRE(rang);
    REQUIRE(rang->contains("trace"));
    CHECK((*rang)["trace"]["rule"].get<int>() > 0);
    CHECK((*rang)["trace"]["chosen_agent"] == "ada");
    const Json agents = world.ask(0, "agents");
    REQUIRE(row_where(agents, "agent", "ada"));
    CHECK((*row_where(agents, "agent", "ada"))["slots"].size() == 1);
  }

  TEST_CASE("rows beyond the limit are left out, and that is said") {
    CoreWorld world({"helsinki"});
    world.start();
    for (const char* who : {"1", "2", "3"}) world.write(0, CoreWorld::chat, who, "hello");
    const Json queue = world.ask(0, "queue", {{"limit", 1}});
    CHECK(queue["rows"].size() == 1);
    CHECK(queue["left_out"] == 2);
    const Json conversations = world.ask(0, "conversations", {{"limit", 1}});
    CHECK(conversations["rows"].size() == 1);
    CHECK(conversations["left_out"] == 2);
  }

  TEST_CASE("questions with arguments they do not know are refused by field") {
    CoreWorld world({"helsinki"});
    world.start();
    CHECK(world.ask(0, "queue", {{"brnd", "x"}})["error"]["where"] == "brnd");
    CHECK(world.ask(0, "queue", {{"limit", "ten"}})["error"]["where"] == "limit");
    CHECK(world.ask(0, "queue", {{"brand", 7}})["error"]["where"] == "brand");
    CHECK(world.ask(0, "nonsense")["error"]["code"] == "not_found");
  }

  TEST_CASE("one node answers for all, and names who did not answer") {
    CoreWorld world({"helsinki", "warsaw", "london"});
    world.start();
    world.add_agent(1, "ada");
    world.add_agent(2, "bob");
    Json agents = world.ask(0, "agents");
    CHECK(row_where(agents, "agent", "ada"));
    CHECK(row_where(agents, "agent", "bob"));
    REQUIRE(agents["asked"].size() == 2);
    CHECK(agents["asked"][0]["answered"] == true);
    world.go_down(2);
    // Not yet known to be dead: it is waited for, and named.
    agents = world.ask(0, "agents");
    CHECK(row_where(agents, "agent", "ada"));
    CHECK_FALSE(row_where(agents, "agent", "bob"));
    world.run(Duration{20'000});
    agents = world.ask(0, "agents");
    const auto& asked = agents["asked"];
    const bool first = asked[0]["site"] == "london";
    CHECK(asked[first ? 0 : 1]["reachable"] == false);
    CHECK(asked[first ? 0 : 1]["gone_ms"].get<int>() > 5'000);
    const Json status = world.ask(0, "status");
    CHECK(status["rows"].size() == 2);
    int lines = 0;
    for (const Json& line : status["wrong"]) lines += has(line["what"], "(london)");
    CHECK(lines == 1);  // both see it, and it is told once
    const Json sites = world.ask(0, "sites");
    REQUIRE(row_where(sites, "site", "london"));
    CHECK((*row_where(sites, "site", "london"))["state"] == "dead");
  }

  TEST_CASE("a conversation is found from every node, and a customer over linked handles") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.write(0, CoreWorld::chat, "4711", "by chat");
    world.write(1, "acme-mail", "ada@example.com", "by mail");
    const Json rows = world.ask(0, "conversations")["rows"];
    REQUIRE(rows.size() == 2);
    for (std::size_t node : {0u, 1u}) {
      CHECK_FALSE(
          world.ask(node, "conversation", {{"id", rows[0]["conversation"]}}).contains("error"));
    }
    const Json chat_only = {{"handle", "acme-chat:4711"}};
    CHECK(world.ask(1, "customer", chat_only)["rows"].size() == 1);
    const Json pair = {{"first", "acme-chat:4711"}, {"second", "acme-mail:ada@example.com"}};
    CHECK(world.act(0, "customer_link", pair)["linked"] == true);
    world.run(Duration{200});
    const Json both = world.ask(1, "customer", chat_only);
    CHECK(both["rows"].size() == 2);
    // Newest first, by pages.
    CHECK(both["rows"][0]["account"] == "acme-mail");
    Json page = world.ask(1, "customer", {{"handle", "acme-chat:4711"}, {"limit", 1}});
    REQUIRE(page["rows"].size() == 1);
    REQUIRE(page.contains("next"));
    page = world.ask(1, "customer",
                     {{"handle", "acme-chat:4711"}, {"limit", 1}, {"before", page["next"]}});
    REQUIRE(page["rows"].size() == 1);
    CHECK(page["rows"][0]["account"] == "acme-chat");
    CHECK(world.act(1, "customer_unlink", pair)["linked"] == false);
    CHECK(world.ask(1, "customer", chat_only)["rows"].size() == 1);
    CHECK(world.ask(0, "customer", {{"handle", "acme-chat:nobody"}})["error"]["code"] ==
          "not_found");
  }

  TEST_CASE("handles of two brands are never joined") {
    CoreWorld world({"helsinki"});
    world.start();
    const Json answer =
        world.act(0, "customer_link", {{"first", "acme-chat:4711"}, {"second", "other-chat:4711"}});
    CHECK(answer["error"]["code"] == "forbidden");
  }

  TEST_CASE("an account that is configured differently is what is wrong, and says where") {
    CoreWorld world({"helsinki", "warsaw"});
    world.host(1).settings.accounts[CoreWorld::chat].target = Duration{99'000};
    world.start();
    const Json status = world.ask(0, "status");
    REQUIRE(status["wrong"].size() == 1);
    CHECK(has(status["wrong"][0]["what"], "acme-chat is configured differently"));
    const Json accounts = world.ask(0, "accounts", {{"account", "acme-chat"}});
    REQUIRE(accounts["rows"].size() == 2);
    CHECK(accounts["rows"][0]["differs"] == true);
    CHECK(accounts["rows"][0]["differing"] == Json::array({"target_ms"}));
    CHECK(world.ask(0, "accounts", {{"account", "acme-mail"}})["rows"][0]["differs"] == false);
  }

  TEST_CASE("a secret or callback that differs is named, also while that host is away") {
    CoreWorld world({"helsinki", "warsaw"});
    for (const std::size_t at : {0U, 1U}) {
      world.host(at).settings.accounts[CoreWorld::chat].prints = {
          {"callback", "c"}, {"ring", "r"}, {"secrets", at == 0 ? "a" : "b"}};
    }
    world.start();
    const auto what = [&](std::size_t index) {
      const Json status = world.ask(index, "status");
      for (const Json& line : status["wrong"]) {
        if (has(line["what"], "is configured differently")) return line["what"].get<std::string>();
      }
      return std::string();
    };
    const char* expected =
        "account acme-chat is configured differently at helsinki against warsaw: secrets";
    CHECK(what(0) == expected);
    CHECK(what(1) == expected);
    world.go_down(1);
    world.run(Duration{30'000});
    CHECK(what(0) == expected);
  }

  TEST_CASE("wait: joined counts who is linked, settled looks at all, waiting at customers") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    const auto met = [&](const Json& arguments) { return world.ask(0, "wait", arguments)["met"]; };
    CHECK(met({{"for", "ready"}, {"local", true}}) == true);
    CHECK(met({{"for", "joined"}, {"count", 2}, {"local", true}}) == true);
    CHECK(met({{"for", "joined"}, {"count", 3}, {"local", true}}) == false);
    CHECK(met({{"for", "settled"}}) == true);
    CHECK(met({{"for", "waiting"}, {"count", 0}}) == true);
    world.write(1, CoreWorld::chat, "4711", "hello");
    CHECK(met({{"for", "waiting"}, {"count", 0}}) == false);
    CHECK(met({{"for", "waiting"}, {"count", 1}}) == true);
  }
}

TEST_SUITE("operators' acts") {
  TEST_CASE("each wants who and why") {
    CoreWorld world({"helsinki"});
    world.start();
    CHECK(world.ask(0, "drain", {{"on", true}, {"by", "ada"}})["error"]["where"] == "reason");
    CHECK(world.ask(0, "drain", {{"on", true}, {"reason", "x"}})["error"]["where"] == "by");
    CHECK(world.act(0, "drain", Json::object())["error"]["where"] == "on");
    CHECK(world.act(0, "drain", {{"on", true}, {"sight", "x"}})["error"]["where"] == "sight");
  }

  TEST_CASE("drain is carried to the named site, done once, and shown") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    const Json done = world.act(0, "drain", {{"on", true}, {"site", "warsaw"}});
    CHECK(done["site"] == "warsaw");
    CHECK(world.core(1).mesh().own_drained());
    CHECK_FALSE(world.core(0).mesh().own_drained());
    CHECK(world.act(0, "drain", {{"on", true}, {"site", "warsaw"}})["error"]["code"] == "conflict");
    CHECK(world.act(0, "drain", {{"on", true}, {"site", "oslo"}})["error"]["code"] == "not_found");
    world.run(Duration{500});
    bool told = false;
    const Json status = world.ask(0, "status");
    for (const Json& line : status["wrong"]) told |= has(line["what"], "drained");
    CHECK(told);
  }

  TEST_CASE("agents are added anywhere, changed where they belong, and kept whole") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    const Json channels =
        Json::array({{{"kind", "chat"}, {"duty", "primary"}, {"maximum", 3}, {"cost", 0}}});
    Json done = world.act(0, "agent_add",
                          {{"name", "ada"},
                           {"site", "warsaw"},
                           {"brands", {"acme"}},
                           {"channels", channels},
                           {"password_hash", "$argon2id$x"}});
    REQUIRE_MESSAGE(!done.contains("error"), done.dump());
    CHECK(done["site"] == "warsaw");
    world.run(Duration{200});
    CHECK(world.act(0, "agent_add", {{"name", "ada"}})["error"]["code"] == "conflict");
    done = world.act(0, "agent_set", {{"name", "ada"}, {"team", "blue"}});
    CHECK(done["site"] == "warsaw");
    const auto record = world.core(1).desk().record("ada");
    REQUIRE(record);
    CHECK(record->team == "blue");
    CHECK(record->brands == std::vector<std::string>{"acme"});
    CHECK(record->password_hash == "$argon2id$x");
    REQUIRE(record->channels.size() == 1);
    CHECK(record->channels[0].maximum == 3);
    CHECK(world.act(0, "agent_set", {{"name", "ada"}, {"total_units", "many"}})["error"]["code"] ==
          "malformed");
    CHECK(world.act(0, "agent_set", {{"name", "nobody"}})["error"]["code"] == "not_found");
  }

  TEST_CASE("disabling an agent of another site ends the session there") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(1, "ada");
    CHECK(world.core(1).desk().floor().is_on_duty("ada"));
    CHECK(world.act(0, "agent_set", {{"name", "ada"}, {"disabled", true}})["disabled"] == true);
    CHECK_FALSE(world.core(1).desk().floor().is_on_duty("ada"));
  }

  TEST_CASE("what is for a node that is gone is refused with the cause") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.add_agent(1, "ada");
    world.go_down(1);
    world.run(Duration{20'000});
    const Json answer = world.act(0, "agent_logout", {{"name", "ada"}});
    CHECK(answer["error"]["code"] == "unavailable");
    CHECK(has(answer["error"]["what"], "warsaw"));
  }

  TEST_CASE("takeover moves the home here, once") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.write(0, CoreWorld::chat, "4711", "hello");
    const Json row = world.ask(1, "conversations")["rows"].at(0);
    const std::size_t other = row["home_site"] == "helsinki" ? 1 : 0;
    const Json done = world.act(other, "takeover", {{"conversation", row["conversation"]}});
    REQUIRE_MESSAGE(!done.contains("error"), done.dump());
    world.run(Duration{500});
    CHECK(world.ask(0, "conversations")["rows"].at(0)["home_site"] == world.host(other).site);
    CHECK(world.act(other, "takeover", {{"conversation", row["conversation"]}})["error"]["code"] ==
          "conflict");
  }
}

TEST_SUITE("joining answers") {
  TEST_CASE("what is wrong is sorted by urgency, and told once") {
    Json own = {{"question", "status"},
                {"rows", Json::array()},
                {"accounts", Json::array()},
                {"wrong", {{{"urgency", 60}, {"what", "a"}, {"same", "path x"}}}}};
    const Json other = {{"rows", Json::array()},
                        {"wrong",
                         {{{"urgency", 60}, {"what", "b"}, {"same", "path x"}},
                          {{"urgency", 0}, {"what", "disk"}}}}};
    merge_answers("status", own, {other});
    REQUIRE(own["wrong"].size() == 2);
    CHECK(own["wrong"][0]["what"] == "disk");
    CHECK(own["wrong"][1]["what"] == "a");
  }

  TEST_CASE("settled is not said while copies differ, or while somebody in reach is silent") {
    const auto row = [](const char* site, const char* hash) {
      return Json{{"site", site}, {"ready", true}, {"regions", {"eu"}}, {"vector_hash", hash}};
    };
    Json same = {{"rows", {row("a", "1"), row("b", "1")}}};
    judge_wait(same, "settled", 0);
    CHECK(same["met"] == true);
    Json differ = {{"rows", {row("a", "1"), row("b", "2")}}};
    judge_wait(differ, "settled", 0);
    CHECK(differ["met"] == false);
    Json silent = {{"rows", {row("a", "1")}},
                   {"asked", {{{"site", "b"}, {"reachable", true}, {"answered", false}}}}};
    judge_wait(silent, "settled", 0);
    CHECK(silent["met"] == false);
  }

  TEST_CASE("an answer that is too large loses rows and says so") {
    Json answer = {{"rows", Json::array()}};
    for (int i = 0; i < 1000; ++i) answer["rows"].push_back({{"text", std::string(100, 'x')}});
    const Json cut = Json::parse(fitted(answer, 20'000));
    CHECK(cut["rows"].size() + cut["left_out"].get<std::size_t>() == 1000);
    CHECK(cut.dump().size() <= 20'000);
    CHECK(fitted(Json{{"rows", Json::array({1})}}, 20'000) == R"({"rows":[1]})");
  }

  TEST_CASE("an unfit answer of a peer is an error, and no end of this node") {
    InspectFanout fanout({});
    SeededRandom random(1);
    const NodeId peer = random.id<NodeId>();
    const Now now{Instant{}, wall_from_ms(0)};
    fanout.begin(7, *Inspector::find("wait"), R"({"for":"settled"})",
                 Json{{"question", "wait"}, {"rows", Json::array()}}, {{peer, "b", true, {}}}, now);
    fanout.receive(peer, {1, R"({"rows":[{"ready":"yes","site":7}]})"}, now);
    const auto done = fanout.take_done();
    REQUIRE(done.size() == 1);
    CHECK(done[0].request == 7);
    CHECK(error_of(Json::parse(done[0].json)));
  }
}
