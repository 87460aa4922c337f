#include "protocol/random_sample.h"

namespace crossfloor::sample_detail {

std::string random_text(Random& random, std::size_t limit) {
  static constexpr const char* pieces[] = {"a", "Z", "7", " ", "\"", "\\", "\n", "ä", "€", "😀"};
  const std::size_t want = random.below(limit + 1);
  std::string out;
  while (out.size() < want) {
    const std::string_view piece = pieces[random.below(std::size(pieces))];
    if (out.size() + piece.size() > limit) break;
    out += piece;
  }
  return out;
}

std::uint64_t random_bits(Random& random) {
  switch (random.below(8)) {
    case 0:
      return 0;
    case 1:
      return UINT64_MAX;
    case 2:
      return std::uint64_t{1} << 63;
    default:
      return random.next() >> random.below(64);
  }
}

}  // namespace crossfloor::sample_detail
