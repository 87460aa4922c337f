// A member's HTTP door on loopback, and a node that knocks.
#include "node/shell/introduction.h"

#include "tests/gateway/gateway_world.h"
#include "tests/protocol/mesh_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

struct Door : GatewayWorld {
  MeshWorld mesh;
  SigningKey visitor = mesh.key();
  SigningKey member = mesh.key(), other = mesh.key();
  Roster roster = mesh.roster();  // the visitor's
  std::unique_ptr<HttpClient> client;
  std::vector<Bytes> shown;
  HttpReply answer = HttpReply::json("{\"fresh\":false}");
  std::vector<Bytes> told;
  bool known = false;
  std::unique_ptr<Introduction> introduction;

  Door() {
    router.add("PUT", "/v1/certificates", [this](HttpRequest request) -> kj::Promise<HttpReply> {
      shown.push_back(request.body);
      return answer;
    });
    start();
    const std::string address = "http://127.0.0.1:" + std::to_string(server->port());
    add(visitor, "tcp://127.0.0.1:7440");
    add(member, address);
    add(other, address);
    client = HttpClient::make(network, timer, {}).value();
    introduction = std::make_unique<Introduction>(
        *client, timer, roster, visitor.node(),
        Introduction::Owner{[this](const NodeId&) { return known; },
                            [this](const Bytes& document) { told.push_back(document); }});
  }
  void add(const SigningKey& key, const std::string& address) {
    const auto request = make_request(mesh.crypto, key, "site", {address}).value();
    const auto admitted =
        admit(mesh.crypto, mesh.random, mesh.authority, request, {"eu", {}}, {}, noon);
    REQUIRE(admitted.ok());
    REQUIRE(roster.add(admitted.value().certificate.text).ok());
  }
  // Until the door was knocked at so often, and the answers have come back.
  void wait_for_visits(std::size_t count) {
    wait_until([&] { return shown.size() == count && server->figures().connections_open == 0; });
  }
};

}  // namespace

TEST_SUITE("an introduction") {
  TEST_CASE("the certificate is shown to a member that does not let this node in yet") {
    Door door;
    door.introduction->begin(noon);
    door.wait_for_visits(2);  // at two members' doors, which are one here
    CHECK(door.shown[0] == door.roster.certificate(door.visitor.node())->text);
    CHECK(door.told.empty());
  }

  TEST_CASE("whoever refuses the key may say why: with the revocation") {
    Door door;
    const Bytes revocation = door.mesh.revoke(door.visitor.node()).text;
    door.answer = HttpReply{403, revocation, "text/plain", {}};
    door.introduction->refused_by(door.member.node());
    door.introduction->refused_by(door.member.node());  // is under way
    door.wait_until([&] { return !door.told.empty(); });
    CHECK(door.told == std::vector<Bytes>{revocation});
    CHECK(door.shown.size() == 1);
  }

  TEST_CASE("one that refuses all the same is not asked again at once") {
    Door door;
    door.introduction->begin(noon);
    door.wait_for_visits(2);
    door.introduction->refused_by(door.member.node());  // a start does not count
    door.wait_for_visits(3);
    door.introduction->refused_by(door.member.node());
    door.introduction->refused_by(door.other.node());  // comes later than another one would
    door.wait_for_visits(4);
    CHECK(door.shown.size() == 4);
  }
}
