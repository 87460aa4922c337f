#include "tests/fuzz/targets.h"

#include <algorithm>
#include <array>

#include "node/channels/generic_callback.h"
#include "node/channels/generic_intake.h"
#include "node/channels/timestamps.h"
#include "node/runtime/config.h"
#include "protocol/agent_record.h"
#include "protocol/check.h"
#include "protocol/client_messages.h"
#include "protocol/document.h"
#include "protocol/join.h"
#include "protocol/json_value.h"
#include "protocol/peer_messages.h"
#include "protocol/random_sample.h"
#include "protocol/range_codec.h"
#include "storage/log.h"
#include "storage/log_read.h"
#include "storage/memory_store.h"

namespace crossfloor::fuzz {
namespace {

constexpr std::uint64_t samples = 24;

// Signatures are always good: what lies behind the check is reached, too.
struct TrustingCrypto final : Crypto {
  SodiumCrypto sodium;
  Hash hash(ByteView a, ByteView b, ByteView c) const override { return sodium.hash(a, b, c); }
  Subject keyed_hash(const Secret& key, ByteView bytes) const override {
    return sodium.keyed_hash(key, bytes);
  }
  Signature sign(const SigningKey& key, ByteView bytes) const override {
    return sodium.sign(key, bytes);
  }
  bool verify(const NodeId&, ByteView, const Signature&) const override { return true; }
};
const TrustingCrypto trusting;

template <typename T>
std::vector<Bytes> sampled(Bytes (*write)(const T&)) {
  std::vector<Bytes> out;
  for (std::uint64_t seed = 0; seed < samples; ++seed) {
    SeededRandom random(seed);
    out.push_back(write(random_sample<T>(random)));
  }
  return out;
}

// --- what peers say ---

void take_range(const RangeIs& packed) {
  auto range = unpack_range(packed);
  if (!range.ok()) return;
  MemoryStore store;
  auto log = Log::open(store, trusting, MeshId{});
  XF_CHECK(log.ok());
  Batch batch;
  const auto taken = log.value().accept(store, std::move(range).value(), batch);
  if (taken.ok()) XF_CHECK(store.commit(batch).ok());
}

void peer_frame(ByteView input) {
  const auto message = decode_peer_message(input);
  if (!message.ok()) return;
  const Bytes again = encode(message.value());
  const auto back = decode_peer_message(again);
  XF_CHECK(back.ok());
  XF_CHECK(encode(back.value()) == again);
  if (const auto* routing = std::get_if<RoutingFrame>(&message.value())) {
    (void)check_routing_message(routing->message);
  }
  if (const auto* frame = std::get_if<ReplicationFrame>(&message.value())) {
    if (const auto* range = std::get_if<RangeIs>(&frame->message)) take_range(*range);
  }
}

// A range as a node makes it, which the log takes.
Bytes true_range(std::uint64_t seed) {
  SeededRandom random(seed);
  const SigningKey key = make_signing_key(random);
  MemoryStore store;
  auto log = Log::open(store, trusting, MeshId{}).value();
  const Stream stream{{key.node(), 1 + random.below(100)}, "eu"};
  Batch batch;
  for (std::uint64_t i = 0; i <= seed % 4; ++i) {
    EntryHeader header;
    header.kind = static_cast<std::uint16_t>(1 + random.below(15));
    header.time.value = random.next() >> 8;
    header.subject = random.id<Subject>();
    Entry entry;
    header.append_to(entry.header);
    entry.body = Bytes(16 + random.below(64), 'b');
    log.append(stream, entry, batch);
  }
  log.seal(stream, key, batch);
  XF_CHECK(store.commit(batch).ok());
  RangeIs packed = pack_range(read_range(store, stream, 1, 65'536).value());
  return encode(ReplicationFrame{packed});
}

std::vector<Bytes> peer_frames() {
  auto out = sampled<PeerMessage>(&encode);
  for (std::uint64_t seed = 0; seed < samples; ++seed) out.push_back(true_range(seed));
  return out;
}

// --- what entries say: a byte that picks the kind, then the body ---

template <typename Body>
void body_of(ByteView input) {
  auto body = decode_body<Body>(input);
  if (!body.ok()) return;
  SeededRandom random(0);
  XF_CHECK(decode_body<Body>(encode_body(body.value(), random)).ok());
}

template <typename... Body>
struct Bodies {
  static constexpr std::array<void (*)(ByteView), sizeof...(Body)> run{&body_of<Body>...};
  static std::vector<Bytes> seeds() {
    std::vector<Bytes> out;
    char kind = 0;
    const auto add = [&]<typename One>() {
      for (std::uint64_t seed = 0; seed < 4; ++seed) {
        SeededRandom random(seed);
        out.push_back(Bytes(1, kind) + encode_body(random_sample<One>(random), random));
      }
      ++kind;
    };
    (add.template operator()<Body>(), ...);
    return out;
  }
};
using AllBodies =
    Bodies<GenerationBody, MessageBody, PlacedBody, CourseBody, TookHomeBody, ReplyBody, NoteBody,
           AttemptBody, OutcomeBody, LinkBody, AccountBody, AgentRecord, ActBody>;

void entry_body(ByteView input) {
  if (input.empty()) return;
  const auto kind = static_cast<unsigned char>(input[0]) % AllBodies::run.size();
  AllBodies::run[kind](input.substr(1));
}

// --- files that people carry between machines ---

const SigningKey& fixed_key(std::uint64_t seed) {
  static const auto keys = [] {
    std::array<SigningKey, 3> made;
    for (std::size_t i = 0; i < made.size(); ++i) {
      SeededRandom random(i);
      made[i] = make_signing_key(random);
    }
    return made;
  }();
  return keys.at(seed);
}

void document(ByteView input) {
  const auto all = parse_documents(input);
  if (all.ok()) {
    for (const Document& one : all.value()) {
      const auto again = parse_documents(one.text);
      XF_CHECK(again.ok() && again.value().size() == 1 && again.value()[0].text == one.text);
    }
  }
  const NodeId authority = fixed_key(0).node();
  const auto certificate = parse_certificate(trusting, authority, input);
  if (certificate.ok()) {
    XF_CHECK(!certificate.value().site.empty() && !certificate.value().regions.empty());
    (void)certificate.value().addresses_of("tcp");
  }
  (void)parse_revocation(trusting, authority, input);
  (void)parse_request(trusting, input);
  (void)open_mesh_file(trusting, fixed_key(1), input);
  (void)parse_authority(input);
  (void)parse_node_key(input);
}

std::vector<Bytes> document_seeds() {
  SeededRandom random(1);
  Authority authority{fixed_key(0), {"eu", "us"}};
  const WallTime now = wall_from_ms(1'700'000'000'000);
  const std::vector<std::string> addresses{"tcp://[::1]:7440", "https://a.example:7480"};
  std::vector<Bytes> out{authority_file(authority), node_key_file(fixed_key(1))};
  Bytes issued;
  for (std::uint64_t node : {2U, 1U}) {
    const auto request = make_request(trusting, fixed_key(node), "site-a", addresses).value();
    out.push_back(request.text);
    AdmitOptions options;
    options.home_region = "eu";
    options.regions = {"eu", "us"};
    const auto admission =
        admit(trusting, random, authority, request, options, issued, now).value();
    out.push_back(admission.certificate.text);
    out.push_back(admission.mesh_file);
    issued += (issued.empty() ? "" : "\n") + admission.certificate.text;
  }
  out.push_back(issued);
  out.push_back(revoke(trusting, authority, fixed_key(2).node(),
                       {{1, "eu", 5, random.id<Hash>()}, {2, "us", 7, Hash{}}}, "stolen", now)
                    .value()
                    .text);
  return out;
}

// --- what channels send ---

void webhook(ByteView input) {
  const auto message = read_generic_message(input);
  if (message.ok()) {
    const std::string again = write_generic_message(message.value());
    const auto back = read_generic_message(again);
    XF_CHECK(back.ok());
    XF_CHECK(write_generic_message(back.value()) == again);
  } else {
    XF_CHECK(!message.error().what.empty());
  }
  HttpOutcome outcome;
  outcome.end = HttpOutcome::End::answered;
  outcome.status = input.empty() ? 200 : 200 + static_cast<unsigned char>(input[0]);
  outcome.body = Bytes(input);
  outcome.headers = {{"retry-after", std::string(input.substr(0, 40))}};
  (void)read_callback(outcome, wall_from_ms(1'700'000'000'000));
  (void)read_lookup(outcome, wall_from_ms(1'700'000'000'000));
  (void)parse_rfc3339(input);
  (void)parse_http_date(input);
  (void)WebhookSecrets::parse({std::string(input)});
  (void)check_callback_url(std::string(input));
}

std::vector<Bytes> webhook_seeds() {
  std::vector<Bytes> out;
  for (std::uint64_t seed = 0; seed < samples; ++seed) {
    SeededRandom random(seed);
    out.push_back(write_generic_message(random_sample<IncomingMessage>(random)));
  }
  for (const char* text :
       {R"({"external_id":"m-1","customer":{"external_id":"u-1"},"text":"hello"})",
        R"({"external_id":"out-77"})", "2026-01-31T09:30:00.250+02:00",
        "Sat, 31 Jan 2026 07:30:00 GMT", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "https://callback.example:8443/replies?x=1"}) {
    out.emplace_back(text);
  }
  return out;
}

// --- what agents' clients send, and what they are sent ---

void client_message(ByteView input) {
  if (const auto command = client::read_command(input); command.ok()) {
    const std::string again = client::to_text(command.value());
    const auto back = client::read_command(again);
    XF_CHECK(back.ok());
    XF_CHECK(client::to_text(back.value()) == again);
  }
  if (const auto message = client::read_message(input); message.ok()) {
    XF_CHECK(client::read_message(client::to_text(message.value())).ok());
  }
  (void)client::readable_id(input);
}

std::vector<Bytes> client_seeds() {
  std::vector<Bytes> out;
  for (std::uint64_t seed = 0; seed < samples; ++seed) {
    SeededRandom random(seed);
    out.push_back(client::to_text(random_sample<client::Command>(random)));
    out.push_back(client::to_text(random_sample<client::Message>(random)));
  }
  return out;
}

void json(ByteView input) {
  const auto value = parse_json(input);
  if (!value.ok()) return;
  const std::string text = dump_json(value.value());
  const auto again = parse_json(text, {.max_bytes = 8 * 1024 * 1024});
  XF_CHECK(again.ok());
  XF_CHECK(dump_json(again.value()) == text);
}

std::vector<Bytes> json_seeds() {
  auto out = client_seeds();
  out.emplace_back(
      R"([null,true,-1,18446744073709551615,1.5e300,"\ud83d\ude00 é\n",{"a":{"b":[]}}])");
  return out;
}

// --- the config ---

void config(ByteView input) {
  const auto outcome =
      parse_config(input, "site.toml", "/etc/crossfloor",
                   [](const std::string& path, std::size_t, bool) -> Result<Bytes> {
                     return Error{ErrorCode::not_found, "is not there", path, ""};
                   });
  XF_CHECK(outcome.ok() == outcome.complaints.empty());
  for (const Error& complaint : outcome.complaints) {
    // Each says what, where and the mend.
    XF_CHECK(!complaint.what.empty() && !complaint.where.empty() && !complaint.mend.empty());
  }
  for (const std::string& text : {std::string(input)}) {
    (void)parse_duration(text);
    (void)parse_size(text);
    (void)parse_host_port(text);
  }
}

std::vector<Bytes> config_seeds() {
  return {
      R"([node]
data_folder = "/srv/x"
site = "helsinki"
regions = ["eu"]
[mesh]
listen = "[::]:7440"
profile = "wan"
durability = "site"
when_alone = "refuse"
takeover = "majority"
takeover_after = "90s"
[http]
listen = "127.0.0.1:7480"
[log]
level = "debug"
[storage]
cache = "32MiB"
[[brand]]
name = "acme"
[[account]]
name = "acme-chat"
region = "eu"
brand = "acme"
kind = "chat"
hosts = ["helsinki", "warsaw"]
secrets = ["whsec_dGhpcy1pcy1hbi1leGFtcGxlLW5vdC1hLXNlY3JldCE="]
callback = "https://callback.example/replies"
first_response = "20s"
skills = ["billing"]
)",
      "[mesh]\npublic_addresses = [\"a.example:7440\"]\n", "5m", "16MiB", "[::1]:7440"};
}

}  // namespace

const std::vector<Target>& targets() {
  static const std::vector<Target> all{
      {"peer_frame", peer_frame, peer_frames},
      {"entry_body", entry_body, AllBodies::seeds},
      {"document", document, document_seeds},
      {"webhook", webhook, webhook_seeds},
      {"client_message", client_message, client_seeds},
      {"json", json, json_seeds},
      {"config", config, config_seeds},
  };
  return all;
}

}  // namespace crossfloor::fuzz
