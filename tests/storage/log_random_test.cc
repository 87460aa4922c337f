// Nodes that write, pass on, lose power and start again, in any order; all end with the same log.
#include <doctest/doctest.h>

#include <memory>

#include "storage/faulty_store.h"
#include "storage/memory_store.h"
#include "tests/storage/log_world.h"

using namespace crossfloor;
using crossfloor::test::LogWorld;
using crossfloor::test::take;

namespace {

struct Node {
  LogWorld& world;
  SigningKey key;
  MemoryStore disk;
  std::unique_ptr<FaultyStore> store;
  std::optional<Log> log;
  Stream own;
  VersionVector acknowledged;  // what was durable when a commit said so

  explicit Node(LogWorld& w) : world(w), key(make_signing_key(w.random)) { start(); }

  void start() {
    store = std::make_unique<FaultyStore>(disk);
    log = world.open(*store);
    own = {{key.node(), world.random.next()}, "eu"};
    CHECK(covers(log->vector(), acknowledged));
  }

  void commit(const Batch& batch) {
    if (world.random.below(20) == 0) store->fail_commit_after(0, world.random.below(2) == 0);
    if (store->commit(batch).ok()) {
      acknowledged = log->vector();
    } else {
      start();
    }
  }

  void write() {
    Batch batch;
    const auto count = 1 + world.random.below(6);
    for (std::uint64_t i = 0; i < count; ++i) {
      log->append(own, world.entry(world.random.below(60)), batch);
    }
    log->seal(own, key, batch);
    commit(batch);
  }

  // Fetches one range from a peer; sometimes from too early, so that it overlaps.
  void fetch(const Node& peer) {
    const auto wanted = missing(log->vector(), peer.log->vector());
    if (wanted.empty()) return;
    const auto& [stream, from] = wanted[world.random.below(wanted.size())];
    const Sequence first = world.random.below(3) == 0 ? 1 + world.random.below(from) : from;
    auto range = read_range(*peer.store, stream, first, 1 + world.random.below(800));
    REQUIRE(range.ok());
    Batch batch;
    auto accepted = log->accept(*store, std::move(range).value(), batch);
    REQUIRE_MESSAGE(accepted.ok(), (accepted.ok() ? "" : accepted.error().text()));
    CHECK_FALSE(accepted.value().fork);
    commit(batch);
  }
};

std::vector<Hash> digests(const Node& node, const VersionVector& vector) {
  std::vector<Hash> out;
  for (const auto& [stream, last] : vector) {
    for (Sequence at = 1; at <= last; ++at) {
      const auto entry = entry_at(*node.store, stream, at);
      REQUIRE(entry.ok());
      REQUIRE(entry.value());
      out.push_back(node.world.crypto.hash(entry.value()->header, entry.value()->body, {}));
    }
    out.push_back(hash_at(*node.store, node.world.crypto, stream, last).value());
  }
  return out;
}

}  // namespace

TEST_SUITE("log") {
  TEST_CASE("whatever fails on the way, all nodes end with one log and every chain verifies") {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      CAPTURE(seed);
      LogWorld world(seed);
      std::vector<std::unique_ptr<Node>> nodes;
      for (int i = 0; i < 3; ++i) nodes.push_back(std::make_unique<Node>(world));
      const auto any = [&]() -> Node& { return *nodes[world.random.below(nodes.size())]; };
      for (int step = 0; step < 150; ++step) {
        CAPTURE(step);
        Node& node = any();
        switch (world.random.below(6)) {
          case 0:
          case 1:
            node.write();
            break;
          case 2:
            if (world.random.below(5) > 0) break;
            node.store->crash();
            node.start();
            break;
          default:
            node.fetch(any());
        }
      }
      bool moved = true;
      for (int round = 0; moved && round < 5000; ++round) {
        moved = false;
        for (auto& node : nodes) {
          for (auto& peer : nodes) {
            if (covers(node->log->vector(), peer->log->vector())) continue;
            moved = true;
            node->fetch(*peer);
          }
        }
      }
      const auto vector = nodes[0]->log->vector();
      CHECK(vector.size() > 3);
      const auto wanted = digests(*nodes[0], vector);
      for (const auto& node : nodes) {
        CHECK(node->log->vector() == vector);
        CHECK(digests(*node, vector) == wanted);
        for (const auto& [stream, last] : vector) {
          Head reached;
          for (bool done = false; !done;) {
            auto slice =
                verify_stream(*node->store, world.crypto, world.mesh, stream, reached, 500);
            REQUIRE_MESSAGE(slice.ok(), (slice.ok() ? "" : slice.error().text()));
            reached = slice.value().reached;
            done = slice.value().done;
          }
          CHECK(reached.sequence == last);
        }
      }
    }
  }
}
