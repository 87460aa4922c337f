// A stand-in for Ed25519 and BLAKE2b in long runs: hashes are quick mixes, and a signature is such
// a hash under the signer's secret, which only this object can look up. A forger without the key
// fails just the same, at a hundredth of the price, for nobody in these worlds looks for
// collisions.
#pragma once

#include <map>

#include "protocol/crypto.h"

namespace crossfloor::simulator {

class KeyedCrypto final : public Crypto {
 public:
  // From now on verify() knows this signer.
  void know(const SigningKey& key) { keys_[key.node()] = key; }

  Hash hash(ByteView first, ByteView second, ByteView third) const override;
  // The real one: ids are sorted by, so that a run is the same with either.
  Subject keyed_hash(const Secret& key, ByteView bytes) const override {
    return sodium_.keyed_hash(key, bytes);
  }
  Signature sign(const SigningKey& key, ByteView bytes) const override;
  bool verify(const NodeId& signer, ByteView bytes, const Signature& signature) const override;

 private:
  SodiumCrypto sodium_;
  std::map<NodeId, SigningKey> keys_;
};

}  // namespace crossfloor::simulator
