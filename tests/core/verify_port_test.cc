#include "node/core/verify_port.h"

#include <nlohmann/json.hpp>

#include "core_world.h"
#include "node/channels/generic_receipt.h"
#include "node/core/verify_mesh.h"
#include "storage/faulty_store.h"
#include "storage/log_keys.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

// Whole nodes that talk to each other, and an operator who is connected to one.
struct WholeFloor : CoreWorld {
  explicit WholeFloor(std::uint64_t seed = 1) : CoreWorld({"helsinki", "london", "warsaw"}, seed) {
    start();
    for (int i = 0; i < 9; ++i) {
      write(static_cast<std::size_t>(i % 3), chat, "c" + std::to_string(i), "help");
    }
    run(Duration{1'000});
  }

  VerifyReport verify(std::size_t connected_to) {
    std::vector<ReceiptToProve> to_prove;
    for (const auto& receipt : receipts()) {
      to_prove.push_back(
          {"a receipt",
           {receipt.message, stream_text(receipt.stream), receipt.sequence, receipt.hash}});
    }
    VerifyMesh mesh({.patience = Duration{1'500}}, to_prove);
    for (int turns = 0; !mesh.done(); ++turns) {
      REQUIRE(turns < 1'000);
      const auto asks = mesh.take_questions(now());
      for (const auto& one : asks) {
        const Json arguments = Json::parse(one.envelope());
        mesh.answered(one.number, ask(connected_to, one.what, arguments, Duration{20'000}).dump());
      }
      if (asks.empty()) run(Duration{100});
    }
    return mesh.report();
  }
};

std::string told(const VerifyReport& report) {
  return json_text(report);
}

bool has(const VerifyReport& report, const std::string& check, const std::string& site,
         const std::string& part) {
  return std::any_of(report.findings.begin(), report.findings.end(), [&](const auto& one) {
    return one.check == check && one.site == site && one.what.find(part) != std::string::npos;
  });
}

Stream own_stream(WholeFloor& floor, std::size_t index) {
  return {{floor.host(index).id, floor.core(index).scribe().generation()}, CoreWorld::region};
}

}  // namespace

TEST_SUITE("verify over whole nodes") {
  TEST_CASE("any node answers for all") {
    WholeFloor floor;
    REQUIRE(floor.receipts().size() == 9);
    for (const std::size_t connected_to : {std::size_t{0}, std::size_t{2}}) {
      const auto report = floor.verify(connected_to);
      INFO(told(report));
      // Nobody is at work: customers wait, which is told and breaks no promise.
      CHECK(report.verdict <= Verdict::problem);
      for (const auto& check : report.checks) {
        if (check.check != "waiting") CHECK_MESSAGE(check.verdict == Verdict::holds, check.check);
      }
      CHECK(told(report).find("9 receipts of 9 proved") != std::string::npos);
    }
  }

  TEST_CASE("a flipped byte at a node that is asked through another is found and named") {
    WholeFloor floor;
    const Stream stream = own_stream(floor, 0);
    auto& disk = floor.host(1).disk;
    FaultyStore faulty(disk);
    REQUIRE(faulty.flip(keys::entry(*number_of(disk, stream).value(), 3), 30));
    const auto report = floor.verify(2);
    INFO(told(report));
    CHECK(report.verdict == Verdict::broken);
    CHECK(has(report, "chains", "london", "do not lead to their seal"));
    CHECK_FALSE(has(report, "chains", "helsinki", ""));
    CHECK_FALSE(has(report, "chains", "warsaw", ""));
  }

  TEST_CASE("a tail that vanished from a running node's disk is found") {
    WholeFloor floor;
    const Stream stream = own_stream(floor, 2);
    auto& disk = floor.host(1).disk;
    const auto number = *number_of(disk, stream).value();
    const Head head = *floor.core(1).scribe().log().sealed_head(stream);
    const auto before = seal_at_or_before(disk, stream, head.sequence - 1).value();
    REQUIRE(before);
    Batch batch;
    for (Sequence at = before->sequence + 1; at <= head.sequence; ++at) {
      batch.erase(keys::entry(number, at));
    }
    batch.erase(keys::seal(number, head.sequence));
    REQUIRE(disk.commit(batch).ok());
    const auto report = floor.verify(0);
    INFO(told(report));
    CHECK(report.verdict == Verdict::broken);
    CHECK(has(report, "chains", "london", "are gone from the end of the stream"));
  }

  TEST_CASE("a node that is down is not proved, with since when") {
    WholeFloor floor;
    floor.go_down(1);
    floor.run(Duration{60'000});
    const auto report = floor.verify(0);
    INFO(told(report));
    CHECK(report.verdict == Verdict::not_proved);
    CHECK(has(report, "nodes", "london", "cannot be reached since "));
    for (const auto& check : report.checks) CHECK(check.verdict != Verdict::holds);
  }

  TEST_CASE("a node that goes silent in the midst of a question is given up after a while") {
    WholeFloor floor;
    floor.host(1).up = false;  // no link is closed: it only says nothing
    const auto answer =
        floor.ask(0, "verify.heads", {{"node", floor.host(1).id.hex()}}, Duration{20'000});
    CHECK((answer.contains("unreachable") || answer["error"]["code"] == "full"));
  }

  TEST_CASE("what is no question, or for nobody, is answered with the mend") {
    WholeFloor floor;
    CHECK(floor.ask(0, "verify.nonsense")["error"]["code"] == "not_found");
    CHECK(floor.ask(0, "verify.heads", {{"node", "12"}})["error"]["where"] == "node");
    CHECK(floor.ask(0, "verify.heads", {{"knows", 1}})["error"]["code"] == "malformed");
    CHECK(floor.ask(0, "verify.digests",
                    {{"ask", {{"region", "mars"}, {"buckets", {1}}}}})["error"]["code"] ==
          "not_found");
    const auto nobody = floor.ask(0, "verify.heads", {{"node", std::string(64, '7')}});
    CHECK(nobody.contains("unreachable"));
  }
}
