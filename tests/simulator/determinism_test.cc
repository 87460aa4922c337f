// A seed is a promise as well: it tells the same story each time, or no failure could be looked at.
#include <doctest/doctest.h>

#include "tools/simulator/campaign.h"
#include "tools/simulator/scenario.h"

using namespace crossfloor;
using namespace crossfloor::simulator;

namespace {

Options everything(std::uint64_t seed) {
  auto options = read_scenario("everything");
  REQUIRE(options.ok());
  options.value().seed = seed;
  options.value().shape.length = Duration{60'000};
  options.value().shape.heal = Duration{60'000};
  return options.value();
}

std::uint64_t trace_of(const Options& options) {
  World world(options);
  world.run();
  return world.trace().hash();
}

}  // namespace

TEST_SUITE("determinism") {
  TEST_CASE("the same seed gives the same run, another seed another") {
    const auto first = trace_of(everything(16));
    CHECK(trace_of(everything(16)) == first);
    CHECK(trace_of(everything(17)) != first);
  }

  TEST_CASE("who listens to the story does not change it") {
    World heard(everything(18));
    std::size_t lines = 0;
    heard.trace().listen([&](Instant, const std::string&) { ++lines; });
    heard.run();
    CHECK(lines > 100);
    CHECK(heard.trace().hash() == trace_of(everything(18)));
  }

  TEST_CASE("the cheap stand-in for signatures refuses a forger like the real one") {
    SeededRandom random(7);
    const SigningKey key = make_signing_key(random);
    const SigningKey forger = make_signing_key(random);
    KeyedCrypto cheap;
    cheap.know(key);
    cheap.know(forger);
    const SodiumCrypto real;
    for (const Crypto* crypto :
         {static_cast<const Crypto*>(&cheap), static_cast<const Crypto*>(&real)}) {
      const Signature good = crypto->sign(key, "an entry");
      CHECK(crypto->verify(key.node(), "an entry", good));
      CHECK_FALSE(crypto->verify(key.node(), "another entry", good));
      CHECK_FALSE(crypto->verify(key.node(), "an entry", crypto->sign(forger, "an entry")));
      CHECK_FALSE(crypto->verify(make_signing_key(random).node(), "an entry", good));
    }
  }

  TEST_CASE("signatures and the codec change nothing that happens") {
    // Neither draws lots nor takes time. (The codec's sizes are part of the trace, so what is
    // compared are the facts.)
    const auto facts_of = [](bool real, std::int64_t codec) {
      Options options = everything(19);
      options.shape.real_crypto = real;
      options.shape.codec_one_in = codec;
      World world(options);
      world.run();
      return std::make_tuple(world.facts().offered, world.facts().accepted,
                             world.facts().acknowledged.size(), world.steps());
    };
    const auto reference = facts_of(true, 1);
    CHECK(facts_of(false, 1) == reference);
    CHECK(facts_of(true, 1'000'000) == reference);
  }
}
