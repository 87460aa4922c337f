#include "protocol/json_codec.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "protocol/crypto.h"
#include "protocol/json_describe.h"
#include "protocol/random_sample.h"
#include "protocol/trace_line.h"
#include "tests/protocol/sample.h"

using namespace crossfloor;
using namespace crossfloor::sample;

namespace {

struct Person {
  std::string id;
  std::optional<std::string> name;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("external_id", self.id,
          Rule{.required = true, .max_bytes = 8, .doc = "as the platform has it"});
    visit("name", self.name, Rule{.max_bytes = 16, .example = "\"Ann\""});
  }
};

struct Order {
  Person customer;
  std::uint8_t priority = 1;
  double weight = 0;
  std::vector<std::string> skills;
  std::vector<Person> copies;
  std::optional<WallTime> provider_time;
  std::uint64_t large = 0;
  Mood mood = Mood::calm;
  NodeId node;
  FreeJson extra;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("customer", self.customer, Rule{.required = true});
    visit("priority", self.priority, Rule{.max = 3, .doc = "a|b"});
    visit("weight", self.weight);
    visit("skills", self.skills, Rule{.max_bytes = 4, .max_items = 2});
    visit("copies", self.copies);
    visit("provider_time", self.provider_time);
    visit("large", self.large);
    visit("mood", self.mood);
    visit("node", self.node);
    visit("extra", self.extra, Rule{.max_bytes = 32});
  }
};

// Reads an Order with this after the required part.
Result<Order> order_with(const std::string& more) {
  return read_json<Order>(R"({"customer":{"external_id":"7"})" + more + "}");
}

template <typename T>
void check_round_trips(std::uint64_t seeds) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    const T value = random_sample<T>(random);
    const std::string text = json_text(value);
    CAPTURE(text);
    const auto back = read_json<T>(text);
    REQUIRE_MESSAGE(back.ok(), back.error().text());
    CHECK(back.value() == value);
    // Another parser reads the same.
    CHECK(nlohmann::ordered_json::parse(text) == write_json(value));
  }
}

}  // namespace

TEST_SUITE("json codec") {
  TEST_CASE("every kind of field survives a round trip") {
    check_round_trips<Everything>(200);
    check_round_trips<Packet>(50);
    check_round_trips<Envelope>(50);
    check_round_trips<Body>(50);
  }

  TEST_CASE("the form is as described") {
    Order order;
    order.customer = {"7", std::nullopt};
    order.provider_time = wall_from_ms(1'700'000'000'123);
    order.large = UINT64_MAX;
    order.mood = Mood::very_angry;
    order.node.raw.fill(0xab);
    order.extra = {R"({"a":1.50})"};
    CHECK(json_text(order) ==
          R"({"customer":{"external_id":"7"},"priority":1,"weight":0,"skills":[],"copies":[],)"
          R"("provider_time":"2023-11-14T22:13:20.123Z","large":"18446744073709551615",)"
          R"("mood":"very_angry","node":")" +
              order.node.hex() + R"(","extra":{"a":1.50}})");
    CHECK(json_text(Body{TookHome{}}).starts_with(R"({"type":"took_home","who":")"));
    CHECK(json_text(Body{Bye{}}) == R"({"type":"bye"})");
    CHECK(write_json(Point{3, 4}).dump() == R"({"x":3,"y":4})");
  }

  TEST_CASE("what is wrong is named with its field, what was wanted, and the mend") {
    struct Case {
      const char* json;
      const char* error;
    };
    const char* known_person = "unknown field (known here: external_id, name)";
    for (const auto& [json, error] : {
             Case{R"([])", "expected object, got list"},
             Case{R"({})", "customer: missing (this field is required)"},
             Case{R"({"customer":{}})", "customer.external_id: missing (this field is required)"},
             Case{R"({"customer":{"external_id":""}})", "customer.external_id: must not be empty"},
             Case{R"({"customer":{"external_id":null}})",
                  "customer.external_id: expected text, got null"},
             Case{R"({"customer":{"external_id":"7","name":3}})",
                  "customer.name: expected text, got number"},
             Case{R"({"customer":{"external_id":"123456789"}})",
                  "customer.external_id: 9 bytes; the limit is 8"},
         }) {
      CAPTURE(json);
      const auto order = read_json<Order>(json);
      REQUIRE_FALSE(order.ok());
      CHECK(order.error().text() == error);
    }
    for (const auto& [json, error] : {
             Case{R"(,"priority":4)", "priority: must be from 0 to 3"},
             Case{R"(,"priority":-1)", "priority: must be from 0 to 3"},
             Case{R"(,"priority":1.0)", "priority: expected whole number, got number"},
             Case{R"(,"priority":"1")", "priority: expected whole number, got text"},
             Case{R"(,"priority":300)", "priority: must be from 0 to 3"},
             Case{R"(,"large":18446744073709551616)", "large: expected whole number, got number"},
             Case{R"(,"large":"12x")", "large: expected whole number, got text"},
             Case{R"(,"weight":true)", "weight: expected number, got true or false"},
             Case{R"(,"skills":["a","b","c"])", "skills: 3 items; the limit is 2"},
             Case{R"(,"skills":["a","hello"])", "skills[1]: 5 bytes; the limit is 4"},
             Case{R"(,"skills":{})", "skills: expected list, got object"},
             Case{R"(,"copies":[{"external_id":"1"},{"external_id":"1","phone":""}])",
                  "copies[1].phone: unknown field (known here: external_id, name)"},
             Case{R"(,"provider_time":"yesterday")",
                  "provider_time: expected a time as in RFC 3339 (write it like "
                  "2026-11-23T17:04:45Z)"},
             Case{R"(,"mood":"merry")",
                  "mood: 'merry' is not a known word (one of: calm, very_angry)"},
             Case{R"(,"mood":"Ann Smith")",
                  "mood: this is not a known word (one of: calm, very_angry)"},
             Case{R"(,"node":"abcd")", "node: expected 64 hexadecimal digits"},
             Case{R"(,"extra":[])", "extra: expected object, got list"},
             Case{R"(,"extra":{"a":"0123456789012345678901234567890"})",
                  "extra: 39 bytes; the limit is 32"},
             Case{R"(,"extra":{"a":{"b":1,"b":2}})", "extra.a.b: appears twice (name it once)"},
             Case{R"(,"priority":1,"priority":1)", "priority: appears twice (name it once)"},
         }) {
      CAPTURE(json);
      const auto order = order_with(json);
      REQUIRE_FALSE(order.ok());
      CHECK(order.error().text() == error);
    }
    const auto person = read_json<Person>(R"({"external_id":"1","Ann's phone":"+358"})");
    REQUIRE_FALSE(person.ok());
    CHECK(person.error().text() == known_person);  // a name that may be personal is not repeated
  }

  TEST_CASE("a variant names its type") {
    struct Case {
      const char* json;
      const char* error;
    };
    for (const auto& [json, error] : {
             Case{R"({"number":1})", "type: missing (this field is required)"},
             Case{R"({"type":1})", "type: expected text, got number"},
             Case{R"({"type":"pong"})",
                  "type: 'pong' is not a known word (one of: ping, took_home, bye)"},
             Case{R"({"type":"bye","number":1})", "number: unknown field (known here: )"},
         }) {
      CAPTURE(json);
      const auto body = read_json<Body>(json);
      REQUIRE_FALSE(body.ok());
      CHECK(body.error().text() == error);
    }
    const auto ping = read_json<Body>(R"({"number":"9007199254740993","type":"ping"})");
    REQUIRE(ping.ok());
    CHECK(ping.value() == Body{Ping{9007199254740993, ""}});
  }

  TEST_CASE("times are read with any offset") {
    const auto base = wall_from_ms(1'700'000'000'000);
    struct Case {
      const char* text;
      std::int64_t ms_after;
    };
    for (const auto& [text, ms_after] :
         {Case{"2023-11-14T22:13:20Z", 0}, Case{"2023-11-15T00:13:20+02:00", 0},
          Case{"2023-11-14 17:13:20.5-05:00", 500}, Case{"2023-11-14t22:13:20.123999z", 123}}) {
      CAPTURE(text);
      const auto order = order_with(std::string(R"(,"provider_time":")") + text + "\"");
      REQUIRE_MESSAGE(order.ok(), order.error().text());
      CHECK(*order.value().provider_time == base + Duration{ms_after});
    }
    for (const char* bad : {"2023-02-29T00:00:00Z", "2023-11-14T24:00:00Z", "2023-11-14T22:13:20",
                            "2023-11-14", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20Z ", ""}) {
      CAPTURE(bad);
      CHECK_FALSE(order_with(std::string(R"(,"provider_time":")") + bad + "\"").ok());
    }
  }

  TEST_CASE("only exact JSON is read") {
    struct Case {
      std::string json;
      std::string error;
    };
    const std::string deep = std::string(17, '[') + std::string(17, ']');
    for (const auto& [json, error] : {
             Case{"{\n  \"x\": 1,\n}", "not valid JSON at line 3, column 1"},
             Case{"", "not valid JSON at line 1, column 1"},
             Case{"{} {}", "not valid JSON at line 1, column 4"},
             Case{"{'x':1}", "not valid JSON at line 1, column 2"},
             Case{"{\"x\":01}", "not valid JSON at line 1, column 7"},
             Case{"{\"x\":1e999}", "not valid JSON at line 1, column 10"},
             Case{"{\"x\":\"\xff\"}", "not valid UTF-8 (send UTF-8)"},
             Case{R"({"x":"\ud800"})", "not valid JSON at line 1, column 13"},
             Case{deep, "nested deeper than 16 levels"},
         }) {
      CAPTURE(json);
      const auto tree = parse_json(json);
      REQUIRE_FALSE(tree.ok());
      CHECK(tree.error().text() == error);
    }
    CHECK(parse_json(deep.substr(1, 32)).ok());
  }

  TEST_CASE("sizes and counts are limited") {
    const auto large = parse_json(std::string(101, ' '), {.max_bytes = 100});
    REQUIRE_FALSE(large.ok());
    CHECK(large.error().code == ErrorCode::too_large);
    CHECK(parse_json("[1,2,3]", {.max_values = 4}).ok());
    const auto many = parse_json("[1,2,3,4]", {.max_values = 4});
    REQUIRE_FALSE(many.ok());
    CHECK(many.error().code == ErrorCode::too_large);
    const auto deep = parse_json(std::string(200'000, '['));
    REQUIRE_FALSE(deep.ok());
    CHECK(deep.error().code == ErrorCode::too_large);
  }

  TEST_CASE("broken texts never crash or throw") {
    std::size_t refused = 0;
    for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed);
      std::string text = json_text(random_sample<Everything>(random));
      if (seed % 2 == 0) {
        text.resize(random.below(text.size()));
      } else {
        for (int i = 0; i < 3; ++i) {
          text[random.below(text.size())] = static_cast<char>(random.below(256));
        }
      }
      const auto back = read_json<Everything>(text);
      if (back.ok()) {
        CHECK(read_json<Everything>(json_text(back.value())).ok());
      } else {
        ++refused;
        CHECK_FALSE(back.error().what.empty());
      }
    }
    CHECK(refused > 1'000);
  }

  TEST_CASE("bytes that are not text cannot break the JSON") {
    Everything value;
    value.text = "a\xff\"\n";
    CHECK(nlohmann::ordered_json::parse(json_text(value))["text"] == "a\xef\xbf\xbd\"\n");
  }

  TEST_CASE("the field table says what the reader checks") {
    const std::string table = markdown_table(describe<Order>());
    CAPTURE(table);
    for (const char* row : {
             "| `customer` | object | yes |  |  |  |  |\n",
             "| `customer.external_id` | text | yes | at most 8 bytes |  |  | as the platform has "
             "it "
             "|\n",
             "| `customer.name` | text |  | at most 16 bytes |  | `\"Ann\"` |  |\n",
             "| `priority` | whole number |  | 0 to 3 | `1` |  | a\\|b |\n",
             "| `skills` | list of text |  | at most 2 items, each at most 4 bytes | `[]` |  |  "
             "|\n",
             "| `copies[].external_id` | text | yes |",
             "| `mood` | one of `calm`, `very_angry` |  |  | `\"calm\"` |  |  |\n",
         }) {
      CAPTURE(row);
      CHECK(table.find(row) != std::string::npos);
    }
    CHECK(markdown_table(describe<Packet>()).find("(if `type` is `ping`)") != std::string::npos);
    CHECK(describe<Tree>().size() < 20);  // a type that holds itself comes to an end
  }
}

TEST_SUITE("trace line") {
  TEST_CASE("a line shows every field that is not empty, and shortens") {
    Packet packet{.version = 2, .body = Ping{.number = 3, .payload = Bytes(9, '\x01')}};
    CHECK(trace_line(packet) == "{version=2 body=ping{number=3 payload=01010101…}}");
    TookHome home;
    home.where.assign(6, Point{1, 2});
    home.who.raw.fill(0xab);
    CHECK(trace_line(home) ==
          "took_home{who=abababab… where=[{x=1 y=2} {x=1 y=2} {x=1 y=2} {x=1 y=2} +2]}");
    Everything value;
    value.text = "say \"ä\"\n" + std::string(40, 'x');
    CHECK(trace_line(value).find(R"(text="say \"ä\"\x0axxxxxxxxxxxxxxx"+25)") != std::string::npos);
    CHECK(trace_line(Body{Bye{}}) == "bye{}");
  }

  TEST_CASE("the same seed gives the same sample") {
    SeededRandom one(3);
    SeededRandom two(3);
    SeededRandom three(4);
    const auto line = trace_line(random_sample<Everything>(one));
    CHECK(line == trace_line(random_sample<Everything>(two)));
    CHECK(line != trace_line(random_sample<Everything>(three)));
  }
}
