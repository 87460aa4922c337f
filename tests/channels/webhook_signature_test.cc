#include "node/channels/webhook_signature.h"

#include <doctest/doctest.h>

using namespace crossfloor;
using namespace std::chrono_literals;

namespace {

// Keys 00..1f and 64..7b; the signatures were made with another implementation of HMAC.
constexpr const char* first_secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr const char* second_secret = "whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7";
constexpr const char* body = "{\"text\":\"Moi ääliö\"}";
constexpr const char* first_signature = "v1,0x8D5liLbYxGJbXp8p2p8cM+hfBZvy9NQ7tMJG+idO0=";
constexpr const char* second_signature = "v1,UpuiIcObkkF6NRsEbPPuVxmzw6l4K7mJqWy7xm0JS0M=";
constexpr WallTime signed_at = wall_from_ms(1'767'225'600'000);

WebhookSecrets secrets(const std::vector<std::string>& texts) {
  auto parsed = WebhookSecrets::parse(texts);
  REQUIRE(parsed.ok());
  return parsed.value();
}

std::string where_it_fails(const WebhookHeaders& headers, WallTime now = signed_at,
                           const char* with_body = body) {
  const auto status = verify_webhook(secrets({first_secret}), headers, with_body, now);
  if (status.ok()) return "nowhere";
  CHECK(status.error().code == ErrorCode::unauthenticated);
  CHECK_FALSE(status.error().mend.empty());
  return status.error().where;
}

}  // namespace

TEST_SUITE("webhook signature") {
  TEST_CASE("signing gives the signatures that another implementation gives") {
    const auto headers =
        sign_webhook(secrets({first_secret, second_secret}), "dlv_1", body, signed_at);
    CHECK(headers.id == "dlv_1");
    CHECK(headers.timestamp == "1767225600");
    CHECK(headers.signature == std::string(first_signature) + " " + second_signature);
  }

  TEST_CASE("while a secret is exchanged either of two fits, a third one never") {
    const WebhookHeaders by_second{"dlv_1", "1767225600", second_signature};
    CHECK(verify_webhook(secrets({first_secret, second_secret}), by_second, body, signed_at).ok());
    CHECK(where_it_fails(by_second) == "webhook-signature");
    const std::string both = std::string(second_signature) + " " + first_signature;
    CHECK(where_it_fails({"dlv_1", "1767225600", both}) == "nowhere");
    CHECK(where_it_fails({"dlv_1", "1767225600", "v1a,AAAA v2,zz " + both}) == "nowhere");
  }

  TEST_CASE("whatever is changed after signing is noticed, and the header at fault is named") {
    const WebhookHeaders good{"dlv_1", "1767225600", first_signature};
    CHECK(where_it_fails(good) == "nowhere");
    CHECK(where_it_fails(good, signed_at, "{\"text\":\"Moi aalio\"}") == "webhook-signature");
    CHECK(where_it_fails({"dlv_2", good.timestamp, good.signature}) == "webhook-signature");
    CHECK(where_it_fails({good.id, "1767225601", good.signature}) == "webhook-signature");
    for (const char* signature :
         {"", " ", "v1,", "v1,AAAA", "v1,!!!!", "0x8D5liLbYxGJbXp8p2p8cM+"}) {
      CAPTURE(signature);
      CHECK(where_it_fails({good.id, good.timestamp, signature}) == "webhook-signature");
    }
    for (const char* id : {"", "with space", "with.dot", "nul\x01", "ä"}) {
      CAPTURE(id);
      CHECK(where_it_fails({id, good.timestamp, good.signature}) == "webhook-id");
    }
    CHECK(where_it_fails({std::string(257, 'a'), good.timestamp, good.signature}) == "webhook-id");
  }

  TEST_CASE("a request is good for five minutes on either side of its time") {
    const WebhookHeaders good{"dlv_1", "1767225600", first_signature};
    CHECK(where_it_fails(good, signed_at + 5min) == "nowhere");
    CHECK(where_it_fails(good, signed_at - 5min) == "nowhere");
    CHECK(where_it_fails(good, signed_at + 5min + 1ms) == "webhook-timestamp");
    CHECK(where_it_fails(good, signed_at - 5min - 1ms) == "webhook-timestamp");
    for (const char* timestamp : {"", "now", "-5", "1767225600.0", " 1767225600",
                                  "1767225600000000", "99999999999999999999"}) {
      CAPTURE(timestamp);
      CHECK(where_it_fails({good.id, timestamp, good.signature}) == "webhook-timestamp");
    }
  }

  TEST_CASE("bad secrets are refused by their place, without repeating them") {
    struct Row {
      std::vector<std::string> texts;
      const char* where;
    };
    for (const auto& [texts, where] :
         {Row{{}, "[0]"},
          Row{{first_secret, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}, "[1]"},
          Row{{"whsec_c2hvcnQ="}, "[0]"}, Row{{"whsec_not base64"}, "[0]"},
          Row{std::vector<std::string>(9, first_secret), "[8]"}}) {
      const auto parsed = WebhookSecrets::parse(texts);
      REQUIRE_FALSE(parsed.ok());
      CHECK(parsed.error().where == where);
      CHECK(parsed.error().text().find("c2hvcnQ") == std::string::npos);
    }
  }
}
