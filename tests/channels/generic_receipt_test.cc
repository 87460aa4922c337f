#include "node/channels/generic_receipt.h"

#include <doctest/doctest.h>

#include <fstream>

#include "protocol/json_describe.h"

using namespace crossfloor;

TEST_SUITE("generic receipt") {
  TEST_CASE("a stream's name as text names the same stream again") {
    Stream stream{{{}, 0x4fe01c7d22aa9031}, "eu-north"};
    stream.origin.node.raw[0] = 0x9b;
    const std::string text = stream_text(stream);
    CHECK(text == "9b" + std::string(62, '0') + ".4fe01c7d22aa9031.eu-north");
    CHECK(parse_stream_text(text) == stream);
    for (const std::string& bad :
         {std::string(), text.substr(1), text.substr(0, text.find("eu")),
          text + std::string(33, 'a'), "x" + text.substr(1), text + "/", text + "A"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse_stream_text(bad));
    }
  }

  TEST_CASE("a receipt is read as it was written") {
    GenericReceipt receipt;
    receipt.message_id.raw[3] = 7;
    receipt.stream = stream_text({{{}, 5}, "eu"});
    receipt.sequence = 4711;
    receipt.hash.raw[31] = 9;
    receipt.durable = Durable::mesh;
    const auto back = read_json<GenericReceipt>(json_text(receipt));
    REQUIRE(back.ok());
    CHECK(back.value().message_id == receipt.message_id);
    CHECK(back.value().stream == receipt.stream);
    CHECK(back.value().sequence == 4711);
    CHECK(back.value().hash == receipt.hash);
    CHECK(back.value().durable == Durable::mesh);
    CHECK_FALSE(back.value().duplicate);
  }

  TEST_CASE("docs/channel.md shows the receipt as it is") {
    std::ifstream in("docs/channel.md");
    const std::string page(std::istreambuf_iterator<char>(in), {});
    const std::string table = markdown_table(describe<GenericReceipt>());
    const bool shown = page.find(table) != std::string::npos;
    CHECK_MESSAGE(shown, table);
  }
}
