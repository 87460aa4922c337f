// Tables that share a pool of pieces, against a map of strings.
#include "storage/memory_table.h"

#include <doctest/doctest.h>

#include <map>

#include "protocol/crypto.h"
#include "storage/log_keys.h"

using namespace crossfloor;

namespace {

using Rows = std::vector<std::pair<Bytes, Bytes>>;

Rows rows_of(const MemoryTable& table, ByteView from, ByteView to, bool back) {
  Rows rows;
  const auto visit = [&](ByteView key, ByteView value) {
    rows.emplace_back(key, value);
    return true;
  };
  back ? table.scan_back(from, to, visit) : table.scan(from, to, visit);
  return rows;
}

Rows rows_of(const std::map<Bytes, Bytes>& model, const Bytes& from, const Bytes& to, bool back) {
  Rows rows;
  for (const auto& [key, value] : model) {
    if (key >= from && (to.empty() || key < to)) rows.emplace_back(key, value);
  }
  if (back) std::reverse(rows.begin(), rows.end());
  return rows;
}

// Of few letters, so that keys meet and begin alike; also shorter than a stream's number is.
Bytes any_key(Random& random) {
  Bytes key;
  for (std::uint64_t i = random.below(9); i > 0; --i) {
    key.push_back("\x01\x02\x03\x05M"[random.below(5)]);
  }
  return key;
}

}  // namespace

TEST_SUITE("memory table") {
  TEST_CASE("two tables of one pool behave like two maps") {
    const std::uint64_t seed = 20'260'101;
    CAPTURE(seed);
    SeededRandom random(seed);
    const auto pool = std::make_shared<PiecePool>();
    {
      std::array<MemoryTable, 2> tables{MemoryTable(pool), MemoryTable(pool)};
      std::array<std::map<Bytes, Bytes>, 2> models;
      for (int turn = 0; turn < 30'000; ++turn) {
        const std::size_t at = random.below(2);
        const Bytes key = any_key(random);
        if (random.below(4) == 0) {
          tables[at].erase(key);
          models[at].erase(key);
        } else {
          const Bytes value(random.below(turn % 100 == 0 ? 3'000 : 40), 'v');
          tables[at].put(key, value);
          models[at][key] = value;
        }
        REQUIRE(tables[at].size() == models[at].size());
        const Bytes asked = any_key(random);
        const auto held = tables[at].get(asked);
        const auto known = models[at].find(asked);
        REQUIRE(held.has_value() == (known != models[at].end()));
        if (held) REQUIRE(*held == known->second);
        if (turn % 300 != 0) continue;
        const Bytes from = any_key(random);
        const Bytes to = any_key(random);
        for (const bool back : {false, true}) {
          REQUIRE(rows_of(tables[at], from, to, back) == rows_of(models[at], from, to, back));
          REQUIRE(rows_of(tables[at], from, {}, back) == rows_of(models[at], from, {}, back));
        }
      }
      const MemoryTable copy(tables[0], pool);
      CHECK(rows_of(copy, {}, {}, false) == rows_of(models[0], {}, {}, false));
      const MemoryTable apart(tables[0], std::make_shared<PiecePool>());
      CHECK(rows_of(apart, {}, {}, true) == rows_of(models[0], {}, {}, true));
    }
    CHECK(pool->size() == 0);
  }

  TEST_CASE("a stream is held once, whatever number each store gave it") {
    const auto pool = std::make_shared<PiecePool>();
    MemoryTable one(pool);
    MemoryTable other(pool);
    for (Sequence at = 1; at <= 1'000; ++at) {
      const Bytes entry = "entry " + std::to_string(at);
      one.put(keys::entry(7, at), entry);
      other.put(keys::entry(3, at), entry);
    }
    CHECK(pool->size() == 2'000);
  }

  TEST_CASE("pieces of any size find their room again") {
    PiecePool pool;
    std::vector<std::pair<PiecePool::Piece, Bytes>> held;
    for (int turn = 0; turn < 3; ++turn) {
      for (std::size_t size = 0; size < 300'000; size = size * 5 / 4 + 1) {
        Bytes bytes(size, static_cast<char>('a' + turn));
        held.emplace_back(pool.hold(bytes), bytes);
      }
      for (const auto& [piece, bytes] : held) CHECK(pool.bytes(piece) == bytes);
      for (std::size_t i = 0; i < held.size(); i += 2) pool.drop(held[i].first);
      for (std::size_t i = 0; i < held.size(); ++i)
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(i));
      for (const auto& [piece, bytes] : held) CHECK(pool.bytes(piece) == bytes);
    }
    for (const auto& [piece, bytes] : held) pool.drop(piece);
    CHECK(pool.size() == 0);
  }
}
