// What nodes ask each other to find out what they lack, and how often.
#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

const ReplicationMessage* replication(const SendMessage& message) {
  const auto* frame = std::get_if<ReplicationFrame>(&message.message);
  return frame == nullptr ? nullptr : &frame->message;
}

bool compares(const SendMessage& message) {
  const auto* said = replication(message);
  return said != nullptr &&
         (std::holds_alternative<VectorHash>(*said) || std::holds_alternative<Vector>(*said));
}

bool answers_wanted(const SendMessage& message) {
  const auto* said = replication(message);
  return said != nullptr && message.link == LinkKind::bulk &&
         std::holds_alternative<RangeIs>(*said);
}

}  // namespace

TEST_SUITE("catching up") {
  TEST_CASE("who waits for one peer's entries does not compare with the others over and over") {
    CoreWorld world({"helsinki", "warsaw", "lisbon"});
    world.start();
    world.run(Duration{2'000});
    const NodeId lisbon = world.host(2).id;
    world.lost = [&](const SendMessage& message) { return message.to == lisbon; };
    for (int i = 0; i < 3; ++i) {
      world.write(0, CoreWorld::chat, "4711", "hello?");
      world.run(Duration{100});
    }
    // Lisbon hears again what the others have, but what it asks for does not come.
    std::size_t compared = 0;
    world.lost = [&](const SendMessage& message) {
      if (compares(message)) ++compared;
      return compared > 1'000 || (message.to == lisbon && answers_wanted(message));
    };
    world.run(Duration{4'000});
    CHECK(compared > 0);
    CHECK(compared < 40);  // each node begins one every two seconds, of three messages
    world.lost = [](const SendMessage&) { return false; };
    world.run(Duration{10'000});
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(world.core(2).scribe().log().vector() == world.core(i).scribe().log().vector());
    }
  }
}
