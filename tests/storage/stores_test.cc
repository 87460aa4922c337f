#include <doctest/doctest.h>

#include "storage/faulty_store.h"
#include "storage/format.h"
#include "storage/log_keys.h"
#include "storage/memory_store.h"
#include "storage/overlay.h"
#include "storage/workspace.h"
#include "tests/storage/store_model.h"

using namespace crossfloor;

namespace {

Batch put(Bytes key, Bytes value) {
  Batch batch;
  batch.put(std::move(key), std::move(value));
  return batch;
}

std::optional<Bytes> held(const Reader& reader, ByteView key) {
  auto got = reader.get(key);
  REQUIRE(got.ok());
  return got.value();
}

}  // namespace

TEST_SUITE("stores") {
  TEST_CASE("a store in memory and one with faults do what a plain map does") {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      MemoryStore memory;
      model::run(memory, seed, 200);
      MemoryStore disk;
      FaultyStore faulty(disk);
      model::run(faulty, seed, 100);
      faulty.lie_about_syncs(true);
      model::run(faulty, seed + 100, 100);
    }
  }

  TEST_CASE("an overlay shows what is pending as if it were stored") {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed);
      MemoryStore base;
      Overlay overlay(base);
      model::Map map;
      std::deque<Batch> queued;
      std::uint64_t added = 0, committed = 0, forgotten = 0;
      for (int step = 0; step < 200; ++step) {
        CAPTURE(step);
        switch (random.below(3)) {
          case 0:
            queued.push_back(model::random_batch(random));
            overlay.add(++added, queued.back());
            model::apply(map, queued.back());
            break;
          case 1:
            if (queued.empty()) break;
            REQUIRE(base.commit(queued.front()).ok());
            queued.pop_front();
            ++committed;
            break;
          default:
            forgotten += random.below(committed - forgotten + 1);
            overlay.forget(forgotten);
        }
        model::check_equal(overlay, map, random);
      }
      for (const auto& batch : queued) REQUIRE(base.commit(batch).ok());
      overlay.forget(added);
      CHECK(overlay.pending_keys() == 0);
      model::check_equal(base, map, random);
    }
  }

  TEST_CASE("a workspace shows the store and all that was written, whenever it is committed") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed);
      MemoryStore base;
      Workspace workspace(base);
      model::Map map;
      std::deque<std::pair<std::uint64_t, Batch>> queued;
      std::deque<std::uint64_t> written;
      for (int step = 0; step < 300; ++step) {
        CAPTURE(step);
        switch (random.below(4)) {
          case 0: {
            Batch batch = model::random_batch(random);
            model::apply(map, batch);
            workspace.write(std::move(batch));
            break;
          }
          case 1:
            if (!workspace.dirty()) break;
            queued.emplace_back(workspace.last_write(), workspace.close());
            break;
          case 2:
            if (queued.empty()) break;
            REQUIRE(base.commit(queued.front().second).ok());
            written.push_back(queued.front().first);
            queued.pop_front();
            break;
          default:
            if (written.empty()) break;
            workspace.committed(written.front());
            written.pop_front();
        }
        model::check_equal(workspace, map, random);
      }
    }
  }

  TEST_CASE("a crash forgets what was not synced, whole batches at a time") {
    MemoryStore disk;
    FaultyStore store(disk);
    REQUIRE(store.commit(put("a", "synced")).ok());
    store.lie_about_syncs(true);
    Batch two = put("b", "1");
    two.put("c", "1");
    REQUIRE(store.commit(two).ok());
    REQUIRE(store.commit(put("d", "1")).ok());
    CHECK(held(store, "d") == "1");
    CHECK(store.unsynced() == 2);
    store.crash(1);
    CHECK(store.get("a").error().code == ErrorCode::io);
    CHECK(store.commit(put("e", "1")).error().code == ErrorCode::io);
    FaultyStore again(disk);
    CHECK(held(again, "a") == "synced");
    CHECK(held(again, "b") == "1");
    CHECK(held(again, "c") == "1");
    CHECK_FALSE(held(again, "d"));
  }

  TEST_CASE("after a failed commit nothing more is committed, whether it was written or not") {
    for (const bool written : {false, true}) {
      CAPTURE(written);
      MemoryStore disk;
      FaultyStore store(disk);
      store.fail_commit_after(1, written);
      REQUIRE(store.commit(put("a", "1")).ok());
      CHECK(store.commit(put("b", "1")).error().code == ErrorCode::io);
      CHECK(store.commit(put("c", "1")).error().code == ErrorCode::io);
      FaultyStore again(disk);
      CHECK(held(again, "a") == "1");
      CHECK(held(again, "b").has_value() == written);
      CHECK_FALSE(held(again, "c"));
      CHECK(again.commit(put("c", "1")).ok());
    }
  }

  TEST_CASE("no room is told apart from a broken disk, and is gone after opening again with room") {
    MemoryStore disk;
    FaultyStore store(disk);
    store.no_room(true);
    CHECK(store.commit(put("a", "1")).error().code == ErrorCode::full);
    CHECK_FALSE(held(store, "a"));
    store.no_room(false);
    CHECK_FALSE(store.commit(put("a", "1")).ok());
    CHECK(FaultyStore(disk).commit(put("a", "1")).ok());
  }

  TEST_CASE("a read fails once when asked to, and a byte flips when asked to") {
    MemoryStore disk;
    FaultyStore store(disk);
    REQUIRE(store.commit(put("a", "xyz")).ok());
    store.fail_read_after(1);
    CHECK(store.get("a").ok());
    CHECK(store.get("a").error().code == ErrorCode::io);
    CHECK(store.get("a").ok());
    CHECK(store.flip("a", 1));
    CHECK(held(store, "a") == Bytes("x") + static_cast<char>('y' ^ 1) + "z");
    CHECK_FALSE(store.flip("a", 3));
    CHECK_FALSE(store.flip("b", 0));
  }

  TEST_CASE("a store remembers its format, and a newer one is refused with the reason") {
    MemoryStore store;
    REQUIRE(settle_store_format(store).ok());
    CHECK(to_hex(*held(store, keys::format())) == "02000000");
    CHECK(settle_store_format(store).ok());
    Bytes newer;
    put_le32(newer, store_format + 1);
    REQUIRE(store.commit(put(keys::format(), newer)).ok());
    const auto refused = settle_store_format(store);
    CHECK(refused.error().code == ErrorCode::conflict);
    CHECK(refused.error().what == "the store has format 3; this program knows up to 2");
    Bytes older;
    put_le32(older, 1);
    REQUIRE(store.commit(put(keys::format(), older)).ok());
    CHECK(settle_store_format(store).ok());
    CHECK(to_hex(*held(store, keys::format())) == "02000000");
    MemoryStore odd;
    REQUIRE(odd.commit(put("x", "y")).ok());
    CHECK(settle_store_format(odd).error().code == ErrorCode::corrupt);
  }
}
