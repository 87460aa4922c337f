#include "protocol/roster.h"

#include <doctest/doctest.h>

#include "tests/protocol/mesh_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {
Hash hash_of(const char* text) {
  return SodiumCrypto().hash(text, {}, {});
}

class CountingCrypto final : public Crypto {
 public:
  Hash hash(ByteView first, ByteView second, ByteView third) const override {
    return sodium_.hash(first, second, third);
  }
  Subject keyed_hash(const Secret& key, ByteView bytes) const override {
    return sodium_.keyed_hash(key, bytes);
  }
  Signature sign(const SigningKey& key, ByteView bytes) const override {
    return sodium_.sign(key, bytes);
  }
  bool verify(const NodeId& signer, ByteView bytes, const Signature& signature) const override {
    ++verified;
    return sodium_.verify(signer, bytes, signature);
  }
  mutable int verified = 0;

 private:
  SodiumCrypto sodium_;
};
}  // namespace

TEST_SUITE("roster") {
  TEST_CASE("a member is one from its certificate's beginning to its end") {
    MeshWorld world;
    const SigningKey key = world.key();
    const Certificate c = world.admit(key).certificate;
    Roster roster = world.roster();
    CHECK_FALSE(roster.member(key.node(), noon));
    CHECK(roster.add(c.text).value() == Roster::Added::fresh);
    CHECK(roster.add(c.text).value() == Roster::Added::known);
    CHECK(roster.member(key.node(), noon));
    CHECK(roster.member(key.node(), c.not_before));
    CHECK_FALSE(roster.member(key.node(), c.not_before - Duration(1)));
    CHECK(roster.member(key.node(), c.expires - Duration(1)));
    CHECK_FALSE(roster.member(key.node(), c.expires));
    CHECK(roster.next_change(noon) == c.expires);
    CHECK(roster.next_change(c.not_before - Duration(1)) == c.not_before);
    CHECK_FALSE(roster.next_change(c.expires));
  }

  TEST_CASE("only link keys of members in force pass") {
    MeshWorld world;
    const SigningKey member = world.key(), expired = world.key(), revoked = world.key();
    Roster roster = world.roster();
    REQUIRE(roster.add(world.admit(member).certificate.text).ok());
    REQUIRE(roster.add(world.admit(expired, noon - 365 * day).certificate.text).ok());
    REQUIRE(roster.add(world.admit(revoked).certificate.text).ok());
    CHECK(roster.key_allowed(link_keys(revoked).open, noon) == revoked.node());
    REQUIRE(roster.add(world.revoke(revoked.node()).text).ok());
    CHECK(roster.key_allowed(link_keys(member).open, noon) == member.node());
    CHECK_FALSE(roster.key_allowed(link_keys(expired).open, noon));
    CHECK_FALSE(roster.key_allowed(link_keys(revoked).open, noon));
    CHECK_FALSE(roster.key_allowed(link_keys(world.key()).open, noon));
    CHECK(roster.members(noon) == std::vector<NodeId>{member.node()});
  }

  TEST_CASE("regions and rights are those of the certificate") {
    MeshWorld world;
    const SigningKey key = world.key();
    AdmitOptions options{"eu", {}};
    options.rights = {Certificate::right_serve};
    Roster roster = world.roster();
    REQUIRE(roster.add(world.admit(key, noon, options).certificate.text).ok());
    CHECK(roster.may_hold(key.node(), "eu", noon));
    CHECK_FALSE(roster.may_hold(key.node(), "us", noon));
    CHECK_FALSE(roster.may_hold(key.node(), "eu", noon + 366 * day));
    CHECK(roster.has_right(key.node(), Certificate::right_serve, noon));
    CHECK_FALSE(roster.has_right(key.node(), Certificate::right_host, noon));
  }

  TEST_CASE("what another authority signed, or nobody, is refused") {
    MeshWorld world(1), other(2);
    const SigningKey key = world.key();
    Roster roster = world.roster();
    const auto foreign = roster.add(other.admit(key).certificate.text);
    REQUIRE_FALSE(foreign.ok());
    CHECK(foreign.error().code == ErrorCode::forbidden);
    // The right mesh's name under the wrong authority's signature.
    Bytes forged = other.admit(key).certificate.text;
    const std::string theirs = other.authority.mesh().hex();
    forged.replace(forged.find(theirs), theirs.size(), world.authority.mesh().hex());
    const auto refused = roster.add(forged);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::corrupt);
    const Bytes good = world.admit(key).certificate.text;
    for (std::size_t at = 0; at < good.size(); ++at) {
      Bytes bad = good;
      bad[at] ^= 0x04;
      CHECK_FALSE(roster.add(bad).ok());
    }
    CHECK_FALSE(roster.add(world.request(key).text).ok());
    CHECK_FALSE(roster.add(good + "\n" + good).ok());
    CHECK(roster.documents().empty());
  }

  TEST_CASE("a document that is held is known without another look at its signature") {
    MeshWorld world;
    const SigningKey key = world.key();
    const Certificate early = world.admit(key, noon).certificate;
    const Certificate late = world.admit(key, noon + day).certificate;
    const CountingCrypto crypto;
    Roster roster(crypto, world.roster().authority());
    REQUIRE(roster.add(early.text).ok());
    CHECK(crypto.verified == 1);
    CHECK(roster.add(early.text).value() == Roster::Added::known);
    CHECK(crypto.verified == 1);
    REQUIRE(roster.add(late.text).value() == Roster::Added::fresh);
    CHECK(crypto.verified == 2);
    CHECK(roster.add(late.text).value() == Roster::Added::known);
    CHECK(crypto.verified == 2);
    CHECK(roster.add(early.text).value() == Roster::Added::known);  // no longer held
    CHECK(crypto.verified == 3);
  }

  TEST_CASE("a later certificate replaces an earlier one, never the other way round") {
    MeshWorld world;
    const SigningKey key = world.key();
    const Certificate early = world.admit(key, noon).certificate;
    const Certificate late = world.admit(key, noon + day, {"us", {}}).certificate;
    for (bool late_first : {false, true}) {
      CAPTURE(late_first);
      Roster roster = world.roster();
      REQUIRE(roster.add(late_first ? late.text : early.text).ok());
      const auto second = roster.add(late_first ? early.text : late.text);
      REQUIRE(second.ok());
      CHECK(second.value() == (late_first ? Roster::Added::known : Roster::Added::fresh));
      CHECK(roster.certificate(key.node())->home_region == "us");
      CHECK(roster.key_allowed(link_keys(key).open, noon + day) == key.node());
    }
  }

  TEST_CASE("a revoked node's entries count up to the last good ones, from anybody, for ever") {
    MeshWorld world;
    const SigningKey key = world.key();
    const Stream eu{{key.node(), 7}, "eu"}, us{{key.node(), 7}, "us"}, old{{key.node(), 6}, "eu"};
    Roster roster = world.roster();
    CHECK_FALSE(roster.entry(eu, 1).take);  // never admitted
    REQUIRE(roster.add(world.admit(key).certificate.text).ok());
    CHECK(roster.entry(eu, 1'000'000).take);
    const auto revocation = world.revoke(key.node(), {{7, "eu", 100, hash_of("entry 100")}});
    REQUIRE(roster.add(revocation.text).ok());
    CHECK(roster.entry(eu, 99).take);
    CHECK_FALSE(roster.entry(eu, 99).must_be);
    CHECK(roster.entry(eu, 100).take);
    CHECK(roster.entry(eu, 100).must_be == hash_of("entry 100"));
    CHECK_FALSE(roster.entry(eu, 101).take);
    CHECK_FALSE(roster.entry(us, 1).take);
    CHECK_FALSE(roster.entry(old, 1).take);
  }

  TEST_CASE("a revocation that comes before its certificate counts all the same") {
    MeshWorld world;
    const SigningKey key = world.key();
    Roster roster = world.roster();
    REQUIRE(roster.add(world.revoke(key.node()).text).ok());
    REQUIRE(roster.add(world.admit(key, noon + day).certificate.text).ok());
    CHECK_FALSE(roster.member(key.node(), noon + day));
    CHECK_FALSE(roster.next_change(noon + day));
  }

  TEST_CASE("of two revocations the later one counts, in either order") {
    MeshWorld world;
    const SigningKey key = world.key();
    const auto first = world.revoke(key.node(), {{7, "eu", 5, hash_of("a")}}, noon);
    const auto second = world.revoke(key.node(), {{7, "eu", 9, hash_of("b")}}, noon + day);
    Roster one = world.roster(), two = world.roster();
    for (const auto& text : {first.text, second.text}) REQUIRE(one.add(text).ok());
    for (const auto& text : {second.text, first.text}) REQUIRE(two.add(text).ok());
    CHECK(one.digest() == two.digest());
    CHECK(one.revocation(key.node())->last_good[0].sequence == 9);
  }

  TEST_CASE("members are warned of 30 days before they run out, soonest first") {
    MeshWorld world;
    const SigningKey late = world.key(), soon = world.key(), gone = world.key();
    Roster roster = world.roster();
    REQUIRE(roster.add(world.admit(late, noon + day).certificate.text).ok());
    REQUIRE(roster.add(world.admit(soon, noon).certificate.text).ok());
    REQUIRE(roster.add(world.admit(gone, noon).certificate.text).ok());
    REQUIRE(roster.add(world.revoke(gone.node()).text).ok());
    const WallTime runs_out = roster.certificate(soon.node())->expires;
    CHECK(roster.expiring(runs_out - 31 * day).empty());
    REQUIRE(roster.expiring(runs_out - 30 * day).size() == 1);
    const auto both = roster.expiring(runs_out - 29 * day);
    REQUIRE(both.size() == 2);
    CHECK(both[0].node == soon.node());
    CHECK(both[1].node == late.node());
  }

  TEST_CASE("two nodes that exchanged their documents agree") {
    MeshWorld world;
    Roster one = world.roster(), two = world.roster();
    std::vector<SigningKey> keys;
    for (int i = 0; i < 6; ++i) keys.push_back(world.key());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      REQUIRE((i % 2 ? one : two).add(world.admit(keys[i]).certificate.text).ok());
    }
    REQUIRE(one.add(world.revoke(keys[0].node()).text).ok());
    CHECK(one.digest() != two.digest());
    for (const Bytes& text : one.documents()) REQUIRE(two.add(text).ok());
    for (const Bytes& text : two.documents()) REQUIRE(one.add(text).ok());
    CHECK(one.digest() == two.digest());
    CHECK(one.members(noon).size() == 5);
    CHECK(one.members(noon) == two.members(noon));
  }
}
