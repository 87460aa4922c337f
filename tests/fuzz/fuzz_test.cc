// Without a fuzzer: what one found before, and a little of what it would try.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "protocol/crypto.h"
#include "tests/fuzz/targets.h"

using namespace crossfloor;

namespace {

// As libFuzzer does it: bytes flipped, cut off, doubled, taken from another seed.
Bytes mutated(Bytes input, const std::vector<Bytes>& seeds, Random& random) {
  for (auto changes = 1 + random.below(4); changes > 0; --changes) {
    const std::size_t at = input.empty() ? 0 : random.below(input.size());
    const std::size_t length = input.empty() ? 0 : random.below(input.size() - at + 1);
    switch (random.below(5)) {
      case 0:
        if (!input.empty()) input[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        input.erase(at, length);
        break;
      case 2:
        input.insert(at, input.substr(at, std::min<std::size_t>(length, 64)));
        break;
      case 3:
        input.insert(at, 1, static_cast<char>(random.below(256)));
        break;
      default: {
        const Bytes& other = seeds[random.below(seeds.size())];
        if (!other.empty()) input.insert(at, other.substr(random.below(other.size()), 64));
      }
    }
  }
  return input;
}

}  // namespace

TEST_SUITE("fuzz") {
  TEST_CASE("well-formed input passes through every target") {
    for (const auto& target : fuzz::targets()) {
      CAPTURE(target.name);
      const auto seeds = target.seeds();
      CHECK_FALSE(seeds.empty());
      for (const Bytes& seed : seeds) target.run(seed);
      target.run("");
    }
  }

  TEST_CASE("what fuzzers found once does no harm any more") {
    const std::filesystem::path findings = "tests/fuzz/findings";
    for (const auto& target : fuzz::targets()) {
      CAPTURE(target.name);
      const auto folder = findings / target.name;
      if (!std::filesystem::is_directory(folder)) continue;
      for (const auto& file : std::filesystem::directory_iterator(folder)) {
        CAPTURE(file.path().string());
        std::ifstream in(file.path(), std::ios::binary);
        target.run(Bytes(std::istreambuf_iterator<char>(in), {}));
      }
    }
  }

  TEST_CASE("damaged input is refused or understood, and nothing breaks") {
    for (const auto& target : fuzz::targets()) {
      const auto seeds = target.seeds();
      for (std::uint64_t number = 0; number < 1'000; ++number) {
        CAPTURE(target.name);
        CAPTURE(number);
        SeededRandom random(number);
        target.run(mutated(seeds[random.below(seeds.size())], seeds, random));
      }
    }
  }
}
