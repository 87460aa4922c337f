#include "protocol/peer_messages.h"

#include <doctest/doctest.h>

#include "protocol/capnp_codec.h"
#include "protocol/peer.capnp.h"
#include "protocol/random_sample.h"

using namespace crossfloor;

template <>
struct crossfloor::SchemaOf<PeerMessage> : CapnpSchema<wire::PeerMessage> {};

namespace {

constexpr std::size_t pulse_frame = 4'096;

// Lists of these are longer than any random sample's, so each message is full to its limits.
std::vector<std::string> words(std::size_t count, std::size_t bytes) {
  return std::vector<std::string>(count, std::string(bytes, 'w'));
}

ServiceClass full_service(std::size_t skills) {
  return {std::string(max_word, 'b'), ChannelKind::other, words(skills, max_word),
          std::string(max_word, 'l')};
}

Need full_need(std::size_t mandatory) {
  Need need;
  need.service = full_service(mandatory);
  need.optional_skills = words(max_agent_skills - mandatory, max_word);
  need.team.assign(max_team, 't');
  need.helpers = true;
  need.only_agent.assign(max_agent_name, 'a');
  need.excluded = words(max_excluded, max_agent_name);
  return need;
}

Assignment full_assignment() {
  Assignment assignment;
  assignment.agent.assign(max_agent_name, 'a');
  assignment.service = full_service(max_agent_skills);
  assignment.excluded = words(max_excluded, max_agent_name);
  assignment.needed.resize(max_needed_entries);
  return assignment;
}

AgentProfile full_profile() {
  AgentProfile agent;
  agent.name.assign(max_agent_name, 'a');
  agent.team.assign(max_team, 't');
  agent.abilities = {words(max_agent_brands, max_word), words(max_agent_languages, max_word),
                     words(max_agent_skills, max_word)};
  agent.channels.resize(channel_kinds);
  return agent;
}

const WeighedLine full_line{NodeId{{1}}, 7, 8, 9, LineVerdict::slow_work, 10};

}  // namespace

TEST_SUITE("peer messages") {
  TEST_CASE("structs and schemas agree") {
    const auto status = check_schema<PeerMessage>();
    CHECK_MESSAGE(status.ok(), status.error().text());
  }

  TEST_CASE("every message survives a round trip") {
    std::array<int, std::variant_size_v<PeerMessage>> seen{};
    for (std::uint64_t seed = 0; seed < 600; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed);
      const auto message = random_sample<PeerMessage>(random);
      const Bytes bytes = encode(message);
      // Times of days are fine on the wire and refused by check_routing_message.
      const auto back = decode_capnp<PeerMessage>(bytes);
      REQUIRE_MESSAGE(back.ok(), back.error().text());
      CHECK(back.value().index() == message.index());
      CHECK(encode(back.value()) == bytes);
      ++seen[message.index()];
    }
    for (const int count : seen) CHECK(count > 0);
  }

  TEST_CASE("a routing message over its limits is refused where it is decoded") {
    Offer offer{1, full_need(max_agent_skills), 0};
    CHECK(decode_peer_message(encode(RoutingFrame{offer})).ok());
    offer.need.excluded.push_back("one more");
    const auto refused = decode_peer_message(encode(RoutingFrame{offer}));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::too_large);
    CHECK(refused.error().where == "need.excluded");
  }

  TEST_CASE("the largest routing messages fit a pulse frame") {
    for (const RoutingMessage& message :
         {RoutingMessage{Offer{1, full_need(max_agent_skills), 0}},
          RoutingMessage{Offer{1, full_need(max_agent_skills / 2), 0}},
          RoutingMessage{Offer{1, full_need(0), 0}}, RoutingMessage{Commit{full_assignment()}},
          RoutingMessage{Grant{full_assignment()}},
          RoutingMessage{Pull{1, full_profile(), std::vector<WeighedLine>(max_weighed, full_line),
                              9, UINT64_MAX}}}) {
      const Bytes bytes = encode(RoutingFrame{message});
      CAPTURE(message.index());
      CHECK(decode_peer_message(bytes).ok());  // within the limits …
      CHECK(bytes.size() <= pulse_frame);      // … so within a frame
    }
    // And no limit can be raised unseen: one word more is refused.
    Offer offer{1, full_need(1), 0};
    offer.need.service.skills.emplace_back("one more");
    CHECK_FALSE(check_routing_message(offer).ok());
  }

  TEST_CASE("full pages of leases fit a pulse frame") {
    LeaseSet set;
    set.leases.resize(leases_per_page);
    LeaseVerdict verdict;
    verdict.voided.resize(leases_per_page);
    ResumeAnswer answer;
    answer.leases.resize(ResumeAnswer::per_page);
    for (auto& lease : answer.leases) lease.agent.assign(max_agent_name, 'a');
    for (const LeaseMessage& message :
         {LeaseMessage{set}, LeaseMessage{verdict}, LeaseMessage{answer}}) {
      CAPTURE(message.index());
      CHECK(encode(LeaseFrame{message}).size() <= pulse_frame);
    }
  }

  TEST_CASE("random bytes are never a message and never crash") {
    for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed);
      Bytes bytes(random.below(200), '\0');
      random.fill(bytes.data(), bytes.size());
      CHECK_FALSE(decode_peer_message(bytes).ok());
    }
  }

  TEST_CASE("flipped and cut bytes never crash, and what is taken can be sent again") {
    for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed);
      Bytes bytes = encode(random_sample<PeerMessage>(random));
      if (random.below(4) == 0) {
        bytes.resize(random.below(bytes.size()));
        CHECK_FALSE(decode_peer_message(bytes).ok());
        continue;
      }
      const std::size_t flips = 1 + random.below(4);
      for (std::size_t i = 0; i < flips; ++i) {
        bytes[random.below(bytes.size())] ^= static_cast<char>(1 << random.below(8));
      }
      const auto message = decode_peer_message(bytes);
      if (message.ok()) CHECK(decode_peer_message(encode(message.value())).ok());
    }
  }
}
