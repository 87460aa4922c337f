#include "node/core/receipts.h"

#include <doctest/doctest.h>

using namespace crossfloor;

namespace {
constexpr Instant at(Duration since_start) {
  return Instant{} + since_start;
}
constexpr Duration alone_after{2'000};
}  // namespace

TEST_SUITE("receipts") {
  TEST_CASE("a receipt waits until another node has the entry") {
    Receipts receipts;
    const Stream stream{{NodeId{}, 7}, "eu"};
    receipts.wait(stream, 3, [](bool) {});
    receipts.stored(stream, 2);
    CHECK(receipts.take(at(Duration{60'000}), {}, alone_after).empty());
    receipts.stored(stream, 3);
    auto ready = receipts.take(at(Duration{60'000}), {}, alone_after);
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].mesh);
    CHECK(receipts.size() == 0);
  }

  TEST_CASE("once this node was alone for long enough it is given up, and says so") {
    Receipts receipts;
    const Stream stream{{NodeId{}, 7}, "eu"};
    receipts.wait(stream, 1, [](bool) {});
    const std::map<Region, Instant> alone{{"eu", at(Duration{500})}};
    CHECK(receipts.take(at(Duration{2'499}), alone, alone_after).empty());
    auto ready = receipts.take(at(Duration{2'500}), alone, alone_after);
    REQUIRE(ready.size() == 1);
    CHECK_FALSE(ready[0].mesh);
  }

  TEST_CASE("being alone in one region gives up nothing of another") {
    Receipts receipts;
    receipts.wait(Stream{{NodeId{}, 7}, "eu"}, 1, [](bool) {});
    receipts.wait(Stream{{NodeId{}, 7}, "us"}, 1, [](bool) {});
    const std::map<Region, Instant> alone{{"us", at(Duration{0})}};
    CHECK(receipts.take(at(Duration{60'000}), alone, alone_after).size() == 1);
    CHECK(receipts.size() == 1);
  }

  TEST_CASE("what lies before a proven entry is proven, what lies behind is not") {
    Receipts receipts;
    const Stream stream{{NodeId{}, 7}, "eu"};
    for (Sequence sequence = 1; sequence <= 5; ++sequence) {
      receipts.wait(stream, sequence, [](bool) {});
    }
    receipts.stored(stream, 4);
    CHECK(receipts.take(at(Duration{0}), {}, alone_after).size() == 4);
    CHECK(receipts.size() == 1);
  }
}
