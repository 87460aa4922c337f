// Hashing, signing and verifying, behind one small interface, because long simulations replace
// them by a cheap keyed stand-in against which a forger without the key fails just the same.
#pragma once

#include <cstdint>

#include "protocol/ids.h"

namespace crossfloor {

// An Ed25519 key pair; the first 32 bytes of `secret` are the seed, the last 32 the public key.
struct SigningKey {
  std::array<unsigned char, 64> secret{};
  NodeId node() const;
};

class Crypto {
 public:
  virtual ~Crypto() = default;
  virtual Hash hash(ByteView first, ByteView second = {}, ByteView third = {}) const = 0;
  // BLAKE2b-128 under a key; the callers write each part's length before it.
  virtual Subject keyed_hash(const Secret& key, ByteView bytes) const = 0;
  virtual Signature sign(const SigningKey& key, ByteView bytes) const = 0;
  virtual bool verify(const NodeId& signer, ByteView bytes, const Signature& signature) const = 0;
};

// libsodium: BLAKE2b and Ed25519.
class SodiumCrypto final : public Crypto {
 public:
  SodiumCrypto();
  Hash hash(ByteView first, ByteView second, ByteView third) const override;
  Subject keyed_hash(const Secret& key, ByteView bytes) const override;
  Signature sign(const SigningKey& key, ByteView bytes) const override;
  bool verify(const NodeId& signer, ByteView bytes, const Signature& signature) const override;
};

// Randomness that cores are given: jitter, nonces, generations, salts. From the system in a node,
// from the seed in the simulator.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(void* out, std::size_t size) = 0;

  std::uint64_t next();
  std::uint64_t below(std::uint64_t bound);  // uniform in [0, bound); bound > 0
  double unit();                             // uniform in [0, 1)
  template <typename T>
  T id() {
    T out;
    fill(out.raw.data(), T::size);
    return out;
  }
};

class SystemRandom final : public Random {
 public:
  void fill(void* out, std::size_t size) override;
};

// splitmix64: fast, good enough for simulated worlds, the same on every machine.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(void* out, std::size_t size) override;

 private:
  std::uint64_t state_;
};

}  // namespace crossfloor
