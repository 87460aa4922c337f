// Each checker is shown to fail: a fault is planted from outside, never by a switch in the product.
#include <doctest/doctest.h>

#include "tools/simulator/checkers.h"

using namespace crossfloor;
using namespace crossfloor::simulator;

namespace {

Options short_story(std::uint64_t seed) {
  Options options;
  options.seed = seed;
  options.length = Duration{40'000};
  options.heal = Duration{60'000};
  return options;
}

bool names(const std::vector<Broken>& broken, const std::string& promise) {
  for (const auto& one : broken) {
    if (one.promise == promise) return true;
  }
  return false;
}

}  // namespace

TEST_SUITE("planted faults") {
  TEST_CASE("without a fault every promise holds") {
    World world(short_story(11));
    world.run();
    CHECK(world.acknowledged().size() > 5);
    CHECK(judge_at_the_end(world).empty());
  }

  TEST_CASE("a message that a disk forgot is found lost") {
    World world(short_story(12));
    world.run();
    REQUIRE_FALSE(world.acknowledged().empty());
    Batch forget;
    forget.erase(rows::message_key(world.acknowledged().front().receipt.message));
    REQUIRE(world.hosts()[1]->disk.commit(forget).ok());
    CHECK(names(nothing_acknowledged_is_lost(world), "nothing acknowledged is lost"));
    CHECK(names(all_copies_agree(world), "all copies agree"));
  }

  TEST_CASE("a node that keeps its entries to itself is found to disagree") {
    World world(short_story(13));
    world.meddle = [](std::size_t host, Effect& effect) {
      const auto* message = std::get_if<SendMessage>(&effect);
      if (host != 2 || message == nullptr) return true;
      const auto* frame = std::get_if<ReplicationFrame>(&message->message);
      return frame == nullptr || !std::holds_alternative<RangeIs>(frame->message);
    };
    world.run();
    CHECK(names(all_copies_agree(world), "all copies agree"));
  }

  TEST_CASE("agents who hear nothing leave customers waiting, which is found") {
    World world(short_story(14));
    world.meddle = [](std::size_t, Effect& effect) {
      return !std::holds_alternative<NotifyAgent>(effect);
    };
    world.run();
    CHECK(names(nobody_waits_for_ever(world), "nobody waits for ever"));
  }

  TEST_CASE("a call to the provider made twice is found") {
    World world(short_story(15));
    world.run();
    REQUIRE_FALSE(world.provider().taken.empty());
    CHECK_FALSE(names(every_reply_ends(world), "every reply ends"));
    World twice(short_story(15));
    twice.twice = true;
    twice.run();
    CHECK(names(every_reply_ends(twice), "every reply ends"));
  }

  TEST_CASE("the same seed gives the same run, another seed another") {
    World first(short_story(16));
    World again(short_story(16));
    World other(short_story(17));
    first.run();
    again.run();
    other.run();
    CHECK(first.trace_hash() == again.trace_hash());
    CHECK(first.trace_hash() != other.trace_hash());
  }
}
