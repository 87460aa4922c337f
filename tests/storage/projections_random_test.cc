// Whatever the order in which streams arrive, all stores end with the same rows.
#include "fold_world.h"
#include "storage/digest.h"
#include "storage/rebuild.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

// A few customers, threads and conversations, about which several origins write what homes,
// senders and intakes write, each knowing only a part. Clocks are askew, so what arrives late often
// sorts early.
struct Floor {
  FoldWorld world;
  std::vector<std::unique_ptr<Author>> authors;
  std::vector<CommandId> commands;
  std::vector<ReplyId> replies;
  static constexpr std::size_t names = 8;

  explicit Floor(std::uint64_t seed, int nodes = 4) : world(seed) {
    for (int i = 0; i < nodes; ++i) {
      authors.push_back(std::make_unique<Author>(world));
      authors.back()->wall_ms += static_cast<std::int64_t>(pick(40));
    }
    for (int i = 0; i < 6; ++i) {
      commands.push_back(world.random.id<CommandId>());
      replies.push_back(world.subjects.reply(commands.back()));
    }
  }

  std::size_t pick(std::size_t below) { return world.random.below(below); }
  bool chance(std::size_t percent) { return pick(100) < percent; }
  std::string name() { return "m" + std::to_string(pick(names)); }
  // A name says who wrote it, and on which thread.
  static std::string customer(const std::string& name) {
    return std::string("customer") + static_cast<char>('a' + name[1] % 2);
  }
  static std::string thread(const std::string& name) {
    return name[1] % 4 < 2 ? "" : name[1] % 2 == 0 ? "t0" : "t1";
  }
  ConversationId conversation() { return world.message(name()).as<ConversationId>(); }
  std::vector<MessageId> some() {
    std::vector<MessageId> out;
    for (std::size_t i = pick(6); i > 0; --i) out.push_back(world.message(name()));
    return out;
  }
  std::uint64_t term() { return chance(60) ? 1 : 1 + pick(3); }

  void message(Author& author) {
    const std::string about = name();
    Author::Text text;
    text.customer = customer(about);
    text.thread = thread(about);
    text.text = chance(80) ? "help" : "help me";
    text.parent = chance(30) ? name() : "";
    text.direction = chance(20) ? Direction::out : Direction::in;
    text.kind = chance(85) ? MessageKind::message : static_cast<MessageKind>(pick(5));
    text.reference = chance(30) ? "ref" + std::to_string(pick(2)) : "";
    author.take_in(about, text);
  }
  void placed(Author& author) {
    const std::string about = name();
    PlacedBody body = author.placement(about, customer(about), thread(about));
    body.opens = chance(60);
    body.inbound = chance(80);
    body.reopens = !body.opens && chance(50);
    body.epoch = author.epoch(body.opens ? 1 : term());
    author.write(EntryKind::placed, body.opens ? body.message.as<ConversationId>() : conversation(),
                 body);
  }
  void course(Author& author) {
    CourseBody body;
    body.epoch = author.epoch(term());
    body.state = static_cast<CourseState>(pick(6));
    body.agent = chance(50) ? "bob" : "";
    body.seen = some();
    body.changes_site = chance(20);
    if (chance(20)) body.skills = {"b", "a"};
    if (chance(40)) body.command = commands[pick(commands.size())];
    author.write(EntryKind::course, conversation(), body);
  }
  void reply(Author& author) {
    ReplyBody body;
    const auto at = pick(commands.size());
    body.command = commands[at];
    body.reply = replies[at];
    body.epoch = author.epoch(term());
    body.agent = chance(50) ? "bob" : "eve";
    body.sender = authors[pick(authors.size())]->node();
    body.seen = some();
    body.then = static_cast<CourseState>(pick(6));
    body.known_replies = static_cast<std::uint32_t>(author.wall_ms % 4);
    author.write(EntryKind::reply, conversation(), body);
  }
  void outcome(Author& author) {
    OutcomeBody body;
    body.reply = replies[pick(replies.size())];
    body.outcome = chance(50) ? ReplyOutcome::accepted : static_cast<ReplyOutcome>(pick(5));
    body.account = "page";
    if (chance(70)) body.external_id = name();
    author.write(EntryKind::outcome, conversation(), body);
  }
  void rest(Author& author) {
    switch (pick(5)) {
      case 0:
        return author.link(customer(name()), "other" + std::to_string(pick(2)), chance(60));
      case 1:
        author.write_bytes(EntryKind::agent, world.subjects.agent(name()), "record");
        return;
      case 2:
        author.write(EntryKind::act, conversation(), ActBody{"requeue", "", "op", "why"});
        return;
      case 3:
        author.write(EntryKind::note, conversation(),
                     NoteBody{author.epoch(1), commands[pick(commands.size())], "bob", "note"});
        return;
      default:
        author.write_bytes(static_cast<EntryKind>(1 + pick(20)), conversation().as<Subject>(),
                           "not a body at all");
    }
  }

  void act() {
    Author& author = *authors[pick(authors.size())];
    author.wall_ms += static_cast<std::int64_t>(pick(20));
    const auto what = pick(100);
    if (what < 28) return message(author);
    if (what < 48) return placed(author);
    if (what < 56) {
      author.write(EntryKind::took_home, conversation(),
                   TookHomeBody{author.epoch(1 + pick(3)), "takeover", ""});
      return;
    }
    if (what < 72) return course(author);
    if (what < 80) return reply(author);
    if (what < 86) {
      author.write(
          EntryKind::attempt, conversation(),
          AttemptBody{replies[pick(replies.size())], static_cast<std::uint32_t>(1 + pick(2))});
      return;
    }
    if (what < 92) return outcome(author);
    rest(author);
  }

  // Now and then an author hears of another, so that its clock follows.
  void hear() {
    Author& to = *authors[pick(authors.size())];
    Author& from = *authors[pick(authors.size())];
    if (&to == &from) return;
    to.take_next(from, from.stream);
    to.clock.follow(from.clock.latest(), wall_from_ms(to.wall_ms));
  }

  void deliver_all(Holder& holder) {
    std::vector<Author*> left;
    for (const auto& author : authors) left.push_back(author.get());
    while (!left.empty()) {
      const auto at = pick(left.size());
      // In runs, so that one stream is sometimes far ahead of the others.
      for (std::size_t run = 1 + pick(chance(20) ? 40 : 4); run > 0; --run) {
        if (holder.take_next(*left[at], left[at]->stream, chance(70) ? 1 : pick(10'000))) continue;
        left.erase(left.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      }
      if (chance(20)) holder.commit();
    }
    holder.commit();
  }
};

// One customer who writes again and again, taken in by two hosts and answered by one of them; what
// arrives late sorts a little earlier, and seldom much earlier.
struct LongTalk : Floor {
  ConversationId id;
  std::size_t messages = 0;
  std::vector<ReplyId> written;

  explicit LongTalk(std::uint64_t seed) : Floor(seed, 3) {
    Author& home = *authors[0];
    id = home.take_in("m0", {}).as<ConversationId>();
    home.open("m0");
  }
  std::string late_name() {
    return "m" + std::to_string(messages - std::min(messages, pick(chance(90) ? 4 : 60)));
  }
  std::vector<MessageId> late_names() {
    std::vector<MessageId> out;
    for (std::size_t i = pick(4); i > 0; --i) out.push_back(world.message(late_name()));
    return out;
  }
  ReplyId late_reply() {
    return written[written.size() - 1 - std::min(written.size() - 1, pick(chance(90) ? 3 : 60))];
  }

  void act() {
    Author& home = *authors[0];
    Author& author = *authors[pick(authors.size())];
    const auto what = pick(100);
    if (what < 30) {
      const std::string name = "m" + std::to_string(++messages);
      for (const auto& host : authors) {
        host->wall_ms = std::max(host->wall_ms, home.wall_ms - 3) + static_cast<int>(pick(6));
        if (host == authors[0] || chance(60)) host->take_in(name, {});
      }
      if (chance(90)) home.place(name, id);
    } else if (what < 35) {
      const std::size_t first = messages + 1;
      for (std::size_t more = 2 + pick(12); more > 0; --more) {
        home.take_in("m" + std::to_string(++messages), {});
      }
      for (std::size_t i = first; i <= messages; ++i) {
        if (chance(95)) home.place("m" + std::to_string(i), id);
        if (chance(5)) author.take_in("m" + std::to_string(i), {});
      }
    } else if (what < 55) {
      ReplyBody body;
      body.reply = written.emplace_back(world.random.id<ReplyId>());
      body.epoch = home.epoch(1);
      body.sender = author.node();
      body.seen = late_names();
      body.known_replies = static_cast<std::uint32_t>(written.size());
      home.write(EntryKind::reply, id, body);
    } else if (what < 65) {
      CourseBody body;
      body.epoch = home.epoch(1);
      body.state = static_cast<CourseState>(pick(6));
      body.seen = late_names();
      home.write(EntryKind::course, id, body);
    } else if (what < 68 && chance(20)) {
      author.write(EntryKind::took_home, id, TookHomeBody{author.epoch(2), "takeover", ""});
    } else if (what < 72) {
      author.take_in(late_name(), {.text = "help me", .kind = MessageKind::edited});
    } else if (!written.empty() && what < 84) {
      author.write(EntryKind::attempt, id, AttemptBody{late_reply(), 1});
    } else if (!written.empty()) {
      OutcomeBody body;
      body.reply = late_reply();
      body.outcome = chance(80) ? ReplyOutcome::accepted : static_cast<ReplyOutcome>(pick(5));
      body.account = "page";
      if (chance(10)) body.external_id = late_name();
      author.write(EntryKind::outcome, id, body);
    }
  }
};

Digests digests_of(const FoldWorld& world, const Reader& reader, std::size_t max_bytes) {
  DigestReckoner reckoner(world.crypto, world.secret, "eu");
  for (int steps = 0; steps < 100'000; ++steps) {
    const auto done = reckoner.step(reader, max_bytes);
    REQUIRE(done.ok());
    if (done.value()) return reckoner.digests();
  }
  FAIL("never done");
  return {};
}

}  // namespace

TEST_SUITE("projections, at random") {
  TEST_CASE("all stores end with the same rows, whatever the order, and so does a rebuild") {
    std::size_t aliases = 0, answered = 0, echoes = 0, terms = 0, twice = 0, moved = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      CAPTURE(seed);
      Floor floor(seed);
      const std::size_t entries = 20 + floor.pick(140);
      for (std::size_t i = 0; i < entries; ++i) {
        floor.act();
        if (floor.chance(30)) floor.hear();
      }
      Holder first(floor.world), second(floor.world), third(floor.world);
      floor.deliver_all(first);
      floor.deliver_all(second);
      floor.deliver_all(third);
      for (const auto& author : floor.authors) floor.deliver_all(*author);

      const AllRows rows = all_rows(first.store);
      std::vector<const Holder*> others{&second, &third};
      for (const auto& author : floor.authors) others.push_back(author.get());
      for (const auto* other : others) {
        const AllRows theirs = all_rows(other->store);
        REQUIRE_MESSAGE(rows == theirs, "seed " << seed << ": " << difference(rows, theirs));
      }
      CHECK(digests_of(floor.world, first.store, 1 << 20) ==
            digests_of(floor.world, second.store, 500));

      // From scratch, folded in the order that all agree on.
      Rebuild rebuild(second.store, second.projections,
                      {.slice_bytes = 2'000, .page_entries = 3, .page_bytes = 4'000});
      std::uint64_t folded = 0;
      for (bool done = false; !done;) {
        const auto progress = rebuild.step();
        REQUIRE(progress.ok());
        done = progress.value().done;
        folded = progress.value().entries_folded;
        CHECK(rebuild_is_due(second.store).value() == !done);
      }
      CHECK(folded == entries);
      const AllRows again = all_rows(second.store);
      REQUIRE_MESSAGE(rows == again, "seed " << seed << ": " << difference(rows, again));

      for (std::size_t i = 0; i < Floor::names; ++i) {
        const auto id = floor.world.message("m" + std::to_string(i));
        if (auto c = rows::conversation(first.rows, id.as<ConversationId>()).value()) {
          aliases += c->is_alias();
          answered += c->opened && c->messages_in > 0 && c->unanswered.empty();
          twice += c->handled_twice;
          terms += c->homes.size() > 1;
        }
        if (auto m = rows::message(first.rows, id).value()) {
          echoes += !m->echo_of.is_zero();
          moved += m->placements.size() > 1;
        }
      }
    }
    // The worlds were worth it. (How many of each there are depends on the compiler, which chooses
    // the order in which arguments roll their dice.)
    CHECK(aliases > 5);
    CHECK(answered > 1);
    CHECK(echoes > 5);
    CHECK(terms > 5);
    CHECK(twice > 1);
    CHECK(moved > 5);
  }

  TEST_CASE("a long conversation comes out the same, whatever the order, and from scratch") {
    std::size_t left = 0, ahead = 0;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      CAPTURE(seed);
      LongTalk talk(seed);
      Holder lagging(talk.world);  // hears of everything a little late
      for (int i = 0; i < 300; ++i) {
        talk.act();
        if (talk.chance(60)) talk.hear();
        for (const auto& author : talk.authors) {
          if (talk.chance(15)) lagging.take_next(*author, author->stream, 1 + talk.pick(40'000));
        }
      }
      Holder other(talk.world);
      talk.deliver_all(lagging);
      talk.deliver_all(other);
      const AllRows rows = all_rows(lagging.store);
      const AllRows theirs = all_rows(other.store);
      REQUIRE_MESSAGE(rows == theirs, "seed " << seed << ": " << difference(rows, theirs));
      REQUIRE(rebuild_rows(other.store, other.projections).ok());
      const AllRows again = all_rows(other.store);
      REQUIRE_MESSAGE(rows == again, "seed " << seed << ": " << difference(rows, again));
      const auto c = lagging.conversation(talk.id);
      left += c.replies_done;
      ahead += c.seen.size();
    }
    CHECK(left > 50);
    CHECK(ahead > 0);
  }
}
