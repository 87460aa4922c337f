#include "node/runtime/config.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

using namespace crossfloor;
using namespace std::chrono_literals;

namespace {

const std::string kSecret = "whsec_dGhpcy1pcy1hbi1leGFtcGxlLW5vdC1hLXNlY3JldCE=";

Result<Bytes> no_files(const std::string& path, std::size_t, bool) {
  return Error{ErrorCode::not_found, "cannot open: no such file", path, "create it"};
}

ConfigOutcome parsed(const std::string& toml, const ConfigFileReader& files = no_files) {
  return parse_config(toml, "site.toml", "/etc/crossfloor", files);
}

std::string account(const std::string& more = "",
                    const std::string& callback = "https://a.example/x") {
  return "[[brand]]\nname = \"acme\"\n[[account]]\nname = \"shop\"\nregion = \"eu\"\nbrand = "
         "\"acme\"\n"
         "kind = \"chat\"\nhosts = [\"helsinki\"]\nsecrets = [\"" +
         kSecret + "\"]\ncallback = \"" + callback + "\"\n" + more;
}

// The complaints as people see them, one in each line.
std::string complaints(const ConfigOutcome& outcome) {
  std::string out;
  for (const Error& error : outcome.complaints) out += error.text() + "\n";
  return out;
}

std::string reference() {
  std::ifstream file("configs/site.toml");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool is_key_start(char c) {
  return (c >= 'a' && c <= 'z') || c == '_';
}

// "#key = …" made "key = …"; prose has a blank after its "#".
std::string with_defaults_written(const std::string& text) {
  std::stringstream in(text);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    const bool setting = line.size() > 2 && line[0] == '#' && is_key_start(line[1]);
    out += (setting ? line.substr(1) : line) + "\n";
  }
  return out;
}

std::set<std::string> settings_written(const std::string& toml) {
  std::stringstream in(toml);
  std::set<std::string> out;
  std::string section;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '[') {
      section = line.substr(line.find_first_not_of('['));
      section = section.substr(0, section.find(']'));
    } else if (is_key_start(line[0])) {
      out.insert(section + "." + line.substr(0, line.find(' ')));
    }
  }
  return out;
}

}  // namespace

TEST_SUITE("config") {
  TEST_CASE("the reference loads") {
    const auto outcome = load_config("configs/site.toml");
    CAPTURE(complaints(outcome));
    REQUIRE(outcome.ok());
    CHECK(outcome.config->accounts.size() == 3);
    CHECK(outcome.config->accounts[0].secrets.at(0) == "this-is-an-example-not-a-secret!");
    CHECK(outcome.config->where("account[1].kind").find("configs/site.toml:") == 0);
  }

  TEST_CASE("the defaults that the reference writes are those of the code") {
    const auto bare = parsed(reference());
    const auto full = parsed(with_defaults_written(reference()));
    CAPTURE(complaints(full));
    REQUIRE(bare.ok());
    REQUIRE(full.ok());
    CHECK(full.config->same_settings(*bare.config));
    CHECK(bare.config->mesh == MeshConfig{});
    CHECK(bare.config->node == NodeConfig{});
    CHECK(bare.config->http == HttpConfig{});
    CHECK(bare.config->storage == StorageConfig{});
  }

  TEST_CASE("a default written wrongly in the reference would be noticed") {
    std::string text = with_defaults_written(reference());
    const auto at = text.find("takeover_after = \"60s\"");
    REQUIRE(at != std::string::npos);
    text.replace(at, 22, "takeover_after = \"61s\"");
    const auto changed = parsed(text);
    REQUIRE(changed.ok());
    CHECK_FALSE(changed.config->same_settings(*parsed(reference()).config));
  }

  TEST_CASE("the reference lists every setting of the parser, and no other") {
    const auto known = known_settings();
    CHECK(settings_written(with_defaults_written(reference())) ==
          std::set<std::string>(known.begin(), known.end()));
  }

  TEST_CASE("an empty file is a node without accounts") {
    const auto outcome = parsed("");
    REQUIRE(outcome.ok());
    CHECK(outcome.config->mesh.listen.text() == "0.0.0.0:7440");
    CHECK(outcome.config->node.data_folder == "/var/lib/crossfloor");
  }

  TEST_CASE("all complaints come at once, in order of lines, each with its mend") {
    const auto outcome = parsed(
        "[mesh]\n"
        "lisen = \"0.0.0.0:1\"\n"
        "profile = \"van\"\n"
        "takeover_after = \"90\"\n"
        "takeover_after_new = 3\n"
        "[https]\n"
        "[storage]\n"
        "cache = \"1KiB\"\n");
    CHECK_FALSE(outcome.ok());
    CHECK(complaints(outcome) ==
          "site.toml:2: [mesh] has no setting \"lisen\" (did you mean listen?)\n"
          "site.toml:3: [mesh] profile is \"van\" (one of: lan, wan)\n"
          "site.toml:4: [mesh] takeover_after is \"90\" "
          "(a whole number and a unit: ms, s, m, h or d, as in \"90s\")\n"
          "site.toml:5: [mesh] takeover_after_new is a whole number "
          "(write takeover_after_new = \"30s\" (units: ms, s, m, h, d))\n"
          "site.toml:6: there is no section or setting \"https\" here (did you mean [http]?)\n"
          "site.toml:8: [storage] cache is \"1KiB\" (from 4MiB to 64GiB)\n");
  }

  TEST_CASE("a file that does not parse gets the line") {
    const auto outcome = parsed("[mesh]\nlisten = \n");
    REQUIRE(outcome.complaints.size() == 1);
    CHECK(outcome.complaints[0].where == "site.toml:2");
    CHECK_FALSE(outcome.complaints[0].mend.empty());
  }

  TEST_CASE("each way to get a section wrong has its complaint") {
    struct Case {
      std::string toml;
      std::string part;
    };
    const std::string brand = "[[brand]]\nname = \"acme\"\n";
    for (const auto& [toml, part] : {
             Case{"[node]\nregions = [\"EU\"]\n", "[node] regions is \"EU\""},
             Case{"mesh = 3\n", "[mesh] is a whole number"},
             Case{"[account]\nname = \"x\"\n", "[[account]] is a section"},
             Case{"[http]\nlisten = \"0.0.0.0:80\"\n", "is not loopback and there is no TLS"},
             Case{"[http]\ntls_key = \"k.pem\"\n", "without the other half"},
             Case{"[http]\ntokens_file = \"t\"\n", "/etc/crossfloor/t: cannot open"},
             Case{"[mesh]\npublic_addresses = [\"a.example:7440\"]\n",
                  "are those of the certificate"},
             Case{"[mesh]\ntakeover_after = \"2s\"\n", "takeover_after_new: is longer than"},
             Case{brand + brand, "taken by an earlier brand"},
             Case{"[[topic]]\nweight_percent = 150\n", "[[topic]] name"},
             Case{"[[topic]]\nname = \"x\"\n[[topic]]\nname = \"x\"\n", "by an earlier topic"},
             Case{"[[topic]]\nname = \"x\"\nweight_percent = 201\n", "weight_percent is 201"},
             Case{"[[topic]]\nname = \"x\"\nweight_percent = 99\n", "weight_percent is 99"},
             Case{"[[topic]]\nname = \"x\"\nweight_percent = -1\n", "weight_percent is -1"},
             Case{account() + account().substr(brand.size()), "taken by an earlier account"},
             Case{account("", "http://a.example/x"), "callback: is not https"},
             Case{account("", "a.example"), "callback is \"a.example\""},
             Case{account("hosst = [\"a\"]\n"), "did you mean hosts?"},
             Case{account("helper_after = \"31s\"\n"), "comes after first_response is missed"},
             Case{account("last_agent_wait = \"7s\"\n"), "at most 6s"},
             Case{account("repeatable = \"yes\"\n"), "repeatable is a text"},
             Case{account("secret_file = \"s\"\n"), "stands beside secrets"},
             Case{account("skills = [\"a\", \"a\"]\n"), "names \"a\" twice"},
             Case{account("language = \"d!\"\n"), "BCP 47"},
         }) {
      CAPTURE(toml);
      const auto outcome = parsed(toml);
      CHECK_FALSE(outcome.ok());
      CAPTURE(complaints(outcome));
      CHECK(complaints(outcome).find(part) != std::string::npos);
      for (const Error& error : outcome.complaints) {
        CHECK_FALSE(error.mend.empty());
        CHECK(error.where.find("site.toml:") == 0);
      }
    }
  }

  TEST_CASE("what an account must have is asked for, all at once") {
    const auto outcome = parsed("[[account]]\n");
    std::map<std::string, int> found;
    for (const Error& error : outcome.complaints) ++found[error.what];
    for (const char* key : {"name", "region", "brand", "kind", "hosts", "secrets", "callback"}) {
      CAPTURE(key);
      CHECK(found["[[account]] " + std::string(key) + ": is missing"] == 1);
    }
    CHECK(outcome.complaints.size() == 7);
  }

  TEST_CASE("a brand that nobody declared is named with the nearest one") {
    auto toml = account();
    toml.replace(toml.find("brand = \"acme\""), 14, "brand = \"acne\"");
    CHECK(complaints(parsed(toml)).find("did you mean \"acme\"?") != std::string::npos);
  }

  TEST_CASE("a secret is never echoed") {
    auto toml = account();
    toml.replace(toml.find(kSecret), kSecret.size(), "whsec_hush");
    const auto outcome = parsed(toml);
    CHECK_FALSE(outcome.ok());
    CHECK(complaints(outcome).find("hush") == std::string::npos);
    CHECK(outcome.complaints.size() == 1);
  }

  TEST_CASE("secrets may stand in a file of their own") {
    auto toml = account();
    toml.replace(toml.find("secrets = "), 10 + kSecret.size() + 4, "secret_file = \"shop.secret\"");
    std::string asked;
    const auto outcome = parsed(toml, [&](const std::string& path, std::size_t, bool secret) {
      asked = path;
      CHECK(secret);
      return Result<Bytes>("# first signs\n" + kSecret + "\n\n");
    });
    CAPTURE(complaints(outcome));
    REQUIRE(outcome.ok());
    CHECK(asked == "/etc/crossfloor/shop.secret");
    CHECK(outcome.config->accounts[0].secrets.size() == 1);
  }

  TEST_CASE("times follow from the kind, and from the target where it is given") {
    const auto outcome = parsed(account("first_response = \"10m\"\nring = \"5s\"\n"));
    REQUIRE(outcome.ok());
    const AccountConfig& account = outcome.config->accounts[0];
    CHECK(account.next_response == 10min);
    CHECK(account.helper_after == 1min);
    CHECK(account.optional_skills_after == 150s);
    CHECK(account.last_agent_wait == 10s);
    CHECK(account.ring == 5s);
    CHECK(account.lease == 30s);
  }

  TEST_CASE("a config that says otherwise than the certificate is refused with the line") {
    const auto outcome =
        parsed("[node]\nsite = \"oslo\"\nregions = [\"eu\", \"us\"]\n" + account());
    REQUIRE(outcome.ok());
    Certificate own;
    own.site = "oslo";
    own.regions = {"eu", "us"};
    own.rights = {Certificate::right_host};
    CHECK(check_against_certificate(*outcome.config, own).empty());
    own.site = "bergen";
    own.regions = {"us"};
    const auto refused = check_against_certificate(*outcome.config, own);
    REQUIRE(refused.size() == 3);
    CHECK(refused[0].where == "site.toml:2");
    CHECK(refused[1].where == "site.toml:3");
    CHECK(refused[2].where == "site.toml:8");
  }

  TEST_CASE("a node that its certificate does not let host names itself as host of no account") {
    const auto outcome = parsed(account());
    REQUIRE(outcome.ok());
    Certificate own;
    own.site = outcome.config->accounts[0].hosts[0];
    own.regions = {outcome.config->accounts[0].region};
    own.rights = {Certificate::right_serve};
    const auto refused = check_against_certificate(*outcome.config, own);
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].what.find("no right to host") != std::string::npos);
    own.rights = {Certificate::right_host};
    CHECK(check_against_certificate(*outcome.config, own).empty());
  }

  TEST_CASE("too many of anything is refused") {
    std::string toml;
    for (int i = 0; i < 257; ++i) toml += "[[brand]]\nname = \"b" + std::to_string(i) + "\"\n";
    CHECK(complaints(parsed(toml)).find("[[brand]] stands 257 times (at most 256)") !=
          std::string::npos);
    CHECK_FALSE(parsed(std::string((1 << 20) + 1, '\n')).ok());
  }
}

TEST_SUITE("config values") {
  TEST_CASE("durations") {
    struct Case {
      const char* text;
      Duration value;
    };
    for (auto [text, value] :
         {Case{"10ms", 10ms}, Case{"90s", 90s}, Case{"5m", 5min}, Case{"2d", 48h}}) {
      CHECK(parse_duration(text) == value);
      CHECK(duration_text(value) == text);
    }
    CHECK(duration_text(120s) == "2m");
    CHECK(duration_text(0s) == "0s");
    for (const char* bad :
         {"", "5", "5 s", "s", "-1s", "1.5s", "1w", "99999999999999999999s", "4000d"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse_duration(bad));
    }
  }

  TEST_CASE("sizes") {
    CHECK(parse_size("16MiB") == 16ULL << 20);
    CHECK(size_text(16ULL << 20) == "16MiB");
    CHECK(size_text(1000) == "1000B");
    CHECK_FALSE(parse_size("16MB"));
    CHECK_FALSE(parse_size("18446744073709551615GiB"));
  }

  TEST_CASE("addresses") {
    CHECK(parse_host_port("a.example:7440") == HostPort{"a.example", 7440});
    CHECK(parse_host_port("[::1]:0") == HostPort{"::1", 0});
    CHECK(HostPort{"::1", 5}.text() == "[::1]:5");
    for (const char* bad :
         {"", ":1", "a", "a:", "a:65536", "a:-1", "::1:5", "[x]:5", "a b:5", "[::1]5"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse_host_port(bad));
    }
    CHECK(is_loopback("127.0.0.1"));
    CHECK_FALSE(is_loopback("127.evil.example"));
  }

  TEST_CASE("URLs") {
    CHECK(parse_url("https://a.example") == Url{true, {"a.example", 443}, "/"});
    CHECK(parse_url("http://[::1]:8/x?y=1") == Url{false, {"::1", 8}, "/x?y=1"});
    CHECK(parse_url("http://[::1]/x") == Url{false, {"::1", 80}, "/x"});
    CHECK(parse_url("http://a?q") == Url{false, {"a", 80}, "/?q"});
    for (const char* bad : {"", "ftp://a/", "https://", "https://u:p@a/", "https://a/#f",
                            "https://a/ b", "https:///x", "https://a:0/", "https://ä/"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse_url(bad));
    }
  }

  TEST_CASE("secrets") {
    CHECK(parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")->size() == 24);
    for (const char* bad : {"", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa*w"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse_secret(bad));
    }
  }
}
