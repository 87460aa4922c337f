#include <doctest/doctest.h>

#include "tools/simulator/scenario.h"
#include "tools/simulator/world.h"

using namespace crossfloor;
using namespace crossfloor::simulator;

namespace {

// Bytes that each node sends each second of a minute in which nobody writes.
double idle_bytes(std::int64_t nodes) {
  Options options = read_scenario("idle").value();
  options.shape.nodes = nodes;
  World world(options);
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  world.plan(Duration{50'000}, [&] { before = world.paths().counters().bytes; });
  world.plan(Duration{110'000}, [&] { after = world.paths().counters().bytes; });
  world.run();
  return static_cast<double>(after - before) / 60.0 / static_cast<double>(nodes);
}

}  // namespace

TEST_SUITE("an idle mesh") {
  TEST_CASE("what a node says does not grow with the number of nodes") {
    const double small = idle_bytes(4);
    const double large = idle_bytes(16);
    MESSAGE("bytes per node and second: " << small << " of 4 nodes, " << large << " of 16");
    CHECK(small > 0);
    CHECK(large < small * 1.25);
  }
}
