#include "tests/storage/story.h"

using namespace crossfloor;
using namespace crossfloor::story;

TEST_SUITE("a conversation's fold") {
  TEST_CASE("a first message opens it, and it waits with the age of that message") {
    Story story;
    story.message(1'000, 1);
    story.open(1'200);
    const auto c = story.fold();
    CHECK(c.opened);
    CHECK(c.state == CourseState::waiting);
    CHECK(c.home() == home);
    CHECK(c.term() == 1);
    CHECK(c.waiting_since_ms() == 1'000);
    CHECK(c.customer == "ann");
  }

  TEST_CASE("an agent's reply answers what was on the screen, and nothing else") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(1'002, CourseState::active, "bob");
    story.message(1'500, 2, rival);  // written before the reply, not on the agent's screen
    story.reply(2'000, 50, {msg(1)});
    const auto c = story.fold();
    CHECK(unanswered(c) == std::vector{msg(2)});
    CHECK(c.waiting_since_ms() == 1'500);
    CHECK(c.last_agent == "bob");
  }

  TEST_CASE("a message in nobody's seen is unanswered, whatever its place") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(1'002, CourseState::active, "bob");
    story.reply(2'000, 50, {msg(1)}).then = CourseState::closed;
    story.course(2'001, CourseState::closed).seen = {msg(1)};
    REQUIRE(story.fold().unanswered.empty());
    story.message(1'500, 2, rival);  // arrives last, sorts before the answer
    const auto c = story.fold();
    CHECK(unanswered(c) == std::vector{msg(2)});
    CHECK(c.waiting_since_ms() == 1'500);
    CHECK(c.state == CourseState::closed);  // home reopens it: it is open by what is unanswered
  }

  TEST_CASE("a message that was seen before it is folded stays answered") {
    Story story;
    story.open(1'001);
    story.course(1'002, CourseState::closed).seen = {msg(1)};
    story.message(1'500, 1);
    CHECK(story.fold().unanswered.empty());
  }

  TEST_CASE("closing with a reason answers what the agent saw") {
    Story story;
    story.message(1'000, 1);
    story.message(1'001, 2);
    story.open(1'002);
    story.course(2'000, CourseState::closed).seen = {msg(2)};
    CHECK(unanswered(story.fold()) == std::vector{msg(1)});
  }

  TEST_CASE("a customer who writes into a closed conversation reopens it") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(1'002, CourseState::closed).seen = {msg(1)};
    story.message(5'000, 2);
    PlacedBody body;
    body.message = msg(2);
    body.epoch = Story::epoch(1, 5'001, home);
    body.reopens = true;
    story.add(5'001, home, EntryKind::placed).body = body;
    const auto c = story.fold();
    CHECK(c.state == CourseState::waiting);
    CHECK(c.reason == "reopened");
    CHECK(c.since_ms == 5'001);
    CHECK(c.waiting_since_ms() == 5'000);

    SUBCASE("but not on the word of a node that is not its home") {
      std::get<PlacedBody>(story.items.back().body).epoch.node = rival;
      story.items.back().at.node = rival;
      CHECK(story.fold().state == CourseState::closed);
    }
  }

  TEST_CASE("changes of site are counted until the case is closed or the customer's turn comes") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(1'002, CourseState::active, "bob").changes_site = true;
    story.course(1'003, CourseState::waiting);
    story.course(1'004, CourseState::active, "cyd").changes_site = true;
    CHECK(story.fold().site_changes == 2);
    SUBCASE("closed") {
      story.course(2'000, CourseState::closed).seen = {msg(1)};
    }
    SUBCASE("pending") {
      story.course(2'000, CourseState::pending, "cyd").seen = {msg(1)};
    }
    SUBCASE("pending by a reply") {
      story.reply(2'000, 1, {msg(1)}).then = CourseState::pending;
    }
    CHECK(story.fold().site_changes == 0);
    story.course(2'001, CourseState::active, "bob").changes_site = true;
    CHECK(story.fold().site_changes == 1);
  }

  TEST_CASE("only home changes the course; anybody else is counted and changes nothing") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(1'002, CourseState::ringing, "bob");
    story.course(1'003, CourseState::closed, "", 1, rival);
    auto c = story.fold();
    CHECK(c.state == CourseState::ringing);
    CHECK(c.uncounted == 1);
    // Nor may home's own entry name somebody else's epoch.
    story.course(1'004, CourseState::closed).epoch.node = rival;
    c = story.fold();
    CHECK(c.state == CourseState::ringing);
    CHECK(c.uncounted == 2);
  }

  TEST_CASE("who took home steers it, and the old home's later entries change no course") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(1'002, CourseState::active, "bob");
    story.took(2'000, 2, rival);
    story.course(2'001, CourseState::ringing, "eve", 2, rival);
    story.course(2'002, CourseState::closed);
    const auto c = story.fold();
    CHECK(c.home() == rival);
    CHECK(c.term() == 2);
    CHECK(c.agent == "eve");
    CHECK(c.state == CourseState::ringing);
    CHECK(c.uncounted == 1);
  }

  TEST_CASE("home hands on what it has, and its agent goes on in the new term") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(1'002, CourseState::active, "bob");
    story.hands_on(2'000, 2, home, rival);
    auto c = story.fold();
    CHECK(c.home() == rival);
    CHECK(c.agent == "bob");
    CHECK(c.epoch == Story::epoch(2, 2'000, rival));
    // Nobody else does so in its place.
    story.hands_on(3'000, 3, named<NodeId>(3), home);
    c = story.fold();
    CHECK(c.home() == rival);
    CHECK(c.uncounted == 1);
  }

  TEST_CASE("who does not know that another took over hands nothing on") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(1'002, CourseState::active, "bob");
    story.took(2'000, 2, rival);
    story.course(2'001, CourseState::active, "cyd", 2, rival);
    NodeId to = rival;
    SUBCASE("to the very node that took it") {}
    SUBCASE("to a third") {
      to = named<NodeId>(3);
    }
    story.hands_on(3'000, 2, home, to);
    const auto c = story.fold();
    CHECK(c.home() == rival);
    CHECK(c.agent == "cyd");
    CHECK(c.epoch == Story::epoch(2, 2'001, rival));  // bob goes on in the other
    CHECK(c.uncounted == 1);
  }

  TEST_CASE("what home wrote before it lost the term counts, however late it arrives") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.took(2'000, 2, rival);
    story.course(1'500, CourseState::closed).seen = {msg(1)};
    const auto c = story.fold();
    CHECK(c.unanswered.empty());
    CHECK(c.uncounted == 0);
    CHECK(c.home() == rival);
  }

  TEST_CASE("of two that took home with one term the later is home, from the beginning") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.took(2'000, 2, home);
    story.course(2'001, CourseState::active, "bob", 2, home);
    REQUIRE(story.fold().agent == "bob");
    story.took(2'500, 2, rival);
    const auto c = story.fold();
    CHECK(c.home() == rival);
    CHECK(c.agent.empty());
    CHECK(c.state == CourseState::waiting);
    CHECK(c.uncounted == 1);
  }

  TEST_CASE("of two homes that opened it in a cut the later one has the first term") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001, home);
    story.course(1'002, CourseState::active, "bob");
    story.open(1'500, rival);
    const auto c = story.fold();
    CHECK(c.home() == rival);
    CHECK(c.opened_at.time == HybridTime::of(wall_from_ms(1'001)));
    CHECK(c.uncounted == 1);
  }

  TEST_CASE("a lower term is ignored") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.took(2'000, 3, rival);
    story.took(3'000, 2, home);
    story.course(3'001, CourseState::closed, "", 2, home);
    const auto c = story.fold();
    CHECK(c.home() == rival);
    CHECK(c.term() == 3);
    CHECK(c.state == CourseState::waiting);
    CHECK(c.uncounted == 2);
  }

  TEST_CASE("a term from the end of its range makes nobody home, and the next takeover counts") {
    for (const std::uint64_t wild : {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX / 2}) {
      CAPTURE(wild);
      Story s;
      s.message(10, 1);
      s.open(11);
      s.took(20, wild, rival);
      s.course(21, CourseState::closed, "", wild, rival);
      CHECK(s.fold().home() == home);
      CHECK(s.fold().state == CourseState::waiting);
      CHECK(s.fold().uncounted == 2);
      s.took(30, 2, rival);
      s.course(31, CourseState::ringing, "bob", 2, rival);
      CHECK(s.fold().home() == rival);
      CHECK(s.fold().agent == "bob");
    }
  }

  TEST_CASE("a term from the end of its range opens nothing") {
    Story s;
    s.message(10, 1);
    s.open(11, rival);
    std::get<PlacedBody>(s.items.back().body).epoch.term = UINT64_MAX;
    CHECK_FALSE(s.fold().opened);
    s.open(12);
    CHECK(s.fold().home() == home);
  }

  TEST_CASE("what a later home did counts although the clock that opened it was fast") {
    Story s;
    s.message(1'000, 1);
    s.open(1'001);
    s.took(20, 2, rival);
    s.course(21, CourseState::ringing, "bob", 2, rival);
    CHECK(s.fold().state == CourseState::ringing);
    CHECK(s.fold().agent == "bob");
    CHECK(s.fold().unanswered.size() == 1);
  }

  TEST_CASE("a message is never younger than its entry, and never older than all time") {
    Story s;
    s.open(5);
    s.message(10, 1).taken_ms = INT64_MAX;
    s.message(20, 2).taken_ms = INT64_MIN;
    s.message(30, 3).taken_ms = 29;
    const auto c = s.fold();
    REQUIRE(c.unanswered.size() == 3);
    CHECK(c.unanswered[0].since_ms == 10);
    CHECK(c.unanswered[1].since_ms == 0);
    CHECK(c.unanswered[2].since_ms == 29);
  }

  TEST_CASE("an epoch older than the one in force changes nothing") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(1'100, CourseState::ringing, "bob");
    story.course(1'200, CourseState::closed).epoch = Story::epoch(1, 1'050, home);
    CHECK(story.fold().state == CourseState::ringing);
  }

  TEST_CASE("an answer given elsewhere answers its parent, or all that came before it") {
    Story story;
    story.message(1'000, 1);
    story.message(1'001, 2);
    story.open(1'002);
    auto& out = story.message(2'000, 3);
    out.message.direction = Direction::out;
    SUBCASE("its parent") {
      story.items.back().parent = msg(2);
      CHECK(unanswered(story.fold()) == std::vector{msg(1)});
    }
    SUBCASE("its parent, even if that arrives and sorts after it") {
      story.items.back().parent = msg(4);
      story.message(3'000, 4);
      CHECK(unanswered(story.fold()) == std::vector{msg(1), msg(2)});
    }
    SUBCASE("all before it") {
      story.message(3'000, 5);
      CHECK(unanswered(story.fold()) == std::vector{msg(5)});
    }
    const auto c = story.fold();
    CHECK(c.messages_out == 1);
    CHECK(c.first_reply_ms == 2'000);
  }

  TEST_CASE("the echo of what was sent is no second message and answers nothing by itself") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.message(2'000, 3).message.direction = Direction::out;
    story.items.back().echo_of = named<ReplyId>(50);
    const auto c = story.fold();
    CHECK(c.messages_out == 0);
    CHECK(unanswered(c) == std::vector{msg(1)});
  }

  TEST_CASE("a conversation that begins with an answer given elsewhere makes no work") {
    Story story;
    story.message(1'000, 1).message.direction = Direction::out;
    story.open(1'001, home, false);
    const auto c = story.fold();
    CHECK(c.state == CourseState::closed);
    CHECK(c.unanswered.empty());
  }

  TEST_CASE("further copies and revisions of a message change no age and no course") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(1'002, CourseState::closed).seen = {msg(1)};
    story.message(9'000, 1, rival);
    story.items.back().first_copy = false;
    const auto c = story.fold();
    CHECK(c.messages_in == 1);
    CHECK(c.unanswered.empty());
  }

  TEST_CASE("receipts and deletions are no messages") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    for (const auto kind : {MessageKind::read, MessageKind::delivered, MessageKind::deleted}) {
      story.message(2'000, 2).message.kind = kind;
    }
    CHECK(story.fold().messages_in == 1);
  }

  TEST_CASE("unanswered messages raise priority and mood, an answered case begins anew") {
    Story story;
    story.message(1'000, 1).message.priority = 3;
    auto& second = story.message(1'001, 2).message;
    second.priority = 1;
    second.mood = 2;
    story.message(1'002, 3);
    story.open(1'003);
    CHECK(story.fold().priority == 3);
    CHECK(story.fold().mood == 2);
    story.course(2'000, CourseState::closed).seen = {msg(1), msg(2), msg(3)};
    story.message(3'000, 4).message.priority = 1;
    CHECK(story.fold().priority == 1);
    CHECK(story.fold().mood == 0);
  }

  TEST_CASE("skills that a transfer sets are not changed by later messages") {
    Story story;
    story.message(1'000, 1).message.skills = {"b", "a"};
    story.open(1'001);
    CHECK(story.fold().skills == std::vector<std::string>{"a", "b"});
    story.course(2'000, CourseState::waiting).skills = {"z", "y"};
    story.message(3'000, 2).message.skills = {"c"};
    CHECK(story.fold().skills == std::vector<std::string>{"y", "z"});
  }

  TEST_CASE("what an alias's home wrote stays in the history and changes no course") {
    Story story;
    story.message(1'000, 1);
    story.open(1'001);
    story.course(2'000, CourseState::closed);
    story.items.back().subject = named<ConversationId>(101);
    const auto c = story.fold();
    CHECK(c.state == CourseState::waiting);
    CHECK(c.uncounted == 1);
  }

  TEST_CASE("entries without a readable body are counted") {
    Story story;
    story.open(1'001);
    story.add(1'002, home, EntryKind::course);
    CHECK(story.fold().uncounted == 1);
  }
}
