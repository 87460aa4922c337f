#include "protocol/join.h"

#include <doctest/doctest.h>

#include "protocol/document.h"
#include "tests/protocol/mesh_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

TEST_SUITE("join") {
  TEST_CASE("one file each way makes a node a member") {
    MeshWorld world;
    const SigningKey key = world.key();
    const JoinRequest asked = world.request(key, "warsaw");
    const auto arrived = parse_request(world.crypto, asked.text);
    REQUIRE(arrived.ok());
    CHECK(arrived.value().node == key.node());
    CHECK(arrived.value().link_key == link_keys(key).open);

    const auto admission = admit(world.crypto, world.random, world.authority, arrived.value(),
                                 {"eu", {"eu", "us"}}, {}, noon);
    REQUIRE(admission.ok());
    const auto file = open_mesh_file(world.crypto, key, admission.value().mesh_file);
    REQUIRE_MESSAGE(file.ok(), file.error().text());
    CHECK(file.value().mesh == world.authority.mesh());
    CHECK(file.value().own.site == "warsaw");
    CHECK(file.value().own.home_region == "eu");
    CHECK(file.value().own.addresses == std::vector<std::string>{"tcp://10.0.0.1:7440"});
    CHECK(file.value().own.has_right(Certificate::right_serve));
    CHECK(file.value().secrets.at("eu") == world.authority.region_secret(world.crypto, "eu"));
    CHECK(file.value().secrets.at("us") == world.authority.region_secret(world.crypto, "us"));
    CHECK(file.value().secrets.at("us") != file.value().secrets.at("eu"));
  }

  TEST_CASE("a newcomer is told of members in force and of revocations, not of itself twice") {
    MeshWorld world;
    const SigningKey first = world.key(), second = world.key(), gone = world.key();
    const Admission old = world.admit(first, noon - 400 * day);  // has run out
    const Admission member = world.admit(second);
    const Admission cut = world.admit(gone);
    const Bytes issued = old.mesh_file + "\n" + member.mesh_file + "\n" + cut.certificate.text +
                         "\n" + world.revoke(gone.node()).text;
    const SigningKey newcomer = world.key();
    const auto file = open_mesh_file(world.crypto, newcomer,
                                     world.admit(newcomer, noon, {"eu", {}}, issued).mesh_file);
    REQUIRE(file.ok());
    Roster roster = world.roster();
    for (const Bytes& text : file.value().documents) REQUIRE(roster.add(text).ok());
    CHECK(roster.member(second.node(), noon));
    CHECK(roster.member(newcomer.node(), noon));
    CHECK(roster.certificate(first.node()) == nullptr);
    CHECK(roster.revocation(gone.node()) != nullptr);

    const auto again = admit(world.crypto, world.random, world.authority, world.request(gone),
                             {"eu", {}}, issued, noon);
    REQUIRE_FALSE(again.ok());
    CHECK(again.error().code == ErrorCode::forbidden);
  }

  TEST_CASE("a mesh file opens for the node that asked and for nobody else") {
    MeshWorld world;
    const SigningKey key = world.key();
    const auto opened = open_mesh_file(world.crypto, world.key(), world.admit(key).mesh_file);
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == ErrorCode::forbidden);
    CHECK_FALSE(opened.error().mend.empty());
  }

  TEST_CASE("no byte of a mesh file, certificate or request can be changed") {
    MeshWorld world;
    const SigningKey key = world.key();
    const Bytes request = world.request(key).text;
    const Bytes file = world.admit(key).mesh_file;
    const auto flipped = [](Bytes text, std::size_t at) {
      text[at] ^= 0x02;
      return text;
    };
    for (std::size_t at = 0; at < request.size(); ++at) {
      CHECK_FALSE(parse_request(world.crypto, flipped(request, at)).ok());
    }
    for (std::size_t at = 0; at < file.size(); ++at) {
      CAPTURE(at);
      CHECK_FALSE(open_mesh_file(world.crypto, key, flipped(file, at)).ok());
    }
    for (std::size_t cut = 0; cut + 1 < file.size(); ++cut) {
      CAPTURE(cut);
      CHECK_FALSE(open_mesh_file(world.crypto, key, file.substr(0, cut)).ok());
    }
  }

  TEST_CASE("nobody can ask for a key that is another's") {
    MeshWorld world;
    const SigningKey victim = world.key(), thief = world.key();
    const Bytes forged = DocumentWriter("join request")
                             .add("node", victim.node().hex())
                             .add("site", "warsaw")
                             .add("address", "tcp://10.0.0.1:7440")
                             .sign(world.crypto, thief);
    const auto parsed = parse_request(world.crypto, forged);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().where == "join request.signature");
  }

  TEST_CASE("what is asked for wrongly is refused with field and mend") {
    MeshWorld world;
    const SigningKey key = world.key();
    CHECK_FALSE(make_request(world.crypto, key, "Warsaw", {"tcp://a:1"}).ok());
    CHECK_FALSE(make_request(world.crypto, key, "warsaw", {}).ok());
    CHECK_FALSE(make_request(world.crypto, key, "warsaw", {"a:1"}).ok());
    const auto misspelt = admit(world.crypto, world.random, world.authority, world.request(key),
                                {"ue", {}}, {}, noon);
    REQUIRE_FALSE(misspelt.ok());
    CHECK(misspelt.error().code == ErrorCode::not_found);
    const auto homeless = admit(world.crypto, world.random, world.authority, world.request(key),
                                {"eu", {"us"}}, {}, noon);
    REQUIRE_FALSE(homeless.ok());
    CHECK(homeless.error().where == "certificate.home-region");
    CHECK_FALSE(revoke(world.crypto, world.authority, key.node(), {}, "two\nlines", noon).ok());
  }

  TEST_CASE("the authority survives its file, and a new region disturbs no old one") {
    MeshWorld world;
    auto back = parse_authority(authority_file(world.authority));
    REQUIRE(back.ok());
    CHECK(back.value().node() == world.authority.node());
    CHECK(back.value().regions == world.authority.regions);
    REQUIRE(add_region(back.value(), "apac").ok());
    CHECK_FALSE(add_region(back.value(), "apac").ok());
    CHECK_FALSE(add_region(back.value(), "AP").ok());
    CHECK(back.value().region_secret(world.crypto, "eu") ==
          world.authority.region_secret(world.crypto, "eu"));
    CHECK_FALSE(make_authority(world.random, {}).ok());
  }
}
