#include "node/runtime/reopenings.h"

#include <doctest/doctest.h>

using namespace crossfloor;

TEST_SUITE("reopenings") {
  TEST_CASE("a store that fails time and again is given up; a failure now and then is not") {
    constexpr auto at = [](Duration since_start) { return Instant{} + since_start; };
    constexpr Duration second{1'000};
    Reopenings reopenings;
    for (std::size_t i = 0; i < Reopenings::most; ++i) CHECK(reopenings.allow(at(second)));
    CHECK_FALSE(reopenings.allow(at(2 * second)));
    CHECK_FALSE(reopenings.allow(at(Reopenings::within)));
    CHECK(reopenings.allow(at(second + Reopenings::within)));

    Reopenings rare;
    for (int i = 0; i < 100; ++i) CHECK(rare.allow(at(i * Reopenings::within / 2)));
  }
}
