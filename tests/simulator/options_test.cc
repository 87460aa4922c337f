#include <doctest/doctest.h>

#include "tools/simulator/campaign.h"
#include "tools/simulator/scenario.h"

using namespace crossfloor;
using namespace crossfloor::simulator;

TEST_SUITE("options of a run") {
  TEST_CASE("every option can be printed and set again") {
    const Options options;
    for (const auto& name : Options::names()) {
      CAPTURE(name);
      Options other;
      CHECK(other.set(name, options.get(name)).ok());
      CHECK(other.get(name) == options.get(name));
      CHECK(options.text().find(name + "=" + options.get(name)) != std::string::npos);
    }
  }

  TEST_CASE("every vice is off at zero") {
    for (const auto& name : Options::vices()) {
      CAPTURE(name);
      CHECK(Options().set(name, "0").ok());
    }
  }

  TEST_CASE("times carry a unit") {
    struct Case {
      const char* text;
      std::int64_t ms;
    };
    for (const auto& [text, ms] : {Case{"0", 0}, Case{"250ms", 250}, Case{"30s", 30'000},
                                   Case{"5m", 300'000}, Case{"8h", 28'800'000}}) {
      CAPTURE(text);
      REQUIRE(parse_duration(text).ok());
      CHECK(parse_duration(text).value() == Duration{ms});
      CHECK(duration_text(Duration{ms}) == text);
    }
    for (const char* text : {"", "5", "-3s", "3 s", "3d", "s", "99999999999999h"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_duration(text).ok());
    }
  }

  TEST_CASE("what does not fit is refused, and the value stays") {
    Options options;
    CHECK(options.set("network.loss", "1.5").error().code == ErrorCode::malformed);
    CHECK(options.set("network.loss", "much").error().code == ErrorCode::malformed);
    CHECK(options.set("network.profile", "moon").error().code == ErrorCode::malformed);
    CHECK(options.set("shape.codec_one_in", "0").error().code == ErrorCode::malformed);
    CHECK(options.set("network.lossy", "0.1").error().code == ErrorCode::not_found);
    CHECK(options.differing_from(Options{}).empty());
  }

  TEST_CASE("a scenario's mistakes are named with their line") {
    const auto wrong = parse_scenario("[network]\nloss = 0.1\nlag = 3\n", "a.toml");
    REQUIRE_FALSE(wrong.ok());
    CHECK(wrong.error().where == "a.toml:3");
    CHECK_FALSE(parse_scenario("loss = 0.1\n", "a.toml").ok());
    CHECK_FALSE(parse_scenario("[network\n", "a.toml").ok());
    CHECK_FALSE(read_scenario("no-such-thing").ok());
    CHECK(parse_scenario("[network]\nloss = 0.1\ncuts_every = \"30s\"\n", "a")
              .value()
              .network.cuts_every == Duration{30'000});
  }

  TEST_CASE("every scenario that is shipped can be read") {
    CHECK(scenario_names().size() > 10);
    for (const auto& name : scenario_names()) {
      const auto options = read_scenario(name);
      CAPTURE(name);
      CHECK(options.ok());
    }
  }

  TEST_CASE("a replay command names what differs from the scenario") {
    Options options = read_scenario("cuts").value();
    options.seed = 9;
    options.network.loss = 0.25;
    CHECK(replay_command(options) == "mesh-sim --scenario cuts --seed 9 --set network.loss=0.25");
  }
}
