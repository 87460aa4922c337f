#include <doctest/doctest.h>

#include "protocol/capnp_codec.h"
#include "protocol/gossip.capnp.h"
#include "protocol/load_messages.h"
#include "protocol/membership_messages.h"
#include "protocol/random_sample.h"

using namespace crossfloor;

template <>
struct crossfloor::SchemaOf<MembershipMessage> : CapnpSchema<wire::gossip::MembershipMessage> {};
template <>
struct crossfloor::SchemaOf<LoadMessage> : CapnpSchema<wire::gossip::LoadMessage> {};

namespace {

constexpr std::size_t pulse_frame = 4'096;
constexpr std::size_t frame_header = 64;  // what the union of all families adds

template <typename T>
void check_round_trips() {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    const Bytes bytes = encode_capnp(random_sample<T>(random));
    const auto back = decode_capnp<T>(bytes);
    REQUIRE_MESSAGE(back.ok(), back.error().text());
    CHECK(encode_capnp(back.value()) == bytes);
  }
}

LoadRecord full_record() {
  LoadRecord record;
  record.generation = record.version = 1;
  for (int i = 0; i < 64; ++i) {
    ClassLoad load;
    load.service = {"brand-" + std::to_string(i), ChannelKind::social, {"refunds", "vip"}, "en-GB"};
    load.waiting = 9;
    load.oldest_ms = {9, 8, 7, 6, 5, 4, 3, 2};
    record.classes.push_back(load);
  }
  record.on_duty = {{ChannelKind::chat, 3}, {ChannelKind::social, 4}};
  return fitted(record);
}

}  // namespace

TEST_SUITE("gossip on the wire") {
  TEST_CASE("structs and schemas agree, and every message survives a round trip") {
    for (const auto& status : {check_schema<MembershipMessage>(), check_schema<LoadMessage>()}) {
      CHECK_MESSAGE(status.ok(), status.error().text());
    }
    check_round_trips<MembershipMessage>();
    check_round_trips<LoadMessage>();
  }

  TEST_CASE("the size of a load record is reckoned as it is laid out") {
    LoadUpdate update;
    update.records.push_back({LoadRecord{}, 0});
    const std::size_t empty = encode_capnp(LoadMessage{update}).size();
    const std::size_t before = encoded_size(update.records[0].record);
    update.records[0].record = full_record();
    const std::size_t after = encoded_size(update.records[0].record);
    CHECK(after <= max_load_bytes);
    CHECK(after > max_load_bytes - 200);
    CHECK(encode_capnp(LoadMessage{update}).size() - empty <= after - before + 16);
    CHECK(encode_capnp(LoadMessage{update}).size() - empty + 16 >= after - before);
  }

  TEST_CASE("the largest messages fit a pulse frame") {
    LoadUpdate update;
    for (int i = 0; i < 3; ++i) update.records.push_back({full_record(), 1});
    News news;
    news.news.resize(max_news_alone);
    Ack ack;
    ack.subject = NodeId{};
    ack.subject_mark = MemberMark{};
    ack.news.resize(max_news_on_probe);
    LoadDigest digest;
    digest.marks.resize(max_load_marks);
    LoadRequest request;
    request.nodes.resize(max_load_marks);
    for (const Bytes& bytes :
         {encode_capnp(MembershipMessage{news}), encode_capnp(MembershipMessage{ack}),
          encode_capnp(LoadMessage{update}), encode_capnp(LoadMessage{digest}),
          encode_capnp(LoadMessage{request})}) {
      CHECK(bytes.size() <= pulse_frame - frame_header);
    }
  }

  TEST_CASE("an idle node's probe is small") {
    const auto ping = encode_capnp(MembershipMessage{Ping{}}).size();
    const auto ack = encode_capnp(MembershipMessage{Ack{}}).size();
    MESSAGE("ping " << ping << " bytes, ack " << ack << " bytes");
    CHECK(ping + ack <= 256);
  }
}
