#include "tools/crossfloor/recording.h"

#include <doctest/doctest.h>

using namespace crossfloor;
using namespace crossfloor::cli;

namespace {

constexpr const char* header =
    "tweet_id,author_id,inbound,created_at,text,in_response_to_tweet_id\n";

Recording read(const std::string& rows, const std::set<std::string>& brands = {}) {
  auto out =
      read_recording(header + rows, column_preset("customer-support-on-twitter").value(), brands);
  if (!out.ok()) FAIL(out.error().text());
  return std::move(out).value();
}

// "id brand customer thread parent in|out"
std::string shape(const RecordedMessage& one) {
  const IncomingMessage& m = one.message;
  const auto dash = [](const std::string& text) { return text.empty() ? "-" : text; };
  return m.external_id + " " + one.brand + " " + dash(m.customer.external_id) + " " +
         dash(m.thread_id) + " " + dash(m.parent_id) + " " + word_of(m.direction);
}

std::string shape_of(const Recording& recording, const std::string& id) {
  for (const auto& one : recording.messages) {
    if (one.message.external_id == id) return shape(one);
  }
  return "none";
}

std::string at(int minute) {
  return "Tue Oct 31 22:" + std::to_string(minute) + ":47 +0000 2017";
}

}  // namespace

TEST_SUITE("recording") {
  TEST_CASE("rows come by time, parents written as floats are ids, threads have one name") {
    const Recording got =
        read("3,ShopHelp,False," + at(30) + ",@77 we look,2.0\n" + "1,77,True," + at(10) +
             ",\"@ShopHelp\nmy parcel?\",\n" + "2,77,True," + at(20) + ",hello?,1.0\n");
    CHECK(got.rows == 3);
    CHECK(got.refused.empty());
    REQUIRE(got.messages.size() == 3);
    CHECK(shape(got.messages[0]) == "1 ShopHelp 77 1 - in");
    CHECK(shape(got.messages[1]) == "2 ShopHelp 77 1 1 in");
    CHECK(shape(got.messages[2]) == "3 ShopHelp 77 1 2 out");
    CHECK(got.messages[0].message.text == "@ShopHelp\nmy parcel?");
    CHECK(got.messages[0].message.is_public);
    CHECK(got.messages[0].message.provider_time_ms == 1'509'487'847'000);
    CHECK(got.messages[0].line == 3);
  }

  TEST_CASE(
      "a row without a readable brand takes who answered it, or whom it answered, or the "
      "thread's") {
    const Recording got =
        read("1,77,True," + at(10) + ",where is it?,\n" +  // answered by 2
             "2,ShopHelp,False," + at(11) + ",@77 where?,1.0\n" + "3,77,True," + at(12) +
             ",here,2.0\n" +                            // answers 2
             "4,88,True," + at(13) + ",me too,1.0\n" +  // same thread
             "5,88,True," + at(14) + ",@otherhelp and you?,1.0\n" + "6,OtherHelp,False," + at(15) +
             ",@88 yes,5.0\n" + "7,99,True," + at(16) + ",anybody?,\n");
    CHECK(shape_of(got, "1") == "1 ShopHelp 77 1 - in");
    CHECK(shape_of(got, "3") == "3 ShopHelp 77 1 2 in");
    CHECK(shape_of(got, "4") == "4 ShopHelp 88 1 1 in");
    CHECK(shape_of(got, "5") == "5 OtherHelp 88 1 1 in");
    CHECK(shape_of(got, "6") == "6 OtherHelp 88 1 5 out");
    REQUIRE(got.refused.size() == 1);
    CHECK(got.refused[0].line == 8);
    CHECK(got.refused[0].reason.find("brand") != std::string::npos);
  }

  TEST_CASE("an answer goes to the customer above it, else to whom it names, else to nobody") {
    const Recording got =
        read("1,77,True," + at(10) + ",@ShopHelp hi,\n" + "2,ShopHelp,False," + at(11) +
             ",one moment,1.0\n" + "3,ShopHelp,False," + at(12) + ",(2/2) done,2.0\n" +
             "4,ShopHelp,False," + at(13) + ",@55 thanks,900.0\n" + "5,ShopHelp,False," + at(14) +
             ",we open at nine,\n");
    CHECK(shape_of(got, "3") == "3 ShopHelp 77 1 2 out");
    CHECK(shape_of(got, "4") == "4 ShopHelp 55 900 900 out");
    CHECK(shape_of(got, "5") == "5 ShopHelp - 5 - out");
  }

  TEST_CASE("a missing parent's answers are one thread, and a ring of parents has an end") {
    const Recording got =
        read("1,77,True," + at(10) + ",@ShopHelp a,500\n" + "2,88,True," + at(11) +
                 ",@ShopHelp b,500.0\n" + "3,77,True," + at(12) + ",@ShopHelp c,4\n" +
                 "4,88,True," + at(13) + ",@ShopHelp d,5\n" + "5,99,True," + at(14) +
                 ",@ShopHelp e,3\n" + "6,99,True," + at(15) + ",@ShopHelp f,6\n",
             {"ShopHelp"});
    CHECK(got.messages.size() == 6);
    CHECK(shape_of(got, "1") == "1 ShopHelp 77 500 500 in");
    CHECK(shape_of(got, "2") == "2 ShopHelp 88 500 500 in");
    CHECK(shape_of(got, "4").substr(0, 16) == "4 ShopHelp 88 3 ");
    CHECK(shape_of(got, "5").substr(0, 16) == "5 ShopHelp 99 3 ");
    CHECK(shape_of(got, "6") == "6 ShopHelp 99 6 6 in");
  }

  TEST_CASE("each damaged row is refused with its line and reason, and only it") {
    const Recording got =
        read("1,77,True," + at(10) + ",@ShopHelp fine,\n" + "2,77,True," + at(10) +
                 ",lone \r return,\n" + "3,77,True," + at(10) + ",short\n" + "4,77,perhaps," +
                 at(10) + ",x,\n" + "5,77,True,yesterday,x,\n" + ",77,True," + at(10) + ",x,\n" +
                 "7,,True," + at(10) + ",x,\n" + "8,77,True," + at(10) + ",,\n",
             {"ShopHelp"});
    CHECK(got.messages.size() == 1);
    REQUIRE(got.refused.size() == 7);
    CHECK(got.rows == 8);
    const std::vector<const char*> reasons = {
        "carriage return", "3", "inbound", "created_at", "tweet_id", "author_id", "text"};
    for (std::size_t i = 0; i < reasons.size(); ++i) {
      CAPTURE(got.refused[i].reason);
      CHECK(got.refused[i].line == i + 3);
      if (i != 1) CHECK(got.refused[i].reason.find(reasons[i]) != std::string::npos);
    }
  }

  TEST_CASE("columns are mapped by name; without a brand the only one is meant") {
    ColumnMap columns;
    REQUIRE(columns.set("external_id=id,customer=who,text=body,time=sent").ok());
    REQUIRE(columns.set("thread=room,language=lang").ok());
    const std::string table =
        "lang,body,who,id,sent,room\nfi,moi,u1,a,2026-01-31T09:30:00+02:00,r1\n";
    const auto got = read_recording(table, columns, {"Shop"});
    REQUIRE(got.ok());
    REQUIRE(got.value().messages.size() == 1);
    CHECK(shape(got.value().messages[0]) == "a Shop u1 r1 - in");
    CHECK(got.value().messages[0].message.language == "fi");
    CHECK(got.value().messages[0].message.provider_time_ms == 1'769'844'600'000);
    CHECK_FALSE(got.value().messages[0].message.is_public);
    CHECK(read_recording(table, columns, {"A", "B"}).value().messages.at(0).brand.empty());
  }

  TEST_CASE("a map that does not fit the table is told with what the table has") {
    ColumnMap columns;
    for (const char* bad : {"external_id", "nonsense=a", "=a", "external_id=a,,text=b"}) {
      CAPTURE(bad);
      CHECK_FALSE(columns.set(bad).ok());
    }
    CHECK_FALSE(read_recording("id\n1\n", ColumnMap{}, {}).ok());
    REQUIRE(columns.set("external_id=id,customer=who,text=body").ok());
    const auto missing = read_recording("id,who\n1,2\n", columns, {});
    REQUIRE_FALSE(missing.ok());
    CHECK(missing.error().what.find("body") != std::string::npos);
    CHECK(missing.error().mend.find("id, who") != std::string::npos);
    CHECK_FALSE(read_recording("id,who,body,body\n", columns, {}).ok());
    CHECK_FALSE(read_recording("", columns, {}).ok());
    CHECK(read_recording("id,who,body\n", columns, {}).value().messages.empty());
    CHECK_FALSE(column_preset("none").ok());
  }

  TEST_CASE("times are read in the forms that recordings have") {
    CHECK(parse_recorded_time("1509487847") == 1'509'487'847'000);
    CHECK(parse_recorded_time("1509487847123") == 1'509'487'847'123);
    CHECK(parse_recorded_time("Tue Oct 31 22:10:47 +0000 2017") == 1'509'487'847'000);
    CHECK(parse_recorded_time("Tue Oct 31 22:10:47 +0200 2017") == 1'509'480'647'000);
    CHECK(parse_recorded_time("2017-10-31T22:10:47Z") == 1'509'487'847'000);
    for (const char* bad :
         {"", "x", "Tue Okt 31 22:10:47 +0000 2017", "-5", "1e9", "Tue Oct 31 22:10:47 +0000 2017 ",
          "Tue Oct 31 22:10:47 +00002017", "999999999999999"}) {
      CAPTURE(bad);
      CHECK_FALSE(parse_recorded_time(bad));
    }
  }
}
