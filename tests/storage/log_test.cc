#include "storage/log.h"

#include <doctest/doctest.h>

#include "storage/faulty_store.h"
#include "storage/log_keys.h"
#include "storage/memory_store.h"
#include "storage/overlay.h"
#include "tests/storage/log_world.h"

using namespace crossfloor;
using crossfloor::test::LogWorld;
using crossfloor::test::take;
using crossfloor::test::Writer;

namespace {

// One writer with some sealed groups, and an empty reader of its stream.
struct Pair {
  LogWorld world;
  MemoryStore origin_store;
  MemoryStore store;
  SigningKey key = make_signing_key(world.random);
  Writer origin{world, key, 1, origin_store};
  Log log = world.open(store);

  Pair() {
    for (const std::size_t count : {3, 1, 5, 2}) origin.write(count);
  }

  // Onto another disk: as many of the origin's bytes as a range of so many holds.
  void copy_beginning(MemoryStore& other, std::size_t bytes) {
    Log copy = world.open(other);
    REQUIRE(take(copy, other, origin.range(1, bytes)).ok());
  }
};

ErrorCode code_of(const Result<Accepted>& result) {
  REQUIRE_FALSE(result.ok());
  return result.error().code;
}

struct Verified {
  Head reached;
  std::optional<Error> fault;
  int slices = 0;
};

// The whole check of a stream, in slices of about two entries.
Verified first_fault(const Reader& reader, const LogWorld& world, const Stream& stream) {
  Verified out;
  for (bool done = false; !done && !out.fault; ++out.slices) {
    auto slice = verify_stream(reader, world.crypto, world.mesh, stream, out.reached, 84 * 2);
    if (slice.ok()) {
      out.reached = slice.value().reached;
      done = slice.value().done;
    } else {
      out.fault = slice.error();
    }
  }
  return out;
}

}  // namespace

TEST_SUITE("log") {
  TEST_CASE("what was appended and sealed is there after opening again") {
    Pair pair;
    auto again = pair.world.open(pair.origin_store);
    CHECK(again.head(pair.origin.stream)->sequence == 11);
    CHECK(again.head(pair.origin.stream) == pair.origin.log.head(pair.origin.stream));
    CHECK(again.vector() == VersionVector{{pair.origin.stream, 11}});
    for (Sequence at = 1; at <= 11; ++at) {
      CHECK(entry_at(pair.origin_store, pair.origin.stream, at).value() ==
            pair.origin.written[at - 1]);
    }
    CHECK_FALSE(entry_at(pair.origin_store, pair.origin.stream, 12).value());
    // A further stream in the same store does not take the first one's number.
    Writer next(pair.world, pair.key, 2, pair.origin_store);
    next.write(2);
    CHECK(pair.world.open(pair.origin_store).vector().size() == 2);
    CHECK(entry_at(pair.origin_store, pair.origin.stream, 1).value() == pair.origin.written[0]);
    CHECK(entry_at(pair.origin_store, next.stream, 1).value() == next.written[0]);
  }

  TEST_CASE("what is not sealed is not passed on") {
    Pair pair;
    Overlay view(pair.origin_store);
    Batch batch;
    pair.origin.log.append(pair.origin.stream, pair.world.entry(), batch);
    view.add(1, batch);
    CHECK(pair.origin.log.head(pair.origin.stream)->sequence == 12);
    CHECK(pair.origin.log.vector().at(pair.origin.stream) == 11);
    CHECK(read_range(view, pair.origin.stream, 12, 1000).value().entries.empty());
    CHECK(read_range(view, pair.origin.stream, 10, 10'000).value().entries.size() == 2);
    Batch sealing;
    pair.origin.log.seal(pair.origin.stream, pair.key, sealing);
    view.add(2, sealing);
    CHECK(read_range(view, pair.origin.stream, 12, 1000).value().entries.size() == 1);
  }

  TEST_CASE("a seal is asked for after 1,024 entries or 1 MiB") {
    LogWorld world;
    MemoryStore store;
    Writer many(world, make_signing_key(world.random), 1, store);
    many.write(2 * max_entries_per_seal + 1);
    CHECK(many.seals == std::vector<Sequence>{1024, 2048, 2049});
    MemoryStore other;
    Writer large(world, make_signing_key(world.random), 1, other);
    large.write(9, Entry::max_body);
    CHECK(large.seals == std::vector<Sequence>{4, 8, 9});
  }

  TEST_CASE(
      "a range ends on the last seal within the limit, or on the first if that lies further") {
    Pair pair;  // seals at 3, 4, 9, 11; each entry costs 84
    struct Case {
      Sequence from;
      std::size_t max_bytes;
      Sequence last;
    };
    for (const auto& [from, max_bytes, last] :
         {Case{1, 1, 3}, Case{1, 84 * 3, 3}, Case{1, 84 * 4, 4}, Case{1, 84 * 8, 4},
          Case{1, 84 * 9, 9}, Case{1, 1'000'000, 11}, Case{2, 84, 3}, Case{5, 1, 9},
          Case{11, 1, 11}}) {
      CAPTURE(from);
      CAPTURE(max_bytes);
      const Range range = pair.origin.range(from, max_bytes);
      CHECK(range.first == from);
      CHECK(range.seal.sequence == last);
      CHECK(range.entries.size() == last - from + 1);
      CHECK(check_shape(range).ok());
    }
    CHECK(pair.origin.range(12).entries.empty());
    Stream unknown = pair.origin.stream;
    unknown.origin.generation = 99;
    CHECK(read_range(pair.store, unknown, 1, 100).error().code == ErrorCode::not_found);
  }

  TEST_CASE("a range is taken once; what is held already is compared and skipped") {
    Pair pair;
    auto first = take(pair.log, pair.store, pair.origin.range(1, 84 * 4));
    REQUIRE(first.ok());
    CHECK(first.value().entries.size() == 4);
    CHECK(take(pair.log, pair.store, pair.origin.range(1, 84 * 4)).value().entries.empty());
    CHECK(take(pair.log, pair.store, pair.origin.range(2, 1)).value().entries.empty());
    auto rest = take(pair.log, pair.store, pair.origin.range(3));
    REQUIRE(rest.ok());
    REQUIRE(rest.value().entries.size() == 7);
    CHECK(rest.value().entries[0].head.sequence == 5);
    CHECK(rest.value().entries[0].entry == pair.origin.written[4]);
    CHECK(rest.value().entries.back().head == *pair.origin.log.head(pair.origin.stream));
    CHECK(pair.world.open(pair.store).vector() == pair.origin.log.vector());
    // What was taken can be passed on, cut elsewhere.
    MemoryStore third;
    Log relay = pair.world.open(third);
    for (Sequence next = 1; next <= 11;) {
      auto range = read_range(pair.store, pair.origin.stream, next, 1);
      REQUIRE(range.ok());
      REQUIRE(take(relay, third, range.value()).ok());
      next = range.value().seal.sequence + 1;
    }
    CHECK(relay.vector() == pair.log.vector());
  }

  TEST_CASE("a gap is stale and says what comes next") {
    Pair pair;
    auto refused = take(pair.log, pair.store, pair.origin.range(4));
    CHECK(code_of(refused) == ErrorCode::stale);
    CHECK(refused.error().what == "begins with entry 4; 1 is the next one here");
    CHECK(pair.store.size() == 0);
  }

  TEST_CASE("bad ranges are refused for what is wrong with them, and change nothing") {
    Pair pair;
    const Range good = pair.origin.range(1);
    struct Case {
      std::string name;
      ErrorCode code;
      std::function<void(Range&)> spoil;
    };
    const std::vector<Case> cases{
        {"no entries", ErrorCode::malformed, [](Range& r) { r.entries.clear(); }},
        {"entry 0", ErrorCode::malformed, [](Range& r) { r.first = 0; }},
        {"overflow", ErrorCode::malformed, [](Range& r) { r.first = UINT64_MAX - 2; }},
        {"seal of another entry", ErrorCode::malformed, [](Range& r) { --r.seal.sequence; }},
        {"no region", ErrorCode::malformed, [](Range& r) { r.stream.region.clear(); }},
        {"long region", ErrorCode::malformed, [](Range& r) { r.stream.region = Region(33, 'a'); }},
        {"short header", ErrorCode::malformed, [](Range& r) { r.entries[2].header.pop_back(); }},
        {"newer header", ErrorCode::malformed, [](Range& r) { r.entries[2].header[0] = 2; }},
        {"large body", ErrorCode::too_large,
         [](Range& r) { r.entries[2].body = Bytes(Entry::max_body + 1, 'x'); }},
        {"many bytes", ErrorCode::too_large,
         [](Range& r) {
           for (auto& entry : r.entries) entry.body = Bytes(Entry::max_body, 'x');
         }},
        {"erased without leave", ErrorCode::forbidden,
         [&](Range& r) {
           r.entries[5].erased_body_hash = pair.world.crypto.hash(r.entries[5].body, {}, {});
           r.entries[5].body.clear();
         }},
        {"altered body", ErrorCode::conflict, [](Range& r) { r.entries[2].body[5] ^= 1; }},
        {"altered header", ErrorCode::conflict, [](Range& r) { r.entries[2].header[5] ^= 1; }},
        {"entry left out", ErrorCode::malformed, [](Range& r) { r.entries.pop_back(); }},
        {"entries swapped", ErrorCode::conflict,
         [](Range& r) { std::swap(r.entries[2], r.entries[3]); }},
        {"forged seal", ErrorCode::unauthenticated, [](Range& r) { r.seal.signature.raw[3] ^= 1; }},
        {"other hash", ErrorCode::unauthenticated, [](Range& r) { r.seal.hash.raw[3] ^= 1; }},
        {"other stream", ErrorCode::unauthenticated,
         [](Range& r) { ++r.stream.origin.generation; }},
    };
    for (const auto& [name, code, spoil] : cases) {
      CAPTURE(name);
      Range bad = good;
      spoil(bad);
      CHECK(code_of(take(pair.log, pair.store, bad)) == code);
      CHECK(pair.store.size() == 0);
      CHECK(pair.log.vector().empty());
      // The same on top of a held prefix.
      MemoryStore part;
      Log held = pair.world.open(part);
      REQUIRE(take(held, part, pair.origin.range(1, 1)).ok());
      const auto before = held.vector();
      CHECK_FALSE(take(held, part, bad).ok());
      CHECK(held.vector() == before);
      CHECK_FALSE(held.forked(pair.origin.stream));
    }
    CHECK(take(pair.log, pair.store, good).value().entries.size() == 11);
  }

  TEST_CASE("an entry of unknown kind and one erased with leave are stored untouched") {
    LogWorld world;
    MemoryStore from, to;
    Writer origin(world, make_signing_key(world.random), 1, from);
    const Entry odd = world.entry(0, 60'000);
    Batch batch;
    origin.log.append(origin.stream, odd, batch);
    origin.log.append(origin.stream, world.entry(), batch);
    origin.seal(batch);
    REQUIRE(from.commit(batch).ok());
    Range range = origin.range(1);
    range.entries[1].erased_body_hash = world.crypto.hash(range.entries[1].body, {}, {});
    range.entries[1].body.clear();
    Log log = world.open(to);
    Batch taken;
    auto accepted = log.accept(to, range, taken, [](const EntryHeader& h) { return h.kind == 2; });
    REQUIRE(accepted.ok());
    REQUIRE(to.commit(taken).ok());
    CHECK(entry_at(to, origin.stream, 1).value() == odd);
    CHECK(entry_at(to, origin.stream, 2).value() == range.entries[1]);
    CHECK(log.head(origin.stream) == origin.log.head(origin.stream));
    CHECK(read_range(to, origin.stream, 1, 1000).value() == range);
  }

  TEST_CASE("two histories of one origin are a fork: proved, kept, and the stream takes no more") {
    Pair pair;
    // The same key and generation on another disk, with the first group in common.
    MemoryStore twin_store;
    pair.copy_beginning(twin_store, 1);
    Writer twin(pair.world, pair.key, 1, twin_store);
    twin.write(1);
    twin.write(5);
    twin.write(4);  // seals at 4, 9, 13; the origin's are at 3, 4, 9, 11
    REQUIRE(take(pair.log, pair.store, pair.origin.range(1, 84 * 9)).ok());  // holds 1 to 9

    SUBCASE("found in a range that overlaps") {
      auto forked = take(pair.log, pair.store, twin.range(1, 84 * 9));
      REQUIRE(forked.ok());
      REQUIRE(forked.value().fork);
      CHECK(forked.value().entries.empty());
      CHECK(forked.value().fork->common == 3);
      CHECK(proves_itself(pair.world.crypto, pair.world.mesh, *forked.value().fork));
    }
    SUBCASE("found in a range that reaches beyond what is held") {
      auto forked = take(pair.log, pair.store, twin.range(2));
      REQUIRE(forked.ok());
      REQUIRE(forked.value().fork);
      CHECK(forked.value().fork->common == 3);
      CHECK(forked.value().fork->other.sequence == 13);
      CHECK(forked.value().fork->held.sequence == 9);
    }
    SUBCASE("a range that begins behind the fork asks for an earlier one") {
      CHECK(code_of(take(pair.log, pair.store, twin.range(10))) == ErrorCode::conflict);
      CHECK_FALSE(pair.log.forked(pair.origin.stream));
      CHECK(code_of(take(pair.log, pair.store, twin.range(5))) == ErrorCode::conflict);
      CHECK_FALSE(pair.log.forked(pair.origin.stream));
      CHECK(take(pair.log, pair.store, twin.range(4)).value().fork->common == 3);
    }
    CHECK(pair.log.forked(pair.origin.stream));
    CHECK(code_of(take(pair.log, pair.store, pair.origin.range(10))) == ErrorCode::conflict);
    CHECK(pair.log.vector().at(pair.origin.stream) == 9);
    Log again = pair.world.open(pair.store);
    CHECK(again.forks() == pair.log.forks());
    CHECK(code_of(take(again, pair.store, pair.origin.range(10))) == ErrorCode::conflict);
  }

  TEST_CASE("the evidence of a fork convinces who holds either history, or neither") {
    Pair pair;
    MemoryStore twin_store;
    pair.copy_beginning(twin_store, 1);
    Writer twin(pair.world, pair.key, 1, twin_store);
    twin.write(1);
    twin.write(5);
    REQUIRE(take(pair.log, pair.store, pair.origin.range(1)).ok());
    const auto found = take(pair.log, pair.store, twin.range(2, 84 * 9));
    REQUIRE(found.value().fork);
    auto evidence = evidence_of(pair.store, *found.value().fork);
    REQUIRE(evidence.ok());
    REQUIRE(evidence.value());
    CHECK(evidence.value()->first == 4);
    for (const auto& entry : evidence.value()->entries) CHECK(entry.body.empty());

    struct Case {
      const char* name;
      std::function<Range()> holds;
    };
    for (const auto& [name, holds] :
         {Case{"the first history", [&] { return pair.origin.range(1); }},
          Case{"what both share", [&] { return pair.origin.range(1, 1); }},
          Case{"the other history", [&] { return twin.range(1); }}}) {
      CAPTURE(name);
      MemoryStore store;
      Log log = pair.world.open(store);
      REQUIRE(take(log, store, holds()).ok());
      (void)take(log, store, pair.origin.range(4, 84 * 9));
      (void)take(log, store, *evidence.value());
      REQUIRE(log.forked(twin.stream));
      CHECK(log.forks().at(twin.stream).common == 3);
      CHECK(evidence_of(store, log.forks().at(twin.stream)).value());
    }
  }

  TEST_CASE("a third history that parts earlier moves the last common entry back") {
    Pair pair;
    MemoryStore early_store, late_store;
    for (const auto& [store, last] : {std::pair(&early_store, 1), std::pair(&late_store, 84 * 9)}) {
      pair.copy_beginning(*store, last);
    }
    Writer early(pair.world, pair.key, 1, early_store);
    Writer late(pair.world, pair.key, 1, late_store);
    early.write(2);
    late.write(2);
    REQUIRE(take(pair.log, pair.store, pair.origin.range(1)).ok());
    CHECK(take(pair.log, pair.store, late.range(1)).value().fork->common == 9);
    CHECK(take(pair.log, pair.store, early.range(1)).value().fork->common == 3);
    CHECK(code_of(take(pair.log, pair.store, late.range(1))) == ErrorCode::conflict);
    CHECK(pair.log.forks().at(early.stream).common == 3);
    CHECK(pair.world.open(pair.store).forks() == pair.log.forks());
  }

  TEST_CASE("a proof passed on is taken if it proves itself, also for a stream never heard of") {
    Pair pair;
    MemoryStore twin_store;
    Writer twin(pair.world, pair.key, 1, twin_store);
    twin.write(3);
    const Fork fork{twin.stream, 2, *seal_at_or_before(pair.origin_store, twin.stream, 3).value(),
                    *seal_at_or_before(twin_store, twin.stream, 3).value()};
    Batch batch;
    Fork same = fork;
    same.other = same.held;
    CHECK_FALSE(pair.log.take_fork(same, batch).ok());
    Fork forged = fork;
    forged.other.hash.raw[0] ^= 1;
    CHECK_FALSE(pair.log.take_fork(forged, batch).ok());
    CHECK(batch.empty());
    REQUIRE(pair.log.take_fork(fork, batch).ok());
    REQUIRE(pair.store.commit(batch).ok());
    Log again = pair.world.open(pair.store);
    CHECK(again.forked(twin.stream));
    CHECK(again.vector().empty());
    Writer other(pair.world, make_signing_key(pair.world.random), 1, pair.store);
    other.write(1);  // does not take the number of the stream without entries
    CHECK(pair.world.open(pair.store).forks().size() == 1);
    CHECK(pair.world.open(pair.store).vector() == VersionVector{{other.stream, 1}});
  }

  TEST_CASE("a flipped byte anywhere in a stream is found, placed, and mended from a peer") {
    Pair pair;
    REQUIRE(take(pair.log, pair.store, pair.origin.range(1)).ok());
    const Stream& stream = pair.origin.stream;
    std::vector<Bytes> keys;
    REQUIRE(pair.origin_store
                .scan(Bytes(1, '\x02'), Bytes(1, '\x04'),
                      [&](ByteView key, ByteView) { return keys.emplace_back(key), true; })
                .ok());
    REQUIRE(keys.size() == 15);
    SeededRandom random(5);
    for (const auto& key : keys) {
      CAPTURE(to_hex(key));
      const bool is_entry = key[0] == 2;
      const Sequence at = keys::sequence_of(key);
      FaultyStore faulty(pair.origin_store);
      const std::size_t offset = random.below(is_entry ? 49 : 104);
      CAPTURE(offset);
      REQUIRE(faulty.flip(key, offset));
      const auto found = first_fault(pair.origin_store, pair.world, stream);
      REQUIRE(found.fault);
      CHECK(found.fault->code == ErrorCode::corrupt);
      CHECK(found.reached.sequence < at);
      if (is_entry) {
        // From behind the last good seal, as the error says.
        auto range = read_range(pair.store, stream, found.reached.sequence + 1, max_bytes_per_seal);
        REQUIRE(range.ok());
        Batch batch;
        REQUIRE(pair.origin.log.mend(pair.origin_store, range.value(), batch).ok());
        REQUIRE(pair.origin_store.commit(batch).ok());
      } else {
        REQUIRE(faulty.flip(key, offset));
      }
    }
    const auto whole = first_fault(pair.origin_store, pair.world, stream);
    CHECK_FALSE(whole.fault);
    CHECK(whole.slices > 3);
    CHECK(whole.reached == *pair.origin.log.head(stream));
  }

  TEST_CASE("missing entries are found, in the middle and at the end") {
    for (const Sequence lost : {1, 6, 11}) {
      CAPTURE(lost);
      Pair pair;
      Batch batch;
      batch.erase(keys::entry(1, lost));
      REQUIRE(pair.origin_store.commit(batch).ok());
      const auto found = first_fault(pair.origin_store, pair.world, pair.origin.stream);
      REQUIRE(found.fault);
      CHECK(found.fault->code == ErrorCode::corrupt);
      CHECK(found.fault->what.find(std::to_string(lost)) != std::string::npos);
      if (lost == 11)
        CHECK_FALSE(Log::open(pair.origin_store, pair.world.crypto, pair.world.mesh).ok());
    }
  }

  TEST_CASE("the hash at any sequence is the one that was given when it was written") {
    Pair pair;
    Hash hash = first_hash(pair.world.crypto, pair.origin.stream);
    CHECK(hash_at(pair.origin_store, pair.world.crypto, pair.origin.stream, 0).value() == hash);
    for (Sequence at = 1; at <= 11; ++at) {
      hash = next_hash(pair.world.crypto, hash, pair.origin.written[at - 1]);
      CHECK(hash_at(pair.origin_store, pair.world.crypto, pair.origin.stream, at).value() == hash);
    }
    CHECK(hash_at(pair.origin_store, pair.world.crypto, pair.origin.stream, 12).error().code ==
          ErrorCode::not_found);
    CHECK_FALSE(seal_at_or_before(pair.origin_store, pair.origin.stream, 2).value());
    CHECK(seal_at_or_before(pair.origin_store, pair.origin.stream, 8).value()->sequence == 4);
    CHECK(seal_at_or_after(pair.origin_store, pair.origin.stream, 5).value()->sequence == 9);
  }

  TEST_CASE("a head heard of is kept until what lies under it is held") {
    Pair pair;
    Batch batch;
    const Stream& stream = pair.origin.stream;
    pair.log.heard(stream, {9, pair.world.random.id<Hash>()}, batch);
    pair.log.heard(stream, {4, pair.world.random.id<Hash>()}, batch);
    REQUIRE(pair.store.commit(batch).ok());
    CHECK(pair.log.heard_but_missing().at(stream).sequence == 9);
    CHECK(pair.world.open(pair.store).heard_but_missing() == pair.log.heard_but_missing());
    REQUIRE(take(pair.log, pair.store, pair.origin.range(1, 84 * 4)).ok());
    CHECK(pair.log.heard_but_missing().size() == 1);
    REQUIRE(take(pair.log, pair.store, pair.origin.range(5)).ok());
    CHECK(pair.log.heard_but_missing().empty());
    CHECK(pair.world.open(pair.store).heard_but_missing().empty());
    Batch nothing;
    pair.log.heard(stream, {11, {}}, nothing);
    CHECK(nothing.empty());
  }

  TEST_CASE("an entry read as damaged is an error and not an absence") {
    Pair pair;
    FaultyStore faulty(pair.origin_store);
    REQUIRE(faulty.flip(keys::entry(1, 2), 0, 0x80));
    CHECK(entry_at(faulty, pair.origin.stream, 2).error().code == ErrorCode::corrupt);
    CHECK(read_range(faulty, pair.origin.stream, 1, 1000).error().code == ErrorCode::corrupt);
    faulty.fail_read_after(0);
    CHECK(Log::open(faulty, pair.world.crypto, pair.world.mesh).error().code == ErrorCode::io);
  }
}
