#include "tools/simulator/keyed_crypto.h"

namespace crossfloor::simulator {

Signature KeyedCrypto::sign(const SigningKey& key, ByteView bytes) const {
  Secret secret;
  std::copy_n(key.secret.begin(), Secret::size, secret.raw.begin());
  const Subject mark = sodium_.keyed_hash(secret, bytes);
  Signature out;
  for (std::size_t i = 0; i < Signature::size; ++i) out.raw[i] = mark.raw[i % Subject::size];
  return out;
}

bool KeyedCrypto::verify(const NodeId& signer, ByteView bytes, const Signature& signature) const {
  const auto key = keys_.find(signer);
  return key != keys_.end() && sign(key->second, bytes) == signature;
}

}  // namespace crossfloor::simulator
