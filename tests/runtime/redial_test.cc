#include "node/runtime/redial.h"

#include <doctest/doctest.h>

using namespace crossfloor;

namespace {
constexpr Instant at(Duration since_start) {
  return Instant{} + since_start;
}
}  // namespace

TEST_SUITE("redial") {
  TEST_CASE("a peer that does not answer is dialled every second, give or take the jitter") {
    const RedialPace::Options options;
    SeededRandom random(4);
    Duration least{10'000}, most{0};
    for (int i = 0; i < 1'000; ++i) {
      RedialPace redial;
      redial.failed(options, random, at(Duration(5'000)));
      const Duration wait = redial.next - at(Duration(5'000));
      least = std::min(least, wait);
      most = std::max(most, wait);
    }
    CHECK(least >= Duration(800));
    CHECK(least < Duration(810));
    CHECK(most <= Duration(1'200));
    CHECK(most > Duration(1'190));
  }

  TEST_CASE("a link that stood is dialled again almost at once") {
    SeededRandom random(4);
    RedialPace redial;
    redial.lost({}, random, at(Duration(0)));
    CHECK(redial.next <= at(Duration(100)));
    CHECK_FALSE(redial.patient({}));
  }

  TEST_CASE("after ten failures a peer waits its turn, until it answers") {
    SeededRandom random(4);
    RedialPace redial;
    for (int i = 0; i < 9; ++i) redial.failed({}, random, at(Duration(0)));
    CHECK_FALSE(redial.patient({}));
    redial.failed({}, random, at(Duration(0)));
    CHECK(redial.patient({}));
    redial.succeeded();
    CHECK_FALSE(redial.patient({}));
  }
}
