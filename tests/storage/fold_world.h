// A mesh of stores that fold, and origins that write, for tests of the rows.
#pragma once

#include <doctest/doctest.h>

#include "protocol/identity.h"
#include "storage/log.h"
#include "storage/memory_store.h"
#include "storage/projections.h"

namespace crossfloor::test {

using AllRows = std::map<Bytes, Bytes>;

// Every row of the projections.
inline AllRows all_rows(const Reader& reader) {
  AllRows rows;
  for (const char kind : row_kinds) {
    const Bytes prefix(1, kind);
    const auto status = reader.scan(prefix, after_prefix(prefix), [&](ByteView k, ByteView v) {
      rows.emplace(k, v);
      return true;
    });
    REQUIRE(status.ok());
  }
  return rows;
}

// Where two sets of rows first differ, for the message of a failed test.
inline std::string difference(const AllRows& a, const AllRows& b) {
  for (const auto& [key, value] : a) {
    const auto other = b.find(key);
    if (other == b.end()) return "only the first has " + key.substr(0, 1) + to_hex(key.substr(1));
    if (other->second != value) return key.substr(0, 1) + to_hex(key.substr(1)) + " differs";
  }
  for (const auto& [key, value] : b) {
    if (a.count(key) == 0) return "only the second has " + key.substr(0, 1) + to_hex(key.substr(1));
  }
  return "";
}

struct FoldWorld {
  SodiumCrypto crypto;
  SeededRandom random;
  MeshId mesh;
  Secret secret;
  Subjects subjects;

  explicit FoldWorld(std::uint64_t seed = 1)
      : random(seed),
        mesh(random.id<MeshId>()),
        secret(random.id<Secret>()),
        subjects(crypto, secret) {}

  Projections projections() {
    return Projections([this](const Region& r) { return r == "eu" ? &subjects : nullptr; });
  }
  MessageId message(const std::string& external_id) const {
    return subjects.message("page", external_id);
  }
  HandleId handle(const std::string& customer) const {
    return subjects.handle("acme", "social", customer);
  }
};

// One node's store: takes ranges in, folds them.
struct Holder {
  FoldWorld& world;
  MemoryStore store;
  Workspace rows{store};
  Projections projections;
  Log log;
  FoldNews news;

  explicit Holder(FoldWorld& w) : world(w), projections(w.projections()), log(*opened(w, rows)) {}

  void commit() {
    REQUIRE(store.commit(rows.close()).ok());
    rows.committed(rows.last_write());
  }

  // The next sealed range of `stream` that this holder lacks, of one entry or of about so many
  // bytes; false if it holds all.
  bool take_next(const Holder& from, const Stream& stream, std::size_t max_bytes = 1) {
    if (!from.log.head(stream)) return false;
    const auto held = log.head(stream);
    auto range = read_range(from.rows, stream, (held ? held->sequence : 0) + 1, max_bytes);
    REQUIRE(range.ok());
    if (range.value().entries.empty()) return false;
    Batch batch;
    auto accepted = log.accept(rows, range.value(), batch);
    REQUIRE_MESSAGE(accepted.ok(), accepted.error().text());
    rows.write(std::move(batch));
    Projections::Run run(projections, rows, stream, news);
    for (const auto& fresh : accepted.value().entries) run.add(fresh.head.sequence, fresh.entry);
    const auto folded = run.end();
    REQUIRE_MESSAGE(folded.ok(), folded.error().text());
    return true;
  }

  Conversation conversation(const ConversationId& id) const {
    auto row = rows::conversation(rows, id);
    REQUIRE(row.ok());
    REQUIRE(row.value());
    return *row.value();
  }
  MessageRow message(const MessageId& id) const {
    auto row = rows::message(rows, id);
    REQUIRE(row.ok());
    REQUIRE(row.value());
    return *row.value();
  }

 private:
  static std::unique_ptr<Log> opened(FoldWorld& w, const Reader& reader) {
    auto log = Log::open(reader, w.crypto, w.mesh);
    REQUIRE(log.ok());
    return std::make_unique<Log>(std::move(log).value());
  }
};

// An origin with a store of its own.
struct Author : Holder {
  SigningKey key;
  Stream stream;
  HybridClock clock;
  std::int64_t wall_ms = 1'000'000;
  std::uint8_t flags = 0;  // of the entries that it writes

  explicit Author(FoldWorld& w)
      : Holder(w), key(make_signing_key(w.random)), stream{{key.node(), w.random.next()}, "eu"} {}

  NodeId node() const { return key.node(); }
  HybridTime next_time() { return clock.next(wall_from_ms(wall_ms)); }
  Epoch epoch(std::uint64_t term) { return {term, next_time(), node()}; }

  Position write_bytes(EntryKind kind, const Subject& subject, Bytes body, bool sealed = true) {
    EntryHeader header;
    header.kind = static_cast<std::uint16_t>(kind);
    header.time = next_time();
    header.subject = subject;
    header.flags = flags;
    Entry entry;
    header.append_to(entry.header);
    entry.body = std::move(body);
    Batch batch;
    const Head head = log.append(stream, entry, batch);
    if (sealed) log.seal(stream, key, batch);
    rows.write(std::move(batch));
    const auto folded = projections.fold(rows, stream, head.sequence, entry, news);
    REQUIRE_MESSAGE(folded.ok(), folded.error().text());
    ++wall_ms;
    return {header.time, node(), stream.origin.generation, head.sequence};
  }
  template <typename Id, typename Body>
  Position write(EntryKind kind, const Id& subject, const Body& body) {
    return write_bytes(kind, subject.template as<Subject>(), encode_body(body, world.random));
  }

  // --- what the tests write most ---

  struct Text {
    std::string customer = "ann";
    std::string text = "help";
    std::string thread = {};
    std::string parent = {};
    Direction direction = Direction::in;
    MessageKind kind = MessageKind::message;
    std::string reference = {};
  };
  MessageId take_in(const std::string& external_id, const Text& what) {
    MessageBody body;
    body.account = "page";
    body.brand = "acme";
    body.channel = "social";
    body.taken_ms = wall_ms;
    body.trusted_ref = !what.reference.empty();
    body.message.direction = what.direction;
    body.message.kind = what.kind;
    body.message.external_id = external_id;
    body.message.customer = {what.customer, "", what.reference};
    body.message.text = what.text;
    body.message.thread_id = what.thread;
    body.message.parent_id = what.parent;
    const auto id = world.message(external_id);
    write(EntryKind::message, id, body);
    return id;
  }
  PlacedBody placement(const std::string& external_id, const std::string& customer,
                       const std::string& thread) {
    PlacedBody body;
    body.message = world.message(external_id);
    body.account = "page";
    body.brand = "acme";
    body.channel = "social";
    body.handle = world.handle(customer);
    body.thread_id = thread;
    return body;
  }
  ConversationId open(const std::string& external_id, const std::string& customer = "ann",
                      const std::string& thread = "") {
    PlacedBody body = placement(external_id, customer, thread);
    body.opens = true;
    body.epoch = epoch(1);
    const auto id = body.message.as<ConversationId>();
    write(EntryKind::placed, id, body);
    return id;
  }
  void place(const std::string& external_id, const ConversationId& conversation,
             const std::string& customer = "ann", std::uint64_t term = 1) {
    PlacedBody body = placement(external_id, customer, "");
    body.epoch = epoch(term);
    write(EntryKind::placed, conversation, body);
  }
  void course(const ConversationId& conversation, CourseState state, const std::string& agent = "",
              std::uint64_t term = 1) {
    CourseBody body;
    body.epoch = epoch(term);
    body.state = state;
    body.agent = agent;
    body.reason = "test";
    write(EntryKind::course, conversation, body);
  }
  void link(const std::string& one, const std::string& other, bool linked) {
    const LinkBody body{world.handle(one), world.handle(other), linked, "operator", ""};
    write(EntryKind::link, world.handle(one), body);
  }
};

}  // namespace crossfloor::test
