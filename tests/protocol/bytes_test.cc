#include "protocol/bytes.h"

#include <doctest/doctest.h>

using namespace crossfloor;

TEST_SUITE("bytes") {
  TEST_CASE("hexadecimal survives a round trip and bad text is refused") {
    const Bytes bytes("\x00\x7f\x80\xff", 4);
    CHECK(to_hex(bytes) == "007f80ff");
    CHECK(from_hex("007F80ff") == bytes);
    CHECK_FALSE(from_hex("007"));
    CHECK_FALSE(from_hex("zz"));
  }

  TEST_CASE("UTF-8 is judged strictly") {
    for (const char* good : {"", "abc", "ä", "€", "😀", "\xf4\x8f\xbf\xbf"}) {
      CAPTURE(good);
      CHECK(is_valid_utf8(good));
    }
    for (const char* bad : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                            "\xf4\x90\x80\x80", "\xff", "a\xe2\x82"}) {
      CAPTURE(to_hex(bad));
      CHECK_FALSE(is_valid_utf8(bad));
    }
  }

  TEST_CASE("integers keep their byte order") {
    Bytes out;
    put_le32(out, 0x01020304);
    put_be32(out, 0x01020304);
    CHECK(to_hex(out) == "0403020101020304");
    CHECK(get_le32(out.data()) == 0x01020304);
    CHECK(get_be32(out.data() + 4) == 0x01020304);
  }
}
