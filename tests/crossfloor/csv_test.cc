#include "tools/crossfloor/csv.h"

#include <doctest/doctest.h>

#include "protocol/crypto.h"

using namespace crossfloor;
using namespace crossfloor::cli;

namespace {

// Records as "line:field|field"; errors as "line N!".
std::vector<std::string> read_all(std::string_view text, CsvReader::Limits limits = {}) {
  CsvReader reader(text, limits);
  std::vector<std::string> out;
  while (auto record = reader.next()) {
    if (!record->ok()) {
      out.push_back(record->error().where + "!");
      CHECK_FALSE(record->error().what.empty());
      continue;
    }
    std::string one = std::to_string(record->value().line) + ":";
    for (std::size_t i = 0; i < record->value().fields.size(); ++i) {
      one += (i > 0 ? "|" : "") + record->value().fields[i];
    }
    out.push_back(one);
  }
  return out;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_SUITE("CSV") {
  TEST_CASE("fields, quotes and line breaks are read as RFC 4180 has them") {
    CHECK(read_all("a,b,c\n1,,3\n") == Lines{"1:a|b|c", "2:1||3"});
    CHECK(read_all("a,b\r\n1,2\r\n") == Lines{"1:a|b", "2:1|2"});
    CHECK(read_all("a,b\n1,2") == Lines{"1:a|b", "2:1|2"});
    CHECK(read_all("\"a,b\",\"say \"\"yes\"\"\"\n") == Lines{"1:a,b|say \"yes\""});
    CHECK(read_all("\"one\ntwo\",x\nnext,y\n") == Lines{"1:one\ntwo|x", "3:next|y"});
    CHECK(read_all("\"one\r\ntwo\rthree\",x\n") == Lines{"1:one\r\ntwo\rthree|x"});
    CHECK(read_all("a,\nb,\"\"\n") == Lines{"1:a|", "2:b|"});
    CHECK(read_all("\xef\xbb\xbf"
                   "a,b\n") == Lines{"1:a|b"});
    CHECK(read_all("\na\n\n\r\nb\n\n") == Lines{"2:a", "5:b"});
    CHECK(read_all("").empty());
    CHECK(read_all("\n\n").empty());
    CHECK(read_all("päivää,😁\n") == Lines{"1:päivää|😁"});
  }

  TEST_CASE("a damaged record is named, and the others are read") {
    struct Case {
      const char* name;
      std::string text;
      Lines want;
    };
    for (const auto& [name, text, want] : {
             Case{"a lone carriage return",
                  "a,b\n1,x \r\r y,2\n3,4\n",
                  {"1:a|b", "line 2!", "3:3|4"}},
             Case{"a quote in an unquoted field", "1,a\"b\n3,4\n", {"line 1!", "2:3|4"}},
             Case{"text behind a closing quote", "\"a\"b,1\n3,4\n", {"line 1!", "2:3|4"}},
             Case{"text behind a quote of several lines",
                  "\"a\nb\"c,1\n3,4\n",
                  {"line 1!", "3:3|4"}},
             Case{"a quote that is never closed",
                  "1,\"a\n3,4\n5,6\n",
                  {"line 1!", "2:3|4", "3:5|6"}},
             Case{"not UTF-8", "\xff,1\n3,4\n", {"line 1!", "2:3|4"}},
             Case{"an overlong form", "\xc0\xaf,1\n3,4\n", {"line 1!", "2:3|4"}},
             Case{"a zero byte", std::string("a\0b,1\n3,4\n", 10), {"line 1!", "2:3|4"}},
             Case{"only a quote", "\"", {"line 1!"}},
             Case{"only a carriage return", "\r", {"line 1!"}},
         }) {
      CAPTURE(name);
      CHECK(read_all(text) == want);
    }
  }

  TEST_CASE("what is too large spoils its own line only") {
    const CsvReader::Limits small{.max_fields = 3, .max_record = 20};
    CHECK(read_all("1,2,3\n1,2,3,4\n5\n", small) == Lines{"1:1|2|3", "line 2!", "3:5"});
    CHECK(read_all(std::string(50, 'x') + "\n5\n", small) == Lines{"line 1!", "2:5"});
    CHECK(read_all("\"" + std::string(50, 'x') + "\n6\n\"\n7\n", small) ==
          Lines{"line 1!", "2:6", "line 3!", "4:7"});
    CHECK(read_all(std::string(9, 'x') + "," + std::string(9, 'y') + "\n", small).size() == 1);
  }

  TEST_CASE("whatever comes, reading ends and lines only grow") {
    constexpr std::string_view alphabet = "a,\"\n\r\xff";
    for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed);
      std::string text;
      for (auto left = random.below(60); left > 0; --left) {
        text += alphabet[random.below(alphabet.size())];
      }
      CsvReader reader(text, {.max_fields = 4, .max_record = 16});
      std::size_t last = 0, records = 0;
      while (auto record = reader.next()) {
        const std::size_t line =
            record->ok() ? record->value().line : std::stoul(record->error().where.substr(5));
        REQUIRE(line > last);
        last = line;
        REQUIRE(++records <= text.size());
      }
    }
  }

  TEST_CASE("what is written quoted is read back, byte for byte") {
    constexpr std::string_view alphabet = "ab,\"\n\r ";
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed);
      std::vector<std::vector<std::string>> table(1 + random.below(4));
      std::string text;
      for (auto& row : table) {
        row.resize(1 + random.below(4));
        for (auto& field : row) {
          for (auto left = random.below(6); left > 0; --left) {
            field += alphabet[random.below(alphabet.size())];
          }
          text += &field == &row.front() ? "\"" : ",\"";
          for (const char c : field) text += c == '"' ? "\"\"" : std::string(1, c);
          text += '"';
        }
        text += random.below(2) == 0 ? "\n" : "\r\n";
      }
      CsvReader reader(text);
      for (const auto& row : table) {
        auto record = reader.next();
        REQUIRE(record);
        REQUIRE(record->ok());
        CHECK(record->value().fields == row);
      }
      CHECK_FALSE(reader.next());
    }
  }
}
