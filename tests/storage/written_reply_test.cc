#include "storage/written_reply.h"

#include <array>
#include <functional>

#include "tests/storage/fold_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

// Whoever's entries come first.
void check_both_orders(FoldWorld& world, const Author& one, const Author& other,
                       const std::function<void(const Holder&)>& check) {
  for (const auto& order : {std::array{&one, &other}, std::array{&other, &one}}) {
    Holder holder(world);
    for (const Author* author : order) {
      while (holder.take_next(*author, author->stream)) {
      }
    }
    check(holder);
  }
}

}  // namespace

TEST_SUITE("written reply") {
  TEST_CASE("a member's text under the name of home's reply, however early, is not sent") {
    FoldWorld world;
    Author home(world), liar(world);
    const auto id = home.take_in("m1", {}).as<ConversationId>();
    home.open("m1");
    home.course(id, CourseState::active, "bob");
    ReplyBody reply;
    reply.reply = world.random.id<ReplyId>();
    reply.agent = "bob";
    reply.sender = home.node();
    reply.text = "it is on its way";
    reply.epoch = home.epoch(1);
    home.write(EntryKind::reply, id, reply);
    ReplyBody forged = reply;
    forged.text = "pay first";
    liar.wall_ms = 1;
    forged.epoch = liar.epoch(1);
    liar.write(EntryKind::reply, id, forged);
    check_both_orders(world, home, liar, [&](const Holder& holder) {
      const auto said = written_reply(holder.rows, reply.reply);
      REQUIRE(said);
      CHECK(said->conversation == id);
      CHECK(said->body.text == "it is on its way");
      CHECK(holder.conversation(id).find_reply(reply.reply)->counts);
    });
  }

  TEST_CASE("what no home wrote is told as it was written, and a reply nobody knows not at all") {
    FoldWorld world;
    Author home(world), liar(world);
    const auto id = home.take_in("m1", {}).as<ConversationId>();
    home.open("m1");
    ReplyBody forged;
    forged.reply = world.random.id<ReplyId>();
    forged.text = "pay first";
    forged.epoch = liar.epoch(1);
    liar.write(EntryKind::reply, id, forged);
    check_both_orders(world, home, liar, [&](const Holder& holder) {
      REQUIRE(written_reply(holder.rows, forged.reply));
      CHECK(written_reply(holder.rows, forged.reply)->body.text == "pay first");
      CHECK_FALSE(holder.conversation(id).replies.at(0).counts);
      CHECK_FALSE(written_reply(holder.rows, ReplyId{}));
    });
  }
}
