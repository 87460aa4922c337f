#include "protocol/capnp_codec.h"

#include <capnp/dynamic.h>
#include <capnp/message.h>
#include <doctest/doctest.h>

#include <thread>

#include "protocol/crypto.h"
#include "protocol/random_sample.h"
#include "tests/protocol/sample.capnp.h"
#include "tests/protocol/sample.h"

using namespace crossfloor;
using namespace crossfloor::sample;

template <>
struct crossfloor::SchemaOf<Everything> : CapnpSchema<wire::Everything> {};
template <>
struct crossfloor::SchemaOf<Packet> : CapnpSchema<wire::Packet> {};
template <>
struct crossfloor::SchemaOf<Envelope> : CapnpSchema<wire::Envelope> {};
template <>
struct crossfloor::SchemaOf<Body> : CapnpSchema<wire::Packet> {};
template <>
struct crossfloor::SchemaOf<Tree> : CapnpSchema<wire::Tree> {};

namespace {

struct FullBye {
  static constexpr const char* name = "bye";
  bool late = false;
  static void fields(auto& self, auto&& visit) { visit("late", self.late); }
};

template <typename T>
void check_round_trips(std::uint64_t seeds) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    const T value = random_sample<T>(random);
    const Bytes bytes = encode_capnp(value);
    const auto back = decode_capnp<T>(bytes);
    REQUIRE_MESSAGE(back.ok(), back.error().text());
    CHECK(back.value() == value);
    CHECK(encode_capnp(back.value()) == bytes);
  }
}

Tree deep_tree(int depth) {
  Tree tree{.value = 1, .children = {}};
  for (int i = 0; i < depth; ++i) tree = Tree{.value = 2, .children = {tree}};
  return tree;
}

// A message of these words in the framing of one segment.
Bytes frame(std::initializer_list<std::uint64_t> words) {
  Bytes out;
  put_le32(out, 0);
  put_le32(out, static_cast<std::uint32_t>(words.size()));
  for (const auto word : words) put_le64(out, word);
  return out;
}

}  // namespace

TEST_SUITE("capnp codec") {
  TEST_CASE("structs and schemas agree") {
    for (const auto& status : {check_schema<Everything>(), check_schema<Packet>(),
                               check_schema<Envelope>(), check_schema<Tree>()}) {
      CHECK_MESSAGE(status.ok(), status.error().text());
    }
  }

  TEST_CASE("a schema that does not fit is told of in full") {
    const auto status = check_schema<Point>(capnp::Schema::from<wire::Misfit>());
    REQUIRE_FALSE(status.ok());
    const std::string& what = status.error().what;
    CAPTURE(what);
    CHECK(what.find("Misfit.x: is not Int32") != std::string::npos);
    CHECK(what.find("Misfit.y: is not in the schema; wanted: Int16") != std::string::npos);
    CHECK(what.find("field z of the schema is not in the struct") != std::string::npos);

    const auto full = check_schema<std::variant<Ping, TookHome, FullBye>>(SchemaOf<Body>::get());
    REQUIRE_FALSE(full.ok());
    CHECK(full.error().what == "Packet.bye: is Void, but the alternative has fields");

    const auto words = check_schema<OlderPoint>(capnp::Schema::from<wire::NewerPoint>());
    REQUIRE_FALSE(words.ok());
    CHECK(words.error().what.find("3 enumerants for 2 words") != std::string::npos);
    const auto member = check_schema<Packet>(capnp::Schema::from<wire::NewerPacket>());
    REQUIRE_FALSE(member.ok());
    CHECK(member.error().what.find("member later") != std::string::npos);
    CHECK(member.error().what.find("field note") != std::string::npos);
  }

  TEST_CASE("every kind of field survives a round trip") {
    check_round_trips<Everything>(200);
    check_round_trips<Packet>(50);
    check_round_trips<Envelope>(50);
    check_round_trips<Body>(50);
  }

  TEST_CASE("present but empty is not absent") {
    Everything value;
    value.maybe_text = "";
    value.maybe_node = NodeId{};
    value.maybe_point = Point{};
    const auto back = decode_capnp<Everything>(encode_capnp(value));
    REQUIRE(back.ok());
    CHECK(back.value() == value);
    const auto none = decode_capnp<Everything>(encode_capnp(Everything{}));
    REQUIRE(none.ok());
    CHECK(none.value() == Everything{});
  }

  TEST_CASE("a message larger than the first segment is one segment, too") {
    Everything value;
    value.text = std::string(200'000, 'x');
    for (int i = 0; i < 5'000; ++i) value.words.push_back("word " + std::to_string(i));
    const auto back = decode_capnp<Everything>(encode_capnp(value));
    REQUIRE(back.ok());
    CHECK(back.value() == value);
  }

  TEST_CASE("bytes need not be aligned") {
    const Bytes bytes = "x" + encode_capnp(deep_tree(3));
    const auto back = decode_capnp<Tree>(ByteView(bytes).substr(1));
    REQUIRE(back.ok());
    CHECK(back.value() == deep_tree(3));
  }

  TEST_CASE("several threads may use a type for the first time at once") {
    // No test before this one uses this pair of type and schema, so the look-up happens here.
    const auto schema = capnp::Schema::from<wire::OlderPoint>();
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 50; ++k) {
          const auto bytes = encode_capnp(OlderPoint{Mood::very_angry}, schema);
          const auto back = decode_capnp<OlderPoint>(bytes, schema);
          if (back.ok() && back.value().mood == Mood::very_angry) ++good;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(good == 200);
  }

  TEST_CASE("a newer node's union member is told from a broken message") {
    const auto newer = capnp::Schema::from<wire::NewerPacket>();
    capnp::MallocMessageBuilder message;
    auto root = message.initRoot<capnp::DynamicStruct>(newer);
    root.init("later").as<capnp::DynamicStruct>().set("number", 7);
    root.set("note", "hello");
    const auto segment = message.getSegmentsForOutput()[0];
    Bytes bytes = frame({});
    bytes.resize(4);
    put_le32(bytes, static_cast<std::uint32_t>(segment.size()));
    bytes.append(reinterpret_cast<const char*>(segment.begin()), segment.size() * 8);

    const auto unknown = decode_capnp<Packet>(bytes);
    REQUIRE_FALSE(unknown.ok());
    CHECK(unknown.error().code == ErrorCode::not_found);
    CHECK(unknown.error().what == "unknown message kind 3");
    CHECK(unknown.error().where == "body");

    root.set("version", 9);
    root.init("ping").as<capnp::DynamicStruct>().set("number", 7);
    const auto again = message.getSegmentsForOutput()[0];
    bytes.resize(4);
    put_le32(bytes, static_cast<std::uint32_t>(again.size()));
    bytes.append(reinterpret_cast<const char*>(again.begin()), again.size() * 8);
    const auto known = decode_capnp<Packet>(bytes);  // the new field is passed over
    REQUIRE(known.ok());
    CHECK(known.value() == Packet{.version = 9, .body = Ping{.number = 7, .payload = {}}});
  }

  TEST_CASE("a newer node's enumerant is malformed, or `unknown` where there is such a word") {
    const auto mood = decode_capnp<OlderPoint>(frame({0x0000'0001'0000'0000, 2}),
                                               capnp::Schema::from<wire::OlderPoint>());
    REQUIRE_FALSE(mood.ok());
    CHECK(mood.error().code == ErrorCode::malformed);
    CHECK(mood.error().where == "mood");
    CHECK(mood.error().what == "unknown value 2");

    Everything value;
    value.colour = static_cast<Colour>(40);
    const auto back = decode_capnp<Everything>(encode_capnp(value));
    REQUIRE(back.ok());
    CHECK(back.value().colour == Colour::unknown);
  }

  TEST_CASE("errors say where") {
    Everything value;
    value.words = {"good", "bad \xff"};
    const auto text = decode_capnp<Everything>(encode_capnp(value));
    REQUIRE_FALSE(text.ok());
    CHECK(text.error().text() == "words[1]: text that is not valid UTF-8");
  }

  TEST_CASE("an id of another size is refused") {
    // A Ping's payload is Data of free size; read as TookHome it stands where `who` is an id.
    capnp::MallocMessageBuilder message;
    auto home = message.initRoot<capnp::DynamicStruct>(capnp::Schema::from<wire::TookHome>());
    home.set("who", capnp::Data::Reader(kj::StringPtr("too short").asBytes()));
    const auto segment = message.getSegmentsForOutput()[0];
    Bytes bytes(4, '\0');
    put_le32(bytes, static_cast<std::uint32_t>(segment.size()));
    bytes.append(reinterpret_cast<const char*>(segment.begin()), segment.size() * 8);
    const auto back = decode_capnp<TookHome>(bytes, capnp::Schema::from<wire::TookHome>());
    REQUIRE_FALSE(back.ok());
    CHECK(back.error().text() == "who: 9 bytes instead of 32");
  }

  TEST_CASE("limits on bytes, items and nesting hold") {
    Everything many;
    many.numbers.assign(1'000, 1);
    const Bytes bytes = encode_capnp(many);
    const auto schema = SchemaOf<Everything>::get();
    const auto items = decode_capnp<Everything>(bytes, schema, {.max_items = 999});
    REQUIRE_FALSE(items.ok());
    CHECK(items.error().code == ErrorCode::too_large);
    CHECK(items.error().where == "numbers");
    CHECK(decode_capnp<Everything>(bytes, schema, {.max_items = 1'000}).ok());
    const auto size = decode_capnp<Everything>(bytes, schema, {.max_bytes = 100});
    REQUIRE_FALSE(size.ok());
    CHECK(size.error().code == ErrorCode::too_large);

    CHECK(decode_capnp<Tree>(encode_capnp(deep_tree(7))).ok());
    const auto deep = decode_capnp<Tree>(encode_capnp(deep_tree(1'000)));
    REQUIRE_FALSE(deep.ok());
    CHECK(deep.error().code == ErrorCode::malformed);
  }

  TEST_CASE("a list that claims more than was sent, or points to itself, costs nothing") {
    // The root pointer to a Tree: one data word, one pointer.
    constexpr std::uint64_t root = 0x0001'0001'0000'0000;
    // List pointer: offset 0, element size 0 (void), 2^29 - 1 elements.
    const auto voids = decode_capnp<Tree>(frame({root, 0, 0xffff'fff8'0000'0001}));
    REQUIRE_FALSE(voids.ok());
    // Structs of zero size: inline composite of 0 words, whose tag claims 2^29 - 1 elements.
    const auto empties =
        decode_capnp<Tree>(frame({root, 0, 0x0000'0007'0000'0001, 0x0000'0000'7fff'fffc}));
    REQUIRE_FALSE(empties.ok());
    // An inline composite of one element whose child list is that same list again.
    const auto loop = decode_capnp<Tree>(
        frame({root, 0, 0x0000'0017'0000'0001, 0x0001'0001'0000'0004, 1, 0x0000'0017'ffff'fff5}));
    REQUIRE_FALSE(loop.ok());
  }

  TEST_CASE("cut off bytes are refused and never crash") {
    SeededRandom random(5);
    const Bytes bytes = encode_capnp(random_sample<Everything>(random));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CAPTURE(size);
      CHECK_FALSE(decode_capnp<Everything>(ByteView(bytes).substr(0, size)).ok());
    }
    CHECK_FALSE(decode_capnp<Everything>(bytes + "x").ok());
    CHECK_FALSE(decode_capnp<Everything>(bytes + Bytes(8, '\0')).ok());
  }

  TEST_CASE("flipped bytes never crash or throw, and what is read can be written") {
    std::size_t refused = 0;
    for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed);
      Bytes bytes = seed % 2 == 0 ? encode_capnp(random_sample<Everything>(random))
                                  : encode_capnp(random_sample<Envelope>(random));
      const auto flips = 1 + random.below(4);
      for (std::uint64_t i = 0; i < flips; ++i) {
        bytes[random.below(bytes.size())] ^= static_cast<char>(1 + random.below(255));
      }
      const auto one = decode_capnp<Everything>(bytes);
      const auto two = decode_capnp<Envelope>(bytes);
      if (one.ok()) {
        CHECK(decode_capnp<Everything>(encode_capnp(one.value())).ok());
      } else {
        ++refused;
        CHECK_FALSE(one.error().what.empty());
      }
      if (two.ok()) CHECK(decode_capnp<Envelope>(encode_capnp(two.value())).ok());
    }
    CHECK(refused > 100);
  }
}
