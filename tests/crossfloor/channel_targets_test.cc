#include "tools/crossfloor/channel_targets.h"

#include "tests/crossfloor/cli_world.h"

using namespace crossfloor;
using namespace crossfloor::cli;
using namespace crossfloor::test;

namespace {

const std::string secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

}  // namespace

TEST_SUITE("channel targets") {
  TEST_CASE("the command line names brand, account, hosts and secret") {
    ChannelTargets out;
    REQUIRE(add_target("Shop=shop-social:http://h1:7480,https://[::1]:7480/:" + secret, out).ok());
    REQUIRE(add_target("*=rest:http://h1:" + secret, out).ok());
    CHECK(out.of_brand("Shop")->account == "shop-social");
    CHECK(out.of_brand("Shop")->hosts ==
          std::vector<std::string>{"http://h1:7480", "https://[::1]:7480"});
    CHECK(out.of_brand("Else")->account == "rest");
    CHECK(out.of_account("none") == nullptr);
    CHECK(out.brands() == std::set<std::string>{"Shop"});
  }

  TEST_CASE("what is wrong is told without the secret") {
    for (const std::string& bad :
         {std::string("shop"), "Shop=a:" + secret, "Shop=a:b:" + secret,
          std::string("Shop=a:http://h1:whsec_x"), "Shop=:http://h1:" + secret, "Shop=a::" + secret,
          "Shop=a:http://h1/path:" + secret, "Shop=a:ftp://h1:" + secret}) {
      CAPTURE(bad);
      ChannelTargets out;
      const auto added = add_target(bad, out);
      REQUIRE_FALSE(added.ok());
      CHECK(added.error().text().find("AAECAw") == std::string::npos);
    }
    ChannelTargets out;
    REQUIRE(add_target("Shop=a:http://h1:" + secret, out).ok());
    CHECK_FALSE(add_target("Shop=b:http://h1:" + secret, out).ok());
    CHECK_FALSE(add_target("More=a:http://h2:" + secret, out).ok());
    REQUIRE(add_target("More=a:http://h1:" + secret, out).ok());
    CHECK(out.accounts.size() == 1);
  }

  TEST_CASE("a file lists accounts, with a secret or the name of its file") {
    TemporaryFolder folder;
    const std::string path = folder.path() + "/targets.toml";
    put_file(folder.path() + "/b.secret", secret + "\n");
    std::filesystem::permissions(folder.path() + "/b.secret", std::filesystem::perms::owner_read);
    put_file(path,
             "[[account]]\naccount = \"a\"\nbrands = [\"A\", \"B\"]\nhosts = [\"http://h1\"]\n"
             "secret = \"" +
                 secret +
                 "\"\n[[account]]\naccount = \"b\"\nbrands = [\"*\"]\n"
                 "hosts = [\"http://h2\"]\nsecret_file = \"b.secret\"\n");
    ChannelTargets out;
    const auto read = read_targets_file(path, out);
    if (!read.ok()) FAIL(read.error().text());
    CHECK(out.of_brand("B")->account == "a");
    CHECK(out.of_brand("C")->account == "b");
    CHECK(out.of_brand("C")->secrets.keys() == out.of_brand("A")->secrets.keys());
  }

  TEST_CASE("a file that is wrong is named with the place") {
    TemporaryFolder folder;
    const std::string path = folder.path() + "/targets.toml";
    const std::string head = "[[account]]\naccount = \"a\"\n";
    const std::string hosts = "hosts = [\"http://h1\"]\n";
    for (const std::string& bad :
         {std::string(), std::string("x = 1\n"), std::string("[[account]\n"), head + hosts,
          head + "secret = \"" + secret + "\"\n",
          head + hosts + "secret = \"" + secret + "\"\nsecret_file = \"b\"\n",
          head + hosts + "secret_file = \"none\"\n",
          head + hosts + "secret = \"" + secret + "\"\nbrand = \"A\"\n"}) {
      CAPTURE(bad);
      put_file(path, bad);
      ChannelTargets out;
      const auto read = read_targets_file(path, out);
      REQUIRE_FALSE(read.ok());
      CHECK(read.error().where.find(folder.path()) != std::string::npos);
    }
  }
}
