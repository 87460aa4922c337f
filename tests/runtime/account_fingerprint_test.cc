#include "node/runtime/account_fingerprint.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace crossfloor;

TEST_SUITE("account fingerprint") {
  TEST_CASE("what differs is named, and a secret is not told") {
    const SodiumCrypto crypto;
    AccountConfig one, other;
    one.secrets = {"one-secret"};
    other.secrets = {"other-secret"};
    const auto a = account_prints(crypto, one, {}), b = account_prints(crypto, other, {});
    for (const auto& [setting, print] : a) {
      CAPTURE(setting);
      CHECK((print == b.at(setting)) == (setting != "secrets"));
      CHECK(print.find("secret") == std::string::npos);
    }
  }

  TEST_CASE("any difference in any setting shows, equality does too") {
    const SodiumCrypto crypto;
    using A = AccountConfig;
    const Duration other{12'345};
    const std::vector<void (*)(A&)> changes{
        [](A&) {},
        [](A& a) { a.name = "x"; },
        [](A& a) { a.region = "x"; },
        [](A& a) { a.brand = "x"; },
        [](A& a) { a.kind = A::Kind::call; },
        [](A& a) { a.hosts = {"x"}; },
        [](A& a) {
          a.hosts = {"x", "y"};
        },
        [](A& a) {
          a.hosts = {"y", "x"};
        },
        [](A& a) { a.secrets = {"x"}; },
        [](A& a) { a.callback.tls = true; },
        [](A& a) { a.callback.address.host = "x"; },
        [](A& a) { a.callback.address.port = 5; },
        [](A& a) { a.callback.target = "/x"; },
        [](A& a) { a.trust_customer_ref = true; },
        [](A& a) { a.repeatable = false; },
        [](A& a) { a.lookup = true; },
        [](A& a) { a.language = "x"; },
        [](A& a) { a.skills = {"x"}; },
        [](A& a) { a.optional_skills = {"x"}; },
        [](A& a) { a.requeue_when_late = true; },
        [](A& a) { a.auto_accept = true; },
    };
    std::set<std::map<std::string, std::string>> seen;
    for (const auto change : changes) {
      A account;
      change(account);
      CHECK(seen.insert(account_prints(crypto, account, {})).second);
      CHECK_FALSE(seen.insert(account_prints(crypto, account, {})).second);
    }
    for (const auto member :
         {&A::first_response, &A::next_response, &A::helper_after, &A::optional_skills_after,
          &A::last_agent_wait, &A::pull_margin, &A::ring, &A::lease, &A::agent_gone_after}) {
      A account;
      account.*member = other;
      CHECK(seen.insert(account_prints(crypto, account, {})).second);
    }
  }

  TEST_CASE("topics differ by what they weigh, not by their order") {
    const SodiumCrypto crypto;
    const auto print = [&](const std::vector<TopicConfig>& topics) {
      return account_prints(crypto, {}, topics).at("topic");
    };
    CHECK(print({{"card", 200}, {"theft", 150}}) == print({{"theft", 150}, {"card", 200}}));
    CHECK(print({{"card", 200}, {"stickers", 100}}) == print({{"card", 200}}));
    CHECK(print({{"card", 200}}) != print({{"card", 199}}));
    CHECK(print({{"card", 200}}) != print({{"cards", 200}}));
    CHECK(print({{"card", 200}}) != print({}));
  }
}
