#include "tools/crossfloor/table.h"

#include <doctest/doctest.h>

#include <sstream>

#include "tools/crossfloor/spans.h"

using namespace crossfloor;
using namespace crossfloor::cli;

namespace {

std::string printed(const Table& table, const Look& look = {}) {
  std::ostringstream out;
  table.print(out, look);
  return out.str();
}

}  // namespace

TEST_SUITE("tables") {
  TEST_CASE("columns are aligned by what a terminal shows, numbers on the right") {
    Table table({"NAME", ">AGE", "NOTE"});
    table.add({"ada", "7", "x"});
    table.add({"Zoë", "1200", "y"});
    table.add({"日本", "3", ""});
    CHECK(printed(table) ==
          "NAME   AGE  NOTE\n"
          "ada      7  x\n"
          "Zoë   1200  y\n"
          "日本     3  \n");
  }

  TEST_CASE("colours stand only where they are wanted, and take no room") {
    Table table({"A", "B"});
    table.add({{"late", Tint::bad}, "x"});
    CHECK(printed(table) == "A     B\nlate  x\n");
    CHECK(printed(table, {.colour = true}).find("\x1b[1;31mlate\x1b[0m  x") != std::string::npos);
  }

  TEST_CASE("lines are cut to the terminal") {
    Table table({"A", "B"});
    table.add({"abcdef", "ghijkl"});
    CHECK(printed(table, {.width = 10}) == "A       B\nabcdef  g…\n");
    CHECK(printed(table, {.width = 14}) == "A       B\nabcdef  ghijkl\n");
    CHECK(cut_to("日本語", 5) == "日本…");
    CHECK(cut_to("abc", 3) == "abc");
  }

  TEST_CASE("where it is too narrow, what says nothing goes first, and it is told") {
    Table table({"SITE", ">WAITING", ">LATE", "SKILLS", ">REPLIES", ">LAG"});
    table.add({"helsinki", "12", "3", "", "0", "7"});
    table.add({"warsaw", "0", "0", "", "0", "0"});
    CHECK(printed(table, {.width = 60}) ==
          "SITE      WAITING  LATE  SKILLS  REPLIES  LAG\n"
          "helsinki       12     3                0    7\n"
          "warsaw          0     0                0    0\n");
    CHECK(printed(table, {.width = 40}) ==
          "SITE      WAITING  LATE  SKILLS  LAG\n"
          "helsinki       12     3            7\n"
          "warsaw          0     0            0\n"
          "no room for: REPLIES\n");
    CHECK(printed(table, {.width = 30}) ==
          "SITE      WAITING  LATE  LAG\n"
          "helsinki       12     3    7\n"
          "warsaw          0     0    0\n"
          "no room for: SKILLS, REPLIES\n");
    CHECK(printed(table, {.width = 24}) ==
          "SITE      WAITING  LATE\n"
          "helsinki       12     3\n"
          "warsaw          0     0\n"
          "no room for: SKILLS, RE…\n");
  }

  TEST_CASE("texts stay readable: rather the last columns are left out") {
    Table table({"AGENT", "SITE", "CHANNELS", "BRANDS"});
    table.add({"kaisa-marjatta-03", "helsinki", "chat 0/2 social 0/1", "aurora, marlin"});
    CHECK(printed(table, {.width = 46}) ==
          "AGENT              SITE      CHANNELS\n"
          "kaisa-marjatta-03  helsinki  chat 0/2 social …\n"
          "no room for: BRANDS\n");
  }

  TEST_CASE("where it is too narrow, the widest columns are shortened, ids and numbers are not") {
    Table table({"#ID", "SITE", ">AGE", "SKILLS", "NOTE"});
    table.add({"5f0c1d2e3a4b", "helsinki-kamppi", "1200", "billing cards abroad", "late"});
    for (const std::size_t width : {60U, 56U, 52U}) {
      CAPTURE(width);
      const std::string text = printed(table, {.width = width});
      CHECK(text.find("5f0c1d2e3a4b") != std::string::npos);  // ids and numbers stay whole
      CHECK(text.find("1200") != std::string::npos);
      CHECK(text.find("late") != std::string::npos);
      for (std::size_t from = 0; from < text.size();) {
        const auto end = text.find('\n', from);
        CHECK(columns_of(text.substr(from, end - from)) <= width);
        from = end + 1;
      }
    }
  }

  TEST_CASE("what customers wrote cannot steer the terminal") {
    CHECK(harmless("a\x1b[2Jb\x07") == "a·[2Jb·");
    CHECK(harmless("one\ntwo\tthree") == "one two three");
    CHECK(harmless("one\ntwo", true) == "one\ntwo");
    CHECK(harmless("a\xe2\x80\xae"
                   "b") == "a·b");  // right-to-left override
    CHECK(harmless("Grüße 👋") == "Grüße 👋");
    Table table({"A"});
    table.add({"x\x1b]0;title\x07y"});
    CHECK(printed(table).find('\x1b') == std::string::npos);
  }

  TEST_CASE("ages are short, and longer ones coarser") {
    const std::vector<std::pair<std::int64_t, const char*>> ages = {
        {0, "0.0 s"},        {450, "0.4 s"},           {12'000, "12 s"},
        {60'000, "1 min"},   {184'000, "3 min 4 s"},   {7'500'000, "2 h 5 min"},
        {86'400'000, "1 d"}, {273'600'000, "3 d 4 h"}, {-1, "-"}};
    for (const auto& [ms, text] : ages) CHECK(age_text(ms) == text);
  }

  TEST_CASE("spans of time as people write them") {
    CHECK(parse_span("500ms") == Duration{500});
    CHECK(parse_span("30s") == Duration{30'000});
    CHECK(parse_span("30") == Duration{30'000});
    CHECK(parse_span("2m") == Duration{120'000});
    CHECK(parse_span("3d") == Duration{259'200'000});
    for (const char* bad : {"", "s", "-1s", "1 s", "1w", "99999999999999999999s", "400d"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse_span(bad));
    }
  }
}
