#include "storage/projections.h"

#include "fold_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

// Every order in which the streams of `authors` can be handed over one after the other.
void check_every_order(FoldWorld& world, const std::vector<Author*>& authors,
                       const std::function<void(const Holder&)>& check) {
  std::vector<std::size_t> order(authors.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::optional<AllRows> first;
  do {
    Holder holder(world);
    for (const auto i : order) {
      while (holder.take_next(*authors[i], authors[i]->stream)) {
      }
    }
    check(holder);
    const AllRows rows = all_rows(holder.rows);
    if (!first) first = rows;
    CHECK_MESSAGE(rows == *first, difference(rows, *first));
  } while (std::next_permutation(order.begin(), order.end()));
}

struct Counting final : Reader {
  const Reader& base;
  mutable std::size_t reads = 0;  // keys that were looked at
  explicit Counting(const Reader& b) : base(b) {}

  Result<std::optional<Bytes>> get(ByteView key) const override {
    ++reads;
    return base.get(key);
  }
  Status scan(ByteView from, ByteView to, const Visit& visit) const override {
    return base.scan(from, to, counted(visit));
  }
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override {
    return base.scan_back(from, to, counted(visit));
  }
  Visit counted(const Visit& visit) const {
    return [this, &visit](ByteView key, ByteView value) {
      ++reads;
      return visit(key, value);
    };
  }
};

std::vector<HandleId> customer(const Holder& holder, const std::string& name) {
  auto handles = rows::customer(holder.rows, holder.world.handle(name));
  REQUIRE(handles.ok());
  return handles.value();
}

std::size_t count(const Reader& reader, const Bytes& prefix) {
  std::size_t found = 0;
  REQUIRE(reader
              .scan(prefix, after_prefix(prefix),
                    [&](ByteView, ByteView) {
                      ++found;
                      return true;
                    })
              .ok());
  return found;
}

}  // namespace

TEST_SUITE("projections") {
  TEST_CASE("a message without a placement waits for one; a placement may come before it") {
    FoldWorld world;
    Author warsaw(world), helsinki(world);
    const auto id = warsaw.take_in("m1", {});
    CHECK(count(warsaw.rows, rows::unplaced_prefix()) == 1);
    CHECK(warsaw.news.unplaced.count(id) == 1);
    helsinki.open("m1");
    check_every_order(world, {&warsaw, &helsinki}, [&](const Holder& holder) {
      const auto c = holder.conversation(id.as<ConversationId>());
      CHECK(c.opened);
      CHECK(c.messages_in == 1);
      CHECK(c.unanswered.size() == 1);
      CHECK(c.region == "eu");
      CHECK(count(holder.rows, rows::unplaced_prefix()) == 0);
      CHECK(count(holder.rows, rows::open_prefix()) == 1);
    });
  }

  TEST_CASE("a reply may come before the conversation that it belongs to opens") {
    FoldWorld world;
    Author taker(world), home(world), sender(world);
    const auto id = taker.take_in("m1", {}).as<ConversationId>();
    home.wall_ms += 100;
    home.open("m1");
    home.course(id, CourseState::active, "bob");
    ReplyBody reply;
    reply.reply = world.random.id<ReplyId>();
    reply.epoch = home.epoch(1);
    reply.agent = "bob";
    reply.sender = sender.node();
    reply.seen = {world.message("m1")};
    home.write(EntryKind::reply, id, reply);
    sender.wall_ms += 1'000;
    sender.write(EntryKind::attempt, id, AttemptBody{reply.reply, 1});
    OutcomeBody outcome;
    outcome.reply = reply.reply;
    outcome.outcome = ReplyOutcome::accepted;
    outcome.account = "page";
    outcome.external_id = "m2";
    sender.write(EntryKind::outcome, id, outcome);
    check_every_order(world, {&taker, &home, &sender}, [&](const Holder& holder) {
      const auto c = holder.conversation(id);
      CHECK(c.unanswered.empty());
      REQUIRE(c.replies.size() == 1);
      CHECK_FALSE(c.replies[0].open());
      CHECK(c.state == CourseState::pending);
      CHECK(rows::reply(holder.rows, reply.reply).value()->conversation == id);
    });
  }

  TEST_CASE("one more message and its answer cost a long conversation no more than a short one") {
    FoldWorld world;
    Author home(world);
    home.take_in("m0", {});
    const auto id = home.open("m0");
    std::vector<std::size_t> bytes;
    for (int i = 1; i <= 400; ++i) {
      home.commit();
      const std::string name = "m" + std::to_string(i);
      home.take_in(name, {});
      home.place(name, id);
      ReplyBody reply;
      reply.reply = world.random.id<ReplyId>();
      reply.epoch = home.epoch(1);
      reply.agent = "bob";
      reply.sender = home.node();
      reply.seen = {world.message("m0"), world.message(name)};
      home.write(EntryKind::reply, id, reply);
      home.write(EntryKind::attempt, id, AttemptBody{reply.reply, 1});
      OutcomeBody outcome;
      outcome.reply = reply.reply;
      outcome.outcome = ReplyOutcome::accepted;
      outcome.account = "page";
      outcome.external_id = "out" + std::to_string(i);
      home.write(EntryKind::outcome, id, outcome);
      bytes.push_back(home.rows.open_bytes());
    }
    const auto c = home.conversation(id);
    CHECK(c.unanswered.empty());
    CHECK(c.messages_in == 401);
    CHECK(c.replies_written() == 400);
    CHECK(c.seen.empty());
    constexpr std::size_t longer_numbers = 64;
    CHECK(bytes.back() <= bytes[200] + longer_numbers);
  }

  TEST_CASE("replies that are long done come out the same in every order of arrival") {
    FoldWorld world;
    Author taker(world), home(world), sender(world);
    const auto id = taker.take_in("m1", {}).as<ConversationId>();
    home.wall_ms += 100;
    home.open("m1");
    sender.wall_ms += 50;
    std::vector<ReplyId> replies;
    for (std::size_t i = 0; i < Conversation::max_done_replies + 6; ++i) {
      ReplyBody reply;
      reply.reply = replies.emplace_back(world.random.id<ReplyId>());
      reply.epoch = home.epoch(1);
      reply.sender = sender.node();
      if (i == 7) reply.seen = {id.as<MessageId>()};
      home.write(EntryKind::reply, id, reply);
      sender.wall_ms = home.wall_ms + static_cast<std::int64_t>(i % 5);
      sender.write(EntryKind::attempt, id, AttemptBody{reply.reply, 1});
      OutcomeBody outcome;
      outcome.reply = reply.reply;
      outcome.outcome = i == 2 ? ReplyOutcome::retry_later : ReplyOutcome::accepted;
      sender.write(EntryKind::outcome, id, outcome);
    }
    check_every_order(world, {&taker, &home, &sender}, [&](const Holder& holder) {
      const auto c = holder.conversation(id);
      CHECK(c.unanswered.empty());
      CHECK(c.replies_written() == replies.size());
      CHECK(c.replies.size() == Conversation::max_done_replies + 1);
      const auto done = rows::done_reply(holder.rows, id, replies[0]);
      REQUIRE(done.ok());
      REQUIRE(done.value());
      CHECK(done.value()->reply.outcome == ReplyOutcome::accepted);
      CHECK_FALSE(rows::done_reply(holder.rows, id, replies[2]).value());
    });
  }

  TEST_CASE("two homes that opened one thread: the first message's conversation stands") {
    FoldWorld world;
    Author taker(world), warsaw(world), helsinki(world);
    const auto first = taker.take_in("m1", {.thread = "t"}).as<ConversationId>();
    const auto second = taker.take_in("m2", {.thread = "t"}).as<ConversationId>();
    taker.take_in("m3", {.thread = "t"});
    warsaw.wall_ms = helsinki.wall_ms = taker.wall_ms + 100;
    helsinki.wall_ms += 50;
    warsaw.open("m1", "ann", "t");
    helsinki.open("m2", "ann", "t");
    helsinki.place("m3", second);
    helsinki.course(second, CourseState::active, "eve");
    check_every_order(world, {&taker, &warsaw, &helsinki}, [&](const Holder& holder) {
      CHECK(rows::canonical(holder.rows, second).value() == first);
      CHECK(rows::canonical(holder.rows, first).value() == first);
      const auto c = holder.conversation(first);
      CHECK(c.messages_in == 3);
      CHECK(c.unanswered.size() == 3);
      CHECK(c.state == CourseState::waiting);  // the alias's course is not this one's
      CHECK(c.uncounted == 1);
      CHECK(holder.conversation(second).is_alias());
      CHECK(count(holder.rows, rows::item_prefix(second)) == 0);
      CHECK(count(holder.rows, rows::open_prefix()) == 1);
    });
  }

  TEST_CASE("three homes that opened one thread in a row leave one conversation") {
    FoldWorld world;
    Author a(world), b(world), c(world);
    std::vector<Author*> all{&a, &b, &c};
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i]->wall_ms += static_cast<std::int64_t>(i) * 10;
      const std::string name = "m" + std::to_string(i);
      all[i]->take_in(name, {.thread = "t"});
      all[i]->open(name, "ann", "t");
    }
    const auto first = world.message("m0").as<ConversationId>();
    check_every_order(world, all, [&](const Holder& holder) {
      CHECK(holder.conversation(first).messages_in == 3);
      for (const char* alias : {"m1", "m2"}) {
        CHECK(holder.conversation(world.message(alias).as<ConversationId>()).alias_of == first);
      }
    });
  }

  TEST_CASE("one message that two homes placed lies where the first placement says") {
    FoldWorld world;
    Author taker(world), warsaw(world), helsinki(world);
    const auto old = taker.take_in("m1", {}).as<ConversationId>();
    const auto fresh = taker.take_in("m2", {}).as<ConversationId>();
    warsaw.wall_ms = taker.wall_ms + 100;
    helsinki.wall_ms = taker.wall_ms + 200;
    warsaw.open("m1");
    warsaw.place("m2", old);
    helsinki.open("m2");
    check_every_order(world, {&taker, &warsaw, &helsinki}, [&](const Holder& holder) {
      CHECK(holder.message(world.message("m2")).placements.size() == 2);
      CHECK(holder.conversation(old).messages_in == 2);
      CHECK(holder.conversation(fresh).messages_in == 0);
      CHECK(holder.conversation(fresh).unanswered.empty());
    });
  }

  TEST_CASE("a conversation that two homes opened stands once in its customer's index") {
    FoldWorld world;
    Author taker(world), warsaw(world), helsinki(world);
    taker.take_in("m1", {});
    helsinki.wall_ms += 500;
    warsaw.open("m1");
    helsinki.open("m1");
    check_every_order(world, {&taker, &warsaw, &helsinki}, [&](const Holder& holder) {
      CHECK(count(holder.rows, rows::handle_prefix(world.handle("ann"))) == 1);
    });
  }

  TEST_CASE("one message taken in at two hosts is one, and another text is a counted revision") {
    FoldWorld world;
    Author warsaw(world), helsinki(world), home(world);
    const auto id = warsaw.take_in("m1", {.text = "help"});
    helsinki.wall_ms += 5;
    helsinki.take_in("m1", {.text = "help"});
    helsinki.take_in("m1", {.text = "help me", .kind = MessageKind::edited});
    home.wall_ms += 100;
    home.open("m1");
    check_every_order(world, {&warsaw, &helsinki, &home}, [&](const Holder& holder) {
      const auto row = holder.message(id);
      CHECK(row.copies.size() == 3);
      CHECK(row.revisions() == 1);
      CHECK(row.primary()->at.node == warsaw.node());
      const auto c = holder.conversation(id.as<ConversationId>());
      CHECK(c.messages_in == 1);
      CHECK(c.unanswered.size() == 1);
    });
  }

  TEST_CASE("the provider's echo of a reply is not a new message, whichever comes first") {
    FoldWorld world;
    Author taker(world), home(world), sender(world);
    const auto id = taker.take_in("m1", {}).as<ConversationId>();
    const auto echo = taker.take_in("e1", {.direction = Direction::out});
    home.open("m1");
    home.place("e1", id);
    OutcomeBody outcome;
    outcome.reply = world.random.id<ReplyId>();
    outcome.outcome = ReplyOutcome::accepted;
    outcome.account = "page";
    outcome.external_id = "e1";
    sender.write(EntryKind::outcome, id, outcome);
    check_every_order(world, {&taker, &home, &sender}, [&](const Holder& holder) {
      CHECK(holder.message(echo).echo_of == outcome.reply);
      const auto c = holder.conversation(id);
      CHECK(c.messages_out == 0);
      CHECK(c.unanswered.size() == 1);
    });
  }

  TEST_CASE("links commute and can be undone") {
    FoldWorld world;
    Author warsaw(world), helsinki(world);
    warsaw.link("ann", "ann@mail", true);
    warsaw.link("ann@mail", "ann.phone", true);
    const auto three = customer(warsaw, "ann");
    CHECK(three.size() == 3);
    CHECK(customer(warsaw, "ann.phone") == three);
    helsinki.wall_ms += 1'000;
    helsinki.link("ann@mail", "ann", false);
    check_every_order(world, {&warsaw, &helsinki}, [&](const Holder& holder) {
      CHECK(customer(holder, "ann") == std::vector{world.handle("ann")});
      CHECK(customer(holder, "ann.phone").size() == 2);
    });
  }

  TEST_CASE("a trusted reference joins handles; a person who unlinks means it for ever") {
    FoldWorld world;
    Author warsaw(world), helsinki(world), operators(world);
    warsaw.take_in("m1", {.customer = "ann", .reference = "c7"});
    helsinki.wall_ms += 10;
    helsinki.take_in("m2", {.customer = "anna", .reference = "c7"});
    helsinki.take_in("m3", {.customer = "ann", .reference = "c7"});
    check_every_order(world, {&warsaw, &helsinki}, [&](const Holder& holder) {
      CHECK(customer(holder, "ann").size() == 3);  // two handles and the reference itself
      CHECK(customer(holder, "ann") == customer(holder, "anna"));
    });
    // Unlinked before m3 was written, which carries the reference again.
    operators.wall_ms += 5;
    const auto reference = world.subjects.reference("acme", "c7");
    operators.write(EntryKind::link, reference,
                    LinkBody{world.handle("ann"), reference, false, "operator", "not the same"});
    check_every_order(world, {&warsaw, &helsinki, &operators}, [&](const Holder& holder) {
      CHECK(customer(holder, "ann") == std::vector{world.handle("ann")});
      CHECK(customer(holder, "anna").size() == 2);
    });
  }

  TEST_CASE("a command is known by its id, by the entry that carried it out first") {
    FoldWorld world;
    Author warsaw(world), helsinki(world);
    const auto id = world.message("m1").as<ConversationId>();
    CourseBody body;
    body.command = world.random.id<CommandId>();
    body.epoch = warsaw.epoch(1);
    const auto first = warsaw.write(EntryKind::course, id, body);
    helsinki.wall_ms += 100;
    body.epoch = helsinki.epoch(2);
    helsinki.write(EntryKind::course, id, body);
    check_every_order(world, {&warsaw, &helsinki}, [&](const Holder& holder) {
      const auto row = rows::command(holder.rows, body.command).value();
      REQUIRE(row);
      CHECK(row->at == first);
      CHECK(row->conversation == id);
    });
    CHECK_FALSE(rows::command(warsaw.rows, world.random.id<CommandId>()).value());
  }

  TEST_CASE("what a member signs of another home's words is nobody's word") {
    FoldWorld world;
    Author home(world), liar(world);
    const auto id = home.take_in("m1", {}).as<ConversationId>();
    home.open("m1");
    home.course(id, CourseState::active, "bob");
    ReplyBody reply;
    reply.reply = world.random.id<ReplyId>();
    reply.command = world.random.id<CommandId>();
    reply.agent = "bob";
    reply.sender = home.node();
    reply.seen = {world.message("m1")};
    reply.known_replies = 1;
    reply.text = "it is on its way";
    reply.epoch = home.epoch(1);
    const auto said = home.write(EntryKind::reply, id, reply);
    home.write(EntryKind::attempt, id, AttemptBody{reply.reply, 1});
    ReplyBody forged = reply;  // of before all that home said
    forged.text = "pay first";
    liar.wall_ms = 1;
    liar.write(EntryKind::reply, id, forged);
    liar.write(EntryKind::attempt, id, AttemptBody{reply.reply, 1});
    CourseBody done;
    done.epoch = home.epoch(1);
    done.command = world.random.id<CommandId>();
    liar.write(EntryKind::course, id, done);
    ReplyBody next = reply;
    next.reply = world.random.id<ReplyId>();
    next.command = world.random.id<CommandId>();
    next.known_replies = 2;
    next.epoch = home.epoch(1);
    home.write(EntryKind::reply, id, next);
    check_every_order(world, {&home, &liar}, [&](const Holder& holder) {
      CHECK(rows::reply(holder.rows, reply.reply).value()->at == said);  // what is sent
      CHECK(rows::command(holder.rows, reply.command).value()->at == said);
      CHECK_FALSE(rows::command(holder.rows, done.command).value());
      const auto c = holder.conversation(id);
      CHECK(c.replies_written() == 2);
      CHECK(c.handled_twice == 0);
      CHECK(c.uncounted == 2);
    });
  }

  TEST_CASE("nobody opens a conversation in another's name, but who salvages from behind a fork") {
    for (const bool salvages : {false, true}) {
      CAPTURE(salvages);
      FoldWorld world;
      Author home(world), other(world);
      const auto id = home.take_in("m1", {}).as<ConversationId>();
      PlacedBody opens = home.placement("m1", "ann", "");
      opens.opens = true;
      opens.epoch = home.epoch(1);
      if (salvages) other.flags = EntryHeader::salvaged;
      other.wall_ms += 1'000;
      other.write(EntryKind::placed, id, opens);
      check_every_order(world, {&home, &other}, [&](const Holder& holder) {
        const auto c = rows::conversation(holder.rows, id).value();
        REQUIRE(c);
        CHECK(c->opened == salvages);
      });
    }
  }

  TEST_CASE("the latest record of an agent or account counts") {
    FoldWorld world;
    Author warsaw(world), helsinki(world);
    const Subject bob = world.subjects.agent("bob");
    warsaw.write_bytes(EntryKind::agent, bob, "first");
    helsinki.wall_ms += 10;
    const auto latest = helsinki.write_bytes(EntryKind::agent, bob, "second");
    check_every_order(world, {&warsaw, &helsinki}, [&](const Holder& holder) {
      CHECK(rows::subject(holder.rows, bob).value()->at == latest);
    });
  }

  TEST_CASE("a message that sorts behind all others costs the same however long the history is") {
    FoldWorld world;
    Author taker(world), home(world);
    const auto id = taker.take_in("m0", {}).as<ConversationId>();
    taker.open("m0");
    for (int i = 1; i < 60; ++i) {
      taker.take_in("m" + std::to_string(i), {});
      taker.place("m" + std::to_string(i), id);
    }
    taker.take_in("last", {});
    taker.commit();
    home.wall_ms = taker.wall_ms + 10;
    home.place("last", id);
    const auto entry = entry_at(home.rows, home.stream, 1).value();
    REQUIRE(entry);
    Counting counting(taker.store);
    Workspace rows(counting);
    FoldNews news;
    REQUIRE(taker.projections.fold(rows, home.stream, 1, *entry, news).ok());
    CHECK(rows::conversation(rows, id).value()->messages_in == 61);
    CHECK(counting.reads < 20);
  }

  TEST_CASE("an entry that sorts a little early does not fold a long conversation again") {
    FoldWorld world;
    Author home(world), other(world);
    const auto id = home.take_in("m0", {}).as<ConversationId>();
    home.open("m0");
    for (int i = 1; i < 200; ++i) {
      home.take_in("m" + std::to_string(i), {});
      home.place("m" + std::to_string(i), id);
    }
    home.commit();
    other.wall_ms = home.wall_ms - 5;
    other.take_in("m199", {});  // the same message at another host, which was first
    const auto entry = entry_at(other.rows, other.stream, 1).value();
    REQUIRE(entry);
    Counting counting(home.store);
    Workspace rows(counting);
    FoldNews news;
    REQUIRE(home.projections.fold(rows, other.stream, 1, *entry, news).ok());
    CHECK(rows::conversation(rows, id).value()->messages_in == 200);
    CHECK(counting.reads < 200);
  }

  // Written while no home could place it; the placements then come after all of it.
  TEST_CASE("what is placed late, in the order of its writing, folds nothing again at any holder") {
    FoldWorld world;
    Author home(world);
    Holder peer(world);
    constexpr int count = 100;
    for (int i = 0; i < count; ++i) home.take_in("m" + std::to_string(i), {});
    const auto id = world.message("m0").as<ConversationId>();
    home.open("m0");
    for (int i = 1; i < count; ++i) home.place("m" + std::to_string(i), id);
    while (peer.take_next(home, home.stream)) {
    }
    for (const Holder* holder : std::initializer_list<const Holder*>{&home, &peer}) {
      const auto c = holder->conversation(id);
      CHECK(c.unanswered.size() == count);
      CHECK(c.last_external_id == "m99");
      CHECK(c.said == holder->message(world.message("m99")).copies.front().at);
      CHECK(holder->projections.items_folded_again() < 10);
    }
  }

  TEST_CASE("a stream that comes after another one's folds each conversation again once a run") {
    FoldWorld world;
    Author home(world), host(world);
    Holder peer(world);
    constexpr int talks = 5, messages = 40;
    for (int i = 0; i < messages; ++i) {
      for (int talk = 0; talk < talks; ++talk) {
        const std::string name = std::to_string(talk) + "-" + std::to_string(i);
        const std::string customer = "customer-" + std::to_string(talk);
        host.wall_ms = home.wall_ms = std::max(host.wall_ms, home.wall_ms);
        host.take_in(name, {customer});
        home.wall_ms = host.wall_ms;
        while (home.take_next(host, host.stream)) {
        }
        const auto id = world.message(std::to_string(talk) + "-0").as<ConversationId>();
        if (i == 0) home.open(name, customer);
        if (i > 0) home.place(name, id, customer);
        home.course(id, CourseState::waiting);
      }
    }
    std::size_t runs = 0;
    for (const Author* author : {&home, &host}) {
      while (peer.take_next(*author, author->stream, 1'000'000)) ++runs;
    }
    CHECK(runs < 4);
    CHECK(all_rows(peer.rows) == all_rows(home.rows));
    constexpr std::size_t items = talks * messages * 3;
    CHECK(peer.projections.items_folded_again() < runs * items);
  }

  TEST_CASE("a message that was answered already, and one before another, overtake nothing") {
    FoldWorld world;
    Author home(world), other(world);
    const auto id = home.take_in("m0", {}).as<ConversationId>();
    home.open("m0");
    home.take_in("m1", {.text = "one"});
    home.take_in("m2", {.text = "two"});
    home.place("m2", id);
    home.place("m1", id);
    CHECK(home.conversation(id).last_external_id == "m2");
    CHECK(home.conversation(id).unanswered[1].message == world.message("m1"));
    other.wall_ms = home.wall_ms;
    other.take_in("m3", {});
    home.wall_ms += 10;
    CourseBody seen;
    seen.epoch = home.epoch(1);
    seen.state = CourseState::closed;
    seen.seen = {world.message("m0"), world.message("m1"), world.message("m2"),
                 world.message("m3")};
    home.write(EntryKind::course, id, seen);
    home.place("m3", id);
    while (home.take_next(other, other.stream)) {
    }
    const auto c = home.conversation(id);
    CHECK(c.unanswered.empty());
    CHECK(c.messages_in == 4);
  }

  TEST_CASE("one malformed or unknown entry stops nothing") {
    FoldWorld world;
    Author author(world);
    const auto id = author.take_in("m1", {}).as<ConversationId>();
    for (std::uint16_t kind = 1; kind < 40; ++kind) {
      author.write_bytes(static_cast<EntryKind>(kind), id.as<Subject>(), "not a body");
    }
    author.open("m1");
    CHECK(author.conversation(id).messages_in == 1);
    CHECK(author.conversation(id).state == CourseState::waiting);
  }

  TEST_CASE("entries of a region whose secret is not held fold into nothing") {
    FoldWorld world;
    Author author(world);
    author.stream.region = "us";
    author.take_in("m1", {});
    CHECK(all_rows(author.rows).empty());
  }
}
