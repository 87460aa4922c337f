#include "protocol/crypto.h"

#include <sodium.h>

#include <cstring>

#include "protocol/check.h"

namespace crossfloor {
namespace {
const unsigned char* raw(ByteView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
}  // namespace

NodeId SigningKey::node() const {
  NodeId id;
  std::copy(secret.begin() + 32, secret.end(), id.raw.begin());
  return id;
}

SodiumCrypto::SodiumCrypto() {
  XF_CHECK(sodium_init() >= 0);
}

Hash SodiumCrypto::hash(ByteView first, ByteView second, ByteView third) const {
  Hash out;
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, Hash::size);
  for (ByteView part : {first, second, third}) {
    if (!part.empty()) crypto_generichash_update(&state, raw(part), part.size());
  }
  crypto_generichash_final(&state, out.raw.data(), Hash::size);
  return out;
}

Subject SodiumCrypto::keyed_hash(const Secret& key, ByteView bytes) const {
  Subject out;
  crypto_generichash(out.raw.data(), Subject::size, raw(bytes), bytes.size(), key.raw.data(),
                     Secret::size);
  return out;
}

Signature SodiumCrypto::sign(const SigningKey& key, ByteView bytes) const {
  Signature out;
  crypto_sign_detached(out.raw.data(), nullptr, raw(bytes), bytes.size(), key.secret.data());
  return out;
}

bool SodiumCrypto::verify(const NodeId& signer, ByteView bytes, const Signature& signature) const {
  return crypto_sign_verify_detached(signature.raw.data(), raw(bytes), bytes.size(),
                                     signer.raw.data()) == 0;
}

std::uint64_t Random::next() {
  std::uint64_t out = 0;
  fill(&out, sizeof(out));
  return out;
}

std::uint64_t Random::below(std::uint64_t bound) {
  XF_CHECK(bound > 0);
  // Rejects the incomplete last span, so that every value is equally likely.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t draw = next();
  while (draw >= limit) draw = next();
  return draw % bound;
}

double Random::unit() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

void SystemRandom::fill(void* out, std::size_t size) {
  randombytes_buf(out, size);
}

void SeededRandom::fill(void* out, std::size_t size) {
  auto* at = static_cast<unsigned char*>(out);
  while (size > 0) {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    const std::size_t take = std::min<std::size_t>(size, 8);
    std::memcpy(at, &z, take);
    at += take;
    size -= take;
  }
}

}  // namespace crossfloor
