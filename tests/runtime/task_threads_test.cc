#include "node/runtime/task_threads.h"

#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "node/runtime/passwords.h"
#include "tests/runtime/loop_for_tests.h"

using namespace crossfloor;

TEST_SUITE("loop inbox") {
  TEST_CASE("notices of one thread run on the loop in their order, none is lost") {
    LoopForTests loop;
    LoopInbox inbox(loop.port());
    std::vector<int> seen;
    std::thread::id ran_on;
    std::thread poster([&] {
      for (int i = 0; i < 10'000; ++i) {
        inbox.post([&, i] {
          seen.push_back(i);
          ran_on = std::this_thread::get_id();
        });
      }
    });
    CHECK(loop.until([&] { return seen.size() == 10'000; }));
    poster.join();
    CHECK(std::is_sorted(seen.begin(), seen.end()));
    CHECK(ran_on == std::this_thread::get_id());
  }

  TEST_CASE("a notice may post another") {
    LoopForTests loop;
    LoopInbox inbox(loop.port());
    int depth = 0;
    std::function<void()> again = [&] {
      if (++depth < 100) inbox.post(again);
    };
    inbox.post(again);
    CHECK(loop.until([&] { return depth == 100; }));
  }
}

TEST_SUITE("task threads") {
  TEST_CASE("work runs elsewhere, its outcome comes back to the loop") {
    LoopForTests loop;
    LoopInbox inbox(loop.port());
    TaskThreads threads(inbox, {.name = "reader", .threads = 2});
    std::thread::id worked_on;
    std::optional<Result<std::string>> outcome;
    auto owned = std::make_unique<std::string>("page");  // move-only work is fine
    const auto taken = threads.run(
        [&worked_on, owned = std::move(owned)]() -> Result<std::string> {
          worked_on = std::this_thread::get_id();
          return *owned + " 1";
        },
        [&](Result<std::string> result) { outcome = std::move(result); });
    CHECK(taken.ok());
    CHECK(threads.waiting() == 1);
    REQUIRE(loop.until([&] { return outcome.has_value(); }));
    CHECK(outcome->value() == "page 1");
    CHECK(worked_on != std::this_thread::get_id());
    CHECK(threads.waiting() == 0);
  }

  TEST_CASE("errors and exceptions of the work arrive as errors") {
    LoopForTests loop;
    LoopInbox inbox(loop.port());
    TaskThreads threads(inbox, {});
    std::vector<ErrorCode> codes;
    const auto then = [&](Status status) { codes.push_back(status.error().code); };
    CHECK(threads.run(
                     []() -> Status {
                       return Error{ErrorCode::corrupt, "bad", "", ""};
                     },
                     then)
              .ok());
    CHECK(threads.run([]() -> Status { throw std::runtime_error("ouch"); }, then).ok());
    REQUIRE(loop.until([&] { return codes.size() == 2; }));
    CHECK(codes == std::vector{ErrorCode::corrupt, ErrorCode::io});
  }

  TEST_CASE("the queue is bounded and one thread does one job at a time") {
    LoopForTests loop;
    LoopInbox inbox(loop.port());
    TaskThreads threads(inbox, {.name = "worker", .threads = 1, .queue = 2});
    std::latch go(1);
    std::atomic<int> running{0}, most{0}, started{0};
    int done = 0;
    const auto job = [&]() -> Status {
      ++started;
      most = std::max(most.load(), ++running);
      go.wait();
      --running;
      return {};
    };
    const auto then = [&](Status) { ++done; };
    CHECK(threads.run(job, then).ok());
    REQUIRE(loop.until([&] { return started == 1; }));
    CHECK(threads.run(job, then).ok());
    CHECK(threads.run(job, then).ok());
    const auto refused = threads.run(job, then);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::full);
    CHECK_FALSE(refused.error().mend.empty());
    go.count_down();
    REQUIRE(loop.until([&] { return done == 3; }));
    CHECK(most == 1);
  }

  TEST_CASE("ending them asks running jobs to stop, drops waiting ones and tells nobody") {
    LoopForTests loop;
    LoopInbox inbox(loop.port());
    std::atomic<int> started{0};
    bool told = false;
    {
      TaskThreads threads(inbox, {});
      const auto job = [&started, stop = threads.stop_token()]() -> Status {
        ++started;
        while (!stop.stop_requested()) std::this_thread::yield();
        return {};
      };
      CHECK(threads.run(job, [&](Status) { told = true; }).ok());
      CHECK(threads.run(job, [&](Status) { told = true; }).ok());
      REQUIRE(loop.until([&] { return started == 1; }));
    }
    bool later = false;
    inbox.post([&] { later = true; });
    REQUIRE(loop.until([&] { return later; }));
    CHECK_FALSE(told);
    CHECK(started == 1);
  }

  TEST_CASE("closed, they have ended what ran, and take nothing more") {
    LoopForTests loop;
    LoopInbox inbox(loop.port());
    TaskThreads threads(inbox, {});
    std::atomic<int> started{0};
    bool written = false;  // by the job, read here: nobody else may be at it any more
    const auto job = [&, stop = threads.stop_token()]() -> Status {
      ++started;
      while (!stop.stop_requested()) std::this_thread::yield();
      written = true;
      return {};
    };
    CHECK(threads.run(job, [](Status) {}).ok());
    CHECK(threads.run(job, [](Status) {}).ok());
    REQUIRE(loop.until([&] { return started == 1; }));
    threads.close();
    CHECK(written);
    CHECK(started == 1);
    CHECK(threads.run(job, [](Status) {}).error().code == ErrorCode::unavailable);
    threads.close();
  }
}

TEST_SUITE("passwords") {
  TEST_CASE("a password verifies against its hash and no other does") {
    const auto hash = hash_password("correct horse");
    REQUIRE(hash.ok());
    CHECK(hash.value().find("$argon2id$") == 0);
    CHECK(verify_password(hash.value(), "correct horse"));
    CHECK_FALSE(verify_password(hash.value(), "correct horsf"));
    CHECK_FALSE(wants_new_hash(hash.value()));
  }

  TEST_CASE("nobody's hash, or no hash, lets nobody in") {
    CHECK_FALSE(verify_password("", "correct horse"));
    CHECK_FALSE(verify_password("nonsense", "correct horse"));
  }

  TEST_CASE("passwords that nobody should have are refused") {
    CHECK(check_new_password("12345678").ok());
    CHECK(check_new_password("1234567").error().code == ErrorCode::malformed);
    CHECK(check_new_password(std::string(1025, 'x')).error().code == ErrorCode::too_large);
    CHECK(check_new_password("\xff\xff\xff\xff\xff\xff\xff\xff").error().code ==
          ErrorCode::malformed);
    CHECK_FALSE(hash_password("short").ok());
  }
}
