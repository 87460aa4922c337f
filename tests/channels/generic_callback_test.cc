#include "node/channels/generic_callback.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "node/channels/problem.h"
#include "node/channels/timestamps.h"
#include "protocol/fields.h"

using namespace crossfloor;
using namespace std::chrono_literals;

namespace {

constexpr WallTime noon = wall_from_ms(1'769'860'800'000);  // Sat, 31 Jan 2026 12:00:00 GMT

WebhookSecrets secrets() {
  return WebhookSecrets::parse({"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}).value();
}

HttpOutcome answer(int status, Bytes body, HttpHeaderList headers = {}) {
  return {HttpOutcome::End::answered, status, std::move(headers), std::move(body), ""};
}

}  // namespace

TEST_SUITE("generic callback") {
  TEST_CASE("a reply is one signed POST whose id is the reply's") {
    CallbackReply reply;
    reply.reply_id.raw[0] = 0xab;
    reply.to = "customer 7";
    reply.text = "Hyvää päivää";
    reply.is_public = true;
    reply.parent_id = "p1";
    const auto call = build_callback("https://bridge.example/r", reply, secrets(), noon);
    CHECK(call.method == "POST");
    CHECK(call.url == "https://bridge.example/r");
    const auto json = nlohmann::json::parse(call.body);
    CHECK(json == nlohmann::json{{"reply_id", reply.reply_id.hex()},
                                 {"conversation_id", std::string(32, '0')},
                                 {"to", "customer 7"},
                                 {"public", true},
                                 {"parent_id", "p1"},
                                 {"text", "Hyvää päivää"}});
    std::map<std::string, std::string> headers(call.headers.begin(), call.headers.end());
    CHECK(headers["webhook-id"] == reply.reply_id.hex());
    CHECK(verify_webhook(
              secrets(),
              {headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"]},
              call.body, noon)
              .ok());
  }

  TEST_CASE("a look-up asks under the callback's path and is signed as well") {
    const ReplyId id;
    const std::string hex = id.hex();
    CHECK(build_lookup("http://b/r", id, secrets(), noon).url == "http://b/r/" + hex);
    CHECK(build_lookup("http://b/r/", id, secrets(), noon).url == "http://b/r/" + hex);
    CHECK(build_lookup("http://b/r?k=v", id, secrets(), noon).url == "http://b/r/" + hex + "?k=v");
    const auto call = build_lookup("http://b/r", id, secrets(), noon);
    CHECK(call.method == "GET");
    CHECK(verify_webhook(secrets(),
                         {call.headers[0].second, call.headers[1].second, call.headers[2].second},
                         "", noon)
              .ok());
  }

  TEST_CASE("each answer means one thing") {
    struct Row {
      int status;
      const char* body;
      const char* means;
    };
    for (const auto& [status, body, means] :
         {Row{200, R"({"external_id":"x"})", "accepted"},
          Row{202, R"({"external_id":"x","more":[1]})", "accepted"},
          Row{409, R"({"external_id":"x"})", "accepted"}, Row{409, "", "refused"},
          Row{200, "", "needs_person"}, Row{200, "<html>", "needs_person"},
          Row{200, R"({"external_id":7})", "needs_person"},
          Row{200, R"({"external_id":""})", "needs_person"},
          Row{200, "[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]", "needs_person"},
          Row{301, "", "needs_person"}, Row{400, "", "refused"}, Row{401, "", "refused"},
          Row{404, "", "refused"}, Row{410, "", "refused"}, Row{408, "", "retry_later"},
          Row{425, "", "retry_later"}, Row{429, "", "retry_later"}, Row{500, "", "retry_later"},
          Row{503, "", "retry_later"}}) {
      CAPTURE(status);
      CAPTURE(body);
      CHECK(word_of(read_callback(answer(status, body), noon).kind) == std::string(means));
    }
    CHECK(read_callback({HttpOutcome::End::not_sent, 0, {}, {}, "refused"}, noon).kind ==
          DeliveryKind::retry_later);
    CHECK(read_callback({HttpOutcome::End::no_answer, 0, {}, {}, "timeout"}, noon).kind ==
          DeliveryKind::unknown);
    const Bytes long_id = R"({"external_id":")" + std::string(257, 'x') + "\"}";
    CHECK(read_callback(answer(200, long_id), noon).kind == DeliveryKind::needs_person);
  }

  TEST_CASE("only a clear answer to a look-up settles anything") {
    CHECK(read_lookup(answer(200, R"({"external_id":"x"})"), noon).external_id == "x");
    CHECK(read_lookup(answer(404, ""), noon).kind == DeliveryKind::absent);
    for (const auto& unclear : {answer(200, ""), answer(403, ""), answer(500, ""),
                                HttpOutcome{HttpOutcome::End::not_sent, 0, {}, {}, "down"}}) {
      CHECK(read_lookup(unclear, noon).kind == DeliveryKind::unknown);
    }
  }

  TEST_CASE("Retry-After is read as seconds or as a date, and nonsense is no wish") {
    const auto wish = [](const char* text) {
      return read_callback(answer(503, "", {{"retry-after", text}}), noon).retry_after;
    };
    CHECK(wish("120") == 120s);
    CHECK(wish("Sat, 31 Jan 2026 12:02:00 GMT") == 120s);
    CHECK(wish("Sat, 31 Jan 2026 11:00:00 GMT") == 0s);
    for (const char* nonsense :
         {"", "-1", "soon", "1.5", "Sat, 31 Foo 2026 12:02:00 GMT", "99999999999999999999999"}) {
      CAPTURE(nonsense);
      CHECK_FALSE(wish(nonsense));
    }
  }

  TEST_CASE("callback URLs are checked before anything is sent there") {
    for (const char* good : {"https://b", "http://127.0.0.1:80/x?y=z", "http://[::1]:80/"}) {
      CAPTURE(good);
      CHECK(check_callback_url(good).ok());
    }
    for (const char* bad : {"", "ftp://b", "https://", "https:///x", "https://a b", "https://u@b/",
                            "https://b/#f", "https://:80/", "https://b/ä"}) {
      CAPTURE(bad);
      CHECK_FALSE(check_callback_url(bad).ok());
    }
  }

  TEST_CASE("points of time are read strictly") {
    CHECK(parse_rfc3339("2026-01-31T12:00:00Z") == noon);
    CHECK(parse_rfc3339("2026-01-31t14:00:00.2509+02:00") == noon + 250ms);
    CHECK(parse_rfc3339("2026-01-31T06:30:00-05:30") == noon);
    CHECK(parse_rfc3339("2026-01-31T11:59:60Z") == noon);
    for (const char* bad :
         {"", "2026-01-31", "2026-01-31 12:00:00Z", "2026-01-31T12:00:00", "2026-02-30T12:00:00Z",
          "2026-01-31T24:00:00Z", "2026-01-31T12:00:00+0200", "2026-01-31T12:00:00.Z",
          "1969-12-31T23:59:59Z", "2026-01-31T12:00:00Zx", "+026-01-31T12:00:00Z"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse_rfc3339(bad));
    }
    CHECK_FALSE(parse_http_date("Sat, 31 Jan 2026 12:00:00 CET"));
  }

  TEST_CASE("a problem document says what, where and the mend, whatever was quoted") {
    const Error error{ErrorCode::malformed, "bad \xff", "text", "send UTF-8"};
    const auto json = nlohmann::json::parse(problem_document(error));
    CHECK(json["type"] == "urn:crossfloor:problem:malformed");
    CHECK(json["status"] == 400);
    CHECK(json["title"] == "Bad Request");
    CHECK(json["field"] == "text");
    CHECK(json["mend"] == "send UTF-8");
    CHECK_FALSE(
        nlohmann::json::parse(problem_document({ErrorCode::io, "x", "", ""})).contains("field"));
    for (int code = 0; code <= static_cast<int>(ErrorCode::io); ++code) {
      CHECK(std::string(http_reason_of(http_status_of(static_cast<ErrorCode>(code)))) != "");
    }
  }
}
