#include "tools/simulator/keyed_crypto.h"

#include <cstring>

namespace crossfloor::simulator {
namespace {

// Four lanes, each word multiplied into its lane and the halves of the product folded.
class Mix {
 public:
  void add(ByteView bytes) {
    length_ = mixed(length_ + bytes.size(), 0x9e3779b97f4a7c15ULL);
    std::size_t lane = 0;
    for (; bytes.size() >= 8; bytes.remove_prefix(8), lane = (lane + 1) % 4) {
      stir(lane, word(bytes.data(), 8));
    }
    if (!bytes.empty()) stir(lane, word(bytes.data(), bytes.size()));
  }
  template <typename Id>
  Id finish() {
    Id out;
    for (int round = 0; round < 2; ++round) {
      for (std::size_t lane = 0; lane < 4; ++lane) stir(lane, lanes_[(lane + 3) % 4] ^ length_);
    }
    std::memcpy(out.raw.data(), lanes_.data(), Id::size);
    return out;
  }

 private:
  static std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a ^ 0xa0761d6478bd642fULL) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  static std::uint64_t word(const char* at, std::size_t size) {
    std::uint64_t out = 0;
    std::memcpy(&out, at, size);
    return out;
  }
  void stir(std::size_t lane, std::uint64_t word) {
    lanes_[lane] = mixed(lanes_[lane] + word, odd_[lane]) ^ (word << 17 | word >> 47);
  }

  static constexpr std::array<std::uint64_t, 4> odd_{0xe7037ed1a0b428dbULL, 0x8ebc6af09c88c6e3ULL,
                                                     0x589965cc75374cc3ULL, 0x1d8e4e27c47d124fULL};
  std::array<std::uint64_t, 4> lanes_{odd_};
  std::uint64_t length_ = 0;
};

}  // namespace

Hash KeyedCrypto::hash(ByteView first, ByteView second, ByteView third) const {
  Mix mix;
  mix.add(first);
  mix.add(second);
  mix.add(third);
  return mix.finish<Hash>();
}

Signature KeyedCrypto::sign(const SigningKey& key, ByteView bytes) const {
  Secret secret;
  std::copy_n(key.secret.begin(), Secret::size, secret.raw.begin());
  Mix mix;
  mix.add(secret.view());
  mix.add(bytes);
  const auto mark = mix.finish<Subject>();
  Signature out;
  for (std::size_t i = 0; i < Signature::size; ++i) out.raw[i] = mark.raw[i % Subject::size];
  return out;
}

bool KeyedCrypto::verify(const NodeId& signer, ByteView bytes, const Signature& signature) const {
  const auto key = keys_.find(signer);
  return key != keys_.end() && sign(key->second, bytes) == signature;
}

}  // namespace crossfloor::simulator
