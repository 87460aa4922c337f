#include "storage/packed.h"

#include <doctest/doctest.h>

#include <fstream>

#include "protocol/random_sample.h"
#include "storage/rows.h"

using namespace crossfloor;

namespace {

enum class Mood { calm, angry };
constexpr auto names_of(Mood) {
  return std::array{"calm", "angry"};
}

struct Older {
  std::uint64_t number = 0;
  std::string text;
  std::vector<MessageId> ids;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number);
    visit("text", self.text);
    visit("ids", self.ids);
  }
};

struct Newer {
  std::uint64_t number = 0;
  std::string text;
  std::vector<MessageId> ids;
  std::int32_t degrees = 7;
  Mood mood = Mood::angry;
  bool warm = true;
  std::optional<std::string> word = "x";
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number);
    visit("text", self.text);
    visit("ids", self.ids);
    visit("degrees", self.degrees);
    visit("mood", self.mood);
    visit("warm", self.warm);
    visit("word", self.word);
  }
};

template <typename T>
Bytes packed(const T& value) {
  Bytes out;
  append_packed(out, shape_of<T>(), &value);
  return out;
}

template <typename T>
bool reads(const Bytes& bytes, T& out) {
  return read_packed(bytes, shape_of<T>(), &out).ok();
}

// "id:16", "list(struct(at:…))": what must stay as it is, field by field.
std::string layout_of(const ValueShape& shape) {
  using Kind = ValueShape::Kind;
  const std::string size = std::to_string(shape.size);
  switch (shape.kind) {
    case Kind::boolean:
      return "bool";
    case Kind::integer:
      return (shape.is_signed ? "int" : "uint") + size;
    case Kind::text:
      return "text";
    case Kind::id:
      return "id" + size;
    case Kind::words:
      return "words";
    case Kind::optional:
      return "optional(" + layout_of(*shape.inner) + ")";
    case Kind::list:
      return "list(" + layout_of(*shape.inner) + ")";
    case Kind::structure: {
      std::string out;
      for (const auto& field : shape.fields().fields) {
        out += (out.empty() ? "" : " ") + std::string(field.name) + ":" + layout_of(*field.value);
      }
      return "{" + out + "}";
    }
    default:
      return "not for rows";
  }
}

// Every field of the layout kept is still there, in its place; new ones stand at the ends.
bool grew_at_ends_only(std::string_view kept, std::string_view now) {
  std::size_t at = 0;
  int skipping = 0;  // braces open within a field that is new
  bool is_new = false;
  for (const char c : now) {
    if (!is_new && at < kept.size() && kept[at] == c) {
      ++at;
      continue;
    }
    if (!is_new) {  // a new field begins where the old struct ends
      if (c != ' ' || at >= kept.size() || kept[at] != '}') return false;
      is_new = true;
      continue;
    }
    if (c == '{') ++skipping;
    if (c == '}' && skipping-- == 0) {
      is_new = false;
      skipping = 0;
      ++at;
    }
  }
  return at == kept.size();
}

}  // namespace

TEST_SUITE("packed") {
  TEST_CASE("every kind of field has its bytes") {
    Newer value;
    value.number = 300;
    value.text = "hi";
    value.ids = {MessageId{}, *MessageId::from(Bytes(16, 'a'))};
    value.degrees = -1;
    value.word = std::nullopt;
    CHECK(to_hex(packed(value)) ==
          "07"
          "ac02"
          "026869"
          "0200"
          "01"
          "61616161616161616161616161616161"
          "01"
          "01"
          "01"
          "00");
    Newer back;
    REQUIRE(reads(packed(value), back));
    CHECK(packed(back) == packed(value));
    CHECK(back.degrees == -1);
  }

  TEST_CASE("extremes of numbers survive") {
    for (const std::int32_t degrees : {0, -1, 1, INT32_MIN, INT32_MAX}) {
      for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{127}, UINT64_MAX}) {
        Newer value;
        value.degrees = degrees;
        value.number = number;
        Newer back;
        REQUIRE(reads(packed(value), back));
        CHECK(back.degrees == degrees);
        CHECK(back.number == number);
      }
    }
  }

  TEST_CASE("a field that was not written yet keeps its default, a newer one is not guessed at") {
    Older older;
    older.number = 5;
    Newer newer;
    REQUIRE(reads(packed(older), newer));
    CHECK(newer.number == 5);
    CHECK(newer.degrees == 7);
    CHECK(newer.word == "x");
    CHECK_FALSE(reads(packed(newer), older));
  }

  TEST_CASE("what cannot be is refused") {
    Older out;
    CHECK_FALSE(reads("", out));
    CHECK_FALSE(reads(Bytes("\x03\x80\x00\x00\x00", 5), out));      // a number of two forms
    CHECK_FALSE(reads(Bytes("\x03\x01\x05hi\x00", 6), out));        // text that is cut off
    CHECK_FALSE(reads(Bytes("\x03\x01\x00\xff\xff\x03", 6), out));  // more items than bytes
    CHECK_FALSE(reads(Bytes("\x03\x01\x00\x01\x02", 5), out));      // neither absent nor there
    CHECK_FALSE(reads(Bytes("\x03\x01\x00\x00\x00", 5), out));      // something behind it
    Newer newer;
    CHECK_FALSE(reads(Bytes("\x05\x01\x00\x00\x00\x02", 6), newer));              // no such mood
    CHECK_FALSE(reads(Bytes("\x04\x01\x00\x00\xff\xff\xff\xff\x7f", 9), newer));  // over 32 bits
    CHECK(reads(Bytes("\x03\x01\x00\x00", 4), out));
  }

  // tests/golden/rows.txt is only added to: a row kept there must be readable for ever.
  TEST_CASE_TEMPLATE("rows keep the places and types of their fields", Row, Conversation,
                     MessageRow, ItemRow, ThreadRow, PlaceRow, CommandRow, ReplyRow, LinkRow,
                     SubjectRow) {
    const std::string now = layout_of(shape_of<Row>());
    CHECK(now.find("not for rows") == std::string::npos);
    std::ifstream file("tests/golden/rows.txt");
    REQUIRE(file);
    bool found = false;
    for (std::string kept; std::getline(file, kept);) {
      found = found || grew_at_ends_only(kept, now);
    }
    CHECK_MESSAGE(found, now);
  }

  TEST_CASE("a field that moved, or that stands between others, is noticed") {
    const std::string kept = "{a:text b:list({c:id16})}";
    CHECK(grew_at_ends_only(kept, kept));
    CHECK(grew_at_ends_only(kept, "{a:text b:list({c:id16 x:{y:bool}}) z:list({q:bool})}"));
    CHECK_FALSE(grew_at_ends_only(kept, "{a:text x:bool b:list({c:id16})}"));
    CHECK_FALSE(grew_at_ends_only(kept, "{b:list({c:id16}) a:text}"));
    CHECK_FALSE(grew_at_ends_only(kept, "{a:text}"));
    CHECK_FALSE(grew_at_ends_only(kept, "{a:text b:list({c:id32})}"));
  }
}
