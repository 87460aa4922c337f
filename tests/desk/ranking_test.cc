// Ranking over hours of virtual time, with the very router, floor and line of a node: who is less
// important waits longer, but within the bound that docs/routing.md states.
#include <doctest/doctest.h>

#include <cmath>

#include "node/desk/router.h"
#include "protocol/crypto.h"
#include "tests/desk/people.h"

using namespace crossfloor;

namespace {

struct Customer {
  Duration comes{0};
  std::uint32_t priority = 0, mood = 0, topic_weight = 1000;
  Duration served{-1};

  std::uint32_t weight() const { return weight_of(priority, mood, topic_weight); }
  Duration wait() const { return served - comes; }
};

Duration exponential(Random& random, double mean_ms) {
  return Duration{1 + static_cast<std::int64_t>(-mean_ms * std::log(1.0 - random.unit()))};
}

// One node alone; its agents take one chat at a time, and accept at once.
class Floor97 final : public PeerLoads {
 public:
  static constexpr std::size_t agents = 20;
  static constexpr double load = 0.97;
  static constexpr double handling_ms = 300'000;

  Floor97(std::uint64_t seed, std::size_t customers, bool ranked)
      : arrivals_(seed), handling_(seed + 1'000'000), router_(self_, {}, floor_, *this, nonces_) {
    for (std::size_t i = 0; i < agents; ++i) {
      auto record = agent_named("agent-" + std::to_string(100 + i));
      record.channels = {{ChannelKind::chat, Duty::primary, 1, 0}};
      floor_.set_agent(record, at(0s));
      REQUIRE(floor_.log_in(record.name, at(0s)).ok());
      REQUIRE(floor_.set_presence(record.name, Presence::ready, "", at(0s)).ok());
    }
    Duration comes{0};
    for (std::size_t i = 0; i < customers; ++i) {
      comes += exponential(arrivals_, handling_ms / (agents * load));
      Customer one{comes, 0, 0, 1000, Duration{-1}};
      // Two of three may be urgent, unhappy, or write about what weighs.
      const auto priority = static_cast<std::uint32_t>(arrivals_.below(4));
      const auto mood = static_cast<std::uint32_t>(arrivals_.below(3));
      const auto topic = arrivals_.below(2) ? 1000U : 1500U;
      const bool weighs = arrivals_.below(3) > 0;
      if (ranked && weighs) one = {comes, priority, mood, topic, Duration{-1}};
      customers_.push_back(one);
    }
  }

  const std::vector<Customer>& run() {
    std::size_t next = 0;
    while (next < customers_.size() || !ends_.empty()) {
      const bool comes = next < customers_.size() &&
                         (ends_.empty() || customers_[next].comes <= ends_.begin()->first);
      now_ = comes ? customers_[next].comes : ends_.begin()->first;
      DeskOutbox out;
      if (comes) {
        router_.enqueue(waiting(next++), at(now_), out);
      } else {
        const auto ended = ends_.begin()->second;
        ends_.erase(ends_.begin());
        floor_.release(ended, epoch_of(epochs_), at(now_));
        router_.slots_changed(at(now_), out);
      }
      settle(std::move(out));
    }
    return customers_;
  }

  std::vector<PeerLoad> usable(Now) const override { return {}; }
  bool may_see(const NodeId&, const Region&) const override { return true; }

 private:
  WaitingConversation waiting(std::size_t index) const {
    const auto& one = customers_[index];
    WaitingConversation what;
    what.conversation = talk(index + 1);
    what.service = chat_class();
    what.region = "eu";
    what.waiting_since = at(now_).wall;
    what.priority = one.priority;
    what.mood = one.mood;
    what.topic_weight = one.topic_weight;
    what.auto_accept = true;
    return what;
  }
  void settle(DeskOutbox out) {
    while (!out.decisions.empty() || !out.messages.empty() || !out.notices.empty()) {
      DeskOutbox next;
      for (const auto& decision : out.decisions) {
        router_.committed(decision.conversation, epoch_of(++epochs_), {}, at(now_), next);
      }
      for (const auto& [to, message] : out.messages) router_.receive(to, message, at(now_), next);
      for (const auto& notice : out.notices) {
        const auto* ring = std::get_if<RingNotice>(&notice);
        if (!ring) continue;
        const auto& id = ring->conversation;
        REQUIRE(router_.agent_accepts(id, ring->epoch, ring->agent, at(now_)).ok());
        REQUIRE(router_.accepted(id, ring->epoch));
        std::size_t index = 0;
        for (std::size_t i = 0; i < 8; ++i) index = index << 8 | id.raw[i];
        customers_[index - 1].served = now_;
        ends_.emplace(now_ + exponential(handling_, handling_ms), id);
      }
      out = std::move(next);
    }
  }

  SeededRandom arrivals_, handling_;
  SeededRandom nonces_{7};
  const NodeId self_ = node_of(1);
  Floor floor_{{}};
  Router router_;
  Duration now_{0};
  std::uint64_t epochs_ = 0;
  std::vector<Customer> customers_;
  std::multimap<Duration, ConversationId> ends_;
};

struct Waits {
  Duration longest{0};
  double mean_ms = 0;
  std::size_t count = 0;
  void add(Duration wait) {
    longest = std::max(longest, wait);
    mean_ms += (static_cast<double>(wait.count()) - mean_ms) / static_cast<double>(++count);
  }
};

}  // namespace

TEST_SUITE("ranking") {
  TEST_CASE("at 97 % load the least important wait at most 2.5 times the longest unranked wait") {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      CAPTURE(seed);
      constexpr std::size_t customers = 6'000;
      const auto ranked = Floor97(seed, customers, true).run();
      const auto unranked = Floor97(seed, customers, false).run();
      Waits least, most, without;
      for (const auto& one : unranked) without.add(one.wait());
      for (const auto& one : ranked) {
        REQUIRE(one.served >= one.comes);  // everybody was served
        if (one.weight() == 1000) least.add(one.wait());
        if (one.weight() >= 2000) most.add(one.wait());
      }
      MESSAGE("seed ", seed, ": mean wait ", without.mean_ms / 1000, " s without ranking, ",
              most.mean_ms / 1000, " s for the most and ", least.mean_ms / 1000,
              " s for the least important; longest ", without.longest.count() / 1000, ", ",
              most.longest.count() / 1000, ", ", least.longest.count() / 1000, " s");
      CHECK(least.count > customers / 4);
      CHECK(most.count > customers / 10);
      CHECK(without.longest > 300s);  // the line was long at times
      CHECK(least.longest <= without.longest * most_weight / 1000 + 10ms);
      CHECK(most.mean_ms < without.mean_ms);
      CHECK(most.mean_ms < least.mean_ms);
      // One by one: while it waited for t, nobody who came later than 3/5 t after it was served.
      for (std::size_t i = 0; i < ranked.size(); ++i) {
        const auto& one = ranked[i];
        if (one.weight() != 1000) continue;
        const Duration behind = one.comes + one.wait() * 3 / 5 + 10ms;
        for (std::size_t j = i + 1; j < ranked.size() && ranked[j].comes < one.served; ++j) {
          if (ranked[j].comes > behind) REQUIRE(ranked[j].served >= one.served);
        }
      }
    }
  }
}
