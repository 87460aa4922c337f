// A store written by an older format stays readable: tests/golden/store-N was made once, by this
// file, and is never made anew. To make one for a newer format, in a new folder:
//
//   CROSSFLOOR_GOLDEN_STORE=tests/golden/store-N build/tests/test_rocks -ts="golden store"
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "protocol/agent_record.h"
#include "protocol/identity.h"
#include "storage/log.h"
#include "storage/projections.h"
#include "storage/rebuild.h"
#include "storage/rocks/rocks_store.h"
#include "tests/rocks/temporary_folder.h"

using namespace crossfloor;

namespace {

// The same keys and secrets in every run: what is in the store can be checked byte for byte.
struct Cast {
  SodiumCrypto crypto;
  SeededRandom random{2026};
  SigningKey key;
  MeshId mesh;
  Secret secret;
  Stream stream;
  Subjects subjects;

  Cast()
      : key(make_key(random)),
        mesh(random.id<MeshId>()),
        secret(random.id<Secret>()),
        stream{{key.node(), 7}, "eu"},
        subjects(crypto, secret) {}

  static SigningKey make_key(Random& random);
  Projections projections() const {
    return Projections(
        [this](const Region& region) { return region == "eu" ? &subjects : nullptr; });
  }
};

SigningKey Cast::make_key(Random& random) {
  return make_signing_key(random);
}

class Writer {
 public:
  Writer(Cast& cast, Store& store)
      : cast_(cast),
        store_(store),
        workspace_(store),
        log_(std::move(Log::open(store, cast.crypto, cast.mesh)).value()),
        projections_(cast.projections()) {}

  template <typename Body>
  Position write(EntryKind kind, const Subject& subject, const Body& body) {
    EntryHeader header;
    header.kind = static_cast<std::uint16_t>(kind);
    header.time = HybridTime::of(wall_from_ms(1'700'000'000'000 + 1'000 * ++count_));
    header.subject = subject;
    Entry entry;
    header.append_to(entry.header);
    entry.body = encode_body(body, cast_.random);
    Batch batch;
    const Head head = log_.append(cast_.stream, entry, batch);
    workspace_.write(std::move(batch));
    FoldNews news;
    REQUIRE(projections_.fold(workspace_, cast_.stream, head.sequence, entry, news).ok());
    return {header.time, cast_.key.node(), cast_.stream.origin.generation, head.sequence};
  }

  void commit() {
    Batch batch;
    log_.seal(cast_.stream, cast_.key, batch);
    workspace_.write(std::move(batch));
    REQUIRE(store_.commit(workspace_.close()).ok());
    workspace_.committed(workspace_.last_write());
  }

 private:
  Cast& cast_;
  Store& store_;
  Workspace workspace_;
  Log log_;
  Projections projections_;
  std::int64_t count_ = 0;
};

MessageBody message(const std::string& external_id, const std::string& text) {
  MessageBody body;
  body.account = "acme-chat";
  body.brand = "acme";
  body.channel = "chat";
  body.taken_ms = 1'700'000'001'000;
  body.message.external_id = external_id;
  body.message.customer.external_id = "customer-1";
  body.message.text = text;
  return body;
}

ConversationId conversation_of(const Cast& cast) {
  return cast.subjects.message("acme-chat", "first").as<ConversationId>();
}

void write_story(const std::string& folder) {
  Cast cast;
  auto store = open_rocks_store(folder);
  REQUIRE(store.ok());
  Writer writer(cast, *store.value());
  const NodeId node = cast.key.node();
  const auto first = cast.subjects.message("acme-chat", "first");
  const auto second = cast.subjects.message("acme-chat", "second");
  const auto subject = first.as<Subject>();
  writer.write(EntryKind::generation, {},
               GenerationBody{node, "helsinki", 1'700'000'000'000, "0.1.0"});
  writer.write(EntryKind::message, first.as<Subject>(), message("first", "Where is my parcel?"));
  PlacedBody placed;
  placed.message = first;
  placed.epoch = {1, HybridTime::of(wall_from_ms(1'700'000'002'500)), node};
  placed.opens = true;
  placed.account = "acme-chat";
  placed.brand = "acme";
  placed.channel = "chat";
  placed.handle = cast.subjects.handle("acme", "chat", "customer-1");
  placed.reason = "new";
  writer.write(EntryKind::placed, subject, placed);
  writer.commit();
  CourseBody course;
  course.epoch = {1, HybridTime::of(wall_from_ms(1'700'000'004'000)), node};
  course.state = CourseState::active;
  course.agent = "rita";
  course.agent_node = node;
  course.reason = "accepted";
  writer.write(EntryKind::course, subject, course);
  ReplyBody reply;
  reply.command = cast.subjects.command("rita", "1");
  reply.reply = cast.subjects.reply(reply.command);
  reply.epoch = {1, HybridTime::of(wall_from_ms(1'700'000'005'000)), node};
  reply.agent = "rita";
  reply.agent_node = node;
  reply.text = "It comes today. ^RP";
  reply.seen = {first};
  reply.account = "acme-chat";
  reply.to = "customer-1";
  reply.sender = node;
  writer.write(EntryKind::reply, subject, reply);
  writer.write(EntryKind::attempt, subject, AttemptBody{reply.reply, 1});
  OutcomeBody outcome;
  outcome.reply = reply.reply;
  outcome.outcome = ReplyOutcome::accepted;
  outcome.external_id = "out-1";
  outcome.account = "acme-chat";
  writer.write(EntryKind::outcome, subject, outcome);
  writer.commit();
  writer.write(EntryKind::message, second.as<Subject>(), message("second", "Thank you!"));
  AgentRecord agent;
  agent.name = "rita";
  agent.node = node;
  agent.brands = {"acme"};
  writer.write(EntryKind::agent, cast.subjects.agent("rita"), agent);
  writer.commit();
}

// As this version writes them, whatever format they have in the store.
std::map<Bytes, Bytes> rows_of(const Reader& reader) {
  std::map<Bytes, Bytes> rows;
  REQUIRE(reader
              .scan("A", "Z",
                    [&](ByteView key, ByteView value) {
                      auto row = settle_row(key.front(), value);
                      REQUIRE(row.ok());
                      rows.emplace(Bytes(key), row.value().bytes);
                      return true;
                    })
              .ok());
  return rows;
}

}  // namespace

TEST_SUITE("golden store") {
  TEST_CASE("a store of any format opens, its chain holds and its rows say what they said") {
    if (const char* folder = std::getenv("CROSSFLOOR_GOLDEN_STORE")) {
      REQUIRE_FALSE(std::filesystem::exists(folder));
      write_story(folder);
    }
    std::string golden;
    SUBCASE("format 1") {
      golden = "tests/golden/store-1";
    }
    SUBCASE("format 2") {
      golden = "tests/golden/store-2";
    }
    CAPTURE(golden);
    TemporaryFolder temporary;
    const std::string copy = temporary / "store";
    std::filesystem::copy(golden, copy, std::filesystem::copy_options::recursive);
    auto store = open_rocks_store(copy);
    REQUIRE_MESSAGE(store.ok(), store.error().text());

    Cast cast;
    auto log = Log::open(*store.value(), cast.crypto, cast.mesh);
    REQUIRE(log.ok());
    REQUIRE(log.value().sealed_head(cast.stream));
    CHECK(log.value().sealed_head(cast.stream)->sequence == 9);
    // The same entries, byte for byte, whatever the format of the rows beside them.
    CHECK(log.value().sealed_head(cast.stream)->hash.hex() ==
          "8305223fc939a819928ee55ce9ea1220c6e692854e7b44596618559716a7d5d8");
    Head reached;
    for (bool done = false; !done;) {
      auto slice = verify_stream(*store.value(), cast.crypto, cast.mesh, cast.stream, reached);
      REQUIRE_MESSAGE(slice.ok(), slice.error().text());
      reached = slice.value().reached;
      done = slice.value().done;
    }
    CHECK(reached.sequence == 9);

    auto row = rows::conversation(*store.value(), conversation_of(cast));
    REQUIRE(row.ok());
    REQUIRE(row.value());
    const Conversation& conversation = *row.value();
    CHECK(conversation.state == CourseState::pending);
    CHECK(conversation.last_agent == "rita");
    CHECK(conversation.unanswered.empty());
    REQUIRE(conversation.replies.size() == 1);
    CHECK(conversation.replies[0].outcome == ReplyOutcome::accepted);
    auto echo = rows::message(*store.value(), cast.subjects.message("acme-chat", "out-1"));
    REQUIRE(echo.ok());
    REQUIRE(echo.value());
    CHECK_FALSE(echo.value()->echo_of.is_zero());

    const auto kept = rows_of(*store.value());
    CHECK(kept.size() > 8);
    const Projections projections = cast.projections();
    REQUIRE(rebuild_rows(*store.value(), projections).ok());
    CHECK(rows_of(*store.value()) == kept);
  }
}
