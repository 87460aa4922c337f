#include "tools/crossfloor/delivery_plan.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

using namespace crossfloor;
using namespace crossfloor::cli;
using namespace std::chrono_literals;

namespace {

std::vector<Planned> each_second(std::size_t count, std::size_t hosts) {
  std::vector<Planned> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back({static_cast<std::int64_t>(1'000 * i), hosts});
  }
  return out;
}

std::vector<Delivery> plan(const std::vector<Planned>& messages, const DeliveryOptions& options,
                           std::uint64_t seed = 7) {
  SeededRandom random(seed);
  return plan_deliveries(messages, options, random);
}

}  // namespace

TEST_SUITE("delivery plan") {
  TEST_CASE("moments are the recorded ones, squeezed") {
    const std::vector<Planned> messages = {{50'000, 1}, {51'000, 1}, {3'651'000, 1}};
    auto got = plan(messages, {});
    CHECK(got[0].at == 0ms);
    CHECK(got[1].at == 1'000ms);
    CHECK(got[2].at == 3'601'000ms);
    got = plan(messages, {.speed = 10});
    CHECK(got[1].at == 100ms);
    CHECK(got[2].at == 360'100ms);
    got = plan(messages, {.speed = 10, .gap_max = 2s});
    CHECK(got[1].at == 100ms);
    CHECK(got[2].at == 2'100ms);
    for (const auto& one : plan(messages, {.timed = false})) CHECK(one.at == 0ms);
  }

  TEST_CASE("many short pauses do not get lost by rounding") {
    std::vector<Planned> messages;
    for (int i = 0; i <= 1'000; ++i) messages.push_back({i, 1});
    CHECK(plan(messages, {.speed = 2}).back().at == 500ms);
  }

  TEST_CASE("without wishes each message is delivered once, in order, to its first host") {
    const auto got = plan(each_second(20, 3), {});
    REQUIRE(got.size() == 20);
    for (std::size_t i = 0; i < got.size(); ++i) {
      CHECK(got[i].message == i);
      CHECK(got[i].host == 0);
    }
  }

  TEST_CASE("each message is delivered as often as asked, two of them to two hosts") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      CAPTURE(seed);
      std::map<std::size_t, std::vector<std::size_t>> hosts;
      for (const auto& one :
           plan(each_second(200, 2), {.least = 1, .most = 3, .shuffle = 10}, seed)) {
        hosts[one.message].push_back(one.host);
      }
      REQUIRE(hosts.size() == 200);
      std::set<std::size_t> counts;
      for (const auto& [message, of] : hosts) {
        counts.insert(of.size());
        if (of.size() == 1) CHECK(of[0] == 0);
        if (of.size() >= 2) CHECK(std::set<std::size_t>(of.begin(), of.end()).size() == 2);
      }
      CHECK(counts == std::set<std::size_t>{1, 2, 3});
    }
  }

  TEST_CASE("shuffling moves deliveries by no more than was asked, and keeps the moments") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      CAPTURE(seed);
      const auto got = plan(each_second(200, 1), {.shuffle = 5}, seed);
      REQUIRE(got.size() == 200);
      std::size_t moved = 0, overtaken_by = 0;
      for (std::size_t i = 0; i < got.size(); ++i) {
        CHECK(got[i].at == std::chrono::seconds(i));
        if (got[i].message != i) ++moved;
        const std::size_t distance = got[i].message > i ? got[i].message - i : i - got[i].message;
        overtaken_by = std::max(overtaken_by, distance);
      }
      CHECK(moved > 20);
      CHECK(overtaken_by <= 5);
    }
  }

  TEST_CASE("a seed gives one plan, another seed another") {
    const DeliveryOptions options{.least = 1, .most = 3, .shuffle = 20};
    const auto text = [&](std::uint64_t seed) {
      std::string out;
      for (const auto& one : plan(each_second(50, 3), options, seed)) {
        out += std::to_string(one.message) + "." + std::to_string(one.host) + " ";
      }
      return out;
    };
    CHECK(text(1) == text(1));
    CHECK(text(1) != text(2));
  }

  TEST_CASE("ranges are a number or two") {
    CHECK(parse_range("2", "").value() == std::pair<std::size_t, std::size_t>{2, 2});
    CHECK(parse_range("1-3", "").value() == std::pair<std::size_t, std::size_t>{1, 3});
    for (const char* bad : {"", "0", "3-1", "1-", "-3", "1-3-5", "x", "17", "1.5", " 1"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse_range(bad, "--deliveries").ok());
    }
  }
}
