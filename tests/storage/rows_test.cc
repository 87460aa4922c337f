#include "storage/rows.h"

#include <doctest/doctest.h>

#include "protocol/capnp_codec.h"
#include "protocol/random_sample.h"
#include "storage/rows.capnp.h"

using namespace crossfloor;

namespace crossfloor {
template <>
struct SchemaOf<Conversation> : CapnpSchema<wire::Conversation> {};
template <>
struct SchemaOf<MessageRow> : CapnpSchema<wire::MessageRow> {};
template <>
struct SchemaOf<ItemRow> : CapnpSchema<wire::ItemRow> {};
template <>
struct SchemaOf<ThreadRow> : CapnpSchema<wire::ThreadRow> {};
template <>
struct SchemaOf<PlaceRow> : CapnpSchema<wire::PlaceRow> {};
template <>
struct SchemaOf<CommandRow> : CapnpSchema<wire::CommandRow> {};
template <>
struct SchemaOf<ReplyRow> : CapnpSchema<wire::ReplyRow> {};
template <>
struct SchemaOf<LinkRow> : CapnpSchema<wire::LinkRow> {};
template <>
struct SchemaOf<SubjectRow> : CapnpSchema<wire::SubjectRow> {};
}  // namespace crossfloor

TEST_SUITE("rows") {
  TEST_CASE_TEMPLATE("agree with their schema and survive round trips and damage", Row,
                     Conversation, MessageRow, ItemRow, ThreadRow, PlaceRow, CommandRow, ReplyRow,
                     LinkRow, SubjectRow) {
    const auto status = check_schema<Row>();
    CHECK_MESSAGE(status.ok(), status.error().text());
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed);
      Bytes bytes = encode_row(random_sample<Row>(random));
      const auto back = decode_row<Row>(bytes);
      REQUIRE_MESSAGE(back.ok(), back.error().text());
      CHECK(encode_row(back.value()) == bytes);

      CHECK(decode_row<Row>(bytes.substr(0, random.below(bytes.size()))).error().code ==
            ErrorCode::corrupt);
      bytes[random.below(bytes.size())] ^= static_cast<char>(1 << random.below(8));
      if (const auto damaged = decode_row<Row>(bytes); damaged.ok()) {
        CHECK(decode_row<Row>(encode_row(damaged.value())).ok());
      }
    }
  }
}
