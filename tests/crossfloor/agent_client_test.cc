// Real clients against a real server with real sessions; a desk in memory plays the node's home.
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "node/gateway/agent_api.h"
#include "tests/core/agent_desk_for_tests.h"
#include "tests/gateway/gateway_world.h"
#include "tools/crossfloor/agent_auto.h"
#include "tools/crossfloor/agent_terminal.h"

using namespace crossfloor;
using namespace crossfloor::cli;

namespace {

struct FloorWorld : GatewayWorld, kj::TaskSet::ErrorHandler {
  LogForTests log;
  AgentDeskForTests desk{log.crypto, log.settings.region_secrets["eu"]};
  SeededRandom random{3};
  std::unique_ptr<Sessions> sessions;
  std::unique_ptr<AgentApi> api;
  static constexpr RequestId first_request = 1'001;
  std::size_t carried_out = 0;
  std::size_t reads = 0;  // of clients, answered
  std::set<CommandId> known;
  std::vector<DeskCommand> done;
  std::set<std::size_t> not_answered;  // commands whose answer gets lost
  std::set<std::size_t> held;          // commands that wait for home until refuse()
  kj::HttpHeaderTable table;
  SeededRandom client_random{9};
  ClientSurroundings around{network, timer, client_random, table};
  kj::Own<kj::TaskSet> tasks = kj::heap<kj::TaskSet>(*this);

  FloorWorld() {
    desk.node = log.self();
    open_sessions();
    start();
  }
  ~FloorWorld() {
    tasks = nullptr;
    server = nullptr;
  }
  void open_sessions() {
    api = nullptr;
    router = HttpRouter();
    sessions = std::make_unique<Sessions>(desk, log.store, random, Sessions::Options{});
    AgentApi::Surroundings node;
    node.now = [this] { return Now{Instant{}, log.wall}; };
    node.changed = [this] { carry_out(); };
    node.verify_password = [this](std::string hash, std::string password,
                                  std::function<void(bool)> then) {
      later([=] { then(hash == "hash of " + password); });
    };
    node.run_read = [this](std::function<std::string(const Reader&)> work,
                           std::function<void(std::string)> then) -> Status {
      later([this, work, then] {
        then(work(log.store));
        ++reads;
      });
      return {};
    };
    api = std::make_unique<AgentApi>(*sessions, timer, node);
    api->add_routes(router);
  }
  // The agent's node is killed and comes back: it knows of no session, and shows how things stand.
  void restart_node() {
    HttpServerOptions same = options("127.0.0.1:" + std::to_string(server->port()));
    server = nullptr;
    open_sessions();
    start(same);
  }
  void taskFailed(kj::Exception&& wrong) override {
    FAIL(std::string(wrong.getDescription().cStr()));
  }
  void later(std::function<void()> what) {
    if (tasks.get() == nullptr) return;
    tasks->add(kj::evalLater(std::function<void()>(std::move(what))));
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server->port()); }

  // What a home does, without any of its doubts.
  void carry_out() {
    while (carried_out < desk.commands.size()) {
      const std::size_t index = carried_out++;
      const DeskCommand command = desk.commands[index];
      if (held.contains(index)) continue;
      const RequestId request = first_request + index;
      later([this, index, command, request] { carry_out(index, command, request); });
    }
  }
  void carry_out(std::size_t index, const DeskCommand& command, RequestId request) {
    CommandAnswer answer;
    answer.ok = true;
    answer.conversation = command.conversation;
    answer.epoch = command.epoch;
    if (known.insert(command.id).second) {
      done.push_back(command);
      const auto& id = command.conversation;
      if (command.verb == Verb::accept) {
        answer.epoch = log.course(id, CourseState::active, command.agent, desk.node);
      } else if (command.verb == Verb::reply) {
        answer.reply = log.reply(id, command.agent, command.text, command.seen);
      } else if (command.verb == Verb::note) {
        log.note(id, command.agent, command.text);
      } else if (command.verb == Verb::close) {
        log.course(id, CourseState::closed, "", {});
      } else if (command.verb == Verb::decline) {
        log.course(id, CourseState::waiting, "", {});
      }
      log.commit();
    }
    if (!not_answered.contains(index)) api->carry_out(AnswerCommand{request, answer});
    api->carry_out(NotifyAgent{NotifyAgent::What::conversation,
                               command.agent,
                               command.conversation,
                               answer.epoch,
                               {},
                               "so",
                               true});
  }
  void refuse(std::size_t index, ErrorCode code = ErrorCode::stale) {
    CommandAnswer answer;
    answer.code = name_of(code);
    answer.conversation = desk.commands[index].conversation;
    api->carry_out(AnswerCommand{first_request + index, answer});
  }
  // The home's yes alone; what it did is written by the test.
  void agree(std::size_t index) {
    CommandAnswer answer;
    answer.ok = true;
    answer.conversation = desk.commands[index].conversation;
    answer.epoch = desk.commands[index].epoch;
    api->carry_out(AnswerCommand{first_request + index, answer});
  }
  void tell(NotifyAgent::What what, const std::string& agent, const ConversationId& id,
            const Epoch& epoch, const std::string& reason) {
    api->carry_out(NotifyAgent{what, agent, id, epoch, {}, reason, true});
  }
  void ring_again(const std::string& agent, const ConversationId& id) {
    const auto epoch = log.course(id, CourseState::ringing, agent, desk.node);
    log.commit();
    api->carry_out(NotifyAgent{NotifyAgent::What::ring, agent, id, epoch,
                               Instant{} + Duration{20'000}, "", true});
  }
  ConversationId ring(const std::string& agent, const std::string& customer,
                      const std::vector<std::string>& texts) {
    std::optional<ConversationId> id;
    for (const auto& text : texts) {
      const auto message = log.message(customer + text, customer, text);
      if (id) {
        log.place(message, *id);
      } else {
        id = log.open(message, customer);
      }
    }
    const auto epoch = log.course(*id, CourseState::ringing, agent, desk.node);
    log.commit();
    api->carry_out(NotifyAgent{NotifyAgent::What::ring, agent, *id, epoch,
                               Instant{} + Duration{20'000}, "", true});
    return *id;
  }
  Conversation row(const ConversationId& id) {
    auto found = rows::conversation(log.store, id);
    REQUIRE(found.ok());
    REQUIRE(found.value());
    return *found.value();
  }
  AgentClient::Options client(const std::string& agent) {
    AgentClient::Options out;
    out.url = url();
    out.agent = agent;
    out.password = agent;
    return out;
  }
};

AutoOptions quick() {
  AutoOptions options;
  options.handling = {HandlingTime::Shape::fixed, Duration{5}};
  options.reaction = Duration{1};
  options.reply_template = "{agent} read: {seen}";
  return options;
}

// One scripted agent, anna, logged in.
struct ScriptWorld : FloorWorld {
  AutoOptions script;
  AutoFigures figures;
  AutoAgent agent;

  explicit ScriptWorld(const AutoOptions& given = quick())
      : script(given), agent(around, client("anna"), script, figures, *tasks) {
    desk.add("anna");
    tasks->add(agent.run().then([](Status&&) {}));
    wait_until([&] { return figures.snapshots == 1; });
  }
  ~ScriptWorld() { tasks = nullptr; }  // what is under way names the agent
};

}  // namespace

TEST_SUITE("agents' clients") {
  TEST_CASE("a scripted agent takes what rings, answers all that was asked, and closes it") {
    FloorWorld world;
    world.desk.add("anna");
    const AutoOptions options = quick();
    AutoFigures figures;
    AutoAgent agent(world.around, world.client("anna"), options, figures, *world.tasks);
    world.tasks->add(agent.run().then([](Status&& ended) { CHECK(ended.ok()); }));
    world.wait_until([&] { return figures.snapshots == 1; });
    const auto id = world.ring("anna", "ann", {"where is it?", "hello?"});
    world.wait_until([&] { return figures.closed == 1; });
    REQUIRE(world.done.size() == 3);
    CHECK(world.done[1].text == "anna read: where is it? / hello?");
    CHECK(world.row(id).state == CourseState::closed);
    CHECK(world.row(id).unanswered.empty());
    agent.log_off();
    world.wait_until([&] { return world.sessions->sessions() == 0; });
    CHECK(world.desk.said.back() == "log out anna");
    world.tasks = nullptr;
  }

  TEST_CASE("a lost connection and a lost answer neither lose nor repeat a reply") {
    ScriptWorld world;
    AutoFigures& figures = world.figures;
    world.not_answered = {1};  // the reply is written, nobody hears of it
    const auto id = world.ring("anna", "ann", {"where is it?"});
    world.wait_until([&] { return world.done.size() == 2; });
    HttpServerOptions same = world.options("127.0.0.1:" + std::to_string(world.server->port()));
    world.server = nullptr;  // all connections are cut; the node goes on
    world.start(same);
    world.wait_until([&] { return figures.closed == 1; });
    CHECK(figures.reconnections == 1);
    CHECK(figures.snapshots == 1);  // the session went on
    CHECK(world.row(id).state == CourseState::closed);
    CHECK(world.row(id).replies.size() == 1);
  }

  TEST_CASE("a late no to an older offer is no end of the one that was taken since") {
    ScriptWorld world;
    AutoFigures& figures = world.figures;
    world.held = {0, 1};  // home is away, and comes back
    const auto id = world.ring("anna", "ann", {"where is it?"});
    world.wait_until([&] { return world.desk.commands.size() == 1; });
    world.ring_again("anna", id);
    world.wait_until([&] { return world.desk.commands.size() == 2; });
    world.refuse(0);
    world.wait_until([&] { return figures.errors["stale"] == 1; });
    world.carry_out(1, world.desk.commands[1], world.first_request + 1);
    world.wait_until([&] { return figures.closed == 1; });
    CHECK(world.row(id).unanswered.empty());
  }

  TEST_CASE("a second answer to one message that had to wait is given, once") {
    AutoOptions options = quick();
    const RecordedReplies recorded = {{"annwhere is it?", {"on its way", "(2/2) it comes"}}};
    options.reply_template.clear();
    options.recorded = &recorded;
    ScriptWorld world(options);
    AutoFigures& figures = world.figures;
    world.held = {2};  // the second answer
    const auto id = world.ring("anna", "ann", {"where is it?"});
    world.wait_until([&] { return world.desk.commands.size() == 3; });
    world.refuse(2, ErrorCode::full);
    world.wait_until([&] { return figures.closed == 1; });
    REQUIRE(world.desk.commands.size() == 5);
    CHECK(world.desk.commands[3].text == "(2/2) it comes");
    CHECK(world.row(id).replies.size() == 2);
  }

  TEST_CASE("a late yes to a close is no end of what rings again since") {
    ScriptWorld world;
    AutoFigures& figures = world.figures;
    world.held = {2};  // the close
    const auto id = world.ring("anna", "ann", {"where is it?"});
    world.wait_until([&] { return world.desk.commands.size() == 3; });
    world.log.place(world.log.message("ann again", "ann", "and the other one?"), id);
    world.ring_again("anna", id);
    world.agree(2);
    world.wait_until([&] { return figures.closed == 2; });
    CHECK(world.row(id).unanswered.empty());
    CHECK(world.row(id).replies.size() == 2);
  }

  TEST_CASE("what waits for a home that is away is not answered anew after a snapshot") {
    ScriptWorld world;
    AutoFigures& figures = world.figures;
    world.held = {1, 2};  // the reply, and its repetition after the restart
    const auto id = world.ring("anna", "ann", {"where is it?"});
    world.wait_until([&] { return world.desk.commands.size() == 2; });
    world.desk.conversations["anna"] = {id};
    world.restart_node();
    world.wait_until([&] { return figures.snapshots == 2 && world.desk.commands.size() == 3; });
    CHECK(world.desk.commands[2].id == world.desk.commands[1].id);
    // A whole other case takes longer than to work on this one anew would.
    world.ring("anna", "bob", {"and mine?"});
    world.wait_until([&] { return figures.closed == 1; });
    CHECK(world.row(id).replies.empty());
    world.carry_out(2, world.desk.commands[2], world.first_request + 2);
    world.wait_until([&] { return figures.closed == 2; });
    CHECK(world.row(id).replies.size() == 1);
    CHECK(world.row(id).state == CourseState::closed);
    const auto answers = std::count_if(
        world.desk.commands.begin(), world.desk.commands.end(), [&](const DeskCommand& command) {
          return command.conversation == id && command.verb == Verb::reply;
        });
    CHECK(answers == 2);  // one, said twice
  }

  TEST_CASE("what was over and comes back is gone on with, and not answered twice") {
    ScriptWorld world;
    AutoFigures& figures = world.figures;
    world.held = {1};  // the reply
    const auto id = world.ring("anna", "ann", {"where is it?"});
    world.wait_until([&] { return world.desk.commands.size() == 2; });
    const auto epoch = world.desk.commands[1].epoch;
    // The lease ran out while home was away; then home says that it is still anna's.
    world.tell(NotifyAgent::What::ring_over, "anna", id, epoch, "lease ended");
    world.tell(NotifyAgent::What::conversation, "anna", id, epoch, "active");
    // A whole other case takes longer than to work on this one anew would.
    world.ring("anna", "bob", {"and mine?"});
    world.wait_until([&] { return figures.closed == 1; });
    CHECK(world.row(id).replies.empty());
    world.carry_out(1, world.desk.commands[1], world.first_request + 1);
    world.wait_until([&] { return figures.closed == 2; });
    CHECK(world.row(id).replies.size() == 1);
  }

  TEST_CASE("a case whose lease was over before it was answered is worked on when it comes back") {
    FloorWorld world;
    world.desk.add("anna");
    AutoOptions options = quick();
    options.handling.mean = Duration{60'000};  // the first time it is not done before the end
    AutoFigures figures;
    AutoAgent agent(world.around, world.client("anna"), options, figures, *world.tasks);
    world.tasks->add(agent.run().then([](Status&&) {}));
    world.wait_until([&] { return figures.snapshots == 1; });
    const auto id = world.ring("anna", "ann", {"where is it?"});
    world.wait_until([&] { return figures.accepted == 1 && world.reads == 1; });
    options.handling.mean = Duration{5};
    const auto epoch = world.desk.commands[0].epoch;
    world.tell(NotifyAgent::What::ring_over, "anna", id, epoch, "lease ended");
    world.tell(NotifyAgent::What::conversation, "anna", id, epoch, "active");
    world.wait_until([&] { return figures.closed == 1; });
    CHECK(world.row(id).replies.size() == 1);
    world.tasks = nullptr;
  }

  TEST_CASE("wrong passwords end it with the node's own words") {
    FloorWorld world;
    world.desk.add("anna");
    auto options = world.client("anna");
    options.password = "wrong";
    AgentClient client(world.around, options, {});
    const Status ended = client.run().wait(world.io.waitScope);
    REQUIRE_FALSE(ended.ok());
    CHECK(ended.error().code == ErrorCode::unauthenticated);
    CHECK(ended.error().what.find("name or password is wrong") != std::string::npos);
  }

  TEST_CASE("a script in the terminal: wait, accept, reply with what was seen, close, leave") {
    FloorWorld world;
    world.desk.add("anna");
    std::ostringstream out;
    auto pipe = kj::newOneWayPipe();
    AgentTerminal terminal(world.around, world.client("anna"), *pipe.in, out, false);
    bool ended = false;
    world.tasks->add(terminal.run().then([&](Status&& how) {
      CHECK(how.ok());
      ended = true;
    }));
    const std::string script =
        "ready\nwait\naccept\nreply on its way\nnote she was angry\nclose solved\nsing\nquit\n";
    world.tasks->add(
        pipe.out->write(script.data(), script.size()).then([&] { pipe.out = nullptr; }));
    world.wait_until([&] {
      const auto view = world.desk.view("anna");
      return view && view->presence == Presence::ready;
    });
    const auto id = world.ring("anna", "ann", {"where\nis \x1b[31mit?"});
    world.wait_until([&] { return ended; });
    CAPTURE(out.str());
    REQUIRE(world.done.size() == 4);
    CHECK(world.done[1].text == "on its way");
    CHECK(world.done[1].seen == std::vector<MessageId>{id.as<MessageId>()});
    CHECK(world.done[3].reason == "solved");
    CHECK(has(out.str(), "RING [1]"));
    CHECK(has(out.str(), "`sing` is no command"));
    CHECK_FALSE(has(out.str(), "\x1b"));  // what customers write cannot steer the terminal
    CHECK(world.desk.said.back() == "log out anna");
  }
}
