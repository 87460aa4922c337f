// A few Membership instances with invented time and a seeded network between them.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "protocol/membership.h"

namespace crossfloor::test {

inline NodeId node_id(int number) {
  NodeId id;
  id.raw[0] = static_cast<unsigned char>(number >> 8);
  id.raw[1] = static_cast<unsigned char>(number);
  id.raw[31] = 1;
  return id;
}

class MembershipWorld {
 public:
  struct Network {
    double loss = 0;
    Duration delay_min{5};
    Duration delay_max{25};
  };
  struct Seen {
    Instant at{};
    int observer = 0;
    MemberEvent event;
  };

  MembershipWorld(int count, std::uint64_t seed, MembershipOptions options)
      : options_(options), random_(seed) {
    for (int i = 0; i < count; ++i) nodes_[i];
    for (int i = 0; i < count; ++i) start(i);
  }

  // A new start of node i, with all others as its members.
  void start(int i) {
    Node& node = nodes_[i];
    node.random = std::make_unique<SeededRandom>(random_.next());
    const MembershipSelf self{node_id(i), random_.next() | 1, now().wall};
    node.core = std::make_unique<Membership>(self, options_, *node.random);
    for (const auto& [other, unused] : nodes_) {
      if (other != i) node.core->add_member(node_id(other), "site", "eu");
    }
    node.paused = false;
    ++node.life;
  }
  // kill -9; if `resets`, the other hosts' links are reset at once.
  void kill(int i, bool resets = false) {
    nodes_[i].core.reset();
    ++nodes_[i].life;
    if (!resets) return;
    for (auto& [other, node] : nodes_) {
      if (!runs(other)) continue;
      MembershipOutbox out;
      node.core->link_reset(node_id(i), now(), out);
      deliver(other, out);
    }
  }
  void pause(int i) { nodes_[i].paused = true; }
  // What arrived meanwhile is read at once; unless its links broke, then it is lost.
  void resume(int i, bool links_broke = false) {
    nodes_[i].paused = false;
    if (links_broke) std::erase_if(flights_, [&](const auto& f) { return f.second.to == i; });
  }
  void cut(std::set<int> side) { side_ = std::move(side); }
  void cut_pair(int one, int other) { cut_pair_ = {std::min(one, other), std::max(one, other)}; }
  void heal() {
    side_.clear();
    cut_pair_ = {-1, -1};
  }
  void leave(int i) {
    MembershipOutbox out;
    nodes_[i].core->leave(now(), out);
    deliver(i, out);
    kill(i);
  }

  void run(Duration span) {
    const Instant end = now_ + span;
    for (; now_ < end; now_ += Duration{5}) step();
  }
  // Runs until it holds; how long that took, or `limit`.
  template <typename Holds>
  Duration run_until(Holds holds, Duration limit) {
    const Instant begun = now_;
    while (!holds() && now_ - begun < limit) {
      step();
      now_ += Duration{5};
    }
    return now_ - begun;
  }

  bool all_see(int subject, MemberState state) {
    for (const auto& [i, node] : nodes_) {
      if (i != subject && runs(i) && node.core->state(node_id(subject)) != state) return false;
    }
    return true;
  }
  bool whole() {
    for (const auto& [i, node] : nodes_) {
      if (runs(i) && !all_see(i, MemberState::alive)) return false;
    }
    return true;
  }
  int count(MemberEventKind kind) const {
    int count = 0;
    for (const Seen& seen : seen_) count += seen.event.kind == kind;
    return count;
  }

  Membership& at(int i) { return *nodes_[i].core; }
  Now now() const {
    return {now_, WallTime{Duration{1'700'000'000'000}} + now_.time_since_epoch()};
  }
  Network network;
  std::vector<Seen> seen_;
  std::uint64_t messages = 0;

 private:
  struct Node {
    std::unique_ptr<SeededRandom> random;
    std::unique_ptr<Membership> core;
    bool paused = false;
    int life = 0;
  };
  struct Flight {
    int from = 0, to = 0, life = 0;
    MembershipMessage message;
  };

  bool runs(int i) { return nodes_[i].core && !nodes_[i].paused; }

  void step() {
    std::multimap<Instant, Flight> waiting;
    while (!flights_.empty() && flights_.begin()->first <= now_) {
      auto flight = flights_.extract(flights_.begin());
      Node& to = nodes_[flight.mapped().to];
      if (!to.core || to.life != flight.mapped().life) continue;
      if (to.paused) {
        waiting.insert(std::move(flight));
        continue;
      }
      MembershipOutbox out;
      to.core->receive(node_id(flight.mapped().from), flight.mapped().message, now(), out);
      deliver(flight.mapped().to, out);
    }
    flights_.merge(waiting);
    for (auto& [i, node] : nodes_) {
      if (!runs(i)) continue;
      const auto due = node.core->deadline();
      if (!due || *due > now_) continue;
      MembershipOutbox out;
      node.core->tick(now(), out);
      deliver(i, out);
    }
  }

  void deliver(int from, const MembershipOutbox& out) {
    for (const MemberEvent& event : out.events) seen_.push_back({now_, from, event});
    for (const auto& [to_id, message] : out.messages) {
      const int to = to_id.raw[0] << 8 | to_id.raw[1];
      ++messages;
      if (side_.contains(from) != side_.contains(to)) continue;
      if (cut_pair_ == std::pair{std::min(from, to), std::max(from, to)}) continue;
      if (random_.unit() < network.loss) continue;
      const auto spread =
          static_cast<std::uint64_t>((network.delay_max - network.delay_min).count() + 1);
      const Duration delay =
          network.delay_min + Duration{static_cast<std::int64_t>(random_.below(spread))};
      flights_.emplace(now_ + delay, Flight{from, to, nodes_[to].life, message});
    }
  }

  MembershipOptions options_;
  SeededRandom random_;
  Instant now_{Duration{1'000'000}};
  std::map<int, Node> nodes_;
  std::set<int> side_;
  std::pair<int, int> cut_pair_{-1, -1};
  std::multimap<Instant, Flight> flights_;
};

}  // namespace crossfloor::test
