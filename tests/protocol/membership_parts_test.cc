#include <doctest/doctest.h>

#include <deque>
#include <set>

#include "protocol/broadcast_queue.h"
#include "protocol/crypto.h"
#include "protocol/lost_members.h"
#include "protocol/membership_options.h"
#include "protocol/node_index.h"
#include "protocol/probes.h"
#include "protocol/round_trips.h"
#include "protocol/suspicion.h"

using namespace crossfloor;
using namespace std::chrono_literals;

namespace {
constexpr Instant at(Duration since_start) {
  return Instant{} + since_start;
}
NodeId id(unsigned char number) {
  NodeId node;
  node.raw[0] = number;
  return node;
}
const SuspicionTerms terms{2s, 10s, 2};
}  // namespace

TEST_SUITE("membership options") {
  TEST_CASE("the patience grows with the logarithm of the members, and outlasts a standstill") {
    const auto lan = MembershipOptions::lan();
    struct Row {
      int n;
      Duration min, max;
    };
    for (const Row& row : {Row{1, 3'600ms, 10s}, Row{2, 3'600ms, 10s}, Row{10, 3'600ms, 10s},
                           Row{100, 4s, 20s}, Row{1000, 6s, 30s}}) {
      CAPTURE(row.n);
      CHECK(patience_min(lan, row.n) == row.min);
      CHECK(patience_max(lan, row.n) == row.max);
    }
    CHECK(patience_min(MembershipOptions::wan(), 10) == 6s);
  }

  TEST_CASE("no more accusers are waited for than there can be") {
    const auto lan = MembershipOptions::lan();
    for (auto [n, wanted] : {std::pair{1, 0}, {2, 0}, {3, 1}, {4, 2}, {100, 2}}) {
      CAPTURE(n);
      CHECK(accusers_wanted(lan, n) == wanted);
    }
  }

  TEST_CASE("the first accusers shorten the patience most") {
    for (auto [have, wait] : {std::pair{0, 10'000ms}, {1, 6'000ms}, {2, 3'660ms}, {3, 2'000ms}}) {
      CAPTURE(have);
      CHECK(patience(2s, 10s, 3, have) == wait);
    }
    CHECK(patience(2s, 10s, 0, 0) == 2s);
    CHECK(patience(2s, 10s, 2, 5) == 2s);
  }

  TEST_CASE("news is told more often among more members") {
    const auto lan = MembershipOptions::lan();
    for (auto [n, limit] : {std::pair{1, 4}, {9, 4}, {10, 8}, {99, 8}, {100, 12}}) {
      CAPTURE(n);
      CHECK(retransmit_limit(lan, n) == limit);
    }
  }

  TEST_CASE("a bad health score stretches time, the lost are tried less and less often") {
    const auto lan = MembershipOptions::lan();
    CHECK(scaled(400ms, 0) == 400ms);
    CHECK(scaled(400ms, 7) == 3'200ms);
    for (auto [tries, wait] : {std::pair{0, 1s}, {1, 2s}, {2, 4s}, {3, 4s}, {1000, 4s}}) {
      CAPTURE(tries);
      CHECK(lost_retry(lan, tries) == wait);
    }
    CHECK(death_bound(lan, 8) == 13s + 1s + 10s + 200ms);
    CHECK(death_bound(lan, 20) == 37s + 1s + 1s + patience_max(lan, 20) + 200ms);
  }
}

TEST_SUITE("suspicion") {
  TEST_CASE("one accuser has to wait the full patience") {
    Suspicion suspicion;
    CHECK(suspicion.accuse(id(1), id(2), terms, at(0s)));
    CHECK(suspicion.deadline() == at(10s));
    CHECK(suspicion.take_dead(at(9'999ms)).empty());
    CHECK(suspicion.take_dead(at(10s)) == std::vector<NodeId>{id(1)});
    CHECK_FALSE(suspicion.deadline());  // reported once, then forgotten
  }

  TEST_CASE("agreement shortens the wait, repetition does not, nor more than are wanted") {
    Suspicion suspicion;
    CHECK(suspicion.accuse(id(1), id(2), terms, at(0s)));
    CHECK_FALSE(suspicion.accuse(id(1), id(2), terms, at(1s)));
    CHECK(suspicion.given_up_at(id(1)) == at(10s));
    CHECK(suspicion.accuse(id(1), id(3), terms, at(1s)));
    CHECK(suspicion.given_up_at(id(1)) == at(4'953ms));  // 10 - 8 * log 2 / log 3
    CHECK(suspicion.accuse(id(1), id(4), terms, at(1s)));
    CHECK(suspicion.given_up_at(id(1)) == at(2s));
    CHECK_FALSE(suspicion.accuse(id(1), id(5), terms, at(1s)));
  }

  TEST_CASE("a closed case starts anew, a standstill is added") {
    Suspicion suspicion;
    suspicion.accuse(id(1), id(2), terms, at(0s));
    suspicion.close(id(1));
    CHECK_FALSE(suspicion.open(id(1)));
    suspicion.accuse(id(1), id(2), terms, at(5s));
    suspicion.shift(3s);
    CHECK(suspicion.deadline() == at(18s));
  }
}

TEST_SUITE("broadcast queue") {
  TEST_CASE("the least told goes first, then the newest, and each only so often") {
    BroadcastQueue queue;
    queue.add(id(1));
    queue.add(id(2));
    CHECK(queue.take(1, 2, id(9)) == std::vector<NodeId>{id(2)});
    CHECK(queue.take(1, 2, id(9)) == std::vector<NodeId>{id(1)});
    CHECK(queue.take(5, 2, id(9)) == std::vector<NodeId>{id(2), id(1)});
    CHECK(queue.empty());
  }

  TEST_CASE("newer news of a member is told from the beginning") {
    BroadcastQueue queue;
    queue.add(id(1));
    queue.take(1, 2, id(9));
    queue.add(id(1));
    queue.take(1, 2, id(9));
    CHECK_FALSE(queue.empty());
  }

  TEST_CASE("nobody is told of itself, and what cannot be told is dropped in time") {
    BroadcastQueue queue;
    queue.add(id(1));
    CHECK_FALSE(queue.any_for(id(1)));
    CHECK(queue.any_for(id(2)));
    CHECK(queue.take(5, 2, id(1)).empty());
    queue.end_round(2);
    CHECK_FALSE(queue.empty());
    queue.end_round(2);
    CHECK(queue.empty());
  }

  TEST_CASE("what comes again is not dropped with what it replaced") {
    BroadcastQueue queue;
    queue.add(id(1));
    queue.end_round(2);
    queue.add(id(1));
    queue.end_round(2);
    CHECK_FALSE(queue.empty());
    queue.end_round(2);
    CHECK(queue.empty());
  }
}

TEST_SUITE("node index") {
  struct Item {
    NodeId node;
  };

  // The table is half full at most times, so that many share a place and removals move others up.
  TEST_CASE("finds exactly what was added and not removed since") {
    for (const std::uint64_t seed : {1, 2, 3}) {
      CAPTURE(seed);
      SeededRandom random(seed);
      std::deque<Item> items;
      for (int i = 0; i < 300; ++i) items.push_back({random.id<NodeId>()});
      NodeIndex<Item> index;
      std::set<std::size_t> in;
      for (int step = 0; step < 20'000; ++step) {
        const std::size_t which = random.below(items.size());
        if (in.insert(which).second) {
          index.add(items[which]);
        } else if (random.below(2) == 0) {
          in.erase(which);
          index.remove(items[which].node);
        }
        const std::size_t asked = random.below(items.size());
        REQUIRE(index.find(items[asked].node) == (in.contains(asked) ? &items[asked] : nullptr));
      }
      CHECK(index.size() == in.size());
      index.remove(random.id<NodeId>());  // a stranger: nothing happens
      CHECK(index.size() == in.size());
    }
  }

  TEST_CASE("an empty one knows nobody") {
    NodeIndex<Item> index;
    CHECK(index.find(id(1)) == nullptr);
    index.remove(id(1));
    CHECK(index.size() == 0);
  }
}

TEST_SUITE("lost members") {
  TEST_CASE("many lost members are tried in turn at the same pace as few") {
    LostMembers lost(MembershipOptions::lan());
    for (unsigned char i = 0; i < 40; ++i) lost.add(id(i), at(0s));
    std::map<NodeId, int> tried;
    for (Duration now{0}; now < 60s; now += 10ms) {
      while (const auto node = lost.take(at(now))) ++tried[*node];
    }
    CHECK(tried.size() == 40);
    for (const auto& [node, times] : tried) CHECK(times == 6);  // 60 s * 4 / 40
  }

  TEST_CASE("one alone is tried with backoff, for ever") {
    LostMembers lost(MembershipOptions::lan());
    lost.add(id(1), at(1s));
    std::vector<Duration> tries;
    for (Duration now{0}; now < 16s; now += 10ms) {
      if (lost.take(at(now))) tries.push_back(now);
    }
    CHECK(tries == std::vector<Duration>{1s, 2s, 4s, 8s, 12s});
    CHECK(lost.deadline() == at(16s));
    CHECK(lost.take(at(720h)) == id(1));
  }

  TEST_CASE("when one comes back the others are tried soon") {
    LostMembers lost(MembershipOptions::lan());
    lost.add(id(1), at(100s));
    lost.hurry(at(50s));
    CHECK(lost.deadline() == at(50s));
    lost.remove(id(1));
    CHECK_FALSE(lost.deadline());
  }
}

TEST_SUITE("probes") {
  TEST_CASE("only the target's answer with the right number ends a probe") {
    Probes probes(100);
    Probe probe;
    probe.number = probes.next_number();
    probe.target = id(1);
    probe.help_at = at(1s);
    probe.ends = at(2s);
    probes.start(probe);
    CHECK(probes.deadline() == at(1s));
    CHECK_FALSE(probes.answered(100, id(2)));
    CHECK_FALSE(probes.answered(101, id(1)));
    CHECK(probes.take_needing_help(at(1s)) == std::vector<std::uint64_t>{100});
    CHECK(probes.take_needing_help(at(1s)).empty());
    CHECK(probes.deadline() == at(2s));
    CHECK(probes.answered(100, id(1)));
    CHECK(probes.take_failed(at(9s)).empty());
  }

  TEST_CASE("a failed probe says which helpers kept silent") {
    Probes probes(1);
    Probe probe;
    probe.number = probes.next_number();
    probe.target = id(1);
    probe.ends = at(2s);
    probes.start(probe);
    probes.helpers_asked(1, {id(2), id(3)});
    probes.nack(1, id(3));
    const auto failed = probes.take_failed(at(2s));
    REQUIRE(failed.size() == 1);
    CHECK(failed[0].silent_helpers == std::set<NodeId>{id(2)});
  }

  TEST_CASE("relays are limited, excused once, and dropped at their end") {
    Probes probes(1);
    for (std::size_t i = 0; i <= Probes::max_relays; ++i) {
      Relay relay;
      relay.number = i;
      relay.target = id(1);
      relay.nack_at = at(1s);
      relay.ends = at(2s);
      CHECK(probes.start_relay(relay) == (i < Probes::max_relays));
    }
    CHECK(probes.take_unanswered_relays(at(1s)).size() == Probes::max_relays);
    CHECK(probes.take_unanswered_relays(at(1s)).empty());
    CHECK(probes.relay_answered(5, id(1)));  // a late answer still counts
    probes.take_unanswered_relays(at(2s));
    CHECK_FALSE(probes.relay_answered(6, id(1)));
    CHECK_FALSE(probes.deadline());
  }
}

TEST_SUITE("round trips") {
  TEST_CASE("the nearly worst of the last hundred, and nothing of a stranger") {
    RoundTrips trips;
    CHECK(trips.nearly_worst(id(1)) == 0ms);
    trips.add(id(1), 7ms);
    CHECK(trips.nearly_worst(id(1)) == 7ms);
    for (int i = 1; i <= 100; ++i) trips.add(id(1), Duration{i});
    CHECK(trips.nearly_worst(id(1)) == 99ms);
    for (int i = 0; i < 100; ++i) trips.add(id(1), 5ms);
    CHECK(trips.nearly_worst(id(1)) == 5ms);  // what was slow is forgotten
    trips.forget(id(1));
    CHECK(trips.nearly_worst(id(1)) == 0ms);
  }
}
