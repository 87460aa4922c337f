// Random operations on a store and on a plain map; both must say the same. Shared by the tests of
// every make of store.
#pragma once

#include <doctest/doctest.h>

#include <map>

#include "protocol/crypto.h"
#include "storage/store.h"

namespace crossfloor::model {

using Map = std::map<Bytes, Bytes>;

inline Bytes random_key(Random& random) {
  Bytes key;
  // Few and short, so that writes meet; with 0x00 and 0xFF, so that order is by unsigned bytes.
  static constexpr char letters[] = {'\x00', 'a', 'b', '\x7f', '\x80', '\xff'};
  const auto size = 1 + random.below(3);
  for (std::uint64_t i = 0; i < size; ++i) key.push_back(letters[random.below(sizeof(letters))]);
  return key;
}

inline Batch random_batch(Random& random) {
  Batch batch;
  const auto writes = random.below(8);
  for (std::uint64_t i = 0; i < writes; ++i) {
    if (random.below(3) == 0) {
      batch.erase(random_key(random));
    } else {
      batch.put(random_key(random), Bytes(random.below(40), static_cast<char>(random.below(256))));
    }
  }
  return batch;
}

inline void apply(Map& map, const Batch& batch) {
  for (const auto& write : batch.writes()) {
    if (write.value) {
      map[write.key] = *write.value;
    } else {
      map.erase(write.key);
    }
  }
}

using Pairs = std::vector<std::pair<Bytes, Bytes>>;

inline Pairs scanned(const Reader& reader, ByteView from, ByteView to, std::size_t limit,
                     bool back) {
  Pairs out;
  const auto visit = [&](ByteView key, ByteView value) {
    out.emplace_back(Bytes(key), Bytes(value));
    return out.size() < limit;
  };
  REQUIRE((back ? reader.scan_back(from, to, visit) : reader.scan(from, to, visit)).ok());
  return out;
}

inline void check_equal(const Reader& reader, const Map& map, Random& random) {
  const Bytes key = random_key(random);
  const auto held = reader.get(key);
  REQUIRE(held.ok());
  CHECK(held.value().has_value() == (map.count(key) == 1));
  if (held.value() && map.count(key)) CHECK(*held.value() == map.at(key));

  const Bytes from = random.below(3) == 0 ? Bytes() : random_key(random);
  const Bytes to = random.below(3) == 0 ? Bytes() : random_key(random);
  const std::size_t limit = random.below(2) == 0 ? 1000 : 1 + random.below(4);
  Pairs wanted;
  for (const auto& [k, v] : map) {
    if (k >= from && (to.empty() || k < to)) wanted.emplace_back(k, v);
  }
  Pairs back(wanted.rbegin(), wanted.rend());
  if (wanted.size() > limit) wanted.resize(limit);
  if (back.size() > limit) back.resize(limit);
  CHECK(scanned(reader, from, to, limit, false) == wanted);
  CHECK(scanned(reader, from, to, limit, true) == back);
}

inline void run(Store& store, std::uint64_t seed, int steps) {
  CAPTURE(seed);
  SeededRandom random(seed);
  Map map;
  struct Old {
    std::unique_ptr<Reader> reader;
    Map map;
  };
  std::vector<Old> snapshots;
  for (const auto& [key, value] : scanned(store, {}, {}, 1'000'000, false)) map[key] = value;
  for (int step = 0; step < steps; ++step) {
    CAPTURE(step);
    const Batch batch = random_batch(random);
    REQUIRE(store.commit(batch).ok());
    apply(map, batch);
    check_equal(store, map, random);
    if (random.below(10) == 0) snapshots.push_back({store.snapshot(), map});
    if (snapshots.size() > 3) snapshots.erase(snapshots.begin());
    for (const auto& old : snapshots) check_equal(*old.reader, old.map, random);
  }
}

}  // namespace crossfloor::model
