// A ring that overtakes the history of its conversation.
#include "node/core/ring_waits.h"

#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

bool is_entries(const SendMessage& message, bool live_only) {
  const auto* frame = std::get_if<ReplicationFrame>(&message.message);
  if (frame == nullptr) return false;
  const auto* range = std::get_if<RangeIs>(&frame->message);
  return range != nullptr && (range->live || !live_only);
}

bool assigns(const SendMessage& message) {
  const auto* frame = std::get_if<RoutingFrame>(&message.message);
  return frame != nullptr && (std::holds_alternative<Commit>(frame->message) ||
                              std::holds_alternative<Grant>(frame->message));
}

// Helsinki is home, the only agent is at Warsaw.
struct Story {
  CoreWorld world{{"helsinki", "warsaw"}};
  std::optional<Instant> committed;  // first said to Warsaw

  Story() {
    world.start();
    world.add_agent(1, "ann");
  }
  void lose(bool live_only) {
    world.lost = [this, live_only](const SendMessage& message) {
      if (assigns(message) && !committed) committed = world.now().steady;
      return message.to == world.host(1).id && is_entries(message, live_only);
    };
  }
};

}  // namespace

TEST_SUITE("rings and history") {
  TEST_CASE("a ring comes with the history that its home had") {
    Story story;
    story.world.write(0, CoreWorld::chat, "4711", "hello?");
    REQUIRE(story.world.rings().size() == 1);
    CHECK(story.world.rings()[0].notice.complete);
  }

  TEST_CASE("what it overtook is fetched from home, and it rings when it is here") {
    Story story;
    story.lose(true);
    story.world.write(0, CoreWorld::chat, "4711", "hello?");
    REQUIRE(story.committed);
    REQUIRE(story.world.rings().size() == 1);
    const auto& ring = story.world.rings()[0];
    CHECK(ring.notice.complete);
    CHECK(ring.at < *story.committed + RingWaits::patience);
    CHECK(story.world.core(1).home().find(ring.notice.conversation) != nullptr);
  }

  TEST_CASE("after a second it rings all the same, and says that the history is incomplete") {
    Story story;
    story.lose(false);
    story.world.write(0, CoreWorld::chat, "4711", "hello?");
    REQUIRE(story.committed);
    CHECK(story.world.rings().empty());
    story.world.run(Duration{1'000});
    REQUIRE(story.world.rings().size() == 1);
    const auto& ring = story.world.rings()[0];
    CHECK_FALSE(ring.notice.complete);
    CHECK(ring.at >= *story.committed + RingWaits::patience);
    CHECK(ring.at <= *story.committed + RingWaits::patience + Duration{50});
  }

  TEST_CASE("what rings without its history can be accepted: home knows it") {
    Story story;
    story.lose(false);
    story.world.write(0, CoreWorld::chat, "4711", "hello?");
    story.world.run(Duration{1'000});
    REQUIRE(story.world.rings().size() == 1);
    const NotifyAgent ring = story.world.rings()[0].notice;
    const auto accepted = story.world.say(
        1, "ann", Verb::accept, ring.conversation,
        [&](DeskCommand& command) { command.epoch = ring.epoch; }, Duration{500});
    CHECK(accepted.what == "");  // it is answered when the agent's node holds it, too
    CHECK(story.world.core(0).home().find(ring.conversation)->state == CourseState::active);
  }

  TEST_CASE("named are the newest entries of every origin and of the conversation before") {
    CoreWorld world({"helsinki", "warsaw"});
    world.start();
    world.write(0, CoreWorld::chat, "4711", "one");
    world.write(1, CoreWorld::chat, "4711", "two");
    const auto& open = world.core(0).home().conversations();
    REQUIRE(open.size() == 1);
    const Conversation& c = open.begin()->second;
    const auto newest = newest_entries(world.core(0).scribe().view(), c);
    REQUIRE(newest.size() == 2);
    CHECK(newest[0] == c.last);
    CHECK(newest[0].node != newest[1].node);
  }
}
