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
    receipts.wait(stream, 3, at(Duration{0}), [](bool) {});
    receipts.stored(stream, 2);
    CHECK(receipts.take(at(Duration{60'000}), false, alone_after).empty());
    receipts.stored(stream, 3);
    auto ready = receipts.take(at(Duration{60'000}), false, alone_after);
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].mesh);
    CHECK(receipts.size() == 0);
  }

  TEST_CASE("alone, it is given up after the time for that, and says so") {
    Receipts receipts;
    const Stream stream{{NodeId{}, 7}, "eu"};
    receipts.wait(stream, 1, at(Duration{500}), [](bool) {});
    CHECK(receipts.take(at(Duration{2'499}), true, alone_after).empty());
    CHECK(receipts.deadline(true, alone_after) == at(Duration{2'500}));
    auto ready = receipts.take(at(Duration{2'500}), true, alone_after);
    REQUIRE(ready.size() == 1);
    CHECK_FALSE(ready[0].mesh);
  }

  TEST_CASE("what lies before a proven entry is proven, what lies behind is not") {
    Receipts receipts;
    const Stream stream{{NodeId{}, 7}, "eu"};
    for (Sequence sequence = 1; sequence <= 5; ++sequence) {
      receipts.wait(stream, sequence, at(Duration{0}), [](bool) {});
    }
    receipts.stored(stream, 4);
    CHECK(receipts.take(at(Duration{0}), false, alone_after).size() == 4);
    CHECK(receipts.size() == 1);
  }
}
