#include "node/channels/generic_intake.h"

#include <doctest/doctest.h>

#include <fstream>

#include "protocol/json_describe.h"

using namespace crossfloor;

namespace {

std::string where_it_fails(const std::string& body) {
  const auto read = read_generic_message(body);
  if (read.ok()) return "nowhere";
  CHECK_FALSE(read.error().what.empty());
  return read.error().where;
}

// A sound message with these fields on top.
std::string with(const std::string& fields) {
  return R"({"external_id":"m1","customer":{"external_id":"c1"},)" + fields + "}";
}

std::string repeat(const std::string& text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += (i ? "," : "") + text;
  return out;
}

}  // namespace

TEST_SUITE("generic intake") {
  TEST_CASE("every field arrives, and is written back alike") {
    const auto read = read_generic_message(R"({
      "direction":"out","kind":"edited","external_id":"m 1/ä",
      "customer":{"external_id":"c1","name":"Aino","customer_ref":"crm-1"},
      "text":"Hyvää päivää","public":true,"thread_id":"t","parent_id":"p","language":"fi-FI",
      "attachments":[{"name":"a.pdf","type":"application/pdf","size":9007199254740993,
                      "digest":"sha256:00","url":"https://f.example/7"}],
      "campaign_id":"k","provider_time":"2026-01-31T09:30:00.250+02:00","priority":3,
      "mood":2,"topic":"delivery","skills":["billing","gold"],"extra":{"any":[1,{"x":null}]}})");
    if (!read.ok()) FAIL(read.error().text());
    const IncomingMessage& m = read.value();
    CHECK(m.direction == Direction::out);
    CHECK(m.kind == MessageKind::edited);
    CHECK(m.external_id == "m 1/ä");
    CHECK(m.customer == CustomerHandle{"c1", "Aino", "crm-1"});
    CHECK(m.text == "Hyvää päivää");
    CHECK(m.is_public);
    CHECK(m.thread_id == "t");
    CHECK(m.parent_id == "p");
    CHECK(m.language == "fi-FI");
    REQUIRE(m.attachments.size() == 1);
    CHECK(m.attachments[0] == Attachment{"a.pdf", "application/pdf", 9007199254740993u, "sha256:00",
                                         "https://f.example/7"});
    CHECK(m.campaign_id == "k");
    CHECK(m.provider_time_ms == 1'769'844'600'250);
    CHECK(m.priority == 3);
    CHECK(m.topic == "delivery");
    CHECK(m.mood == 2);
    CHECK(m.skills == std::vector<std::string>{"billing", "gold"});
    CHECK(m.extra == R"({"any":[1,{"x":null}]})");
    const auto again = read_generic_message(write_generic_message(m));
    REQUIRE(again.ok());
    CHECK(again.value() == m);
  }

  TEST_CASE("the least that is a message") {
    const auto read = read_generic_message(with(R"("text":"hi")"));
    REQUIRE(read.ok());
    CHECK(read.value().direction == Direction::in);
    CHECK(read.value().kind == MessageKind::message);
    CHECK_FALSE(read.value().is_public);
    const auto again = read_generic_message(write_generic_message(read.value()));
    REQUIRE(again.ok());
    CHECK(again.value() == read.value());
  }

  TEST_CASE("what is wrong is refused with its field") {
    struct Row {
      std::string body;
      const char* where;
    };
    const std::string text_64k(64 * 1024, 'x');
    const std::string attachment = R"({"url":"https://f/1"})";
    for (const auto& [body, where] : std::vector<Row>{
             {with(R"("text":"hi","colour":"red")"), "colour"},
             {with(R"("text":7)"), "text"},
             {with(R"("text":null)"), "text"},
             {with(R"("text":")" + text_64k + "x\""), "text"},
             {with(R"("text":"")"), "text"},
             {R"({"customer":{"external_id":"c1"},"text":"hi"})", "external_id"},
             {R"({"external_id":"","customer":{"external_id":"c1"},"text":"hi"})", "external_id"},
             {R"({"external_id":7,"customer":{"external_id":"c1"},"text":"hi"})", "external_id"},
             {R"({"external_id":")" + std::string(257, 'x') +
                  R"(","customer":{"external_id":"c1"},"text":"hi"})",
              "external_id"},
             {R"({"external_id":"m1","text":"hi"})", "customer.external_id"},
             {R"({"external_id":"m1","text":"hi","direction":"out"})", "customer.external_id"},
             {R"({"external_id":"m1","customer":{"external_id":"c1","age":7},"text":"hi"})",
              "customer.age"},
             {R"({"external_id":"m1","customer":[],"text":"hi"})", "customer"},
             {with(R"("text":"hi","kind":"shouted")"), "kind"},
             {with(R"("text":"hi","kind":"read")"), "text"},
             {with(R"("text":"hi","direction":"up")"), "direction"},
             {with(R"("text":"hi","public":"yes")"), "public"},
             {with(R"("text":"hi","priority":4)"), "priority"},
             {with(R"("text":"hi","priority":-1)"), "priority"},
             {with(R"("text":"hi","priority":1.5)"), "priority"},
             {with(R"("text":"hi","language":"zh_CN")"), "language"},
             {with(R"("text":"hi","provider_time":"yesterday")"), "provider_time"},
             {with(R"("text":"hi","skills":["a","b",""])"), "skills[2]"},
             {with(R"("text":"hi","skills":[)" + repeat("\"a\"", 17) + "]"), "skills"},
             {with(R"("attachments":[)" + repeat(attachment, 33) + "]"), "attachments"},
             {with(R"("attachments":[)" + attachment + R"(,{"url":"javascript:alert"}])"),
              "attachments[1].url"},
             {with(R"("attachments":[{"name":"a"}])"), "attachments[0].url"},
             {with(R"("text":"hi","extra":{"x":")" + std::string(8200, 'x') + "\"}"), "extra"},
             {with(R"("text":"hi","extra":[1])"), "extra"}}) {
      CAPTURE(body.substr(0, 200));
      CHECK(where_it_fails(body) == where);
    }
    CHECK(where_it_fails(with(R"("text":")" + text_64k + "\"")) == "nowhere");
    CHECK(where_it_fails(with(R"("attachments":[)" + repeat(attachment, 32) + "]")) == "nowhere");
    CHECK(where_it_fails(R"({"external_id":"m1","text":"hi","direction":"out","parent_id":"p"})") ==
          "nowhere");
    CHECK(where_it_fails(R"({"external_id":"m1","kind":"read"})") == "nowhere");
  }

  TEST_CASE("what is not sound JSON is refused, with nothing half read") {
    for (const std::string& body :
         {std::string(), std::string("null"), std::string("[]"), std::string("{"),
          std::string("{\"external_id\":\"a\",\"external_id\":\"b\"}"), with(R"("text":"hi"} {)"),
          with("\"text\":\"\xc3\x28\""), with(R"("text":"\ud800")"),
          with(R"("text":"hi","extra":{"a":1,"a":2})"),
          with(R"("text":"hi","extra":{"a":)" + std::string(100, '[') + std::string(100, ']') +
               "}"),
          std::string(100'000, '['), std::string(300 * 1024, ' ') + with(R"("text":"hi")")}) {
      CAPTURE(body.substr(0, 80));
      CHECK_FALSE(read_generic_message(body).ok());
    }
    const auto large = read_generic_message(std::string(300 * 1024, ' '));
    CHECK(large.error().code == ErrorCode::too_large);
  }

  TEST_CASE("language tags are judged by their shape") {
    for (const char* good : {"fi", "pt-BR", "zh-Hant-TW", "und", "de-1996", "x-klingon", "i-navajo",
                             "en-u-ca-gregory", "sl-rozaj-biske"}) {
      CAPTURE(good);
      CHECK(is_language_tag(good));
    }
    for (const char* bad : {"", "f", "zh_CN", "fi-", "-fi", "fi--FI", "123", "toolonglang", "en-u",
                            "en-u-x", "fi FI", "suomeksi-ä"}) {
      CAPTURE(bad);
      CHECK_FALSE(is_language_tag(bad));
    }
  }

  TEST_CASE("the table of fields says the limits that are kept") {
    const auto rows = describe<GenericMessage>();
    const auto row = [&](const std::string& name) {
      for (const auto& one : rows) {
        if (one.name == name) return one;
      }
      FAIL(name);
      return FieldRow{};
    };
    CHECK(row("external_id").required);
    CHECK(row("attachments[].url").required);
    CHECK(row("text").limit.find("65536") != std::string::npos);
    CHECK_FALSE(row("customer.customer_ref").doc.empty());
    for (const auto& one : rows) CHECK_FALSE(one.doc.empty());
  }

  TEST_CASE("docs/channel.md shows the table of fields as it is") {
    std::ifstream in("docs/channel.md");
    const std::string page(std::istreambuf_iterator<char>(in), {});
    const bool shown = page.find(markdown_table(describe<GenericMessage>())) != std::string::npos;
    CHECK(shown);
  }
}
