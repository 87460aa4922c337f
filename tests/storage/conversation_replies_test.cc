// Replies in the fold: open, answered twice, known to whom.
#include "tests/storage/story.h"

using namespace crossfloor;
using namespace crossfloor::story;

TEST_SUITE("a conversation's fold: replies") {
  TEST_CASE("a reply is open until the provider has it or refused it") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(1'002, CourseState::active, "bob");
    story.reply(2'000, 50, {msg(1)});
    CHECK(story.fold().replies.at(0).open());
    story.attempt(2'001, 50, 1);
    story.outcome(2'002, 50, ReplyOutcome::retry_later);
    CHECK(story.fold().replies.at(0).open());
    story.attempt(2'003, 50, 2);
    CHECK_FALSE(story.fold().replies.at(0).has_outcome);  // unknown after a restart
    story.outcome(2'004, 50, ReplyOutcome::accepted);
    const auto c = story.fold();
    CHECK_FALSE(c.replies.at(0).open());
    CHECK(c.replies.at(0).attempts == 2);
    CHECK(c.state == CourseState::pending);
    CHECK(c.handled_twice == 0);
  }

  TEST_CASE("what the provider accepted stays accepted, whoever tries or reports afterwards") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.reply(2'000, 50, {msg(1)});
    story.attempt(2'001, 50, 1);
    story.outcome(2'002, 50, ReplyOutcome::accepted);
    story.attempt(2'003, 50, 1, rival);
    story.outcome(2'004, 50, ReplyOutcome::unknown, rival);
    const auto reply = story.fold().replies.at(0);
    CHECK_FALSE(reply.open());
    CHECK(reply.outcome == ReplyOutcome::accepted);
  }

  TEST_CASE("home may name another sender") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.reply(2'000, 50, {msg(1)});
    story.reply(2'100, 50, {msg(1)}).sender = rival;
    const auto c = story.fold();
    REQUIRE(c.replies.size() == 1);
    CHECK(c.replies[0].sender == rival);
    CHECK(c.messages_out == 1);
  }

  TEST_CASE("replies that are long done leave the row, and come back when more is written") {
    constexpr int written = 40;
    constexpr int kept = Conversation::max_done_replies;
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(1'100, CourseState::active, "bob");
    for (int i = 0; i < written; ++i) {
      const auto number = static_cast<unsigned char>(50 + i);
      story.reply(2'000 + 10 * i, number, {});
      story.attempt(2'001 + 10 * i, number, 1);
      if (i != 3) story.outcome(2'002 + 10 * i, number, ReplyOutcome::accepted);
    }
    auto c = story.fold();
    CHECK(c.replies_written() == written);
    CHECK(c.replies.size() == kept + 1);  // and the one that has no outcome yet
    CHECK(c.replies.front().reply == named<ReplyId>(53));
    CHECK(c.is_open());
    story.outcome(2'045, 53, ReplyOutcome::refused);  // sorts before most of the others
    CHECK(story.fold().replies.size() == kept);
    CHECK_FALSE(story.fold().find_reply(named<ReplyId>(53)));
    story.attempt(3'000, 53, 2);  // a person had it sent again
    c = story.fold();
    CHECK(c.replies.size() == kept + 1);
    REQUIRE(c.find_reply(named<ReplyId>(53)));
    CHECK(c.find_reply(named<ReplyId>(53))->attempts == 2);
    CHECK(c.find_reply(named<ReplyId>(53))->open());
    story.outcome(3'001, 53, ReplyOutcome::accepted);
    CHECK(story.fold().replies.size() == kept);
    CHECK(story.fold().replies_written() == written);
  }

  TEST_CASE("a message that was answered before it came is remembered only until it comes") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(2'000, CourseState::closed).seen = {msg(1), msg(2)};
    CHECK(story.fold().seen == std::vector{msg(2)});
    story.message(2'500, 2);
    CHECK(story.fold().seen.empty());
    CHECK(unanswered(story.fold()).empty());
  }

  TEST_CASE("a lost home's reply answers nothing unless it was sent, and then was handled twice") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(1'002, CourseState::active, "bob");
    story.took(1'500, 2, rival);
    story.reply(2'000, 50, {msg(1)});
    auto c = story.fold();
    CHECK_FALSE(c.replies.at(0).counts);
    CHECK(unanswered(c) == std::vector{msg(1)});
    CHECK(c.handled_twice == 0);
    story.attempt(2'001, 50, 1);
    story.attempt(2'002, 50, 1);
    story.attempt(2'003, 50, 2);
    c = story.fold();
    CHECK(c.handled_twice == 1);
    CHECK(c.unanswered.empty());
  }

  TEST_CASE("a reply that the next home did not know of when it answered was handled twice") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(1'002, CourseState::active, "bob");
    story.reply(1'100, 49, {}).known_replies = 1;  // known to both
    story.reply(1'400, 50, {msg(1)}).known_replies = 2;
    story.took(1'500, 2, rival);
    story.course(1'600, CourseState::active, "eve", 2, rival);
    for (const unsigned char reply : {49, 50}) story.attempt(1'650, reply, 1);
    CHECK(story.fold().handled_twice == 0);
    story.reply(2'000, 51, {msg(1)}, 2, rival).known_replies = 2;
    story.reply(2'100, 52, {}, 2, rival).known_replies = 3;  // its own one is no second handling
    for (const unsigned char reply : {51, 52}) story.attempt(2'200, reply, 1, rival);
    auto c = story.fold();
    CHECK(c.handled_twice == 1);
    CHECK(c.find_reply(named<ReplyId>(50))->twice);
    CHECK_FALSE(c.find_reply(named<ReplyId>(49))->twice);
    CHECK_FALSE(c.find_reply(named<ReplyId>(51))->twice);
  }

  // Four sides of a cut, none of which has all that the others wrote.
  TEST_CASE("a home that says which replies it knew lacked the others, also earlier ones") {
    Story story;
    const auto answers = [&](std::int64_t ms, unsigned char reply, std::uint64_t term,
                             const NodeId& by, unsigned char lacks) {
      Story known = story;
      known.items.erase(std::remove_if(known.items.begin(), known.items.end(),
                                       [&](const ConversationItem& item) {
                                         const auto* r = std::get_if<ReplyBody>(&item.body);
                                         return r && r->reply == named<ReplyId>(lacks);
                                       }),
                        known.items.end());
      const Conversation c = known.fold();
      ReplyBody& body = story.reply(ms, reply, {msg(1)}, term, by);
      body.known_replies = c.replies_written() + 1;
      body.known = known_by_home(c, term);
    };
    story.message(1'000, 1);
    story.open(1'001);
    answers(1'100, 49, 1, home, 0);
    story.took(1'500, 2, rival);
    answers(2'000, 50, 2, rival, 0);
    story.took(2'500, 3, home);
    answers(3'000, 51, 3, home, 50);
    story.took(3'500, 4, rival);
    answers(4'000, 52, 4, rival, 49);
    answers(4'500, 53, 4, rival, 49);
    for (const unsigned char reply : {49, 50, 51, 52, 53}) story.attempt(5'000, reply, 1);
    auto c = story.fold();
    CHECK(c.handled_twice == 2);
    CHECK(c.find_reply(named<ReplyId>(49))->twice);
    CHECK(c.find_reply(named<ReplyId>(50))->twice);
    CHECK_FALSE(c.find_reply(named<ReplyId>(51))->twice);
  }

  TEST_CASE("a reply that never left was not handled twice, whoever did not know of it") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.reply(1'400, 50, {msg(1)}).known_replies = 1;
    story.took(1'500, 2, rival);
    story.reply(2'000, 51, {msg(1)}, 2, rival).known_replies = 1;
    CHECK(story.fold().handled_twice == 0);
    story.attempt(2'500, 50, 1);
    CHECK(story.fold().handled_twice == 1);
  }

  TEST_CASE("a home that does not say what it knew accuses nobody") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.reply(1'400, 50, {msg(1)});
    story.attempt(1'401, 50, 1);
    story.took(1'500, 2, rival);
    story.reply(2'000, 51, {msg(1)}, 2, rival);
    CHECK(story.fold().handled_twice == 0);
  }

  TEST_CASE("a reply written by a lost home and again by the one that counts is one, and counts") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.took(1'500, 2, rival);
    story.course(1'600, CourseState::active, "bob", 2, rival);
    story.reply(2'000, 50, {msg(1)});
    story.reply(2'500, 50, {msg(1)}, 2, rival);
    story.attempt(2'600, 50, 1, rival);
    const auto c = story.fold();
    REQUIRE(c.replies.size() == 1);
    CHECK(c.replies[0].counts);
    CHECK(c.replies[0].sender == rival);
    CHECK(c.unanswered.empty());
    CHECK(c.handled_twice == 0);
    CHECK(c.state == CourseState::pending);
  }
}
