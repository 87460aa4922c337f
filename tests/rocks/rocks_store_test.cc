#include "storage/rocks/rocks_store.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "storage/format.h"
#include "storage/log_keys.h"
#include "storage/rocks/files.h"
#include "storage/rocks/wal_check.h"
#include "tests/rocks/temporary_folder.h"
#include "tests/storage/store_model.h"

using namespace crossfloor;

namespace {

std::unique_ptr<RocksStore> opened(const std::string& path, const RocksOptions& options = {}) {
  auto store = open_rocks_store(path, options);
  if (!store.ok()) FAIL(store.error().text());
  return std::move(store).value();
}

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

std::string newest(const std::string& folder, const std::string& extension) {
  std::string found;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() == extension) found = std::max(found, file.path().string());
  }
  REQUIRE_FALSE(found.empty());
  return found;
}

Bytes content_of(const std::string& path) {
  auto content = files::read(path, 64 << 20);
  REQUIRE(content.ok());
  return content.value();
}

void write(const std::string& path, ByteView content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

// A store as a killed process leaves it: its files copied while it is open.
void copy_while_open(const std::string& from, const std::string& to) {
  std::filesystem::create_directory(to);
  for (const auto& file : std::filesystem::directory_iterator(from)) {
    if (file.path().filename() == "LOCK") continue;
    std::filesystem::copy(file.path(), std::filesystem::path(to) / file.path().filename());
  }
}

Bytes value_of(int number) {
  return "value " + std::to_string(number) + Bytes(200, 'x');
}

}  // namespace

TEST_SUITE("rocks store") {
  TEST_CASE("it does what a plain map does, also across openings") {
    TemporaryFolder folder;
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      auto store = opened(folder / "store");
      CHECK_FALSE(store->shortened());
      model::run(*store, seed, 60);
    }
  }

  TEST_CASE("what was committed is there after a kill, without a clean stop") {
    TemporaryFolder folder;
    auto store = opened(folder / "store");
    for (int i = 0; i < 50; ++i)
      REQUIRE(store->commit(put("k" + std::to_string(i), value_of(i))).ok());
    copy_while_open(folder / "store", folder / "killed");
    auto again = opened(folder / "killed");
    CHECK_FALSE(again->shortened());
    for (int i = 0; i < 50; ++i) CHECK(held(*again, "k" + std::to_string(i)) == value_of(i));
  }

  TEST_CASE("with less room than must stay free it is not opened, but can be read") {
    TemporaryFolder folder;
    const std::string path = folder / "store";
    REQUIRE(opened(path)->commit(put("k", "v")).ok());
    RocksOptions options;
    options.reserve_bytes = std::size_t{1} << 62;
    const auto refused = open_rocks_store(path, options);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::full);
    options.read_only = true;
    const auto store = opened(path, options);
    CHECK(held(*store, "k") == "v");
    CHECK(held(*store->snapshot(), "k") == "v");
    CHECK_FALSE(store->commit(put("k", "w")).ok());
  }

  TEST_CASE("what is opened for reading is not changed by it, and cannot be made so") {
    TemporaryFolder folder;
    RocksOptions options;
    options.read_only = true;
    CHECK_FALSE(open_rocks_store(folder / "none", options).ok());
    CHECK_FALSE(std::filesystem::exists(folder / "none"));
  }

  TEST_CASE("a second opening of a store in use is refused with the reason") {
    TemporaryFolder folder;
    auto store = opened(folder / "store");
    auto second = open_rocks_store(folder / "store");
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().code == ErrorCode::conflict);
    CHECK(second.error().what.find("open in another process") != std::string::npos);
    CHECK_FALSE(second.error().mend.empty());
  }

  TEST_CASE("a flipped bit in synced records is an error, never a shorter store") {
    TemporaryFolder folder;
    auto store = opened(folder / "store");
    for (int i = 0; i < 400; ++i)
      REQUIRE(store->commit(put("k" + std::to_string(i), value_of(i))).ok());
    copy_while_open(folder / "store", folder / "clean");
    const std::string name = std::filesystem::path(newest(folder / "clean", ".log")).filename();
    const Bytes log = content_of((folder / "clean/") + name);
    REQUIRE(log.size() > 64 * 1024);  // so that block borders are met, too

    SeededRandom random(7);
    for (int round = 0; round < 12; ++round) {
      // In each field of a record that lies before the last one: checksum, length, type, data.
      const std::size_t at = random.below(log.size() - 2000);
      CAPTURE(at);
      Bytes damaged = log;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(8)));
      const std::string path = folder / ("damaged" + std::to_string(round)).c_str();
      copy_while_open(folder / "clean", path);
      write(path + "/" + name, damaged);
      auto refused = open_rocks_store(path);
      REQUIRE_FALSE(refused.ok());
      CHECK(refused.error().code == ErrorCode::corrupt);
      CHECK_FALSE(refused.error().mend.empty());
      if (round > 2) continue;
      auto cut = opened(path, {.cut_bad_wal = true});
      CHECK(cut->shortened());
      CHECK_FALSE(held(*cut, "k399"));
      CHECK(held(*cut, keys::format()).has_value() == (at > 40));
    }
  }

  TEST_CASE("a last record cut short by a crash is left out, and said so") {
    TemporaryFolder folder;
    auto store = opened(folder / "store");
    REQUIRE(store->commit(put("a", value_of(1))).ok());
    REQUIRE(store->commit(put("b", Bytes(80'000, 'y'))).ok());  // several records of the log
    copy_while_open(folder / "store", folder / "clean");
    const std::string name = std::filesystem::path(newest(folder / "clean", ".log")).filename();
    const Bytes log = content_of((folder / "clean/") + name);
    for (const std::size_t cut :
         {std::size_t{1}, std::size_t{5'000}, std::size_t{60'000}, std::size_t{79'990}}) {
      CAPTURE(cut);
      const std::string path = folder / ("torn" + std::to_string(cut)).c_str();
      copy_while_open(folder / "clean", path);
      write(path + "/" + name, ByteView(log).substr(0, log.size() - cut));
      auto torn = opened(path);
      CHECK(torn->shortened());
      CHECK(held(*torn, "a") == value_of(1));
      CHECK_FALSE(held(*torn, "b"));
      REQUIRE(torn->commit(put("c", "1")).ok());
      torn.reset();
      auto again = opened(path);
      CHECK_FALSE(again->shortened());
      CHECK(held(*again, "c") == "1");
    }
  }

  TEST_CASE("a store that lost its first file is not taken for a new one") {
    TemporaryFolder folder;
    {
      auto store = opened(folder / "store");
      REQUIRE(store->commit(put("a", "1")).ok());
    }
    std::filesystem::remove(folder / "store/CURRENT");
    CHECK_FALSE(open_rocks_store(folder / "store").ok());
    CHECK_FALSE(open_rocks_store(folder / "absent", {.create = false}).ok());
  }

  TEST_CASE("a checkpoint is a store of its own, and does not overwrite anything") {
    TemporaryFolder folder;
    auto store = opened(folder / "store");
    REQUIRE(store->commit(put("a", "1")).ok());
    REQUIRE(store->checkpoint(folder / "copy").ok());
    REQUIRE(store->commit(put("a", "2")).ok());
    auto copy = opened(folder / "copy");
    CHECK(held(*copy, "a") == "1");
    CHECK(store->checkpoint(folder / "copy").error().code == ErrorCode::conflict);
    CHECK(store->disk_bytes() > 0);
  }

  TEST_CASE("the scrub finds a flipped byte in a table file") {
    TemporaryFolder folder;
    {
      auto store = opened(folder / "store");
      for (int i = 0; i < 100; ++i) {
        REQUIRE(store->commit(put("k" + std::to_string(i), value_of(i))).ok());
      }
      REQUIRE(store->checkpoint(folder / "copy").ok());  // writes the tables
      CHECK(store->verify_checksums().ok());
    }
    const std::string table = newest(folder / "copy", ".sst");
    Bytes content = content_of(table);
    content[100] = static_cast<char>(content[100] ^ 4);
    std::filesystem::remove(table);  // it may be a link to the other store's file
    write(table, content);
    auto copy = open_rocks_store(folder / "copy");
    if (copy.ok()) {
      CHECK(copy.value()->verify_checksums().error().code == ErrorCode::corrupt);
    } else {
      CHECK(copy.error().code == ErrorCode::corrupt);
    }
  }

  TEST_CASE("a newer format is refused") {
    TemporaryFolder folder;
    Bytes newer;
    put_le32(newer, store_format + 1);
    REQUIRE(opened(folder / "store")->commit(put(keys::format(), newer)).ok());
    auto refused = open_rocks_store(folder / "store");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::conflict);
    CHECK(refused.error().where == folder / "store");
  }

  TEST_CASE("a replaced file holds the new content and leaves nothing beside it") {
    TemporaryFolder folder;
    REQUIRE(files::replace(folder / "f", "one").ok());
    REQUIRE(files::replace(folder / "f", "two").ok());
    CHECK(content_of(folder / "f") == "two");
    CHECK_FALSE(std::filesystem::exists(folder / "f.new"));
    CHECK(files::read(folder / "f", 2).error().code == ErrorCode::too_large);
    CHECK(files::read(folder / "g", 2).error().code == ErrorCode::not_found);
  }
}
