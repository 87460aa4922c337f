#include "node/runtime/storage_thread.h"

#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <semaphore>
#include <thread>
#include <vector>

#include "storage/memory_store.h"
#include "tests/runtime/loop_for_tests.h"

using namespace crossfloor;

namespace {

// A memory store whose commits wait for a nod, may fail, and are recorded.
class GuardedStore final : public Store {
 public:
  Result<std::optional<Bytes>> get(ByteView key) const override { return inner_.get(key); }
  Status scan(ByteView from, ByteView to, const Visit& visit) const override {
    return inner_.scan(from, to, visit);
  }
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override {
    return inner_.scan_back(from, to, visit);
  }
  std::unique_ptr<Reader> snapshot() const override { return inner_.snapshot(); }

  Status commit(const Batch& batch) override {
    ++begun;
    nods.acquire();
    const std::lock_guard lock(mutex_);
    committed_by_ = std::this_thread::get_id();
    sizes_.push_back(batch.writes().size());
    if (throws) throw std::runtime_error("torn");
    if (fails) return Error{ErrorCode::io, "the disk said no", "", ""};
    return inner_.commit(batch);
  }

  std::vector<std::size_t> sizes() {
    const std::lock_guard lock(mutex_);
    return sizes_;
  }
  std::thread::id committed_by() {
    const std::lock_guard lock(mutex_);
    return committed_by_;
  }

  std::counting_semaphore<1000> nods{0};
  std::atomic<int> begun{0};
  std::atomic<bool> fails{false};
  std::atomic<bool> throws{false};

 private:
  MemoryStore inner_;
  std::mutex mutex_;
  std::vector<std::size_t> sizes_;
  std::thread::id committed_by_;
};

Batch batch_of(const std::string& key, std::size_t bytes = 1) {
  Batch batch;
  batch.put(key, Bytes(bytes, 'x'));
  return batch;
}

struct Fixture {
  LoopForTests loop;
  LoopInbox inbox{loop.port()};
  GuardedStore store;
  std::vector<StorageThread::Committed> committed;
  std::vector<Error> failures;

  StorageThread::Owner owner() {
    return {[this](const StorageThread::Committed& done) { committed.push_back(done); },
            [this](const Error& error) { failures.push_back(error); }};
  }
  bool until_committed(std::uint64_t number) {
    return loop.until([&] { return !committed.empty() && committed.back().up_to >= number; });
  }
};

}  // namespace

TEST_SUITE("storage thread") {
  TEST_CASE("what is submitted while a sync runs goes into the next one together") {
    Fixture f;
    StorageThread thread(f.store, f.inbox, f.owner(), {});
    CHECK_FALSE(thread.busy());
    thread.submit(1, batch_of("a"));
    REQUIRE(f.loop.until([&] { return f.store.begun == 1; }));
    thread.submit(2, batch_of("b"));
    thread.submit(5, batch_of("c"));
    thread.submit(6, Batch{});
    CHECK(thread.busy());
    CHECK(thread.waiting_bytes() > 0);
    CHECK(f.committed.empty());
    f.store.nods.release(2);
    REQUIRE(f.until_committed(6));
    CHECK(f.store.sizes() == std::vector<std::size_t>{1, 2});
    REQUIRE(f.committed.size() == 2);
    CHECK(f.committed[0].up_to == 1);
    CHECK(f.committed[1].batches == 3);
    CHECK_FALSE(thread.busy());
    CHECK(thread.waiting_bytes() == 0);
    CHECK(f.store.committed_by() != std::this_thread::get_id());
    CHECK(f.store.get("c").value() == "x");
  }

  TEST_CASE("nothing is told before it is committed") {
    Fixture f;
    StorageThread thread(f.store, f.inbox, f.owner(), {});
    thread.submit(1, batch_of("a"));
    REQUIRE(f.loop.until([&] { return f.store.begun == 1; }));
    CHECK(f.committed.empty());
    f.store.nods.release();
    REQUIRE(f.until_committed(1));
    CHECK(f.store.get("a").value() == "x");
  }

  TEST_CASE("one synced write has bounded bytes, but a single large batch still goes") {
    Fixture f;
    StorageThread thread(f.store, f.inbox, f.owner(), {.group_bytes = 100, .queue_bytes = 200});
    thread.submit(1, batch_of("a"));
    REQUIRE(f.loop.until([&] { return f.store.begun == 1; }));
    thread.submit(2, batch_of("b", 60));
    CHECK_FALSE(thread.full());
    thread.submit(3, batch_of("c", 60));
    thread.submit(4, batch_of("d", 500));
    CHECK(thread.full());
    f.store.nods.release(10);
    REQUIRE(f.until_committed(4));
    CHECK(f.store.sizes() == std::vector<std::size_t>{1, 1, 1, 1});
    CHECK_FALSE(thread.full());
  }

  TEST_CASE("numbers without writes are told in their turn and cost no sync") {
    Fixture f;
    StorageThread thread(f.store, f.inbox, f.owner(), {});
    thread.submit(7, Batch{});
    REQUIRE(f.until_committed(7));
    CHECK(f.store.begun == 0);
  }

  TEST_CASE("after a failure nothing is tried again and nothing told as committed") {
    for (const bool throws : {false, true}) {
      CAPTURE(throws);
      Fixture f;
      StorageThread thread(f.store, f.inbox, f.owner(), {});
      (throws ? f.store.throws : f.store.fails) = true;
      thread.submit(1, batch_of("a"));
      REQUIRE(f.loop.until([&] { return f.store.begun == 1; }));
      thread.submit(2, batch_of("b"));
      f.store.nods.release(10);
      REQUIRE(f.loop.until([&] { return !f.failures.empty(); }));
      CHECK(f.failures[0].code == ErrorCode::io);
      (throws ? f.store.throws : f.store.fails) = false;
      thread.submit(3, batch_of("c"));
      CHECK_FALSE(thread.busy());
      // A notice posted now comes after all that the thread had to say.
      bool later = false;
      f.inbox.post([&] { later = true; });
      REQUIRE(f.loop.until([&] { return later; }));
      CHECK(f.store.begun == 1);
      CHECK(f.committed.empty());
      CHECK(f.failures.size() == 1);
    }
  }

  TEST_CASE("an owner that ended the thread hears nothing more") {
    Fixture f;
    {
      StorageThread thread(f.store, f.inbox, f.owner(), {});
      thread.submit(1, batch_of("a"));
      REQUIRE(f.loop.until([&] { return f.store.begun == 1; }));
      f.store.nods.release();
    }
    bool later = false;
    f.inbox.post([&] { later = true; });
    REQUIRE(f.loop.until([&] { return later; }));
    CHECK(f.committed.empty());
    CHECK(f.store.get("a").value() == "x");
  }
}
