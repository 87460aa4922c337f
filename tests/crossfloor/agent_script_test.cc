#include "tools/crossfloor/agent_script.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace crossfloor;
using namespace crossfloor::cli;

namespace {

client::HistoryItem item(const std::string& cursor, const std::string& text, char id) {
  client::HistoryItem out;
  out.cursor = cursor;
  out.text = text;
  out.author = "ann";
  out.external_id = "x-" + text;
  MessageId message;
  message.raw.fill(static_cast<unsigned char>(id));
  out.message = message;
  return out;
}

}  // namespace

TEST_SUITE("scripted agents") {
  TEST_CASE("handling times have the mean that was asked for") {
    for (const auto shape : {HandlingTime::Shape::exponential, HandlingTime::Shape::lognormal,
                             HandlingTime::Shape::fixed}) {
      SeededRandom random(5);
      const HandlingTime time{shape, Duration{10'000}};
      double sum = 0;
      constexpr int draws = 20'000;
      for (int i = 0; i < draws; ++i) sum += static_cast<double>(time.draw(random).count());
      CAPTURE(static_cast<int>(shape));
      CHECK(std::abs(sum / draws - 10'000) < 300);
    }
  }

  TEST_CASE("a reply says what was seen, and what the customer wrote before") {
    client::ConversationView view;
    const auto old = item("1", "hello", 1);
    const auto first = item("2", "where is it?", 2);
    const auto second = item("3", "hurry {agent}", 3);
    auto ours = item("4", "our answer", 4);
    ours.direction = client::HistoryDirection::out;
    view.unanswered = {*first.message, *second.message};
    AnswerPlan plan;
    plan.agent = "anna";
    plan.site = "warsaw";
    plan.reply_template = "{customer}: {seen}; before: {earlier}; {count} {unknown} {agent}@{site}";
    const auto replies = plan_replies(plan, view, {second, ours, first, old});
    REQUIRE(replies.size() == 1);
    CHECK(replies[0].text ==
          "ann: where is it? / hurry {agent}; before: hello; 2 {unknown} anna@warsaw");
    CHECK(replies[0].seen == std::vector<MessageId>{*first.message, *second.message});
  }

  TEST_CASE("recorded answers are given to their own message, the template to the rest") {
    client::ConversationView view;
    const auto first = item("2", "a", 2);
    const auto second = item("3", "b", 3);
    view.unanswered = {*first.message, *second.message};
    const RecordedReplies recorded = {{"x-a", {"recorded a", "and more"}}};
    AnswerPlan plan;
    plan.recorded = &recorded;
    plan.reply_template = "read {seen}";
    auto replies = plan_replies(plan, view, {first, second});
    REQUIRE(replies.size() == 3);
    CHECK(replies[0].text == "recorded a");
    CHECK(replies[0].seen == std::vector<MessageId>{*first.message});
    CHECK(replies[1].text == "and more");
    CHECK(replies[1].seen == std::vector<MessageId>{*first.message});
    CHECK(replies[2].text == "read b");
    plan.reply_template.clear();
    CHECK(plan_replies(plan, view, {first, second}).size() == 2);
    CHECK(plan_replies(plan, view, {second}).empty());
  }

  TEST_CASE("files are read by the names of their columns") {
    const auto replies =
        read_replies("reply,more,external_id\n\"hello, you\",1,m1\nbye,2,m2\nagain,3,m1\n");
    REQUIRE_MESSAGE(replies.ok(), replies.error().text());
    CHECK(replies.value().at("m1") == std::vector<std::string>{"hello, you", "again"});
    const auto wrong = read_replies("id,text\n1,2\n");
    REQUIRE_FALSE(wrong.ok());
    CHECK(wrong.error().where == "line 1");
    const auto accounts = read_accounts("name,password\nanna,secret\n");
    REQUIRE(accounts.ok());
    CHECK(accounts.value()[0].password == "secret");
  }
}
