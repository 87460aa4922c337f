#include "storage/rebuild.h"

#include "fold_world.h"
#include "storage/digest.h"
#include "storage/log_keys.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

void put(Store& store, const Bytes& key, const Bytes& value) {
  Batch batch;
  batch.put(key, value);
  REQUIRE(store.commit(batch).ok());
}

// A node with a few conversations, on its disk.
struct Floor {
  FoldWorld world;
  Author author{world};
  Floor() {
    for (int i = 0; i < 30; ++i) {
      const std::string name = "m" + std::to_string(i);
      author.take_in(name, {.customer = "c" + std::to_string(i % 4), .reference = "r"});
      author.course(author.open(name, "c" + std::to_string(i % 4)), CourseState::active, "bob");
    }
    author.write(EntryKind::act, world.message("m1"), ActBody{"requeue", "", "op", "why"});
    author.commit();
  }
  Digests digests(std::size_t max_bytes = 1 << 20) {
    DigestReckoner reckoner(world.crypto, world.secret, "eu");
    while (true) {
      const auto done = reckoner.step(author.store, max_bytes);
      REQUIRE(done.ok());
      if (done.value()) return reckoner.digests();
    }
  }
};

}  // namespace

TEST_SUITE("rebuild of the rows") {
  TEST_CASE("damaged, lost and invented rows are made anew, and nothing else is touched") {
    Floor floor;
    Store& store = floor.author.store;
    const AllRows rows = all_rows(store);
    const std::size_t heads = stored_heads(store).value().size();
    put(store, "D" + Bytes(32, 'h'), "a certificate");
    put(store, rows::conversation_key(floor.world.message("m1").as<ConversationId>()), "rubbish");
    put(store, "P" + Bytes(16, 'x'), "invented");
    Batch batch;
    batch.erase(rows::message_key(floor.world.message("m2")));
    REQUIRE(store.commit(batch).ok());
    REQUIRE(all_rows(store) != rows);

    const auto progress = rebuild_rows(store, floor.author.projections);
    REQUIRE(progress.ok());
    CHECK(progress.value().rows_dropped == rows.size());
    CHECK(progress.value().entries_folded == floor.author.log.head(floor.author.stream)->sequence);
    CHECK(all_rows(store) == rows);
    CHECK(store.get("D" + Bytes(32, 'h')).value() == "a certificate");
    CHECK(stored_heads(store).value().size() == heads);
  }

  TEST_CASE("one that was broken off is known by its mark, and done again from the beginning") {
    Floor floor;
    Store& store = floor.author.store;
    const AllRows rows = all_rows(store);
    CHECK_FALSE(rebuild_is_due(store).value());
    Rebuild first(store, floor.author.projections, {.slice_bytes = 1'000});
    for (int i = 0; i < 12; ++i) REQUIRE(first.step().ok());
    CHECK(rebuild_is_due(store).value());
    CHECK(all_rows(store) != rows);
    REQUIRE(rebuild_rows(store, floor.author.projections).ok());
    CHECK_FALSE(rebuild_is_due(store).value());
    CHECK(all_rows(store) == rows);
  }

  TEST_CASE("a hole in a stream is told, and the mark stays") {
    Floor floor;
    Batch batch;
    batch.erase(keys::entry(1, 5));
    REQUIRE(floor.author.store.commit(batch).ok());
    const auto progress = rebuild_rows(floor.author.store, floor.author.projections);
    REQUIRE_FALSE(progress.ok());
    CHECK(progress.error().code == ErrorCode::corrupt);
    CHECK(rebuild_is_due(floor.author.store).value());
  }

  TEST_CASE("an empty store has nothing to rebuild") {
    FoldWorld world;
    Holder holder(world);
    const auto progress = rebuild_rows(holder.store, holder.projections);
    REQUIRE(progress.ok());
    CHECK(progress.value().entries_folded == 0);
    CHECK(holder.store.size() == 0);
  }
}

TEST_SUITE("digests") {
  TEST_CASE("do not depend on how the rows are cut into slices") {
    Floor floor;
    const Digests all = floor.digests();
    CHECK(all == floor.digests(1));
    std::uint64_t rows = 0;
    for (const auto& digest : all) rows += digest.rows;
    CHECK(rows > 100);
  }

  TEST_CASE("one flipped bit in one row is found, in that subject's bucket") {
    Floor floor;
    const Digests before = floor.digests();
    const auto id = floor.world.message("m7");
    auto row = floor.author.message(id);
    row.echo_of.raw[3] ^= 1;
    put(floor.author.store, rows::message_key(id), encode_row(row));
    CHECK(unequal_buckets(before, floor.digests()) == std::vector<std::size_t>{id.raw[0]});
  }

  TEST_CASE("two rows that change places are found") {
    Floor floor;
    const Digests before = floor.digests();
    auto& store = floor.author.store;
    const auto key = [](const MessageId& id) { return rows::message_key(id); };
    const auto a = floor.world.message("m1"), b = floor.world.message("m2");
    const Bytes one = *store.get(key(a)).value();
    put(store, key(a), *store.get(key(b)).value());
    put(store, key(b), one);
    CHECK_FALSE(unequal_buckets(before, floor.digests()).empty());
  }

  TEST_CASE("rows of other regions, and what is only open here, count for nothing") {
    Floor floor;
    const Digests before = floor.digests();
    auto& store = floor.author.store;
    auto row = floor.author.message(floor.world.message("m1"));
    row.region = "us";
    put(store, "M" + Bytes(16, 'x'), encode_row(row));
    put(store, "V" + Bytes(56, 'x'), "us");
    put(store, "H" + Bytes(40, 'x'), "us");
    put(store, "O" + Bytes(16, 'x'), "eu");
    put(store, "U" + Bytes(16, 'x'), "eu");
    CHECK(before == floor.digests());
    put(store, "V" + Bytes(56, 'x'), "eu");
    CHECK(unequal_buckets(before, floor.digests()) == std::vector<std::size_t>{'x'});
  }

  TEST_CASE("without the region's secret nobody can reckon them") {
    Floor floor;
    const Digests before = floor.digests();
    floor.world.secret.raw[0] ^= 1;
    CHECK(unequal_buckets(before, floor.digests()).size() > 20);
  }

  TEST_CASE("a row that cannot be read is told with its key") {
    Floor floor;
    put(floor.author.store, "C" + Bytes(16, '\1'), "rubbish");
    DigestReckoner reckoner(floor.world.crypto, floor.world.secret, "eu");
    Result<bool> done = false;
    while (done.ok() && !done.value()) done = reckoner.step(floor.author.store);
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().code == ErrorCode::corrupt);
    CHECK(done.error().where == "C " + to_hex(Bytes(16, '\1')));
  }
}
