// A node whose machine was copied while it ran: two histories under one key and generation.
#include <nlohmann/json.hpp>

#include "node/channels/generic_receipt.h"
#include "node/core/verify_mesh.h"
#include "protocol/peer_messages.h"
#include "protocol/range_codec.h"
#include "tests/core/core_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

std::vector<std::string> names_of(std::size_t copied) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < copied; ++i) names.push_back("copied " + std::to_string(i));
  return names;
}

struct Mesh3 {
  CoreWorld world{{"helsinki", "warsaw", "porto"}};
  Stream stream;  // Helsinki's

  Mesh3() {
    world.start();
    world.write(0, CoreWorld::chat, "1", "before");
    stream = {{world.host(0).id, world.core(0).scribe().generation()}, CoreWorld::region};
  }

  // What a copy of Helsinki writes as if it were Helsinki: messages behind its last entry.
  Range copy_takes_in(const std::vector<std::string>& names) {
    auto& host = world.host(0);
    Head head = *world.core(0).scribe().log().sealed_head(stream);
    Range range{stream, head.sequence + 1, {}, {}};
    for (const auto& name : names) {
      MessageBody body;
      body.account = CoreWorld::chat;
      body.brand = CoreWorld::brand;
      body.channel = "chat";
      body.taken_ms = ms_of(world.now().wall);
      body.message.external_id = name;
      body.message.customer.external_id = "customer of " + name;
      body.message.text = name;
      EntryHeader header;
      header.kind = static_cast<std::uint16_t>(EntryKind::message);
      header.time = HybridTime::of(world.now().wall);
      header.subject = id_of(name).as<Subject>();
      Entry entry;
      header.append_to(entry.header);
      entry.body = encode_body(body, *host.random);
      head = {head.sequence + 1, next_hash(world.crypto(), head.hash, entry)};
      range.entries.push_back(std::move(entry));
    }
    range.seal =
        make_seal(world.crypto(), host.key, host.roster->mesh(), stream, head.sequence, head.hash);
    return range;
  }
  void hand(std::size_t to, const Range& range) {
    world.deliver(to, world.host(0).id, LinkKind::live, ReplicationFrame{pack_range(range)});
  }

  MessageId id_of(const std::string& name) {
    return world.core(0).scribe().subjects(CoreWorld::region)->message(CoreWorld::chat, name);
  }
  bool placed(std::size_t at, const std::string& name) {
    auto row = rows::message(world.core(at).scribe().view(), id_of(name));
    return row.ok() && row.value() && !row.value()->placements.empty();
  }
  // The rows of all that this node holds, but for what is not made from the log.
  std::map<Bytes, Bytes> rows_at(std::size_t at) {
    std::map<Bytes, Bytes> all;
    for (const char kind : row_kinds) {
      const Bytes prefix(1, kind);
      REQUIRE(world.core(at)
                  .scribe()
                  .view()
                  .scan(prefix, after_prefix(prefix),
                        [&](ByteView key, ByteView value) {
                          all.emplace(Bytes(key), Bytes(value));
                          return true;
                        })
                  .ok());
    }
    return all;
  }
  // What the copy answered its channel for each message of the range.
  std::vector<ReceiptToProve> receipts_of(const Range& range, std::vector<std::string> names) {
    std::vector<ReceiptToProve> all;
    Hash hash = world.core(1).scribe().log().sealed_head(stream)->hash;
    for (std::size_t i = 0; i < names.size(); ++i) {
      hash = next_hash(world.crypto(), hash, range.entries[i]);
      all.push_back({names[i], {id_of(names[i]), stream_text(stream), range.first + i, hash}});
    }
    return all;
  }
  VerifyReport verify(std::size_t at, const std::vector<ReceiptToProve>& receipts) {
    VerifyMesh mesh({}, receipts);
    for (int turns = 0; !mesh.done(); ++turns) {
      REQUIRE(turns < 1'000);
      for (const auto& ask : mesh.take_questions(world.now())) {
        mesh.answered(ask.number, world.ask(at, ask.what, Json::parse(ask.envelope())).dump());
      }
      world.run(Duration{100});
    }
    return mesh.report();
  }
  bool shows(std::size_t at, const std::string& what) {
    const Json status = world.ask(at, "status");
    for (const Json& line : status["wrong"]) {
      if (line["what"].get<std::string>().find(what) != std::string::npos) return true;
    }
    return false;
  }
};

}  // namespace

TEST_SUITE("a fork") {
  TEST_CASE("receipts of both histories are proved: by whoever held them, and by the salvage") {
    Mesh3 mesh;
    CoreWorld& world = mesh.world;
    const Range one = mesh.copy_takes_in({"one", "two"});
    const Range other = mesh.copy_takes_in({"three", "four"});
    auto receipts = mesh.receipts_of(one, {"one", "two"});
    const auto more = mesh.receipts_of(other, {"three", "four"});
    receipts.insert(receipts.end(), more.begin(), more.end());
    world.go_down(0);
    mesh.hand(1, one);
    mesh.hand(2, other);
    world.run(Duration{20'000});
    world.restart(0);
    world.run(Duration{10'000});
    const auto report = mesh.verify(1, receipts);
    for (const auto& finding : report.findings) {
      INFO(finding.what);
      CHECK(finding.check != "receipts");
    }
    const auto check =
        std::find_if(report.checks.begin(), report.checks.end(),
                     [](const VerifyCheck& done) { return done.check == "receipts"; });
    REQUIRE(check != report.checks.end());
    CHECK(check->verdict == Verdict::holds);
    CHECK(check->what ==
          "4 receipts of 4 proved on every node of their region, 4 of them salvaged from behind a "
          "fork");
  }

  TEST_CASE("everybody hears the proof, and the origin goes on under a new generation") {
    Mesh3 mesh;
    CoreWorld& world = mesh.world;
    mesh.hand(1, mesh.copy_takes_in({"copied"}));
    CHECK(world.host(0).openings == 1);  // so far it fits

    world.core(0).act(ActBody{"note", "", "ada", "a test"}, world.now());
    world.run(Duration{10'000});
    for (const std::size_t at : {0, 1, 2}) {
      CAPTURE(at);
      CHECK(world.core(at).scribe().forked(mesh.stream));
    }
    CHECK(world.core(0).scribe().generation() != mesh.stream.origin.generation);
    const std::size_t receipts = world.receipts().size();
    world.write(0, CoreWorld::chat, "2", "after");
    CHECK(world.receipts().size() == receipts + 1);
    world.run(Duration{2'000});
    CHECK(mesh.shows(2, "signed two histories in an earlier life"));
  }

  TEST_CASE("an origin hears of a copy that wrote more, or less, than itself") {
    for (const std::size_t copied : {1, 2, 5}) {
      CAPTURE(copied);
      Mesh3 mesh;
      CoreWorld& world = mesh.world;
      const auto names = names_of(copied);
      mesh.hand(1, mesh.copy_takes_in(names));
      for (int i = 0; i < 2; ++i) world.write(0, CoreWorld::chat, "1", "more");
      world.run(Duration{20'000});
      CHECK(world.core(0).scribe().generation() != mesh.stream.origin.generation);
      for (const std::size_t at : {0, 1, 2}) {
        CAPTURE(at);
        CHECK(world.core(at).scribe().forked(mesh.stream));
        for (const auto& name : names) CHECK(mesh.placed(at, name));
      }
    }
  }

  TEST_CASE("all hear of a copy that is gone, although nobody holds what it wrote") {
    for (const std::size_t copied : {1, 2, 5}) {
      CAPTURE(copied);
      Mesh3 mesh;
      CoreWorld& world = mesh.world;
      const auto names = names_of(copied);
      const Range gone = mesh.copy_takes_in(names);
      for (int i = 0; i < 3; ++i)
        world.write(0, CoreWorld::chat, std::to_string(i), "of the origin");
      world.run(Duration{5'000});
      mesh.hand(1, gone);
      world.run(Duration{20'000});
      CHECK(world.core(0).scribe().generation() != mesh.stream.origin.generation);
      for (const std::size_t at : {0, 1, 2}) {
        CAPTURE(at);
        CHECK(world.core(at).scribe().forked(mesh.stream));
      }
      CHECK(mesh.rows_at(0) == mesh.rows_at(1));
      CHECK(mesh.rows_at(1) == mesh.rows_at(2));
    }
  }

  TEST_CASE(
      "who cannot ask the sender of what does not fit asks it later, and holds nothing against "
      "it") {
    Mesh3 mesh;
    CoreWorld& world = mesh.world;
    const Range copied = mesh.copy_takes_in({"one", "two"});
    mesh.hand(1, copied);
    for (int i = 0; i < 2; ++i) world.write(0, CoreWorld::chat, std::to_string(i), "of the origin");
    world.core(1).link_down(world.host(0).id, LinkKind::live, false, world.now());
    world.core(0).act(ActBody{"note", "", "ada", "does not fit to what the copy wrote"},
                      world.now());
    world.run(Duration{1'000});
    world.core(1).link_up(world.host(0).id, LinkKind::live, world.now());
    world.run(Duration{20'000});
    CHECK(world.core(1).replication().refused_ranges() == 0);
    CHECK(world.core(1).scribe().forked(mesh.stream));
    CHECK(world.core(0).scribe().generation() != mesh.stream.origin.generation);
  }

  TEST_CASE("a message of before the fork that comes again gets its receipt") {
    Mesh3 mesh;
    CoreWorld& world = mesh.world;
    const Range one = mesh.copy_takes_in({"one"});
    const Range other = mesh.copy_takes_in({"other"});
    world.go_down(0);
    mesh.hand(1, one);
    mesh.hand(2, other);
    world.run(Duration{20'000});
    REQUIRE(world.core(1).scribe().forked(mesh.stream));
    REQUIRE(world.core(2).scribe().forked(mesh.stream));
    const std::size_t receipts = world.receipts().size();
    world.write_again(1, CoreWorld::chat, "1", "before", "m-1");
    world.run(Duration{5'000});
    CHECK(world.receipts().size() == receipts + 1);
    CHECK(world.core(1).intakes_waiting() == 0);
  }

  TEST_CASE("a broken node is shown as broken for as long as it has not begun anew") {
    Mesh3 mesh;
    const Range one = mesh.copy_takes_in({"one"});
    const Range other = mesh.copy_takes_in({"other"});
    mesh.world.go_down(0);
    mesh.hand(1, one);
    mesh.hand(2, other);
    mesh.world.run(Duration{10'000});
    CHECK(mesh.shows(1, "is broken: it signed two histories"));
  }

  TEST_CASE("two nodes that hold equally much of it, but not the same, find out") {
    Mesh3 mesh;
    const Range one = mesh.copy_takes_in({"one"});
    const Range other = mesh.copy_takes_in({"other"});
    mesh.world.go_down(0);
    mesh.hand(1, one);
    mesh.hand(2, other);
    CHECK(mesh.world.core(1).scribe().log().vector() == mesh.world.core(2).scribe().log().vector());
    mesh.world.run(Duration{10'000});
    CHECK(mesh.world.core(1).scribe().forked(mesh.stream));
    CHECK(mesh.world.core(2).scribe().forked(mesh.stream));
  }

  TEST_CASE("what either history took in is salvaged: all nodes hold it, and have equal rows") {
    for (const bool equally_long : {true, false}) {
      CAPTURE(equally_long);
      Mesh3 mesh;
      CoreWorld& world = mesh.world;
      const Range one = mesh.copy_takes_in({"one", "two"});
      const Range other = equally_long ? mesh.copy_takes_in({"three", "four"})
                                       : mesh.copy_takes_in({"three", "four", "five"});
      world.go_down(0);
      mesh.hand(1, one);
      mesh.hand(2, other);
      world.run(Duration{20'000});
      for (const std::size_t at : {1, 2}) {
        CAPTURE(at);
        CHECK(world.core(at).scribe().forked(mesh.stream));
        CHECK(world.host(at).openings == 2);
        for (const char* name : {"one", "two", "three", "four"}) {
          CAPTURE(name);
          CHECK(mesh.placed(at, name));
        }
        CHECK(mesh.placed(at, "five") == !equally_long);
      }
      CHECK(mesh.rows_at(1) == mesh.rows_at(2));
      world.run(Duration{60'000});
      CHECK(world.host(1).openings == 2);  // once, not for ever
    }
  }
}
