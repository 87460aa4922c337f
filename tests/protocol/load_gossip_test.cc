#include "protocol/load_gossip.h"

#include <doctest/doctest.h>

#include <memory>

#include "tests/protocol/membership_world.h"

using namespace crossfloor;
using namespace crossfloor::test;
using namespace std::chrono_literals;

namespace {

ServiceClass service(const std::string& brand, ChannelKind kind = ChannelKind::chat) {
  return {brand, kind, {}, "en"};
}
ClassLoad load(const ServiceClass& of, std::uint32_t free, std::uint32_t waiting = 0,
               std::vector<std::uint32_t> ages = {}) {
  ClassLoad out;
  out.service = of;
  out.free_primary = free;
  out.waiting = waiting;
  out.oldest_ms = std::move(ages);
  return out;
}
LoadRecord record(std::vector<ClassLoad> classes) {
  LoadRecord out;
  out.classes = std::move(classes);
  return out;
}
const auto acme = service("acme");

// Nodes that hear each other at once, all at one time that the test moves; one may be deaf.
struct Floor {
  struct Node {
    std::unique_ptr<SeededRandom> random;
    std::unique_ptr<Membership> membership;
    std::unique_ptr<LoadGossip> load;
  };
  std::vector<Node> nodes;
  Instant now{1'000s};
  int deaf_to_updates = -1;
  int silent = -1;
  int updates = 0, requests = 0, digests = 0;

  explicit Floor(int count, LoadGossipOptions options = {}) {
    for (int i = 0; i < count; ++i) {
      Node node;
      node.random = std::make_unique<SeededRandom>(i + 1);
      const MembershipSelf self{node_id(i), static_cast<Generation>(i + 1), time().wall};
      node.membership = std::make_unique<Membership>(self, MembershipOptions::lan(), *node.random);
      for (int other = 0; other < count; ++other) {
        if (other != i) node.membership->add_member(node_id(other), "site", "eu");
      }
      node.load = std::make_unique<LoadGossip>(*node.membership, options, *node.random);
      nodes.push_back(std::move(node));
    }
    run(2s);
    updates = requests = digests = 0;
  }

  Now time() const { return {now, WallTime{1'700'000'000s}}; }
  LoadGossip& at(int i) { return *nodes[i].load; }
  static int number(const NodeId& id) { return id.raw[0] << 8 | id.raw[1]; }

  void carry(int from, const MembershipOutbox& out) {
    for (const auto& [to, message] : out.messages) {
      if (from == silent || number(to) == silent) continue;
      MembershipOutbox answers;
      nodes[number(to)].membership->receive(node_id(from), message, time(), answers);
      carry(number(to), answers);
    }
  }
  void carry(int from, const LoadOutbox& out) {
    for (const auto& [to, message] : out.messages) {
      if (from == silent || number(to) == silent) continue;
      updates += std::holds_alternative<LoadUpdate>(message);
      requests += std::holds_alternative<LoadRequest>(message);
      digests += std::holds_alternative<LoadDigest>(message);
      if (number(to) == deaf_to_updates && std::holds_alternative<LoadUpdate>(message)) continue;
      LoadOutbox answers;
      at(number(to)).receive(node_id(from), message, time(), answers);
      carry(number(to), answers);
    }
  }
  void set(int i, LoadRecord own) {
    LoadOutbox out;
    at(i).set_own(std::move(own), time(), out);
    carry(i, out);
  }
  void run(Duration span) {
    for (const Instant end = now + span; now < end; now += 5ms) {
      for (int i = 0; i < static_cast<int>(nodes.size()); ++i) {
        if (const auto due = nodes[i].membership->deadline(); due && *due <= now) {
          MembershipOutbox out;
          nodes[i].membership->tick(time(), out);
          carry(i, out);
        }
        if (const auto due = at(i).deadline(); due && *due <= now) {
          LoadOutbox out;
          at(i).tick(time(), out);
          carry(i, out);
        }
      }
    }
  }
  std::uint32_t free_seen(int observer, int subject) {
    const LoadRecord* seen = at(observer).usable(node_id(subject));
    const ClassLoad* of = seen ? seen->find(acme) : nullptr;
    return of ? of->free_primary : 0;
  }
};

}  // namespace

TEST_SUITE("load record") {
  TEST_CASE("what is too large loses the least interesting first") {
    std::vector<ClassLoad> classes;
    for (int i = 0; i < 5; ++i) {
      classes.push_back(load(service("wait" + std::to_string(i)), 0, 9, {9, 8, 7, 6, 5, 4, 3, 2}));
    }
    for (int i = 0; i < 40; ++i) classes.push_back(load(service("idle" + std::to_string(i)), 0));
    auto fit = fitted(record(classes));
    CHECK(fit.classes.size() == 5);  // the idle ones went, the ages stayed
    CHECK(fit.classes[0].oldest_ms.size() == 8);
    for (int i = 5; i < 10; ++i) {
      classes.push_back(load(service("wait" + std::to_string(i)), 0, 9, {9, 8, 7, 6, 5, 4, 3, 2}));
    }
    fit = fitted(record(classes));
    CHECK(fit.classes.size() == 10);  // then all but two ages
    CHECK(fit.classes[0].oldest_ms == std::vector<std::uint32_t>{9, 8});
    for (int i = 0; i < 40; ++i) classes.push_back(load(service("free" + std::to_string(i)), 3));
    fit = fitted(record(classes));
    CHECK(fit.find(service("wait9")));  // then those with nobody waiting
    CHECK(fit.find(service("wait0")));
    fit.generation = fit.version = 1;
    CHECK(encoded_size(fit) <= max_load_bytes);
    CHECK(encoded_size(fit) > max_load_bytes - 150);
    CHECK(check(fit).ok());
  }

  TEST_CASE("what a peer may not send is refused") {
    LoadRecord good = fitted(record({load(acme, 1, 2, {1, 5}), load(service("bolt"), 1)}));
    good.generation = good.version = 1;
    REQUIRE(check(good).ok());
    auto bad = good;
    bad.version = 0;
    CHECK_FALSE(check(bad).ok());
    bad = good;
    std::swap(bad.classes[0], bad.classes[1]);
    CHECK_FALSE(check(bad).ok());
    bad = good;
    bad.classes[0].oldest_ms = {1, 5};
    CHECK_FALSE(check(bad).ok());
    bad.classes[0].oldest_ms.assign(9, 1);
    CHECK_FALSE(check(bad).ok());
    bad = good;
    bad.classes[0].service.brand = std::string(2'000, 'x');
    CHECK_FALSE(check(bad).ok());
  }
}

TEST_SUITE("load gossip") {
  TEST_CASE("the first record goes to all at once, and its silence means unchanged") {
    Floor floor(4);
    floor.set(0, record({load(acme, 3)}));
    for (int i = 1; i < 4; ++i) CHECK(floor.free_seen(i, 0) == 3);
    CHECK(floor.updates == 3);
    floor.run(120s);
    for (int i = 1; i < 4; ++i) CHECK(floor.free_seen(i, 0) == 3);
    CHECK(floor.updates == 2 * 3);  // said once more, and not again
    CHECK(floor.requests == 0);     // nor asked for
    CHECK(floor.digests >= 4 * 3);
    CHECK(floor.digests <= 4 * 4);
  }

  TEST_CASE("changes between numbers over zero are gathered for 50 to 100 ms") {
    Floor floor(2);
    floor.set(0, record({load(acme, 9)}));
    floor.run(1s);
    floor.updates = 0;
    for (std::uint32_t free : {8, 7, 6, 5}) floor.set(0, record({load(acme, free)}));
    CHECK(floor.updates == 0);
    floor.run(45ms);
    CHECK(floor.free_seen(1, 0) == 9);
    floor.run(60ms);
    CHECK(floor.free_seen(1, 0) == 5);
    CHECK(floor.updates == 1);
  }

  TEST_CASE("what leaves or reaches zero is sent at once") {
    Floor floor(2);
    floor.set(0, record({load(acme, 1)}));
    for (auto& next : {record({load(acme, 0)}), record({load(acme, 2)}),
                       record({load(acme, 2, 1, {0})}), record({load(acme, 2)}), record({})}) {
      floor.run(1s);
      floor.updates = 0;
      floor.set(0, next);
      CHECK(floor.updates == 1);
    }
    floor.run(1s);
    floor.updates = 0;
    for (std::uint32_t i = 0; i < 50; ++i) floor.set(0, record({load(acme, i % 2 + 0)}));
    CHECK(floor.updates <= 1);  // but not faster than every 10 ms
    floor.run(20ms);
    CHECK(floor.free_seen(1, 0) == 1);
  }

  TEST_CASE("that who waited longest has gone is sent at once, but not faster than every 50 ms") {
    Floor floor(2);
    floor.set(0, record({load(acme, 0, 3, {5'000, 4'000, 1'000})}));
    floor.run(1s);
    floor.updates = 0;
    floor.set(0, record({load(acme, 0, 2, {6'000, 5'000})}));  // a younger one has
    CHECK(floor.updates == 0);
    floor.run(1s);
    CHECK(floor.updates == 1);
    floor.set(0, record({load(acme, 0, 3, {6'000, 500, 0})}));
    CHECK(floor.updates == 2);
    floor.set(0, record({load(acme, 0, 2, {500, 0})}));
    CHECK(floor.updates == 2);
    floor.run(51ms);
    CHECK(floor.updates == 3);
    floor.run(1s);
    CHECK(floor.updates == 3);  // each is said once
  }

  TEST_CASE(
      "what is sent at once is said once more after 100 ms, while somebody is free or waits") {
    Floor floor(2);
    floor.set(0, record({load(acme, 0)}));
    floor.run(1s);
    for (const auto& next : {record({load(acme, 1)}), record({load(acme, 0, 1, {0})})}) {
      floor.updates = 0;
      floor.set(0, record({load(acme, 0)}));
      floor.run(1s);
      CHECK(floor.updates <= 1);  // nothing free, nobody waits: not said twice
      floor.updates = 0;
      floor.deaf_to_updates = 1;
      floor.set(0, next);
      floor.run(90ms);
      CHECK(floor.updates == 1);
      floor.deaf_to_updates = -1;
      floor.run(20ms);
      CHECK(floor.updates == 2);
      const LoadRecord* seen = floor.at(1).usable(node_id(0));
      REQUIRE(seen);
      CHECK(*seen->find(acme) == *next.find(acme));
      floor.run(1s);
      CHECK(floor.updates == 2);
    }
    floor.set(0, record({load(acme, 1)}));
    floor.run(50ms);
    floor.updates = 0;
    floor.set(0, record({load(acme, 0)}));  // what is over is not said again
    floor.run(1s);
    CHECK(floor.updates == 1);
  }

  TEST_CASE("ages that only grew are no change, a new oldest one is") {
    Floor floor(2);
    floor.set(0, record({load(acme, 0, 2, {5'000, 1'000})}));
    floor.run(10s);
    floor.updates = 0;
    floor.set(0, record({load(acme, 0, 2, {15'000, 11'000})}));
    floor.run(1s);
    CHECK(floor.updates == 0);
    floor.set(0, record({load(acme, 0, 2, {12'000, 500})}));
    floor.run(1s);
    CHECK(floor.updates == 1);
  }

  TEST_CASE("age now is the age at sending and the time since, also over a relay") {
    Floor floor(3);
    floor.silent = 2;
    floor.set(0, record({load(acme, 0, 1, {4'000})}));
    floor.run(1s);
    CHECK(floor.at(1).age(node_id(0), floor.time()) == 1s);
    // Node 2 was out of reach; node 1 tells it what node 0 said.
    LoadOutbox out;
    floor.at(1).receive(node_id(2), LoadRequest{{node_id(0)}}, floor.time(), out);
    REQUIRE(out.messages.size() == 1);
    LoadOutbox ignored;
    floor.at(2).receive(node_id(1), out.messages[0].second, floor.time(), ignored);
    CHECK(floor.at(2).age(node_id(0), floor.time()) == 1s);
  }

  TEST_CASE("a newer version heard of makes a record count as nothing until it is fetched") {
    Floor floor(2);
    floor.set(0, record({load(acme, 3)}));
    floor.deaf_to_updates = 1;
    floor.set(0, record({load(acme, 0)}));
    CHECK(floor.free_seen(1, 0) == 3);  // it cannot know yet
    floor.run(3s);                      // a ping has told
    CHECK(floor.at(1).usable(node_id(0)) == nullptr);
    CHECK(floor.at(1).all_usable(floor.time()).empty());
    CHECK(floor.requests > 1);
    CHECK(floor.requests < 10);  // with backoff
    floor.deaf_to_updates = -1;
    floor.run(10s);
    REQUIRE(floor.at(1).usable(node_id(0)));
    CHECK(floor.at(1).usable(node_id(0))->find(acme)->free_primary == 0);
    CHECK(floor.at(1).all_usable(floor.time()).size() == 1);
  }

  TEST_CASE("a suspect's record counts as nothing, and holds again when it speaks") {
    Floor floor(3);
    floor.set(0, record({load(acme, 3)}));
    MembershipOutbox out;
    floor.nodes[1].membership->link_reset(node_id(0), floor.time(), out);
    CHECK(floor.free_seen(1, 0) == 0);
    CHECK(floor.free_seen(2, 0) == 3);
    floor.run(2s);
    CHECK(floor.free_seen(1, 0) == 3);
    CHECK(floor.updates == 2 * 2);  // nobody had to send it again
  }

  TEST_CASE("draining is sent at once, and remembered of a suspect") {
    Floor floor(3);
    floor.set(0, record({load(acme, 3)}));
    floor.run(1s);
    CHECK_FALSE(floor.at(1).drained(node_id(0)));
    LoadRecord draining = record({load(acme, 3)});
    draining.drained = true;
    floor.set(0, draining);
    CHECK(floor.at(0).drained(node_id(0)));
    CHECK(floor.at(1).drained(node_id(0)));
    MembershipOutbox out;
    floor.nodes[1].membership->link_reset(node_id(0), floor.time(), out);
    CHECK(floor.at(1).usable(node_id(0)) == nullptr);
    CHECK(floor.at(1).drained(node_id(0)));
  }

  TEST_CASE("a dead node's record counts as nothing") {
    Floor floor(3);
    floor.set(0, record({load(acme, 3)}));
    floor.silent = 0;
    floor.run(40s);
    CHECK(floor.nodes[1].membership->state(node_id(0)) == MemberState::dead);
    CHECK(floor.free_seen(1, 0) == 0);
    floor.silent = -1;
    floor.run(10s);
    CHECK(floor.free_seen(1, 0) == 3);
  }

  TEST_CASE("own corrections hold until the next record, and are told to nobody") {
    Floor floor(3);
    floor.set(0, record({load(acme, 3)}));
    floor.at(1).correct(node_id(0), acme, 2, 0);
    CHECK(floor.free_seen(1, 0) == 2);
    LoadOutbox out;
    floor.at(1).receive(node_id(2), LoadRequest{{node_id(0)}}, floor.time(), out);
    REQUIRE(out.messages.size() == 1);
    CHECK(std::get<LoadUpdate>(out.messages[0].second).records[0].record.classes[0].free_primary ==
          3);
    floor.set(0, record({load(acme, 5)}));
    floor.run(1s);
    CHECK(floor.free_seen(1, 0) == 5);
  }

  TEST_CASE("a routing message carries the newest state, and the others still hear of it") {
    Floor floor(3);
    floor.set(0, record({load(acme, 5)}));
    floor.run(1s);
    floor.set(0, record({load(acme, 4)}));
    const LoadNews news = floor.at(0).own_news(floor.time());
    CHECK(news.record.classes[0].free_primary == 4);
    LoadOutbox out;
    floor.at(1).take(node_id(0), news, floor.time(), out);
    CHECK(out.changed == std::vector<NodeId>{node_id(0)});
    CHECK(floor.free_seen(1, 0) == 4);
    floor.set(0, record({load(acme, 4)}));
    floor.run(110ms);
    CHECK(floor.free_seen(2, 0) == 4);
    floor.at(1).take(node_id(2), news, floor.time(), out);  // not its own: ignored
    CHECK(out.changed.size() == 1);
  }

  TEST_CASE("comparing finds what was lost beyond what pings tell") {
    Floor floor(3);
    LoadOutbox out;
    floor.set(0, record({load(acme, 3)}));
    floor.at(2).receive(node_id(1), LoadDigest{{{node_id(0), 1, 7}, {node_id(1), 2, 0}}},
                        floor.time(), out);
    REQUIRE(out.messages.size() == 1);  // it lacks version 7 of node 0
    CHECK(std::get<LoadRequest>(out.messages[0].second).nodes == std::vector{node_id(0)});
    out = {};
    floor.at(2).receive(node_id(1), LoadDigest{{{node_id(0), 0, 0}}}, floor.time(), out);
    REQUIRE(out.messages.size() == 1);  // the other lacks version 1
    CHECK(std::get<LoadUpdate>(out.messages[0].second).records.size() == 1);
  }

  TEST_CASE("records of a former start, of strangers and of oneself are not believed") {
    Floor floor(3);
    floor.set(0, record({load(acme, 3)}));
    LoadNews news = floor.at(0).own_news(floor.time());
    LoadOutbox out;
    news.record.version = 50;
    for (auto [node, generation] :
         {std::pair{0, Generation{99}}, {9, Generation{1}}, {1, Generation{2}}}) {
      news.record.node = node_id(node);
      news.record.generation = generation;
      floor.at(1).receive(node_id(2), LoadUpdate{{news}}, floor.time(), out);
    }
    CHECK(out.changed.empty());
    CHECK(floor.free_seen(1, 0) == 3);
  }

  TEST_CASE("in a large mesh a change reaches all though nobody tells all") {
    LoadGossipOptions options;
    options.straight_up_to = 8;
    Floor floor(24, options);
    floor.set(0, record({load(acme, 3)}));
    CHECK(floor.updates < 23);
    floor.run(1s);
    int reached = 0;
    for (int i = 1; i < 24; ++i) reached += floor.free_seen(i, 0) == 3;
    CHECK(reached >= 21);  // the rest hears the version in a ping and asks
    floor.run(20s);
    for (int i = 1; i < 24; ++i) CHECK(floor.free_seen(i, 0) == 3);
    floor.updates = 0;
    floor.run(20s);
    CHECK(floor.updates == 0);
  }
}
