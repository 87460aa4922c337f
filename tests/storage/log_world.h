// One mesh, some origins and their logs, for tests of the log.
#pragma once

#include <doctest/doctest.h>

#include "protocol/identity.h"
#include "storage/log.h"

namespace crossfloor::test {

struct LogWorld {
  SodiumCrypto crypto;
  SeededRandom random;
  MeshId mesh;

  explicit LogWorld(std::uint64_t seed = 1) : random(seed), mesh(random.id<MeshId>()) {}

  Log open(const Reader& reader) {
    auto log = Log::open(reader, crypto, mesh);
    REQUIRE_MESSAGE(log.ok(), (log.ok() ? "" : log.error().text()));
    return std::move(log).value();
  }

  Entry entry(std::size_t body = 20, std::uint16_t kind = 2) {
    EntryHeader header;
    header.kind = kind;
    header.time.value = random.below(1'000'000);
    header.subject = random.id<Subject>();
    Entry out;
    header.append_to(out.header);
    out.body.resize(body);
    random.fill(out.body.data(), body);
    return out;
  }
};

// A node's own stream with its store, writing sealed groups.
struct Writer {
  LogWorld& world;
  SigningKey key;
  Stream stream;
  Store& store;
  Log log;
  std::vector<Entry> written;
  std::vector<Sequence> seals;

  Writer(LogWorld& w, const SigningKey& k, Generation generation, Store& s)
      : world(w), key(k), stream{{k.node(), generation}, "eu"}, store(s), log(w.open(s)) {}

  void write(std::size_t count, std::size_t body = 20) {
    Batch batch;
    for (std::size_t i = 0; i < count; ++i) {
      written.push_back(world.entry(body));
      log.append(stream, written.back(), batch);
      if (log.needs_seal(stream)) seal(batch);
    }
    if (log.has_unsealed(stream)) seal(batch);
    REQUIRE(store.commit(batch).ok());
  }
  void seal(Batch& batch) { seals.push_back(log.seal(stream, key, batch).sequence); }

  Range range(Sequence from, std::size_t max_bytes = max_bytes_per_seal) {
    auto out = read_range(store, stream, from, max_bytes);
    REQUIRE_MESSAGE(out.ok(), (out.ok() ? "" : out.error().text()));
    return std::move(out).value();
  }
};

// Accepts and commits.
inline Result<Accepted> take(Log& log, Store& store, Range range) {
  Batch batch;
  auto accepted = log.accept(store, std::move(range), batch);
  if (!accepted.ok()) CHECK(batch.empty());
  REQUIRE(store.commit(batch).ok());
  return accepted;
}

}  // namespace crossfloor::test
