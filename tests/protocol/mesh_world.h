// A small mesh for tests: an authority, and nodes admitted by it.
#pragma once

#include <doctest/doctest.h>

#include "protocol/join.h"
#include "protocol/roster.h"

namespace crossfloor::test {

inline constexpr WallTime noon = wall_from_ms(1'795'000'000'000);  // 2026-11-18T12:26:40Z
inline constexpr Duration day = std::chrono::hours(24);

struct MeshWorld {
  SodiumCrypto crypto;
  SeededRandom random;
  Authority authority;

  explicit MeshWorld(std::uint64_t seed = 1)
      : random(seed), authority(make_authority(random, {"eu", "us"}).value()) {}

  SigningKey key() { return make_signing_key(random); }
  JoinRequest request(const SigningKey& node, const std::string& site = "helsinki") {
    return make_request(crypto, node, site, {"tcp://10.0.0.1:7440"}).value();
  }
  Admission admit(const SigningKey& node, WallTime now = noon, AdmitOptions options = {"eu", {}},
                  ByteView issued = {}) {
    auto admission =
        crossfloor::admit(crypto, random, authority, request(node), options, issued, now);
    REQUIRE_MESSAGE(admission.ok(), admission.error().text());
    return admission.value();
  }
  Revocation revoke(const NodeId& node, std::vector<LastGood> good = {}, WallTime now = noon) {
    return crossfloor::revoke(crypto, authority, node, std::move(good), "laptop stolen", now)
        .value();
  }
  Roster roster() { return Roster(crypto, authority.node()); }
};

}  // namespace crossfloor::test
