#include "protocol/entry.h"

#include <doctest/doctest.h>
#include <sodium.h>

#include <fstream>
#include <map>
#include <sstream>

using namespace crossfloor;

namespace {

std::map<std::string, Bytes> golden() {
  std::ifstream file("tests/golden/entry.txt");
  REQUIRE(file.good());
  std::map<std::string, Bytes> out;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string name, hex;
    words >> name >> hex;
    const auto bytes = from_hex(hex);
    REQUIRE(bytes);
    out[name] = *bytes;
  }
  return out;
}

}  // namespace

TEST_SUITE("entry") {
  TEST_CASE("the frozen format is that of the golden vectors") {
    const SodiumCrypto crypto;
    auto want = golden();
    REQUIRE(want.size() == 13);
    SigningKey key;
    std::array<unsigned char, 32> node;
    crypto_sign_seed_keypair(node.data(), key.secret.data(),
                             reinterpret_cast<const unsigned char*>(want["seed"].data()));
    CHECK(key.node().view() == want["node"]);
    const auto mesh = *MeshId::from(want["mesh"]);
    const Stream stream{{key.node(), 0x1122334455667788}, "eu-north"};
    CHECK(stream_name(stream) == want["stream_name"]);
    CHECK(parse_stream_name(want["stream_name"]).value() == stream);
    const Hash start = first_hash(crypto, stream);
    CHECK(start.view() == want["first_hash"]);

    EntryHeader first;
    first.kind = static_cast<std::uint16_t>(EntryKind::message);
    first.time = HybridTime::of(wall_from_ms(1795000000123), 7);
    first.subject = *Subject::from(want["header_1"].substr(12));
    Entry one{{}, want["body_1"], {}};
    first.append_to(one.header);
    CHECK(to_hex(one.header) == to_hex(want["header_1"]));
    CHECK(to_hex(first.subject.view()) == "808182838485868788898a8b8c8d8e8f");
    const Hash hash_1 = next_hash(crypto, start, one);
    CHECK(hash_1.view() == want["hash_1"]);

    // A kind and flags that nobody knows yet are read, and hashed as they stand.
    const auto second = EntryHeader::decode(want["header_2"]);
    REQUIRE(second.ok());
    CHECK(second.value().kind == 999);
    CHECK(second.value().flags == 0x80);
    CHECK(ms_of(second.value().time.wall()) == 1795000000124);
    const Hash hash_2 = next_hash(crypto, hash_1, {want["header_2"], want["body_2"], {}});
    CHECK(hash_2.view() == want["hash_2"]);
    const Entry erased{want["header_2"], {}, Hash::from(want["body_hash_2"])};
    CHECK(next_hash(crypto, hash_1, erased) == hash_2);

    const Seal seal = make_seal(crypto, key, mesh, stream, 2, hash_2);
    CHECK(to_hex(seal.encode()) == to_hex(want["seal_2"]));
    CHECK(Seal::decode(want["seal_2"]).value() == seal);
    CHECK(seal_is_genuine(crypto, mesh, stream, seal));
  }

  TEST_CASE("a seal says nothing of another mesh, stream, sequence or hash") {
    const SodiumCrypto crypto;
    SeededRandom random(1);
    SigningKey key;
    std::array<unsigned char, 32> node;
    crypto_sign_keypair(node.data(), key.secret.data());
    const auto mesh = random.id<MeshId>();
    const Stream stream{{key.node(), 7}, "eu"};
    const Seal seal = make_seal(crypto, key, mesh, stream, 5, random.id<Hash>());
    REQUIRE(seal_is_genuine(crypto, mesh, stream, seal));
    CHECK_FALSE(seal_is_genuine(crypto, random.id<MeshId>(), stream, seal));
    CHECK_FALSE(seal_is_genuine(crypto, mesh, {{key.node(), 8}, "eu"}, seal));
    CHECK_FALSE(seal_is_genuine(crypto, mesh, {{key.node(), 7}, "us"}, seal));
    CHECK_FALSE(seal_is_genuine(crypto, mesh, stream, {6, seal.hash, seal.signature}));
    CHECK_FALSE(seal_is_genuine(crypto, mesh, stream, {5, random.id<Hash>(), seal.signature}));
  }

  TEST_CASE("headers, seals and stream names of a wrong size or format are refused") {
    const Bytes good = golden()["header_1"];
    CHECK_FALSE(EntryHeader::decode(good + "x").ok());
    CHECK_FALSE(EntryHeader::decode(ByteView(good).substr(1)).ok());
    Bytes newer = good;
    newer[0] = 2;
    CHECK(EntryHeader::decode(newer).error().mend == "upgrade this node");
    CHECK_FALSE(Seal::decode(Bytes(103, 'x')).ok());
    const Bytes name = golden()["stream_name"];
    for (std::size_t size = 0; size < name.size(); ++size) {
      CHECK_FALSE(parse_stream_name(ByteView(name).substr(0, size)).ok());
    }
    CHECK_FALSE(parse_stream_name(name + "x").ok());
  }
}
