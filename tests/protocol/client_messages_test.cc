#include "protocol/client_messages.h"

#include <doctest/doctest.h>

#include "protocol/capnp_codec.h"
#include "protocol/client.capnp.h"
#include "protocol/json_codec.h"
#include "protocol/random_sample.h"

using namespace crossfloor;

template <>
struct crossfloor::SchemaOf<client::Command> : CapnpSchema<wire::client::Command> {};
template <>
struct crossfloor::SchemaOf<client::Message> : CapnpSchema<wire::client::Message> {};

namespace {

template <typename T>
void check_both_forms() {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    const auto sample = random_sample<T>(random);
    const Bytes bytes = encode_capnp(sample);
    const auto back = decode_capnp<T>(bytes);
    REQUIRE_MESSAGE(back.ok(), back.error().text());
    CHECK(encode_capnp(back.value()) == bytes);
    const std::string text = json_text(sample);
    const auto read = read_json<T>(text);
    REQUIRE_MESSAGE(read.ok(), read.error().text());
    CHECK(json_text(read.value()) == text);
  }
}

}  // namespace

TEST_SUITE("client protocol") {
  TEST_CASE("the schema says what the structs say") {
    const auto commands = check_schema<client::Command>();
    CHECK_MESSAGE(commands.ok(), commands.error().text());
    const auto messages = check_schema<client::Message>();
    CHECK_MESSAGE(messages.ok(), messages.error().text());
  }

  TEST_CASE("every command and message survives both forms") {
    check_both_forms<client::Command>();
    check_both_forms<client::Message>();
  }

  TEST_CASE("a command is read as the page of the protocol shows it") {
    const auto command = client::read_command(
        R"({"type":"reply","id":"r1","conversation":"000102030405060708090a0b0c0d0e0f",)"
        R"("epoch":{"term":1,"time":"1700000000000.3","node":")" +
        std::string(64, 'a') + R"("},"text":"hello","seen":["000102030405060708090a0b0c0d0e0f"]})");
    REQUIRE_MESSAGE(command.ok(), command.error().text());
    const auto& reply = std::get<client::Reply>(command.value());
    CHECK(reply.text == "hello");
    CHECK(reply.epoch.time == HybridTime::of(wall_from_ms(1'700'000'000'000), 3));
    CHECK(client::id_of(command.value()) == "r1");
  }

  TEST_CASE("the id of a broken command is found where it can be") {
    CHECK(client::readable_id(R"({"type":"dance","id":"x"})") == "x");
    CHECK(client::readable_id(R"({"id":7})").empty());
    CHECK(client::readable_id(R"({"id":")" + std::string(65, 'x') + "\"}").empty());
    CHECK(client::readable_id("[").empty());
  }

  TEST_CASE("only pushes have numbers, only answers have ids") {
    client::Welcome welcome;
    welcome.id = "a";
    welcome.seq = 7;
    CHECK(client::seq_of(welcome) == 0);
    CHECK(client::id_of(client::Message{welcome}) == "a");
    CHECK(client::seq_of(client::SessionOver{9, ""}) == 9);
    CHECK(client::id_of(client::Message{client::SessionOver{9, ""}}).empty());
    CHECK(client::id_of(client::Message{client::Pong{"b", 0}}) == "b");
  }
}
