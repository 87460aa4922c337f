#include "protocol/bodies.h"

#include <doctest/doctest.h>

#include "protocol/agent_record.h"
#include "protocol/bodies.capnp.h"
#include "protocol/capnp_codec.h"
#include "protocol/random_sample.h"

using namespace crossfloor;

namespace crossfloor {
template <>
struct SchemaOf<GenerationBody> : CapnpSchema<wire::GenerationBody> {};
template <>
struct SchemaOf<MessageBody> : CapnpSchema<wire::MessageBody> {};
template <>
struct SchemaOf<PlacedBody> : CapnpSchema<wire::PlacedBody> {};
template <>
struct SchemaOf<CourseBody> : CapnpSchema<wire::CourseBody> {};
template <>
struct SchemaOf<TookHomeBody> : CapnpSchema<wire::TookHomeBody> {};
template <>
struct SchemaOf<ReplyBody> : CapnpSchema<wire::ReplyBody> {};
template <>
struct SchemaOf<NoteBody> : CapnpSchema<wire::NoteBody> {};
template <>
struct SchemaOf<AttemptBody> : CapnpSchema<wire::AttemptBody> {};
template <>
struct SchemaOf<OutcomeBody> : CapnpSchema<wire::OutcomeBody> {};
template <>
struct SchemaOf<LinkBody> : CapnpSchema<wire::LinkBody> {};
template <>
struct SchemaOf<AccountBody> : CapnpSchema<wire::AccountBody> {};
template <>
struct SchemaOf<AgentRecord> : CapnpSchema<wire::AgentRecord> {};
template <>
struct SchemaOf<ActBody> : CapnpSchema<wire::ActBody> {};
}  // namespace crossfloor

TEST_SUITE("bodies of entries") {
  TEST_CASE_TEMPLATE("agree with their schema and survive round trips and damage", Body,
                     GenerationBody, MessageBody, PlacedBody, CourseBody, TookHomeBody, ReplyBody,
                     NoteBody, AttemptBody, OutcomeBody, LinkBody, AccountBody, AgentRecord,
                     ActBody) {
    const auto status = check_schema<Body>();
    CHECK_MESSAGE(status.ok(), status.error().text());
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed);
      const Body body = random_sample<Body>(random);
      Bytes bytes = encode_body(body, random);
      const auto back = decode_body<Body>(bytes);
      REQUIRE_MESSAGE(back.ok(), back.error().text());
      CHECK(encode_capnp(back.value()) == encode_capnp(body));
      CHECK(bytes.substr(16) == encode_capnp(body));

      bytes[random.below(bytes.size())] ^= static_cast<char>(1 << random.below(8));
      if (const auto damaged = decode_body<Body>(bytes); damaged.ok()) {
        CHECK(decode_capnp<Body>(encode_capnp(damaged.value())).ok());
      }
      CHECK_FALSE(decode_body<Body>(bytes.substr(0, random.below(bytes.size()))).ok());
      Bytes noise(random.below(100), '\0');
      random.fill(noise.data(), noise.size());
      CHECK_FALSE(decode_body<Body>(noise).ok());
    }
  }

  TEST_CASE("equal bodies have different bytes, so that a hash says nothing of an erased one") {
    SeededRandom random(1);
    const NoteBody note{{}, {}, "ann", "angry"};
    CHECK(encode_body(note, random) != encode_body(note, random));
  }
}
