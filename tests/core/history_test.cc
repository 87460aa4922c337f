#include "node/core/history.h"

#include "tests/core/agent_desk_for_tests.h"

using namespace crossfloor;
using client::HistoryItem;
using client::HistoryPage;

namespace {

std::string texts(const HistoryPage& page) {
  std::string out;
  for (const auto& item : page.items) out += (out.empty() ? "" : " | ") + item.text;
  return out;
}

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) FAIL(result.error().text());
  return std::move(result).value();
}

// Notes which conversations are read, and which are looked through.
struct Watched final : Reader {
  const Reader& base;
  mutable std::set<Bytes> read;
  mutable std::set<Bytes> looked_through;
  explicit Watched(const Reader& reader) : base(reader) {}

  Result<std::optional<Bytes>> get(ByteView key) const override {
    if (key.front() == 'C') read.emplace(key.substr(1));
    return base.get(key);
  }
  Status scan(ByteView from, ByteView to, const Visit& visit) const override {
    return base.scan(from, to, visit);
  }
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override {
    if (from.front() == 'I') looked_through.emplace(from.substr(1));
    return base.scan_back(from, to, visit);
  }
};

}  // namespace

TEST_SUITE("history") {
  TEST_CASE("messages, replies with their outcome and notes come newest first") {
    LogForTests log;
    const auto question = log.message("m1", "ann", "where is my parcel?");
    const auto conversation = log.open(question, "ann");
    log.course(conversation, CourseState::active, "anna", log.self());
    log.note(conversation, "anna", "she called yesterday");
    const auto sent = log.reply(conversation, "anna", "on its way", {question});
    log.outcome(conversation, sent, ReplyOutcome::accepted);
    log.commit();

    const auto page = must(conversation_history(log.store, conversation, {}));
    REQUIRE(page.items.size() == 3);
    CHECK(page.next.empty());
    CHECK(texts(page) == "on its way | she called yesterday | where is my parcel?");
    const auto& reply = page.items[0];
    CHECK(reply.kind == client::HistoryKind::reply);
    CHECK(reply.direction == client::HistoryDirection::out);
    CHECK(reply.outcome == "accepted");
    CHECK(reply.author == "anna");
    CHECK(reply.reply == sent);
    CHECK(reply.answers == std::vector<MessageId>{question});
    CHECK(page.items[1].direction == client::HistoryDirection::internal);
    CHECK(page.items[2].message == question);
    CHECK(page.items[2].author == "ann");
    CHECK_FALSE(page.items[2].unanswered);
  }

  TEST_CASE("a reply not yet tried is waiting, and its message is answered") {
    LogForTests log;
    const auto question = log.message("m1", "ann", "hello?");
    const auto conversation = log.open(question, "ann");
    log.commit();
    CHECK(must(conversation_history(log.store, conversation, {})).items[0].unanswered);
    log.course(conversation, CourseState::active, "anna", log.self());
    log.reply(conversation, "anna", "yes?", {question});
    log.commit();
    CHECK(must(conversation_history(log.store, conversation, {})).items[0].outcome == "waiting");
  }

  TEST_CASE("the same message from two hosts is shown once, a revision is shown, too") {
    LogForTests log;
    const auto first = log.message("m1", "ann", "helo");
    const auto conversation = log.open(first, "ann");
    log.message("m1", "ann", "helo");
    log.message("m1", "ann", "hello", "acme", MessageKind::edited);
    log.message("m1", "ann", "", "acme", MessageKind::delivered);
    log.commit();
    const auto page = must(conversation_history(log.store, conversation, {}));
    CHECK(texts(page) == "hello | helo");
    CHECK(page.items[0].revision == client::Revision::edited);
    CHECK(page.items[1].revision == client::Revision::first);
  }

  TEST_CASE("pages go on where the last one ended, over all linked handles") {
    LogForTests log;
    std::vector<std::string> wanted;
    std::vector<ConversationId> conversations;
    for (const char* customer : {"ann", "ann@example.com"}) {
      const auto id = log.message(std::string("first of ") + customer, customer, "opens");
      conversations.push_back(log.open(id, customer));
      wanted.insert(wanted.begin(), "opens");
    }
    for (int i = 0; i < 120; ++i) {
      const auto text = "text " + std::to_string(i);
      const auto id = log.message("m" + std::to_string(i), i % 2 ? "ann" : "ann@example.com", text);
      log.place(id, conversations[i % 2 ? 0 : 1]);
      wanted.insert(wanted.begin(), text);
    }
    const auto stranger = log.message("other", "bob", "not hers");
    log.open(stranger, "bob");
    LinkBody link;
    link.first = log.subjects().handle("acme", "social", "ann");
    link.second = log.subjects().handle("acme", "social", "ann@example.com");
    log.write(EntryKind::link, link.first.as<Subject>(), link);
    log.commit();

    for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{50}}) {
      CAPTURE(size);
      std::vector<std::string> got;
      PageWanted page_wanted{"", size};
      for (int pages = 0; pages < 200; ++pages) {
        const auto page = must(customer_history(log.store, link.first, page_wanted));
        CHECK(page.items.size() <= size);
        for (const auto& item : page.items) got.push_back(item.text);
        page_wanted.before = page.next;
        if (page.next.empty()) break;
      }
      CHECK(got == wanted);
    }
    const auto customer = must(customer_of(log.store, link.second));
    CHECK(customer.brand == "acme");
    CHECK(customer.handles.size() == 2);
    CHECK(customer.conversations.size() == 2);
  }

  TEST_CASE("a page of a customer's history reads no conversation that it does not show") {
    constexpr int conversations = 40;
    LogForTests log;
    for (int i = 0; i < conversations; ++i) {
      const auto question = log.message("m" + std::to_string(i), "ann", std::to_string(i));
      const auto conversation = log.open(question, "ann");
      const auto sent = log.reply(conversation, "anna", "r" + std::to_string(i), {question});
      log.outcome(conversation, sent, ReplyOutcome::accepted);
      log.course(conversation, CourseState::closed, "", {});
    }
    log.commit();
    const auto handle = log.subjects().handle("acme", "social", "ann");
    PageWanted wanted{"", 10};
    for (int page = 0; page < conversations * 2 / 10; ++page) {
      CAPTURE(page);
      const Watched watched(log.store);
      const auto got = must(customer_history(watched, handle, wanted));
      REQUIRE(got.items.size() == 10);
      CHECK(got.items[0].text == "r" + std::to_string(conversations - 1 - page * 5));
      CHECK(watched.read.size() <= 7);
      CHECK(watched.looked_through.size() <= 7);
      wanted.before = got.next;
    }
    // Somebody writes in an old one again: it is the newest, and open.
    const auto again = log.message("again", "ann", "once more");
    log.place(again, log.subjects().message("acme-page", "m3").as<ConversationId>());
    log.commit();
    const auto newest = must(customer_history(log.store, handle, {"", 2}));
    CHECK(texts(newest) == "once more | r39");
  }

  TEST_CASE("a page is never longer than fifty items, and a strange cursor is refused") {
    LogForTests log;
    const auto first = log.message("m", "ann", "opens");
    const auto conversation = log.open(first, "ann");
    for (int i = 0; i < 60; ++i) log.note(conversation, "anna", "note");
    log.commit();
    CHECK(must(conversation_history(log.store, conversation, {"", 1'000})).items.size() == 50);
    const auto refused = conversation_history(log.store, conversation, {"abc", 10});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().where == "before");
    const auto nowhere = conversation_history(log.store, ConversationId{}, {});
    REQUIRE_FALSE(nowhere.ok());
    CHECK(nowhere.error().code == ErrorCode::not_found);
  }
}
