// A commit that fails, and a disk without room: nothing is said that is not so, nothing
// acknowledged is lost, and the node goes on.
#include <nlohmann/json.hpp>

#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

bool holds(CoreWorld& world, std::size_t index, const std::string& external_id) {
  const Scribe& scribe = world.core(index).scribe();
  auto row = rows::message(
      scribe.view(), scribe.subjects(CoreWorld::region)->message(CoreWorld::chat, external_id));
  return row.ok() && row.value() && !row.value()->copies.empty();
}

void ask_once_more(CoreWorld& world, std::size_t index) {
  world.write_again(index, CoreWorld::chat, "4711", "hello", "once");
}

}  // namespace

TEST_SUITE("a store that fails") {
  TEST_CASE("what waits behind a failed commit is never said, and the node goes on anew") {
    for (const bool written : {false, true}) {
      CAPTURE(written);
      CoreWorld world({"helsinki"});
      world.start();
      const Generation before = world.core(0).scribe().generation();
      world.host(0).store->fail_commit_after(0, written);
      ask_once_more(world, 0);
      CHECK(world.receipts().empty());
      CHECK(world.host(0).openings == 2);
      CHECK(world.core(0).scribe().generation() != before);
      CHECK(holds(world, 0, "once") == written);
      ask_once_more(world, 0);
      REQUIRE(world.receipts().size() == 1);
      CHECK(world.receipts()[0].duplicate == written);
      CHECK(holds(world, 0, "once"));
    }
  }

  TEST_CASE("what cannot be read is not taken for something that is not there") {
    for (std::size_t good = 0; good < 12; ++good) {
      CAPTURE(good);
      CoreWorld world({"helsinki", "warsaw"});
      world.start();
      world.add_agent(0, "ann");
      world.write(0, CoreWorld::chat, "4711", "hello?");
      const auto id = world.conversation(0, CourseState::ringing)->id;
      REQUIRE(world.say(0, "ann", Verb::accept, id).ok);
      world.host(0).store->fail_read_after(good);
      world.command(0, "ann", Verb::reply, id, [](DeskCommand& reply) { reply.text = "here"; });
      world.run(Duration{15'000});
      world.host(0).store->fail_read_after(1'000'000);
      const auto row = rows::conversation(world.core(1).scribe().view(), id);
      REQUIRE(row.ok());
      for (const auto& reply : row.value()->replies) {
        CHECK(reply.attempts > 0);
        CHECK(reply.outcome == ReplyOutcome::accepted);
      }
    }
  }

  TEST_CASE("what a failed commit took from this disk comes back from a peer that had it already") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.host(0).store->fail_commit_after(0, false);
    ask_once_more(world, 0);
    CHECK(world.receipts().empty());
    world.run(Duration{6'000});
    CHECK(holds(world, 0, "once"));
    CHECK(holds(world, 1, "once"));
    ask_once_more(world, 0);
    REQUIRE(world.receipts().size() == 1);
    CHECK(world.receipts()[0].duplicate);
    CHECK(world.core(0).scribe().log().vector() == world.core(1).scribe().log().vector());
  }

  TEST_CASE("wherever commits fail, what was acknowledged is there and what is there was written") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      CAPTURE(seed);
      SeededRandom luck(seed);
      CoreWorld world({"helsinki", "warsaw"}, seed);
      world.start();
      std::size_t acknowledged = 0;
      for (int i = 0; i < 12; ++i) {
        const std::size_t at = luck.below(2);
        if (luck.below(2) == 0) {
          world.host(at).store->fail_commit_after(luck.below(3), luck.below(2) == 0);
        }
        const std::string name = "m" + std::to_string(i);
        world.write_again(at, CoreWorld::chat, "customer-" + std::to_string(i % 3), "text", name);
        if (world.receipts().size() == acknowledged) continue;
        ++acknowledged;
        CHECK(holds(world, at, name));
        if (world.receipts().back().mesh) CHECK(holds(world, 1 - at, name));
      }
      CHECK(acknowledged > 0);
      for (std::size_t at : {0, 1}) world.host(at).store->fail_commit_after(1'000'000, false);
      world.run(Duration{12'000});
      CHECK(world.core(0).scribe().log().vector() == world.core(1).scribe().log().vector());
      for (const auto& receipt : world.receipts()) {
        for (std::size_t at : {0, 1}) {
          auto row = rows::message(world.core(at).scribe().view(), receipt.message);
          REQUIRE(row.ok());
          REQUIRE(row.value());
          CHECK_FALSE(row.value()->copies.empty());
        }
      }
    }
  }

  TEST_CASE("without room a node shows what it has, takes nothing in, and says why") {
    CoreWorld world({"helsinki"});
    world.start();
    world.write(0, CoreWorld::chat, "4711", "my parcel is lost");
    const std::string id = world.ask(0, "queue")["rows"][0]["conversation"];
    world.open_for_reading(0,
                           Error{ErrorCode::full, "no room on the disk", "/var/lib", "make room"});
    world.host(0).store->no_room(true);  // a commit would end this opening, too

    const std::size_t receipts = world.receipts().size();
    ask_once_more(world, 0);
    CHECK(world.receipts().size() == receipts);
    REQUIRE(world.refusals().size() == 1);
    CHECK(world.refusals()[0].code == ErrorCode::full);
    CHECK(world.refusals()[0].what == "no room on the disk");

    const Json told = world.ask(0, "conversation", {{"id", id}});
    CHECK(told["conversation"]["conversation"] == id);
    CHECK(told.dump().find("my parcel is lost") != std::string::npos);
    const Json wrong = world.ask(0, "status")["wrong"];
    REQUIRE_FALSE(wrong.empty());
    CHECK(wrong[0]["what"].get<std::string>().find("no room on the disk") != std::string::npos);
    const Json act = world.act(0, "drain", {{"on", true}});
    CHECK(act["error"]["what"] == "no room on the disk");
    world.run(Duration{60'000});
    CHECK(world.host(0).openings == 2);
    CHECK_FALSE(world.core(0).has_writes());
  }
}

TEST_SUITE("a clock that is wrong") {
  TEST_CASE("over two seconds it is shown; over a minute the node stamps with its peers' time") {
    struct Case {
      Duration off;
      bool shown;
      bool wrong;
    };
    for (const auto& [off, shown, wrong] :
         {Case{Duration{0}, false, false}, Case{Duration{5'000}, true, false},
          Case{Duration{300'000}, true, true}, Case{Duration{-300'000}, true, true}}) {
      CAPTURE(off.count());
      CoreWorld world({"helsinki", "warsaw", "porto"});
      world.host(0).clock_off = off;
      world.start();
      world.run(Duration{10'000});
      bool told = false;
      const Json status = world.ask(0, "status", {{"local", true}});
      for (const Json& line : status["wrong"]) {
        told = told || line["what"].get<std::string>().find("clock is") != std::string::npos;
      }
      CHECK(told == shown);
      CHECK(world.core(0).mesh().clocks().wrong() == wrong);
      CHECK_FALSE(world.core(1).mesh().clocks().wrong());
      const WallTime stamps = world.core(0).scribe().wall(world.now(world.host(0)));
      CHECK(stamps == world.now().wall + (wrong ? Duration{0} : off));
      // What it stamped before it knew is not undone: its time never goes back.
      if (off > Duration{60'000}) continue;
      world.write(0, CoreWorld::chat, "1", "hello");
      const Json queue = world.ask(1, "queue");
      REQUIRE(queue["rows"].size() == 1);
      const auto id =
          ConversationId::from_hex_text(queue["rows"][0]["conversation"].get<std::string>());
      const Conversation* c = world.core(1).home().find(*id);
      REQUIRE(c != nullptr);
      const Duration skew = c->last.time.wall() - world.now().wall;
      CHECK(std::abs(skew.count()) < (wrong ? 2'000 : 6'000));
    }
  }
}
