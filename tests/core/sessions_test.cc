#include "node/core/sessions.h"

#include "tests/core/agent_desk_for_tests.h"

using namespace crossfloor;
using namespace std::chrono_literals;

namespace {

struct SessionsWorld {
  LogForTests log;
  AgentDeskForTests desk{log.crypto, log.settings.region_secrets["eu"]};
  SeededRandom random{11};
  Sessions sessions{desk, log.store, random, options()};
  Instant steady{};
  std::map<ConnectionId, std::vector<client::Message>> heard;
  std::vector<EndConnection> ended;
  std::vector<VerifyPassword> verifying;
  int next_id = 0;

  static Sessions::Options options() {
    Sessions::Options out;
    out.max_pushes = 8;
    return out;
  }
  SessionsWorld() { desk.node = log.self(); }

  Now now() { return {steady, log.wall}; }
  // Does what the sessions want; passwords are right if they say so.
  void act() {
    for (auto actions = sessions.take_actions(); !actions.empty();
         actions = sessions.take_actions()) {
      for (auto& action : actions) {
        if (auto* text = std::get_if<SendText>(&action)) {
          auto message = client::read_message(text->text);
          REQUIRE_MESSAGE(message.ok(), message.error().text());
          heard[text->to].push_back(std::move(message).value());
        } else if (auto* over = std::get_if<EndConnection>(&action)) {
          ended.push_back(*over);
        } else if (auto* verify = std::get_if<VerifyPassword>(&action)) {
          verifying.push_back(*verify);
          const bool right = verify->hash == "hash of " + verify->password;
          sessions.password_checked(verify->connection, right, now());
        } else if (auto* read = std::get_if<ReadForClient>(&action)) {
          sessions.read_done(read->connection, client::to_text(answer_read(log.store, read->read)));
        }
      }
    }
  }
  void say(ConnectionId connection, const client::Command& command) {
    sessions.receive(connection, client::to_text(command), now());
    act();
  }
  void say_text(ConnectionId connection, const std::string& text) {
    sessions.receive(connection, text, now());
    act();
  }
  // The next message of this type that this connection has not been asked for; all before it go.
  template <typename T>
  T next(ConnectionId connection) {
    auto& all = heard[connection];
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (auto* found = std::get_if<T>(&all[i])) {
        T out = *found;
        all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        return out;
      }
    }
    FAIL("no such message: " << T::name);
    return {};
  }
  template <typename T>
  bool has(ConnectionId connection) {
    for (const auto& one : heard[connection]) {
      if (std::holds_alternative<T>(one)) return true;
    }
    return false;
  }
  client::Welcome log_in(ConnectionId connection, const std::string& agent) {
    sessions.connected(connection, "10.0.0.1", now());
    say(connection, client::LogIn{"login", 1, agent, agent, "", 0});
    return next<client::Welcome>(connection);
  }
  std::string id() { return "c" + std::to_string(++next_id); }
  void notify(NotifyAgent::What what, const std::string& agent, const ConversationId& conversation,
              const Epoch& epoch, const std::string& reason = "") {
    sessions.notify({what, agent, conversation, epoch, steady + 20s, reason, true}, now());
    act();
  }
};

}  // namespace

TEST_SUITE("sessions") {
  TEST_CASE("after log-in an agent gets a token and a snapshot of what is theirs") {
    SessionsWorld world;
    world.desk.add("anna");
    const auto message = world.log.message("m1", "ann", "hello");
    const auto conversation = world.log.open(message, "ann");
    world.log.course(conversation, CourseState::active, "anna", world.desk.node);
    world.log.commit();
    world.desk.conversations["anna"] = {conversation};
    const auto welcome = world.log_in(1, "anna");
    CHECK(welcome.id == "login");
    CHECK(welcome.site == "helsinki");
    CHECK(welcome.brands == std::vector<std::string>{"acme"});
    CHECK(welcome.token.size() == 64);
    const auto snapshot = world.next<client::Snapshot>(1);
    CHECK(snapshot.seq == 1);
    CHECK(snapshot.slots.presence == client::Presence::not_ready);
    REQUIRE(snapshot.conversations.size() == 1);
    CHECK(snapshot.conversations[0].state == CourseState::active);
    CHECK(snapshot.conversations[0].unanswered == std::vector<MessageId>{message});
  }

  TEST_CASE("unknown names are checked like wrong passwords, and answered alike") {
    SessionsWorld world;
    world.desk.add("anna");
    world.sessions.connected(1, "10.0.0.1", world.now());
    world.say(1, client::LogIn{"a", 1, "anna", "wrong", "", 0});
    world.say(1, client::LogIn{"b", 1, "nobody", "wrong", "", 0});
    const auto first = world.next<client::Refused>(1);
    const auto second = world.next<client::Refused>(1);
    CHECK(first.what == second.what);
    CHECK(first.code == "unauthenticated");
    REQUIRE(world.verifying.size() == 2);
    CHECK(world.verifying[1].hash.empty());
    CHECK(world.sessions.wrong_passwords() == 2);
  }

  TEST_CASE("five wrong passwords lock the name for five minutes, also for the right one") {
    SessionsWorld world;
    world.desk.add("anna");
    world.sessions.connected(1, "10.0.0.1", world.now());
    for (int i = 0; i < 5; ++i) world.say(1, client::LogIn{"a", 1, "anna", "wrong", "", 0});
    world.heard.clear();
    world.say(1, client::LogIn{"b", 1, "anna", "anna", "", 0});
    const auto refused = world.next<client::Refused>(1);
    CHECK(refused.code == "full");
    CHECK(refused.retry_after_ms == 300'000);
    CHECK(world.verifying.size() == 5);  // it was not even looked at
    world.steady += 5min;
    world.say(1, client::LogIn{"c", 1, "anna", "anna", "", 0});
    CHECK(world.has<client::Welcome>(1));
  }

  TEST_CASE("an agent of another node is told where to go, a disabled one that it is so") {
    SessionsWorld world;
    world.desk.add("bob").node.raw.fill(9);
    world.desk.add("eve").disabled = true;
    world.sessions.connected(1, "10.0.0.1", world.now());
    world.say(1, client::LogIn{"a", 1, "bob", "bob", "", 0});
    const auto away = world.next<client::Refused>(1);
    CHECK(away.site == "warsaw");
    CHECK(away.addresses == std::vector<std::string>{"https://warsaw.example:7480"});
    world.say(1, client::LogIn{"b", 1, "eve", "eve", "", 0});
    CHECK(world.next<client::Refused>(1).code == "forbidden");
    CHECK(world.desk.said.empty());
  }

  TEST_CASE("a second log-in ends the first session") {
    SessionsWorld world;
    world.desk.add("anna");
    const auto first = world.log_in(1, "anna");
    const auto second = world.log_in(2, "anna");
    CHECK(first.token != second.token);
    CHECK(world.next<client::SessionOver>(1).reason == "logged in elsewhere");
    REQUIRE(world.ended.size() == 1);
    CHECK(world.ended[0].connection == 1);
    CHECK(world.ended[0].code == Sessions::session_over);
    world.sessions.connected(3, "10.0.0.1", world.now());
    world.say(3, client::LogIn{"r", 1, "anna", "", first.token, 0});
    CHECK(world.next<client::Refused>(3).field == "token");
  }

  TEST_CASE("a client that lost its connection gets exactly the pushes that it missed") {
    SessionsWorld world;
    world.desk.add("anna");
    const auto welcome = world.log_in(1, "anna");
    const auto seen = world.next<client::Snapshot>(1).seq;
    world.sessions.disconnected(1, world.now());
    CHECK(world.desk.said.back() == "anna is lost");
    const auto conversation = world.log.open(world.log.message("m", "ann", "hi"), "ann");
    const auto epoch =
        world.log.course(conversation, CourseState::ringing, "anna", world.desk.node);
    world.log.commit();
    world.notify(NotifyAgent::What::ring, "anna", conversation, epoch);
    world.notify(NotifyAgent::What::ring_over, "anna", conversation, epoch, "missed");
    CHECK(world.heard[1].empty());

    world.sessions.connected(2, "10.0.0.1", world.now());
    world.say(2, client::LogIn{"r", 1, "anna", "", welcome.token, seen});
    const auto again = world.next<client::Welcome>(2);
    CHECK(again.resumed);
    CHECK(again.token == welcome.token);
    CHECK(world.desk.said.back() == "anna is back");
    std::vector<std::uint64_t> numbers;
    for (const auto& message : world.heard[2]) numbers.push_back(client::seq_of(message));
    REQUIRE(numbers.size() >= 2);
    for (std::size_t i = 0; i < numbers.size(); ++i) CHECK(numbers[i] == seen + 1 + i);
    const auto ring = world.next<client::Ring>(2);
    CHECK(ring.epoch == epoch);
    CHECK(ring.ring_ms == 20'000);
    REQUIRE(ring.items.size() == 1);
    CHECK(ring.items[0].text == "hi");
    CHECK(world.next<client::RingOver>(2).reason == "missed");
  }

  TEST_CASE("a client that was away for too long gets a snapshot instead") {
    SessionsWorld world;
    world.desk.add("anna");
    const auto welcome = world.log_in(1, "anna");
    const auto seen = world.next<client::Snapshot>(1).seq;
    world.sessions.disconnected(1, world.now());
    for (int i = 0; i < 20; ++i) {
      world.notify(NotifyAgent::What::ring_over, "anna", ConversationId{}, Epoch{}, "missed");
    }
    world.sessions.connected(2, "10.0.0.1", world.now());
    world.say(2, client::LogIn{"r", 1, "anna", "", welcome.token, seen});
    CHECK_FALSE(world.next<client::Welcome>(2).resumed);
    CHECK(world.next<client::Snapshot>(2).seq > seen + 20);
  }

  TEST_CASE("a command goes to the desk with the record's signature, and its answer comes back") {
    SessionsWorld world;
    world.desk.add("anna");
    const auto message = world.log.message("m", "ann", "hi");
    const auto conversation = world.log.open(message, "ann");
    const auto epoch = world.log.course(conversation, CourseState::active, "anna", world.desk.node);
    world.log.commit();
    world.log_in(1, "anna");
    client::Reply reply;
    reply.id = "r-1";
    reply.conversation = conversation;
    reply.epoch = epoch;
    reply.text = "hello";
    reply.seen = {message};
    world.say(1, reply);
    REQUIRE(world.desk.commands.size() == 1);
    const DeskCommand command = world.desk.commands[0];
    CHECK(command.verb == Verb::reply);
    CHECK(command.id == world.desk.subjects.command("anna", "r-1"));
    CHECK(command.signature == "-- anna");
    CHECK(command.site == "helsinki");
    CHECK(command.agent_node == world.desk.node);
    CHECK(command.epoch == epoch);
    CHECK(command.seen == std::vector<MessageId>{message});

    CommandAnswer answer;
    answer.ok = true;
    answer.conversation = conversation;
    answer.epoch = epoch;
    answer.reply = world.desk.subjects.reply(command.id);
    CHECK(world.sessions.answered({world.desk.last_request(), answer}, world.now()));
    world.act();
    const auto done = world.next<client::Done>(1);
    CHECK(done.id == "r-1");
    CHECK(done.reply == answer.reply);
    CHECK_FALSE(world.sessions.answered({world.desk.last_request(), answer}, world.now()));

    world.say(1, reply);  // repeated: the same id goes to the desk, which knows it
    CHECK(world.desk.commands[1].id == command.id);
    answer.ok = false;
    answer.code = "stale";
    answer.holder = "bob";
    world.sessions.answered({world.desk.last_request(), answer}, world.now());
    world.act();
    CHECK(world.next<client::Refused>(1).holder == "bob");
  }

  TEST_CASE("conversations and customers of other brands are neither shown nor touched") {
    SessionsWorld world;
    world.desk.add("anna");
    const auto message = world.log.message("m", "ann", "secret", "other");
    const auto conversation = world.log.open(message, "ann", "other");
    world.log.commit();
    world.log_in(1, "anna");
    world.say(1, client::Open{"a", conversation, 20});
    world.say(1, client::AskHistory{"b", conversation, "", 20, false});
    world.say(1, client::FindCustomer{"c", "other", "social", "ann"});
    world.say(1, client::Note{"d", conversation, "mine"});
    for (const char* id : {"a", "b", "c", "d"}) {
      const auto refused = world.next<client::Refused>(1);
      CHECK(refused.id == id);
      CHECK(refused.code == "forbidden");
    }
    CHECK(world.desk.commands.empty());
    world.say(1, client::Open{"e", ConversationId{}, 20});
    CHECK(world.next<client::Refused>(1).code == "not_found");
  }

  TEST_CASE("a conversation is opened with its customer and history") {
    SessionsWorld world;
    world.desk.add("anna");
    const auto conversation = world.log.open(world.log.message("m", "ann", "hi"), "ann");
    const auto before = world.log.open(world.log.message("old", "ann", "long ago"), "ann");
    world.log.commit();
    world.log_in(1, "anna");
    world.say(1, client::Open{"o", conversation, 20});
    const auto opened = world.next<client::Opened>(1);
    CHECK(opened.view.conversation == conversation);
    CHECK(opened.customer.conversations.size() == 2);
    CHECK(opened.history.items.size() == 2);
    world.say(1, client::AskHistory{"h", before, "", 20, true});
    const auto page = world.next<client::HistoryAnswer>(1).page;
    REQUIRE(page.items.size() == 1);
    CHECK(page.items[0].text == "long ago");
    world.say(1, client::FindCustomer{"f", "acme", "social", "ann"});
    CHECK(world.next<client::CustomerAnswer>(1).customer.handles.size() == 1);
    world.say(1, client::FindCustomer{"g", "acme", "social", "nobody"});
    CHECK(world.next<client::Refused>(1).field == "external_id");
  }

  TEST_CASE("what changes is pushed once, with what is new of it") {
    SessionsWorld world;
    world.desk.add("anna");
    const auto message = world.log.message("m", "ann", "hi");
    const auto conversation = world.log.open(message, "ann");
    auto epoch = world.log.course(conversation, CourseState::active, "anna", world.desk.node);
    world.log.commit();
    world.log_in(1, "anna");
    world.notify(NotifyAgent::What::conversation, "anna", conversation, epoch, "accepted");
    auto changed = world.next<client::Changed>(1);
    CHECK(changed.yours);
    REQUIRE(changed.items.size() == 1);
    world.notify(NotifyAgent::What::conversation, "anna", conversation, epoch, "accepted");
    CHECK_FALSE(world.has<client::Changed>(1));
    const auto reply = world.log.reply(conversation, "anna", "hello", {message});
    world.log.commit();
    world.notify(NotifyAgent::What::conversation, "anna", conversation, epoch, "replied");
    changed = world.next<client::Changed>(1);
    REQUIRE(changed.items.size() == 1);
    CHECK(changed.items[0].outcome == "waiting");
    world.log.outcome(conversation, reply, ReplyOutcome::accepted);
    world.log.commit();
    world.notify(NotifyAgent::What::conversation, "anna", conversation, epoch, "replied");
    changed = world.next<client::Changed>(1);
    REQUIRE(changed.items.size() == 1);
    CHECK(changed.items[0].outcome == "accepted");
    epoch = world.log.course(conversation, CourseState::waiting, "", {});
    world.log.commit();
    world.notify(NotifyAgent::What::conversation, "anna", conversation, epoch, "requeued");
    CHECK_FALSE(world.next<client::Changed>(1).yours);
  }

  TEST_CASE("what was over and is the agent's after all is shown again, though nothing changed") {
    SessionsWorld world;
    world.desk.add("anna");
    const auto message = world.log.message("m1", "ann", "hello");
    const auto conversation = world.log.open(message, "ann");
    const auto epoch = world.log.course(conversation, CourseState::active, "anna", world.desk.node);
    world.log.commit();
    world.log_in(1, "anna");
    world.notify(NotifyAgent::What::conversation, "anna", conversation, epoch);
    CHECK(world.next<client::Changed>(1).yours);
    world.notify(NotifyAgent::What::conversation, "anna", conversation, epoch);
    CHECK_FALSE(world.has<client::Changed>(1));
    world.notify(NotifyAgent::What::ring_over, "anna", conversation, epoch, "lease ended");
    world.notify(NotifyAgent::What::conversation, "anna", conversation, epoch);
    const auto changed = world.next<client::Changed>(1);
    CHECK(changed.yours);
    CHECK(changed.view.unanswered == std::vector<MessageId>{message});
  }

  TEST_CASE("what is not durable yet is not shown") {
    SessionsWorld world;
    world.desk.add("anna");
    const auto conversation = world.log.open(world.log.message("m", "ann", "hi"), "ann");
    world.log_in(1, "anna");
    world.say(1, client::Open{"o", conversation, 20});
    CHECK(world.next<client::Refused>(1).code == "not_found");
    world.log.commit();
    world.say(1, client::Open{"o", conversation, 20});
    CHECK(world.has<client::Opened>(1));
  }

  TEST_CASE("logging off with open work asks, and then hands over or keeps it pending") {
    for (const auto how : {client::LogOffHow::hand_over, client::LogOffHow::keep_pending}) {
      CAPTURE(word_of(how));
      SessionsWorld world;
      world.desk.add("anna");
      const auto conversation = world.log.open(world.log.message("m", "ann", "hi"), "ann");
      const auto epoch =
          world.log.course(conversation, CourseState::active, "anna", world.desk.node);
      world.log.commit();
      world.desk.conversations["anna"] = {conversation};
      world.log_in(1, "anna");
      world.say(1, client::LogOff{"q", client::LogOffHow::ask});
      const auto question = world.next<client::LogOffQuestion>(1);
      REQUIRE(question.open.size() == 1);
      CHECK(question.open[0].conversation == conversation);
      world.say(1, client::LogOff{"l", how});
      if (how == client::LogOffHow::keep_pending) {
        CHECK_FALSE(world.has<client::Done>(1));
        REQUIRE(world.desk.commands.size() == 1);
        CHECK(world.desk.commands[0].verb == Verb::pending);
        CHECK(world.desk.commands[0].epoch == epoch);
        CommandAnswer answer;
        answer.ok = true;
        world.sessions.answered({world.desk.last_request(), answer}, world.now());
        world.act();
      }
      CHECK(world.next<client::Done>(1).id == "l");
      CHECK(world.next<client::SessionOver>(1).reason == "logged off");
      CHECK(world.desk.said.back() == "log out anna");
      CHECK(world.sessions.sessions() == 0);
    }
  }

  TEST_CASE("disabling an agent ends the session at once") {
    SessionsWorld world;
    world.desk.add("anna");
    const auto welcome = world.log_in(1, "anna");
    world.notify(NotifyAgent::What::session_over, "anna", {}, {}, "disabled");
    CHECK(world.next<client::SessionOver>(1).reason == "disabled");
    REQUIRE(world.ended.size() == 1);
    world.sessions.connected(2, "10.0.0.1", world.now());
    world.say(2, client::LogIn{"r", 1, "anna", "", welcome.token, 0});
    CHECK(world.has<client::Refused>(2));
  }

  TEST_CASE("sessions end when unused for twelve hours; pings do not count") {
    SessionsWorld world;
    world.desk.add("anna");
    world.log_in(1, "anna");
    world.steady += 11h;
    world.say(1, client::Ping{"p"});
    CHECK(world.has<client::Pong>(1));
    world.sessions.tick(world.now());
    CHECK(world.sessions.sessions() == 1);
    world.steady += 1h;
    world.sessions.tick(world.now());
    world.act();
    CHECK(world.next<client::SessionOver>(1).reason == "unused for too long");
    CHECK(world.desk.said.back() == "log out anna");
  }

  TEST_CASE("whoever does not log in is shown out, and may say nothing else before") {
    SessionsWorld world;
    world.sessions.connected(1, "10.0.0.1", world.now());
    world.say(1, client::AskSlots{"s"});
    CHECK(world.next<client::Refused>(1).code == "unauthenticated");
    world.steady += 15s;
    world.sessions.tick(world.now());
    world.act();
    REQUIRE(world.ended.size() == 1);
    CHECK(world.ended[0].code == Sessions::no_log_in);
    CHECK(world.sessions.connections() == 0);
  }

  TEST_CASE("errors name the field and the mend") {
    SessionsWorld world;
    world.desk.add("anna");
    world.log_in(1, "anna");
    struct Row {
      const char* text;
      const char* id;
      const char* field;
    };
    for (const auto& row :
         {Row{R"({"type":"note","id":"n1","conversation":"00"})", "n1", "conversation"},
          Row{R"({"type":"presence","id":"p1","presence":"asleep"})", "p1", "presence"},
          Row{R"({"type":"presence","id":"p2","presence":"logged_out"})", "p2", "presence"},
          Row{R"({"type":"ping"})", "", "id"}, Row{R"({"type":"dance","id":"d"})", "d", "type"},
          Row{R"({"type":"ping","id":"x","more":1})", "x", "more"}}) {
      CAPTURE(row.text);
      world.say_text(1, row.text);
      const auto refused = world.next<client::Refused>(1);
      CHECK(refused.id == row.id);
      CHECK(refused.field == row.field);
      CHECK(refused.code == "malformed");
      CHECK_FALSE(refused.mend.empty());
    }
    world.say_text(1, "not JSON");
    CHECK(world.next<client::Refused>(1).code == "malformed");
  }

  TEST_CASE("a transfer to an agent nobody knows, and a time in the past, are refused") {
    SessionsWorld world;
    world.desk.add("anna");
    auto& bob = world.desk.add("bob");
    bob.node.raw.fill(9);
    const auto conversation = world.log.open(world.log.message("m", "ann", "hi"), "ann");
    const auto epoch = world.log.course(conversation, CourseState::active, "anna", world.desk.node);
    world.log.commit();
    world.log_in(1, "anna");
    client::Transfer transfer{"t", conversation, epoch, "carl", "", {}};
    world.say(1, transfer);
    CHECK(world.next<client::Refused>(1).field == "to_agent");
    transfer.to_agent = "bob";
    world.say(1, transfer);
    REQUIRE(world.desk.commands.size() == 1);
    CHECK(world.desk.commands[0].to_node == bob.node);
    world.say(1, client::SetPending{"p", conversation, epoch, 1, {}});
    CHECK(world.next<client::Refused>(1).field == "until_ms");
  }

  TEST_CASE("a transfer to somebody of other brands, or to a team of nobody, is refused") {
    SessionsWorld world;
    world.desk.add("anna");
    world.desk.add("ben").brands = {"other"};
    world.desk.add("cleo").team = "returns";
    const auto conversation = world.log.open(world.log.message("m", "ann", "hi"), "ann");
    const auto epoch = world.log.course(conversation, CourseState::active, "anna", world.desk.node);
    world.log.commit();
    world.log_in(1, "anna");
    world.say(1, client::Transfer{"a", conversation, epoch, "ben", "", {}});
    auto refused = world.next<client::Refused>(1);
    CHECK(refused.code == "forbidden");
    CHECK(refused.field == "to_agent");
    world.say(1, client::Transfer{"b", conversation, epoch, "", "retruns", {}});
    refused = world.next<client::Refused>(1);
    CHECK(refused.code == "not_found");
    CHECK(refused.field == "team");
    CHECK(world.desk.commands.empty());
    world.say(1, client::Transfer{"c", conversation, epoch, "", "returns", {}});
    world.say(1, client::Transfer{"d", conversation, epoch, "cleo", "", {}});
    CHECK(world.desk.commands.size() == 2);
  }

  TEST_CASE("handles are linked and unlinked by whoever may work for the brand") {
    SessionsWorld world;
    world.desk.add("anna");
    const auto ours = world.log.open(world.log.message("m", "ann", "hi"), "ann");
    const auto theirs =
        world.log.open(world.log.message("n", "joe", "hi", "other"), "joe", "other");
    world.log.commit();
    world.log_in(1, "anna");
    world.say(1, client::Link{"a", ours, "email", "ann@example.com", "said so"});
    REQUIRE(world.desk.links.size() == 1);
    const auto& link = world.desk.links[0];
    CHECK(link.conversation == ours);
    CHECK(link.external_id == "ann@example.com");
    CHECK(link.agent == "anna");
    CHECK(link.reason == "said so");
    CHECK(link.linked);
    CHECK_FALSE(world.has<client::Done>(1));  // not before it is safe
    CommandAnswer answer;
    answer.ok = true;
    answer.conversation = ours;
    CHECK(world.sessions.answered({5'001, answer}, world.now()));
    world.act();
    CHECK(world.next<client::Done>(1).id == "a");
    world.say(1, client::Unlink{"b", ours, "email", "ann@example.com", "two people"});
    REQUIRE(world.desk.links.size() == 2);
    CHECK_FALSE(world.desk.links[1].linked);
    world.say(1, client::Link{"c", theirs, "email", "joe@example.com", "said so"});
    CHECK(world.next<client::Refused>(1).code == "forbidden");
    CHECK(world.desk.links.size() == 2);
  }

  TEST_CASE("a draft is kept of what one has, and of nothing else") {
    SessionsWorld world;
    world.desk.add("anna");
    const auto mine = world.log.open(world.log.message("m", "ann", "hi"), "ann");
    world.log.commit();
    world.log_in(1, "anna");
    world.say(1, client::Draft{"a", mine, "I think"});
    CHECK(world.next<client::Refused>(1).code == "stale");
    world.desk.conversations["anna"] = {mine};
    world.say(1, client::Draft{"b", mine, "I think"});
    CHECK(world.next<client::Done>(1).id == "b");
    CHECK(world.desk.said.back() == "draft anna " + mine.hex().substr(0, 4) + " I think");
  }

  TEST_CASE("who says too much too fast is told when to go on") {
    SessionsWorld world;
    world.desk.add("anna");
    world.log_in(1, "anna");
    for (int i = 0; i < 300; ++i) world.say(1, client::Ping{"p"});
    REQUIRE(world.has<client::Refused>(1));
    const auto refused = world.next<client::Refused>(1);
    CHECK(refused.code == "full");
    CHECK(refused.retry_after_ms > 0);
    world.heard.clear();
    world.steady += Duration{refused.retry_after_ms};
    world.say(1, client::Ping{"q"});
    CHECK(world.next<client::Pong>(1).id == "q");
  }
}

TEST_SUITE("lock-out") {
  TEST_CASE("wrong guesses count only within five minutes, and a right one clears the name") {
    Lockout lockout({});
    Instant now{};
    for (int i = 0; i < 20; ++i) {
      lockout.wrong("anna", "here", now);
      now += 2min;
    }
    CHECK_FALSE(lockout.locked("anna", "here", now));
    for (int i = 0; i < 4; ++i) lockout.wrong("bob", "there", now);
    lockout.right("bob");
    lockout.wrong("bob", "there", now);
    CHECK_FALSE(lockout.locked("bob", "there", now));
  }

  TEST_CASE("an address that tries many names is locked, too") {
    Lockout lockout({});
    for (int i = 0; i < 25; ++i) lockout.wrong("name" + std::to_string(i), "bad", Instant{});
    CHECK(lockout.locked("anna", "bad", Instant{}));
    CHECK_FALSE(lockout.locked("anna", "good", Instant{}));
    CHECK_FALSE(lockout.locked("anna", "bad", Instant{} + 5min));
  }

  TEST_CASE("memory is bounded whatever is tried") {
    Lockout lockout({.max_keys = 100});
    Instant now{};
    for (int i = 0; i < 1'000; ++i) {
      now += 1ms;
      lockout.wrong("name" + std::to_string(i), "address" + std::to_string(i), now);
    }
    CHECK(lockout.size() <= 100);
  }
}
