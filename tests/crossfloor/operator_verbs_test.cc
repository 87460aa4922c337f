// The verbs that speak to a node, against one that answers what the test says, over a real socket.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <thread>

#include "node/runtime/files.h"
#include "tests/crossfloor/cli_world.h"
#include "tools/crossfloor/agent_fields.h"
#include "tools/crossfloor/families.h"

using namespace crossfloor;
using namespace crossfloor::test;
using Json = nlohmann::ordered_json;

namespace {

struct Asked {
  std::string what;
  Json arguments;
};

// One thread, one connection at a time: answers each POST by a table, and remembers it.
class ScriptedNode {
 public:
  std::map<std::string, std::pair<int, std::string>> answers;  // question -> status, body
  std::vector<Asked> asked;
  TemporaryFolder folder;

  ScriptedNode() {
    listener_ = OwnFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder / "control.sock";
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 16) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedNode() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  Ran operator()(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--data", folder.path()});
    return run({cli::add_look_verbs, cli::add_history_verbs, cli::add_wait_verb,
                cli::add_mend_verbs, cli::add_agent_verbs},
               arguments);
  }
  // Of the last question, once the verb has ended.
  const Asked& last() const {
    REQUIRE(!asked.empty());
    return asked.back();
  }

 private:
  void serve() {
    for (;;) {
      const OwnFd fd(::accept(listener_.get(), nullptr, nullptr));
      if (!fd) return;
      std::string text;
      char buffer[4096];
      std::size_t wanted = std::string::npos;
      while (text.size() < wanted) {
        const auto got = ::read(fd.get(), buffer, sizeof buffer);
        if (got <= 0) break;
        text.append(buffer, static_cast<std::size_t>(got));
        const auto end = text.find("\r\n\r\n");
        const auto length = text.find("Content-Length: ");
        if (end != std::string::npos && length != std::string::npos) {
          wanted = end + 4 + std::stoul(text.substr(length + 16));
        }
      }
      answer(fd.get(), text);
    }
  }
  void answer(int fd, const std::string& text) {
    const auto begin = text.find("/v1/operator/");
    if (begin == std::string::npos) return;
    const auto what = text.substr(begin + 13, text.find(' ', begin) - begin - 13);
    asked.push_back({what, Json::parse(text.substr(text.find("\r\n\r\n") + 4), nullptr, false)});
    const auto at = answers.find(what);
    const int status = at == answers.end() ? 404 : at->second.first;
    const std::string body = at == answers.end() ? "{}" : at->second.second;
    const std::string reply = "HTTP/1.1 " + std::to_string(status) +
                              " X\r\nContent-Length: " + std::to_string(body.size()) +
                              "\r\nConnection: close\r\n\r\n" + body;
    [[maybe_unused]] const auto put = ::write(fd, reply.data(), reply.size());
  }

  OwnFd listener_;
  std::thread thread_;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string problem(const char* code, const char* what) {
  return Json{{"type", std::string("urn:crossfloor:problem:") + code},
              {"detail", what},
              {"field", "name"},
              {"mend", "do this"}}
      .dump();
}

}  // namespace

TEST_SUITE("verbs that ask a node") {
  TEST_CASE("status shows sites and what is wrong, and says so by its exit code") {
    ScriptedNode node;
    node.answers["status"] = {
        200,
        R"({"rows":[{"site":"helsinki","acting":true,"waiting":3,"oldest_ms":61000,"late":1}],
            "wrong":[{"urgency":40,"site":"helsinki","what":"1 conversation is late",
                      "show":"crossfloor queue","mend":"crossfloor assign"}],
            "asked":[{"site":"london","node":"5f0c1d2e3a4b5c6d","answered":false,
                      "reachable":false,"gone_ms":184000}]})"};
    const Ran ran = node({"status"});
    CHECK(ran.code == 1);
    CHECK(has(ran.out, "helsinki"));
    CHECK(has(ran.out, "1 min 1 s"));
    CHECK(has(ran.out, "mend: crossfloor assign"));
    CHECK(has(ran.out, "without london (5f0c1d2e3a4b): cannot be reached for 3 min 4 s"));
    const Ran json = node({"status", "--json"});
    CHECK(json.code == 1);
    CHECK(json.json()["wrong"].size() == 1);
    node.answers["status"] = {200, R"({"rows":[],"wrong":[]})"};
    CHECK(node({"status"}).code == 0);
  }

  TEST_CASE("every look survives an answer that lacks everything, and passes its filters on") {
    ScriptedNode node;
    for (const char* verb : {"status", "sites", "agents", "queue", "conversations", "links",
                             "outbox", "accounts", "streams"}) {
      CAPTURE(verb);
      node.answers[verb] = {200, R"({"rows":[{}]})"};
      CHECK(node({verb}).code == 0);
      CHECK(node({verb, "--json"}).code == 0);
    }
    node({"queue", "--brand", "acme"});
    CHECK(node.last().arguments == Json{{"brand", "acme"}});
    node({"streams", "london"});
    CHECK(node.last().arguments == Json{{"node", "london"}});
  }

  TEST_CASE("a reply that needs a person is exit code 1") {
    ScriptedNode node;
    node.answers["outbox"] = {200, R"({"rows":[{"reply":"aa","state":"needs_person"}]})"};
    CHECK(node({"outbox"}).code == 1);
    node.answers["outbox"] = {200, R"({"rows":[{"reply":"aa","state":"waiting"}]})"};
    CHECK(node({"outbox"}).code == 0);
  }

  TEST_CASE("a conversation is shown with its texts, which cannot steer the terminal") {
    ScriptedNode node;
    node.answers["conversation"] = {
        200, R"({"conversation":{"conversation":"5f0c","state":"waiting","account":"acme-chat"},
                 "rows":[{"what":"customer","from":"Ada","text":"one\ntwo \u001b[2J",
                          "time_ms":1700000000000,"age_ms":5000,"written_by":"helsinki"}],
                 "next":"00ff"})"};
    const Ran ran = node({"conversation", "5f0c"});
    CHECK(ran.code == 0);
    CHECK(has(ran.out, "│ one\n"));
    CHECK(has(ran.out, "│ two ·[2J"));
    CHECK(has(ran.out, "--after 00ff"));
    CHECK(node({"conversation"}).code == 2);
  }

  TEST_CASE("explain prints each candidate, what was known of it, and why not") {
    ScriptedNode node;
    node.answers["explain"] = {
        200, R"({"rows":[{"what":"ringing","trace":{"rule":7,"rule_name":"push","age_ms":900,
                 "waiting":4,"chosen_agent":"bob","candidates":[
                 {"agent":"ada","why_not":"full"},
                 {"agent":"","site":"warsaw","known":"free 2","known_age_ms":1200}],
                 "candidates_left_out":3,"weighed":[
                 {"site":"oslo","known":"waiting 1","known_age_ms":400,"why_not":"less urgent"}],
                 "weighed_left_out":2}}]})"};
    const Ran ran = node({"explain", "5f0c"});
    CHECK(has(ran.out, "        and 3 more\n      why it asked here"));
    CHECK(has(ran.out, "oslo: waiting 1 (0.4 s old) — not: less urgent\n        and 2 more\n"));
    CHECK(has(ran.out, "rule 7 push"));
    CHECK(has(ran.out, "ada — not: full"));
    CHECK(has(ran.out, "warsaw: free 2 (1.2 s old)"));
  }

  TEST_CASE("what the node refuses is exit code 1 with its cause and mend; nobody there is 3") {
    ScriptedNode node;
    node.answers["requeue"] = {409, problem("conflict", "it is closed")};
    const Ran ran = node({"requeue", "5f0c", "--reason", "x"});
    CHECK(ran.code == 1);
    CHECK(has(ran.err, "name: it is closed"));
    CHECK(has(ran.err, "mend: do this"));
    // That it refuses because another node is gone does not mean that it is gone itself.
    node.answers["requeue"] = {503, problem("unavailable", "home is gone")};
    CHECK(node({"requeue", "5f0c", "--reason", "x"}).code == 1);
    const TemporaryFolder empty;
    CHECK(run({cli::add_look_verbs}, {"status", "--data", empty.path()}).code == 3);
  }

  TEST_CASE("wait goes on until it is so, or until its time is over") {
    ScriptedNode node;
    node.answers["wait"] = {200, R"({"met":true})"};
    CHECK(node({"wait", "settled"}).code == 0);
    CHECK(node.last().arguments["for"] == "settled");
    CHECK_FALSE(node.last().arguments.contains("local"));
    CHECK(node({"wait", "joined", "3"}).code == 0);
    CHECK(node.last().arguments == Json{{"for", "joined"}, {"count", 3}, {"local", true}});
    node.answers["wait"] = {200, R"({"met":false,"why":"2 customers wait"})"};
    const Ran ran = node({"wait", "waiting", "0", "--timeout", "120ms"});
    CHECK(ran.code == 1);
    CHECK(has(ran.err, "2 customers wait"));
    const TemporaryFolder empty;
    CHECK(run({cli::add_wait_verb}, {"wait", "ready", "--timeout", "1ms", "--data", empty.path()})
              .code == 3);
    CHECK(node({"wait", "joined"}).code == 2);
    CHECK(node({"wait", "ready", "3"}).code == 2);
    CHECK(node({"wait", "ready", "--timeout", "soon"}).code == 2);
    CHECK(node({"wait", "nothing"}).code == 2);
  }
}

TEST_SUITE("verbs that mend") {
  TEST_CASE("each carries its target, who and why; without a reason nothing is sent") {
    struct Case {
      std::vector<std::string> words;
      std::string act;
      Json arguments;
    };
    const std::vector<Case> cases = {
        {{"requeue", "5f0c"}, "requeue", {{"conversation", "5f0c"}}},
        {{"assign", "5f0c", "ada"}, "assign", {{"agent", "ada"}, {"conversation", "5f0c"}}},
        {{"close", "5f0c"}, "close", {{"conversation", "5f0c"}}},
        {{"takeover", "5f0c", "--site", "oslo"},
         "takeover",
         {{"conversation", "5f0c"}, {"site", "oslo"}}},
        {{"drain", "on"}, "drain", {{"on", true}}},
        {{"drain", "off", "--site", "oslo"}, "drain", {{"on", false}, {"site", "oslo"}}},
        {{"outbox", "retry", "aa"}, "outbox_retry", {{"reply", "aa"}}},
        {{"outbox", "resolve", "aa", "sent"}, "outbox_resolve", {{"how", "sent"}, {"reply", "aa"}}},
        {{"customer", "link", "a:1", "b:2"},
         "customer_link",
         {{"first", "a:1"}, {"second", "b:2"}}},
        {{"customer", "unlink", "a:1", "b:2"},
         "customer_unlink",
         {{"first", "a:1"}, {"second", "b:2"}}},
        {{"agent", "disable", "ada"}, "agent_set", {{"disabled", true}, {"name", "ada"}}},
        {{"agent", "logout", "ada"}, "agent_logout", {{"name", "ada"}}},
    };
    ScriptedNode node;
    for (const Case& one : cases) {
      CAPTURE(one.act);
      CHECK(node(one.words).code == 2);
      CHECK(node.asked.empty());
      node.answers[one.act] = {200, "{}"};
      auto words = one.words;
      words.insert(words.end(), {"--reason", "a test"});
      const Ran ran = node(words);
      REQUIRE_MESSAGE(ran.code == 0, ran.err);
      Json wanted = one.arguments;
      wanted["by"] = "ada";
      wanted["reason"] = "a test";
      CHECK(node.last().what == one.act);
      CHECK(nlohmann::json(node.last().arguments) == nlohmann::json(wanted));
      node.asked.clear();
    }
    CHECK(node({"drain", "maybe", "--reason", "x"}).code == 2);
    CHECK(node({"outbox", "resolve", "aa", "lost", "--reason", "x"}).code == 2);
  }

  TEST_CASE("outbox and customer look without a verb, and mend with one") {
    ScriptedNode node;
    node.answers["outbox"] = {200, R"({"rows":[]})"};
    CHECK(node({"outbox"}).code == 0);
    CHECK(node.last().what == "outbox");
    node.answers["customer"] = {200, R"({"rows":[],"handles":[]})"};
    CHECK(node({"customer", "acme-chat:4711"}).code == 0);
    CHECK(node.last().arguments == Json{{"handle", "acme-chat:4711"}});
    CHECK(node({"customer"}).code == 2);
  }
}

TEST_SUITE("agents' records") {
  TEST_CASE("an agent is added with what was given, and no password on the command line") {
    ScriptedNode node;
    node.answers["agent_add"] = {200, R"({"agent":"ada","site":"helsinki"})"};
    put_file(node.folder / "pw", "correct horse\n");
    ::chmod((node.folder / "pw").c_str(), 0600);
    const Ran ran =
        node({"agent", "add", "ada", "--brands", "acme other", "--channels",
              "chat:3 email:5:helper", "--password-file", node.folder / "pw", "--reason", "new"});
    REQUIRE_MESSAGE(ran.code == 0, ran.err);
    const Json& sent = node.last().arguments;
    CHECK(sent["brands"] == Json({"acme", "other"}));
    CHECK(sent["channels"][1]["duty"] == "helper");
    CHECK(sent["password"] == "correct horse");
    CHECK_FALSE(sent.contains("team"));
    ::chmod((node.folder / "pw").c_str(), 0644);
    CHECK(node({"agent", "add", "bob", "--password-file", node.folder / "pw", "--reason", "new"})
              .code == 1);
  }

  TEST_CASE("what is wrong with a field is said with the mend") {
    for (const auto& [field, value] : std::map<std::string, std::string>{
             {"channels", "chat"}, {"channels ", "x"}, {"total_units", "0"}, {"disabled", "yes"}}) {
      CAPTURE(field);
      CHECK_FALSE(cli::agent_arguments({{field, value}}).ok());
    }
    for (const char* bad : {"chat:x", "fax:1", "chat:1:boss", "chat:1 chat:2", "chat:1:helper:x"}) {
      CAPTURE(bad);
      CHECK_FALSE(cli::agent_arguments({{"channels", bad}}).ok());
    }
    CHECK(cli::agent_arguments({{"channels", ""}}).value().empty());
  }

  TEST_CASE("import checks the whole file before it sends anything") {
    ScriptedNode node;
    node.answers["agent_add"] = {200, "{}"};
    const std::string file = node.folder / "agents.csv";
    put_file(file,
             "name,brands,channels\nada,acme,chat:3\n,acme,chat:1\nbob,acme,fax:1\nada,acme,\n");
    const Ran wrong = node({"agent", "import", file, "--reason", "x"});
    CHECK(wrong.code == 1);
    for (const char* line : {"line 3", "line 4, channels", "line 5"}) CHECK(has(wrong.err, line));
    CHECK(node.asked.empty());

    put_file(file, "name,brands,channels\nada,acme,chat:3\nbob,\"acme other\",chat:1\n");
    CHECK(node({"agent", "import", file, "--check", "--reason", "x"}).code == 0);
    CHECK(node.asked.empty());
    const Ran done = node({"agent", "import", file, "--reason", "x", "--json"});
    CHECK(done.code == 0);
    CHECK(done.json()["added"] == 2);
    CHECK(node.asked.size() == 2);
    CHECK(node.asked[1].arguments["brands"] == Json({"acme", "other"}));
  }

  TEST_CASE("agents that are there already are refused by line, or changed with --update") {
    ScriptedNode node;
    node.answers["agent_add"] = {409, problem("conflict", "ada is there already")};
    node.answers["agent_set"] = {200, "{}"};
    const std::string file = node.folder / "agents.csv";
    put_file(file, "name,brands\nada,acme\n");
    const Ran refused = node({"agent", "import", file, "--reason", "x", "--json"});
    CHECK(refused.code == 1);
    CHECK(refused.json()["refused"][0]["line"] == 2);
    const Ran changed = node({"agent", "import", file, "--update", "--reason", "x", "--json"});
    CHECK(changed.code == 0);
    CHECK(changed.json()["changed"] == 1);
  }
}
