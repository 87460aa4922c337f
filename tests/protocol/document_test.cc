#include "protocol/document.h"

#include <doctest/doctest.h>

#include "protocol/identity.h"

using namespace crossfloor;

TEST_SUITE("document") {
  TEST_CASE("several documents in one file keep their own bytes") {
    const Bytes one = "crossfloor ping 1\nnumber 1\n";
    const Bytes two = "crossfloor pong 1\nnumber 2\nname a b  c\n";
    const auto parsed = parse_documents("\n" + one + "\n\n" + two + "\n");
    REQUIRE(parsed.ok());
    REQUIRE(parsed.value().size() == 2);
    CHECK(parsed.value()[0].text == one);
    CHECK(parsed.value()[1].text == two);
    CHECK(parsed.value()[1].kind == "pong");
    CHECK(parsed.value()[1].fields.back() == std::pair<std::string, std::string>{"name", "a b  c"});
  }

  TEST_CASE("carriage returns and a lost last line end do no harm to a signature") {
    SodiumCrypto crypto;
    SeededRandom random(1);
    const SigningKey key = make_signing_key(random);
    const Bytes text = DocumentWriter("ping").add("number", "1").sign(crypto, key);
    Bytes mailed;
    for (char c : text.substr(0, text.size() - 1))
      mailed += c == '\n' ? std::string("\r\n") : std::string(1, c);
    const auto back = parse_document(mailed, "ping");
    REQUIRE(back.ok());
    CHECK(back.value().text == text);
    CHECK(back.value().genuine(crypto, key.node()));
    CHECK_FALSE(back.value().genuine(crypto, make_signing_key(random).node()));
  }

  TEST_CASE("what is no document is refused with the line") {
    struct Row {
      const char* text;
      const char* where;
    };
    for (const auto& [text, where] :
         {Row{"", ""}, Row{"\n\n", ""}, Row{"hello\n", "line 1"},
          Row{"crossfloor ping\n", "line 1"}, Row{"crossfloor ping 2\n", "line 1"},
          Row{"crossfloor ping 1\nnumber\n", "line 2"},
          Row{"crossfloor ping 1\nNumber 1\n", "line 2"},
          Row{"crossfloor ping 1\nnumber \n", "line 2"},
          Row{"crossfloor ping 1\n\tnumber 1\n", "line 2"},
          Row{"crossfloor ping 1\nnumber \xff\n", "line 2"},
          Row{"crossfloor ping 1\nsignature 12\n", "line 2"}}) {
      CAPTURE(text);
      const auto parsed = parse_documents(text);
      REQUIRE_FALSE(parsed.ok());
      CHECK(parsed.error().where == where);
      CHECK_FALSE(parsed.error().what.empty());
    }
    const Bytes signature = "signature " + std::string(128, 'a') + "\n";
    CHECK(parse_documents("crossfloor ping 1\n" + signature).ok());
    CHECK_FALSE(parse_documents("crossfloor ping 1\n" + signature + "number 1\n").ok());
    CHECK_FALSE(parse_documents("crossfloor ping 1\n" + signature + signature).ok());
    CHECK_FALSE(parse_documents("crossfloor ping 1\nsignature " + std::string(128, 'A')).ok());
  }

  TEST_CASE("limits are kept") {
    const auto code = [](const Bytes& text) { return parse_documents(text).error().code; };
    CHECK(code("crossfloor ping 1\na " + Bytes(1024, 'x')) == ErrorCode::too_large);
    Bytes many = "crossfloor ping 1\n";
    while (many.size() < Document::max_bytes + 1) many += "a " + Bytes(1000, 'x') + "\n";
    CHECK(code(many) == ErrorCode::too_large);
    Bytes crowd;
    for (std::size_t i = 0; i <= Document::max_in_file; ++i) crowd += "crossfloor ping 1\n\n";
    CHECK(code(crowd) == ErrorCode::too_large);
  }

  TEST_CASE("times are read as they are written, and only real ones") {
    for (const char* text : {"1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "2026-11-18T12:26:40Z",
                             "9999-12-31T23:59:59Z"}) {
      CAPTURE(text);
      const auto time = parse_time(text);
      REQUIRE(time);
      CHECK(time_text(*time) == text);
    }
    CHECK(ms_of(*parse_time("2026-11-18T12:26:40Z")) == 1'795'004'800'000);
    for (const char* text : {"", "2026-11-18", "2026-11-18T12:26:40", "2025-02-29T00:00:00Z",
                             "2026-13-01T00:00:00Z", "2026-11-18T24:00:00Z", "2026-11-18t12:26:40Z",
                             "1969-12-31T23:59:59Z", "2026-11-18T12:26:4xZ"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_time(text));
    }
  }

  TEST_CASE("numbers are whole, in range and written in one way") {
    CHECK(parse_number("0") == 0);
    CHECK(parse_number("18446744073709551615") == UINT64_MAX);
    for (const char* text : {"", "-1", "+1", "01", "1 ", " 1", "0x1", "18446744073709551616"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_number(text));
    }
  }
}
