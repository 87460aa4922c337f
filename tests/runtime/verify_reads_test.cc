#include "node/runtime/verify_reads.h"

#include "storage/memory_store.h"
#include "tests/runtime/loop_for_tests.h"
#include "tests/storage/log_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

TEST_SUITE("verify reads") {
  TEST_CASE("a long check is read in slices, and the loop and other readers go on meanwhile") {
    LogWorld world;
    MemoryStore store;
    Writer writer(world, make_signing_key(world.random), 7, store);
    for (int i = 0; i < 8; ++i) writer.write(500, 1'000);  // about 4 MiB
    auto question = std::make_shared<VerifyQuestion>();
    question->what = "verify.chains";
    question->arguments = "{}";
    question->mesh = world.mesh;
    question->held = writer.log.vector();

    LoopForTests loop;
    LoopInbox inbox(loop.port());
    TaskThreads readers(inbox, {.name = "reader", .threads = 1});
    VerifyReads reads(readers, world.crypto);
    std::string answer;
    std::uint64_t ticket = 0;
    bool other_read = false;
    bool other_was_first = false;
    reads.start({5, question}, store.snapshot(), [&](std::uint64_t of, const std::string& json) {
      ticket = of;
      answer = json;
      other_was_first = other_read;
    });
    REQUIRE(readers.run([]() -> Result<int> { return 1; }, [&](Result<int>) { other_read = true; })
                .ok());
    REQUIRE(loop.until([&] { return !answer.empty(); }));
    CHECK(ticket == 5);
    CHECK(other_was_first);
    CHECK(answer == answer_verify(world.crypto, store, *question));
    CHECK(answer.find("\"entries\":4000") != std::string::npos);
  }

  TEST_CASE("when too many reads wait it is said at once") {
    SodiumCrypto crypto;
    MemoryStore store;
    LoopForTests loop;
    LoopInbox inbox(loop.port());
    TaskThreads readers(inbox, {.name = "reader", .threads = 1, .queue = 0});
    VerifyReads reads(readers, crypto);
    std::string answer;
    auto question = std::make_shared<VerifyQuestion>();
    question->what = "verify.heads";
    reads.start({1, question}, store.snapshot(),
                [&](std::uint64_t, const std::string& json) { answer = json; });
    CHECK(answer.find("\"code\":\"full\"") != std::string::npos);
  }
}
