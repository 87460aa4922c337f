// The offline verbs, end to end in a folder of their own.
#include <sys/stat.h>

#include "node/runtime/data_folder.h"
#include "protocol/join.h"
#include "protocol/roster.h"
#include "tests/crossfloor/cli_world.h"
#include "tools/crossfloor/families.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777U : 0;
}

struct Desk {
  TemporaryFolder folder;
  std::string authority = folder / "authority.key";

  Ran operator()(const std::vector<std::string>& arguments) {
    return run({cli::add_mesh_verbs}, arguments);
  }
  void init() {
    const Ran ran = (*this)({"mesh", "init", "--region", "eu", "--authority", authority});
    REQUIRE_MESSAGE(ran.code == 0, ran.err);
  }
  std::string data(const std::string& site) const { return folder / site; }
  std::string file(const std::string& name) const { return folder / name; }
  void keygen(const std::string& site) {
    const Ran ran = (*this)({"node", "keygen", "--site", site, "--address", "tcp://10.0.0.1:7440",
                             "--data", data(site), "--out", file(site + ".request")});
    REQUIRE_MESSAGE(ran.code == 0, ran.err);
  }
  Ran admit(const std::string& site) {
    return (*this)({"mesh", "admit", file(site + ".request"), "--region", "eu", "--authority",
                    authority, "--out", file(site + ".mesh"), "--json"});
  }
  Ran apply(const std::string& name, const std::string& site) {
    return (*this)({"mesh", "apply", file(name), "--data", data(site), "--json"});
  }
  MeshFile opened(const std::string& site) {
    SodiumCrypto crypto;
    auto key = parse_node_key(content_of(data(site) + "/node.key"));
    REQUIRE(key.ok());
    auto mesh = open_mesh_file(crypto, key.value(), content_of(data(site) + "/mesh.file"));
    REQUIRE_MESSAGE(mesh.ok(), mesh.error().text());
    return mesh.value();
  }
};

}  // namespace

TEST_SUITE("mesh verbs") {
  TEST_CASE("one file each way: a node starts from what mesh admit answered") {
    Desk desk;
    desk.init();
    CHECK(mode_of(desk.authority) == 0600);
    desk.keygen("helsinki");
    CHECK(mode_of(desk.data("helsinki") + "/node.key") == 0600);
    const Ran admitted = desk.admit("helsinki");
    REQUIRE_MESSAGE(admitted.code == 0, admitted.out);
    CHECK(admitted.json()["site"] == "helsinki");
    const Ran applied = desk.apply("helsinki.mesh", "helsinki");
    REQUIRE_MESSAGE(applied.code == 0, applied.out);
    CHECK(applied.json()["node_runs"] == false);
    CHECK(mode_of(desk.data("helsinki") + "/mesh.file") == 0600);
    const MeshFile mesh = desk.opened("helsinki");
    CHECK(mesh.own.site == "helsinki");
    CHECK(mesh.secrets.count("eu") == 1);
  }

  TEST_CASE("the second node is told of the first, and of no secret that is not its own") {
    Desk desk;
    desk.init();
    desk.keygen("helsinki");
    desk.keygen("warsaw");
    REQUIRE(desk.admit("helsinki").code == 0);
    REQUIRE(desk.admit("warsaw").code == 0);
    REQUIRE(desk.apply("warsaw.mesh", "warsaw").code == 0);
    CHECK(desk.opened("warsaw").documents.size() == 2);
    const Ran stolen = desk.apply("warsaw.mesh", "helsinki");
    CHECK(stolen.code == 1);
    CHECK(stolen.json()["error"]["code"] == "forbidden");
  }

  TEST_CASE("a key is never made over another; keep-key asks anew with the one there is") {
    Desk desk;
    desk.init();
    desk.keygen("helsinki");
    const std::string before = content_of(desk.data("helsinki") + "/node.key");
    std::vector<std::string> again = {"node",      "keygen",
                                      "--site",    "helsinki",
                                      "--address", "tcp://10.0.0.9:7440",
                                      "--data",    desk.data("helsinki"),
                                      "--out",     desk.file("again")};
    const Ran refused = desk(again);
    CHECK(refused.code == 1);
    CHECK(refused.err.find("--keep-key") != std::string::npos);
    again.push_back("--keep-key");
    CHECK(desk(again).code == 0);
    CHECK(content_of(desk.data("helsinki") + "/node.key") == before);
    CHECK(content_of(desk.file("again")).find("tcp://10.0.0.9:7440") != std::string::npos);
  }

  TEST_CASE("the authority's key is not overwritten, and not used while others can read it") {
    Desk desk;
    desk.init();
    CHECK(desk({"mesh", "init", "--region", "eu", "--authority", desk.authority}).code == 1);
    desk.keygen("helsinki");
    ::chmod(desk.authority.c_str(), 0644);
    const Ran open = desk.admit("helsinki");
    CHECK(open.code == 1);
    CHECK(open.json()["error"]["code"] == "forbidden");
  }

  TEST_CASE("a misspelt region is an error that says the mend, and makes nothing") {
    Desk desk;
    desk.init();
    desk.keygen("helsinki");
    std::vector<std::string> admit = {"mesh",         "admit", desk.file("helsinki.request"),
                                      "--region",     "eo",    "--authority",
                                      desk.authority, "--out", desk.file("x.mesh")};
    const Ran ran = desk(admit);
    CHECK(ran.code == 1);
    CHECK(ran.err.find("--new-region") != std::string::npos);
    CHECK(mode_of(desk.file("x.mesh")) == 0);
    admit.push_back("--new-region");
    CHECK(desk(admit).code == 0);
    CHECK(parse_authority(content_of(desk.authority)).value().regions.size() == 2);
  }

  TEST_CASE("a revocation says up to where entries are good, and reaches a node that is not up") {
    Desk desk;
    desk.init();
    for (const char* site : {"london", "helsinki"}) {
      desk.keygen(site);
      REQUIRE(desk.admit(site).code == 0);
    }
    REQUIRE(desk.apply("helsinki.mesh", "helsinki").code == 0);
    std::vector<std::string> revoke = {"mesh",         "revoke", "london",
                                       "--reason",     "stolen", "--authority",
                                       desk.authority, "--out",  desk.file("london.revocation")};
    const Ran vague = desk(revoke);
    CHECK(vague.code == 2);
    CHECK(vague.err.find("--nothing-good") != std::string::npos);

    put_file(desk.file("good"), "00000000000000ff eu 12 " + std::string(64, 'a') + "\n");
    revoke.insert(revoke.end(), {"--last-good", desk.file("good")});
    const Ran done = desk(revoke);
    REQUIRE_MESSAGE(done.code == 0, done.err);
    const Ran applied = desk.apply("london.revocation", "helsinki");
    REQUIRE_MESSAGE(applied.code == 0, applied.out);
    CHECK(applied.json()["fresh"] == 1);
    CHECK(desk.apply("london.revocation", "helsinki").json()["fresh"] == 0);

    const MeshFile mesh = desk.opened("helsinki");
    SodiumCrypto crypto;
    Roster roster(crypto, mesh.authority);
    for (const Bytes& document : mesh.documents) REQUIRE(roster.add(document).ok());
    const auto london = parse_node_key(content_of(desk.data("london") + "/node.key")).value();
    REQUIRE(roster.revocation(london.node()));
    CHECK(roster.revocation(london.node())->last_good.at(0).generation == 0xff);
    CHECK(roster.entry({{london.node(), 0xff}, "eu"}, 12).take);
    CHECK_FALSE(roster.entry({{london.node(), 0xff}, "eu"}, 13).take);
    // What is revoked cannot be admitted again under the same key.
    CHECK(desk.admit("london").code == 1);
  }

  TEST_CASE("bad lines of --last-good are named") {
    Desk desk;
    desk.init();
    desk.keygen("london");
    REQUIRE(desk.admit("london").code == 0);
    for (const char* line : {"ff eu 12 aa", "00000000000000ff eu twelve ", "nonsense"}) {
      CAPTURE(line);
      put_file(desk.file("good"), std::string("# comment\n") + line + "\n");
      const Ran ran = desk({"mesh", "revoke", "london", "--reason", "x", "--authority",
                            desk.authority, "--last-good", desk.file("good")});
      CHECK(ran.code == 1);
      CHECK(ran.err.find("line 2") != std::string::npos);
    }
  }

  TEST_CASE("what is wrong with a request is said before a key is made") {
    Desk desk;
    const Ran ran = desk({"node", "keygen", "--site", "Helsinki!", "--address",
                          "tcp://10.0.0.1:7440", "--data", desk.data("x")});
    CHECK(ran.code == 2);
    CHECK(mode_of(desk.data("x")) == 0);
  }

  TEST_CASE("a node that is named by URL and is not there is exit code 3") {
    Desk desk;
    desk.init();
    desk.keygen("helsinki");
    REQUIRE(desk.admit("helsinki").code == 0);
    const Ran ran =
        desk({"mesh", "apply", desk.authority + ".issued", "--node", "http://127.0.0.1:1"});
    CHECK(ran.code == 3);
  }
}
