#include "storage/rocks/head_file.h"

#include <doctest/doctest.h>

#include "storage/log_keys.h"
#include "storage/memory_store.h"
#include "storage/rocks/files.h"
#include "storage/rocks/rocks_store.h"
#include "tests/rocks/temporary_folder.h"
#include "tests/storage/log_world.h"

using namespace crossfloor;
using crossfloor::test::LogWorld;
using crossfloor::test::take;
using crossfloor::test::Writer;

TEST_SUITE("head file") {
  TEST_CASE("heads survive a round trip, and any flipped byte is noticed") {
    TemporaryFolder folder;
    LogWorld world;
    const std::string path = folder / "heads";
    CHECK(read_head_file(path, world.crypto).value().empty());
    Heads heads;
    for (int i = 0; i < 5; ++i) {
      heads[{{world.random.id<NodeId>(), world.random.next()}, Region(1 + 7 * i, 'r')}] = {
          world.random.next(), world.random.id<Hash>()};
    }
    REQUIRE(write_head_file(path, world.crypto, heads).ok());
    CHECK(read_head_file(path, world.crypto).value() == heads);
    const Bytes content = files::read(path, 1 << 20).value();
    for (std::size_t at = 0; at < content.size(); at += 3) {
      Bytes damaged = content;
      damaged[at] = static_cast<char>(damaged[at] ^ 16);
      REQUIRE(files::replace(path, damaged).ok());
      CHECK(read_head_file(path, world.crypto).error().code == ErrorCode::corrupt);
    }
    REQUIRE(files::replace(path, content.substr(0, content.size() - 1)).ok());
    CHECK(read_head_file(path, world.crypto).error().code == ErrorCode::corrupt);
    REQUIRE(write_head_file(path, world.crypto, {}).ok());
    CHECK(read_head_file(path, world.crypto).value().empty());
  }

  TEST_CASE("a store that came back shorter, empty or other than it was is noticed") {
    LogWorld world;
    MemoryStore store;
    Writer origin(world, make_signing_key(world.random), 1, store);
    origin.write(3);
    origin.write(4);
    const Heads once = stored_heads(store).value();
    CHECK(lost_since(once, store, world.crypto).value().empty());
    origin.write(2);  // more than once is fine
    CHECK(lost_since(once, store, world.crypto).value().empty());

    MemoryStore shorter;
    Log log = world.open(shorter);
    REQUIRE(take(log, shorter, origin.range(1, 1)).ok());
    const auto lost = lost_since(once, shorter, world.crypto).value();
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].held == 3);
    CHECK(lost[0].once == once.at(origin.stream));
    CHECK(error_of(lost).code == ErrorCode::corrupt);
    CHECK(error_of(lost).what.find(" up to 3 of 7") != std::string::npos);

    // What is lost is fetched back as anything else that a peer has.
    Batch batch;
    log.heard(lost[0].stream, lost[0].once, batch);
    CHECK(log.heard_but_missing().count(origin.stream) == 1);
    REQUIRE(take(log, shorter, origin.range(4)).ok());
    CHECK(log.heard_but_missing().empty());

    CHECK(lost_since(once, MemoryStore(), world.crypto).value().at(0).held == 0);
    MemoryStore other;
    Writer twin(world, origin.key, 1, other);
    twin.write(9);
    CHECK(lost_since(once, other, world.crypto).value().size() == 1);
  }

  TEST_CASE("the log works on a disk, through a kill and an opening") {
    TemporaryFolder folder;
    LogWorld world;
    MemoryStore memory;
    Heads heads;
    {
      auto store = open_rocks_store(folder / "store");
      REQUIRE(store.ok());
      Writer origin(world, make_signing_key(world.random), 1, *store.value());
      for (int i = 0; i < 20; ++i) origin.write(1 + i % 5, 100);
      Log log = world.open(memory);
      for (Sequence next = 1; next <= origin.written.size();) {
        Range range = origin.range(next, 2000);
        next = range.seal.sequence + 1;
        REQUIRE(take(log, memory, std::move(range)).ok());
      }
      heads = stored_heads(*store.value()->snapshot()).value();
      CHECK(heads == stored_heads(memory).value());
    }
    auto store = open_rocks_store(folder / "store");
    REQUIRE(store.ok());
    CHECK(stored_heads(*store.value()).value() == heads);
    for (const auto& [stream, head] : heads) {
      auto slice = verify_stream(*store.value(), world.crypto, world.mesh, stream);
      REQUIRE(slice.ok());
      CHECK(slice.value().reached == head);
    }
  }
}
