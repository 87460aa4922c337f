#include "protocol/identity.h"

#include <doctest/doctest.h>
#include <sodium.h>

using namespace crossfloor;

TEST_SUITE("identity") {
  TEST_CASE("a node's key survives its file") {
    SeededRandom random(7);
    const SigningKey key = make_signing_key(random);
    const auto back = parse_node_key(node_key_file(key));
    REQUIRE(back.ok());
    CHECK(back.value().secret == key.secret);
  }

  TEST_CASE("a damaged key file is found out, not used") {
    SeededRandom random(7);
    const Bytes good = node_key_file(make_signing_key(random));
    for (std::size_t at = 0; at < good.size(); ++at) {
      Bytes bad = good;
      bad[at] ^= 0x01;
      CAPTURE(bad);
      CHECK_FALSE(parse_node_key(bad).ok());
    }
    const Bytes other = node_key_file(make_signing_key(random));
    const std::size_t seed = good.find("seed ");
    const auto mixed = parse_node_key(good.substr(0, seed) + other.substr(seed));
    REQUIRE_FALSE(mixed.ok());
    CHECK(mixed.error().code == ErrorCode::corrupt);
  }

  TEST_CASE("the link key that others derive is the one whose secret the node holds") {
    SeededRandom random(3);
    const SigningKey key = make_signing_key(random);
    CHECK(link_key_of(key.node()) == link_keys(key).open);
    CHECK_FALSE(link_key_of(NodeId{}));  // no point of the curve's main group
  }

  TEST_CASE("a sealed secret opens with the right key only, and not when touched") {
    SeededRandom random(5);
    const LinkKeyPair mine = link_keys(make_signing_key(random));
    const LinkKeyPair theirs = link_keys(make_signing_key(random));
    const Bytes secret = "thirty-two bytes of a region's key";
    const Bytes sealed = seal_to(random, mine.open, secret);
    const auto opened = open_sealed(mine, sealed);
    REQUIRE(opened.ok());
    CHECK(opened.value() == secret);
    CHECK_FALSE(open_sealed(theirs, sealed).ok());
    CHECK_FALSE(open_sealed(mine, "").ok());
    CHECK_FALSE(open_sealed(mine, sealed.substr(1)).ok());
    for (std::size_t at = 0; at < sealed.size(); ++at) {
      Bytes bad = sealed;
      bad[at] ^= 0x40;
      CHECK_FALSE(open_sealed(mine, bad).ok());
    }
  }

  TEST_CASE("addresses are read strictly") {
    const auto good = parse_endpoint("tcp://warsaw.example.org:7440");
    REQUIRE(good.ok());
    CHECK(good.value().scheme == "tcp");
    CHECK(good.value().host == "warsaw.example.org");
    CHECK(good.value().port == 7440);
    CHECK(parse_endpoint("https://[2001:db8::1]:7480").value().host == "2001:db8::1");
    for (const char* bad :
         {"", "warsaw:7440", "tcp://warsaw", "tcp://:7440", "udp://a:1", "tcp://a:65536",
          "tcp://a:-1", "tcp://a;b:1", "tcp://eth0;a:1:7440", "tcp://a b:1", "ipc:///tmp/x:1",
          "tcp://[::1:7440", "tcp://*:7440", "tcp://a/b:1", "inproc://zeromq.zap.01:1"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse_endpoint(bad).ok());
    }
  }
}
