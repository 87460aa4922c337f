#include "tools/crossfloor/receipts_file.h"

#include <doctest/doctest.h>

#include "protocol/json_codec.h"

using namespace crossfloor;
using namespace crossfloor::cli;

TEST_SUITE("receipts file") {
  TEST_CASE("a kept receipt is read as the node gave it, also from a newer node") {
    GenericReceipt given;
    given.message_id.raw[0] = 5;
    given.stream = stream_text({{{}, 1}, "eu"});
    given.sequence = 7;
    given.hash.raw[1] = 3;
    given.durable = Durable::mesh;
    given.duplicate = true;
    JsonValue answer = to_json_value(given);
    answer.add("shard", JsonValue::of_text("new"));
    answer.add("account", JsonValue::of_text("not this one"));
    const std::string line = receipt_line("shop", "m-1", "http://h1", answer);
    CHECK(line.find("shard") != std::string::npos);
    const auto read = read_receipt_line(line);
    if (!read.ok()) FAIL(read.error().text());
    CHECK(read.value().account == "shop");
    CHECK(read.value().external_id == "m-1");
    CHECK(read.value().node == "http://h1");
    CHECK(json_text(read.value().receipt) == json_text(given));
  }

  TEST_CASE("what is no receipt is refused") {
    for (const char* bad : {"", "[]", "{}", "nonsense", R"({"account":"a","external_id":"b"})",
                            R"({"account":"a","external_id":"b","message_id":"5","stream":"x"})"}) {
      CAPTURE(bad);
      CHECK_FALSE(read_receipt_line(bad).ok());
    }
  }
}
