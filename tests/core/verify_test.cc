#include "node/channels/generic_receipt.h"
#include "node/core/verify_mesh.h"
#include "node/core/verify_node.h"
#include "storage/faulty_store.h"
#include "storage/log_keys.h"
#include "tests/storage/fold_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

// Three sites of one region that write and hear each other, and somebody who verifies.
struct Sites {
  struct Site {
    std::string name;
    Author author;
    bool reachable = true;
    bool busy = false;  // does not answer the first time
    Heads heard = {};
    std::map<Stream, Sequence> forked = {};
    VersionVector held = {};  // if it is to differ from what the log says
    Site(std::string n, FoldWorld& w) : name(std::move(n)), author(w) {}
  };

  FoldWorld world;
  std::vector<std::unique_ptr<Site>> sites;
  std::vector<ReceiptToProve> receipts;
  int written = 0;
  Now now{Instant{}, wall_from_ms(2'000'000)};
  std::function<void()> traffic = [] {};
  std::size_t questions = 0;

  explicit Sites(std::uint64_t seed = 1) : world(seed) {
    for (const auto* name : {"helsinki", "london", "warsaw"}) {
      sites.push_back(std::make_unique<Site>(name, world));
    }
  }

  Author& at(std::size_t site) { return sites[site]->author; }

  // A customer writes at a site, and home answers.
  void write(std::size_t site, bool answered = true) {
    Author& author = at(site);
    const std::string name = "m" + std::to_string(written++);
    const std::string customer = "c" + std::to_string(written % 7);
    const auto message = author.take_in(name, {.customer = customer});
    const Head head = *author.log.head(author.stream);
    receipts.push_back(
        {"page " + name, {message, stream_text(author.stream), head.sequence, head.hash}});
    const auto id = author.open(name, customer);
    CourseBody course;
    course.epoch = author.epoch(1);
    course.state = answered ? CourseState::closed : CourseState::active;
    course.agent = "bob";
    course.reason = "test";
    if (answered) course.seen = {message};
    author.write(EntryKind::course, id, course);
    author.commit();
  }
  // One site takes one range from another; true if there was one.
  bool hear(std::size_t site, std::size_t from, std::size_t of) {
    if (site == of) return false;
    const bool fresh = at(site).take_next(at(from), at(of).stream);
    if (fresh) at(site).commit();
    return fresh;
  }
  void hear_all() {
    for (bool again = true; std::exchange(again, false);) {
      for (std::size_t site = 0; site < sites.size(); ++site) {
        for (std::size_t of = 0; of < sites.size(); ++of) again |= hear(site, of, of);
      }
    }
  }
  void fill(std::size_t count = 30) {
    for (std::size_t i = 0; i < count; ++i) write(i % sites.size());
    hear_all();
  }

  bool flip(std::size_t site, const Bytes& key, std::size_t offset) {
    FaultyStore disk(at(site).store);
    return disk.flip(key, offset);
  }
  Bytes entry_key(std::size_t site, const Stream& stream, Sequence sequence) {
    return keys::entry(*number_of(at(site).store, stream).value(), sequence);
  }

  std::string members() {
    VerifyMembers out;
    out.self = at(0).node();
    for (const auto& site : sites) {
      out.nodes.push_back({site->author.node(), site->name, {"eu"}, site->reachable, 61'000});
    }
    return json_text(out);
  }
  Result<std::string> answer(const VerifyAsk& ask) {
    ++questions;
    if (ask.what == "verify.members") return members();
    for (const auto& site : sites) {
      if (site->author.node() != ask.node) continue;
      if (!site->reachable) return Error{ErrorCode::unavailable, "nobody answers", "", ""};
      if (std::exchange(site->busy, false)) return Error{ErrorCode::full, "too busy", "", ""};
      VerifyQuestion question;
      question.what = ask.what;
      question.arguments = ask.ask;
      question.mesh = world.mesh;
      question.wall = now.wall;
      question.secrets = {{"eu", world.secret}};
      question.held = site->held.empty() ? site->author.log.vector() : site->held;
      question.heard = site->heard;
      question.forked = site->forked;
      question.targets = {{"page", Duration{30'000}}};
      const auto snapshot = site->author.store.snapshot();
      return answer_verify(world.crypto, *snapshot, question);
    }
    return Error{ErrorCode::not_found, "no such node", "", ""};
  }

  VerifyReport verify(VerifyOptions options = {}, bool with_receipts = true) {
    VerifyMesh mesh(options, with_receipts ? receipts : std::vector<ReceiptToProve>{});
    for (int turns = 0; !mesh.done(); ++turns) {
      REQUIRE(turns < 10'000);
      const auto asks = mesh.take_questions(now);
      for (const auto& ask : asks) {
        traffic();
        mesh.answered(ask.number, answer(ask));
      }
      if (asks.empty() && mesh.deadline()) now.steady = std::max(now.steady, *mesh.deadline());
      now.steady += Duration{5};
    }
    return mesh.report();
  }
};

std::string told(const VerifyReport& report) {
  std::string out = word_of(report.verdict);
  for (const auto& check : report.checks) {
    out += "\n" + check.check + ": " + word_of(check.verdict) + ": " + check.what;
  }
  for (const auto& finding : report.findings) {
    out += std::string("\n  ") + word_of(finding.verdict) + " " + finding.check + " " +
           finding.site + " " + finding.stream + " " + finding.what;
  }
  return out;
}

Verdict verdict_of(const VerifyReport& report, const std::string& check) {
  for (const auto& line : report.checks) {
    if (line.check == check) return line.verdict;
  }
  FAIL("no such check: " << check);
  return Verdict::holds;
}

const VerifyFinding* finding(const VerifyReport& report, const std::string& check,
                             const std::string& site, const std::string& part) {
  for (const auto& one : report.findings) {
    if (one.check == check && one.site == site && one.what.find(part) != std::string::npos) {
      return &one;
    }
  }
  return nullptr;
}

}  // namespace

TEST_SUITE("verify") {
  TEST_CASE("equal copies, genuine chains and kept receipts hold") {
    Sites sites;
    sites.fill();
    const auto report = sites.verify();
    INFO(told(report));
    CHECK(report.verdict == Verdict::holds);
    CHECK(report.findings.empty());
    for (const auto* check : {"nodes", "copies", "chains", "lost", "forks", "rows", "receipts",
                              "waiting", "twice", "replies"}) {
      CHECK(verdict_of(report, check) == Verdict::holds);
    }
    const std::string text = told(report);
    CHECK(text.find("3 streams equal on all their nodes, up to 90 common entries") !=
          std::string::npos);
    CHECK(text.find("270 entries in 9 copies") != std::string::npos);
    CHECK(text.find("256 buckets of rows equal") != std::string::npos);
    CHECK(text.find("30 receipts of 30 proved") != std::string::npos);
  }

  TEST_CASE("small pages give the same") {
    Sites sites;
    sites.fill();
    const auto whole = sites.verify();
    const auto paged = sites.verify({.page = 1, .buckets = 3, .under_way = 2});
    REQUIRE(whole.checks.size() == paged.checks.size());
    for (std::size_t i = 0; i < whole.checks.size(); ++i) {
      CHECK(whole.checks[i].what == paged.checks[i].what);
      CHECK(paged.checks[i].verdict == Verdict::holds);
    }
  }

  TEST_CASE("a flipped byte of an entry is found and named, wherever it lies") {
    for (const std::size_t offset : {std::size_t{5}, std::size_t{20}, std::size_t{60}}) {
      CAPTURE(offset);
      Sites sites;
      sites.fill();
      const Stream damaged = sites.at(2).stream;
      REQUIRE(sites.flip(1, sites.entry_key(1, damaged, 17), offset));
      const auto report = sites.verify({}, false);
      INFO(told(report));
      CHECK(report.verdict == Verdict::broken);
      CHECK(verdict_of(report, "chains") == Verdict::broken);
      const auto* found = finding(report, "chains", "london", "17");
      REQUIRE(found != nullptr);
      CHECK(found->stream == stream_text(damaged));
      CHECK(finding(report, "chains", "helsinki", "") == nullptr);
      CHECK(finding(report, "chains", "warsaw", "") == nullptr);
    }
  }

  TEST_CASE("a flipped byte of a seal is found") {
    Sites sites;
    sites.fill();
    const Stream damaged = sites.at(0).stream;
    const auto number = *number_of(sites.at(2).store, damaged).value();
    REQUIRE(sites.flip(2, keys::seal(number, 9), 50));
    const auto report = sites.verify({}, false);
    INFO(told(report));
    REQUIRE(report.verdict == Verdict::broken);
    const auto* found = finding(report, "chains", "warsaw", "9");
    REQUIRE(found != nullptr);
    CHECK(found->stream == stream_text(damaged));
  }

  TEST_CASE("a row that was changed is found although all chains are good") {
    Sites sites;
    sites.fill();
    const auto id = sites.world.message("m4");
    Batch batch;
    auto row = rows::message(sites.at(0).store, id).value();
    row->placements.clear();
    batch.put(rows::message_key(id), encode_row(*row));
    REQUIRE(sites.at(1).store.commit(batch).ok());
    const auto report = sites.verify({}, false);
    INFO(told(report));
    CHECK(report.verdict == Verdict::broken);
    CHECK(verdict_of(report, "chains") == Verdict::holds);
    CHECK(verdict_of(report, "copies") == Verdict::holds);
    const std::string bucket = id.hex().substr(0, 2);
    const auto* found = finding(report, "rows", "", "bucket " + bucket + ": ");
    REQUIRE(found != nullptr);
    CHECK(found->what.find("london") != std::string::npos);
    std::size_t broken = 0;
    for (const auto& one : report.findings) broken += one.verdict == Verdict::broken;
    CHECK(broken == 1);
  }

  TEST_CASE("a row that cannot be read is broken at that node") {
    Sites sites;
    sites.fill();
    Batch batch;
    batch.put(rows::message_key(sites.world.message("m4")), "rubbish");
    REQUIRE(sites.at(2).store.commit(batch).ok());
    const auto report = sites.verify({}, false);
    INFO(told(report));
    CHECK(report.verdict == Verdict::broken);
    CHECK(finding(report, "chains", "warsaw", "cannot be read") != nullptr);
  }

  TEST_CASE("a tail that vanished from a disk is found by what the node remembers") {
    Sites sites;
    sites.fill();
    sites.sites[1]->held = sites.at(1).log.vector();
    sites.sites[1]->held[sites.at(1).stream] += 2;
    const auto report = sites.verify({}, false);
    INFO(told(report));
    CHECK(report.verdict == Verdict::broken);
    CHECK(finding(report, "chains", "london", "entries 31 to 32 were written and are gone") !=
          nullptr);
  }

  TEST_CASE("a copy that lacks entries and does not fetch them is broken") {
    Sites sites;
    sites.fill();
    sites.write(0);
    while (sites.hear(1, 0, 0)) {
    }
    const Instant began = sites.now.steady;
    const auto report = sites.verify({.patience = Duration{1'500}}, false);
    INFO(told(report));
    CHECK(report.verdict == Verdict::broken);
    const auto* found = finding(report, "copies", "warsaw", "lacks entries 31 to 33, which");
    REQUIRE(found != nullptr);
    CHECK(found->stream == stream_text(sites.at(0).stream));
    CHECK(sites.now.steady - began >= Duration{1'500});  // it had time to fetch them
    // What was made of entries that one lacks was not compared.
    CHECK(verdict_of(report, "rows") == Verdict::not_proved);
    CHECK(finding(report, "rows", "", "never seen to hold the same entries") != nullptr);
  }

  TEST_CASE("a copy that is still fetching is not proved, and never said to hold") {
    Sites sites;
    sites.fill();
    for (int i = 0; i < 50; ++i) sites.write(0);
    while (sites.hear(1, 0, 0)) {
    }
    int asked = 0;
    sites.traffic = [&] {
      if (++asked % 9 == 0) sites.hear(2, 0, 0);
    };
    const auto report = sites.verify({.patience = Duration{1'000}}, false);
    INFO(told(report));
    CHECK(report.verdict == Verdict::not_proved);
    CHECK(finding(report, "copies", "warsaw", "it is fetching them") != nullptr);
  }

  TEST_CASE("a node that cannot be reached leaves everything not proved") {
    Sites sites;
    sites.fill();
    sites.sites[2]->reachable = false;
    const auto report = sites.verify();
    INFO(told(report));
    CHECK(report.verdict == Verdict::not_proved);
    CHECK(finding(report, "nodes", "warsaw", "cannot be reached since 61 s") != nullptr);
    for (const auto& check : report.checks) {
      CHECK_MESSAGE(check.verdict == Verdict::not_proved, check.check);
    }
  }

  TEST_CASE("a node that is lost on the way is not proved, one that was busy is asked again") {
    Sites sites;
    sites.fill();
    sites.sites[0]->busy = true;
    auto report = sites.verify();
    CHECK_MESSAGE(report.verdict == Verdict::holds, told(report));

    int asked = 0;
    sites.traffic = [&] {
      if (++asked == 12) sites.sites[1]->reachable = false;
    };
    report = sites.verify();
    INFO(told(report));
    CHECK(report.verdict == Verdict::not_proved);
    // The list of members was asked before it went: who stays away is told by its silence.
    CHECK(finding(report, "nodes", "london", "nobody answers") != nullptr);
  }

  TEST_CASE("without the node that is connected to nothing is compared at all") {
    VerifyMesh mesh;
    const auto asks = mesh.take_questions({});
    REQUIRE(asks.size() == 1);
    CHECK(asks[0].envelope() == R"({"node":"","ask":{},"by":""})");
    mesh.answered(asks[0].number, Error{ErrorCode::unavailable, "no control.sock", "", ""});
    CHECK(mesh.take_questions({}).empty());
    CHECK(mesh.done());
    REQUIRE(mesh.failed());
    CHECK(mesh.failed()->code == ErrorCode::unavailable);
  }

  TEST_CASE("a head that was heard of and that nobody holds is lost") {
    Sites sites;
    sites.fill();
    const Stream gone = sites.at(2).stream;
    sites.sites[0]->heard[gone] = {35, sites.world.random.id<Hash>()};
    auto report = sites.verify({}, false);
    INFO(told(report));
    CHECK(report.verdict == Verdict::broken);
    const auto* found = finding(report, "lost", "helsinki",
                                "entries 31 to 35 were heard of and are held by nobody");
    REQUIRE(found != nullptr);
    CHECK(found->stream == stream_text(gone));

    // Somebody who cannot be asked may have it.
    sites.sites[2]->reachable = false;
    report = sites.verify({}, false);
    CHECK(report.verdict == Verdict::not_proved);
    CHECK(finding(report, "lost", "helsinki", "nobody that could be asked") != nullptr);
  }

  TEST_CASE("a fork is told, and its copies are not expected to be equal") {
    Sites sites;
    sites.fill();
    sites.sites[1]->forked[sites.at(0).stream] = 12;
    const auto report = sites.verify({}, false);
    CHECK(report.verdict == Verdict::broken);
    CHECK(finding(report, "forks", "london", "agree up to entry 12") != nullptr);
  }

  TEST_CASE("receipts that promise what is not there are found") {
    Sites sites;
    sites.fill();
    auto& receipts = sites.receipts;
    receipts[3].receipt.hash.raw[0] ^= 1;
    receipts[5].receipt.message = sites.world.message("m6");
    receipts[7].receipt.sequence = 4711;
    receipts[9].receipt.message = sites.world.message("never written");
    receipts[11].receipt.stream = "nonsense";
    receipts[12].receipt.sequence = 0;  // of an echo
    const auto report = sites.verify();
    INFO(told(report));
    CHECK(report.verdict == Verdict::broken);
    for (const auto* site : {"helsinki", "london", "warsaw"}) {
      CHECK(finding(report, "receipts", site, "page m3: entry 4 has hash") != nullptr);
      CHECK(finding(report, "receipts", site, "page m5: the message's row does not name") !=
            nullptr);
      CHECK(finding(report, "receipts", site, "page m7: entry 31 is not held") != nullptr);
      CHECK(finding(report, "receipts", site, "page m9: the entry is there") != nullptr);
    }
    CHECK(finding(report, "receipts", "", "page m11: no node that holds its region") != nullptr);
    CHECK(told(report).find("24 receipts of 30 proved on every node of their region; 1 receipt of "
                            "echoes") != std::string::npos);
  }

  TEST_CASE("a receipt of an entry behind a fork is proved by a holder and the salvage") {
    Sites sites;
    sites.fill(3);
    // Taken in at two sites, so that it is kept when the first one's stream counts no more.
    sites.write(0);
    const ReceiptToProve twice = sites.receipts.back();
    sites.at(1).take_in("m3", {.customer = "c4"});
    sites.at(1).commit();
    sites.write(0);
    const ReceiptToProve once = sites.receipts.back();
    sites.hear_all();
    sites.receipts = {twice};
    const Stream stream = sites.at(0).stream;
    for (auto& site : sites.sites) site->forked[stream] = twice.receipt.sequence - 1;
    CHECK(verdict_of(sites.verify(), "receipts") == Verdict::holds);
    CHECK(told(sites.verify())
              .find("1 receipt of 1 proved on every node of their region, 1 of "
                    "them salvaged from behind a fork") != std::string::npos);

    // Nobody holds what it speaks of: the message is there, the promise is not proved.
    sites.receipts[0].receipt.hash.raw[0] ^= 1;
    auto report = sites.verify();
    CHECK(verdict_of(report, "receipts") == Verdict::not_proved);
    CHECK(finding(report, "receipts", "", "m3: its message is kept, written again") != nullptr);

    sites.receipts = {once};
    report = sites.verify();
    CHECK(verdict_of(report, "receipts") == Verdict::broken);
    CHECK(finding(report, "receipts", "london", "nobody wrote the message again") != nullptr);
  }

  TEST_CASE("a receipt whose message arrives late is waited for; one that stays away is broken") {
    Sites sites;
    sites.fill();
    sites.write(1);
    int asked = 0;
    sites.traffic = [&] {
      if (++asked == 40) sites.hear_all();
    };
    CHECK(sites.verify().verdict == Verdict::holds);

    // A message that no home placed.
    Author& author = sites.at(0);
    const auto id = author.take_in("stray", {.customer = "c1"});
    const Head head = *author.log.head(author.stream);
    author.commit();
    sites.hear_all();
    sites.receipts.push_back(
        {"page stray", {id, stream_text(author.stream), head.sequence, head.hash}});
    const auto report = sites.verify();
    CHECK(report.verdict == Verdict::broken);
    CHECK(finding(report, "receipts", "london", "page stray: the message is in no conversation") !=
          nullptr);
  }

  TEST_CASE("who waits too long is a problem, who waits is news") {
    Sites sites;
    sites.fill();
    sites.at(0).wall_ms = 1'990'000;
    sites.write(0, false);
    sites.hear_all();
    auto report = sites.verify();
    INFO(told(report));
    CHECK(report.verdict == Verdict::holds);
    const auto* found = finding(report, "waiting", "", "1 unanswered, active with bob");
    REQUIRE(found != nullptr);
    CHECK(found->verdict == Verdict::holds);
    CHECK(found->mend == "crossfloor explain " + sites.world.message("m30").hex());

    sites.now.wall = wall_from_ms(2'100'000);
    report = sites.verify();
    CHECK(report.verdict == Verdict::problem);
    CHECK(verdict_of(report, "waiting") == Verdict::problem);
    CHECK(verdict_of(report, "copies") == Verdict::holds);
  }

  TEST_CASE("under traffic there is no false alarm, and everything is compared") {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      CAPTURE(seed);
      Sites sites(seed);
      sites.now.wall = wall_from_ms(1'005'000);  // nobody waits too long yet
      sites.fill(12);
      SeededRandom dice(seed * 77);
      sites.traffic = [&] {
        // Between any two looks somebody writes, and each hears of some of it.
        if (dice.below(2) == 0) sites.write(dice.below(3));
        for (int i = 0; i < 30; ++i) sites.hear(dice.below(3), dice.below(3), dice.below(3));
      };
      const auto report = sites.verify();
      INFO(told(report));
      CHECK(report.verdict == Verdict::holds);
      CHECK(sites.written > 25);
    }
  }

  TEST_CASE("under traffic a row that differs is found all the same") {
    Sites sites;
    sites.fill(12);
    const auto id = sites.world.message("m4");
    Batch batch;
    auto row = rows::message(sites.at(0).store, id).value();
    row->placements.clear();
    batch.put(rows::message_key(id), encode_row(*row));
    REQUIRE(sites.at(1).store.commit(batch).ok());
    SeededRandom dice(5);
    sites.traffic = [&] {
      if (dice.below(3) == 0) sites.write(dice.below(3));
      for (int i = 0; i < 12; ++i) sites.hear(dice.below(3), dice.below(3), dice.below(3));
    };
    const auto report = sites.verify({}, false);
    INFO(told(report));
    CHECK(report.verdict == Verdict::broken);
    CHECK(finding(report, "rows", "", "bucket " + id.hex().substr(0, 2) + ": ") != nullptr);
  }
}
