// A small world of several nodes, each with floor, router and lease ledger, under invented time.
// It plays what surrounds the desk in a node: it writes decisions (and keeps the newest epoch of
// every conversation, which is the truth), carries messages with delay, loss, doubling and other
// order, gossips load records, and lets agents behave.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <memory>

#include "node/desk/lease_ledger.h"
#include "node/desk/own_load.h"
#include "node/desk/router.h"
#include "tests/desk/people.h"

namespace crossfloor {

class DeskWorld {
 public:
  struct Node : PeerLoads {
    Node(DeskWorld& world, NodeId id, RouterOptions options)
        : world_(world),
          self(id),
          router(id, options, floor, *this, world.random),
          leases(id, {}, world.random) {}
    std::vector<PeerLoad> usable(Now now) const override {
      std::vector<PeerLoad> out;
      for (const auto& [id, heard] : records) {
        if (!world_.linked(self, id)) continue;
        out.push_back({&heard.first, now.steady - heard.second, same_site.count(id) > 0});
      }
      return out;
    }
    bool may_see(const NodeId& node, const Region&) const override { return !blind.count(node); }
    Duration round_trip(const NodeId&) const override { return measured; }

    DeskWorld& world_;
    NodeId self;
    Floor floor{{}};
    Router router;
    LeaseLedger leases;
    std::map<NodeId, std::pair<LoadRecord, Instant>> records;
    std::set<NodeId> same_site, blind;
    LoadRecord own;
    bool drained = false;
    Duration measured{0};  // 99th percentile of the round trip to every other node
  };

  enum class State { waiting, ringing, active, closed };
  struct Course {  // what home has written
    std::uint64_t home = 0;
    WaitingConversation what;
    Epoch epoch;
    State state = State::waiting;
    std::string agent;
    NodeId node;
    Trace trace;
    Duration answered{0};
    std::vector<std::string> rang;  // "agent@epoch", in order
  };
  // What an agent does when it rings; default: accepts after a second, takes `handling` to finish.
  using Behaviour = std::function<void(Node&, const RingNotice&)>;

  explicit DeskWorld(std::uint64_t seed, std::size_t count = 2, RouterOptions options = {})
      : random(seed) {
    for (std::size_t i = 1; i <= count; ++i) {
      nodes.push_back(std::make_unique<Node>(*this, node_of(i), options));
    }
    behave = [this](Node& node, const RingNotice& ring) { accept_and_finish(node, ring); };
  }

  Node& node(std::uint64_t number) { return *nodes.at(number - 1); }
  Node& node(const NodeId& id) {
    for (auto& each : nodes) {
      if (each->self == id) return *each;
    }
    FAIL("no such node");
    return *nodes[0];
  }
  bool linked(const NodeId& a, const NodeId& b) const {
    return !cut.count({a, b}) && !cut.count({b, a});
  }

  // ---- what people do

  void on_duty(std::uint64_t number, AgentRecord record) {
    record.node = node_of(number);
    node(number).floor.set_agent(record, at(now));
    REQUIRE(node(number).floor.log_in(record.name, at(now)).ok());
    ready(number, record.name);
  }
  void ready(std::uint64_t number, const std::string& agent) {
    (void)node(number).floor.set_presence(agent, Presence::ready, "", at(now));
    slots_changed(node(number));
  }
  void slots_changed(Node& node) {
    act(node, [&](DeskOutbox& out) { node.router.slots_changed(at(now), out); });
  }
  WaitingConversation customer(std::uint64_t number, ServiceClass service = chat_class()) {
    WaitingConversation what;
    what.conversation = talk(number);
    what.service = std::move(service);
    what.region = "eu";
    what.waiting_since = at(now).wall;
    what.target = 30s;
    return what;
  }
  void arrives(std::uint64_t home, const WaitingConversation& what) {
    auto& course = courses[what.conversation];
    course.home = home;
    course.what = what;
    course.epoch = next_epoch(home);
    act(node(home), [&](DeskOutbox& out) { node(home).router.enqueue(what, at(now), out); });
  }
  void accept(Node& lessee, const std::string& agent, const ConversationId& conversation,
              const Epoch& epoch, Duration takes) {
    if (!lessee.router.agent_accepts(conversation, epoch, agent, at(now)).ok()) return;
    // The command travels to home until it is answered, and the answer back.
    const NodeId lessee_id = lessee.self;
    tell_home(conversation, lessee_id, [=, this](Node& home, Course& course) {
      const bool valid = course.epoch == epoch && course.state == State::ringing;
      if (valid) {
        course.state = State::active;
        if (course.answered == 0s) course.answered = now;
        home.router.accepted(conversation, epoch);
        home.leases.accepted(conversation, epoch);
      }
      after(latency, [=, this] {
        auto& there = node(lessee_id);
        if (!valid) {
          release(there, conversation, epoch);
        } else {
          after(takes, [=, this] { finish(lessee_id, agent, conversation, epoch); });
        }
      });
    });
  }
  void decline(Node& lessee, const std::string& agent, const ConversationId& conversation,
               const Epoch& epoch) {
    act(lessee, [&](DeskOutbox& out) {
      (void)lessee.router.agent_declines(conversation, epoch, agent, at(now), out);
    });
  }
  void finish(const NodeId& lessee_id, const std::string& agent, const ConversationId& conversation,
              const Epoch& epoch) {
    const auto* work = node(lessee_id).floor.work_of(conversation);
    if (!work || work->epoch != epoch) return;
    if (!node(lessee_id).floor.view(agent)->connected) {
      after(5s, [=, this] { finish(lessee_id, agent, conversation, epoch); });
      return;
    }
    auto& there = node(lessee_id);
    act(there,
        [&](DeskOutbox& out) { there.router.agent_ends(conversation, agent, at(now), out); });
    tell_home(conversation, lessee_id, [=, this](Node& home, Course& course) {
      if (course.epoch == epoch && course.state == State::active) {
        course.state = State::closed;
        home.leases.ended(conversation);
      }
      after(latency, [=, this] { release(node(lessee_id), conversation, epoch); });
    });
  }
  void accept_and_finish(Node& node, const RingNotice& ring) {
    const auto id = node.self;
    after(1s, [=, this, conversation = ring.conversation, epoch = ring.epoch, agent = ring.agent] {
      accept(this->node(id), agent, conversation, epoch, handling);
    });
  }
  void release(Node& there, const ConversationId& conversation, const Epoch& epoch) {
    there.floor.release(conversation, epoch, at(now));
    there.leases.dropped(conversation, epoch);
    slots_changed(there);
  }

  // ---- time

  void after(Duration delay, std::function<void()> what) { queue_.insert({now + delay, what}); }
  void run_until(Duration end) {
    for (;;) {
      std::optional<Duration> next;
      if (!queue_.empty()) next = queue_.begin()->first;
      for (auto& each : nodes) {
        for (const auto due : {each->router.deadline(), each->leases.deadline()}) {
          if (due && (!next || *due - Instant{} < *next)) next = *due - Instant{};
        }
      }
      if (!next || *next > end) break;
      now = std::max(now, *next);
      REQUIRE(++steps_ < 3'000'000);  // a core that asks to be called again and again
      if (!queue_.empty() && queue_.begin()->first <= now) {
        const auto what = std::move(queue_.begin()->second);
        queue_.erase(queue_.begin());
        what();
        continue;
      }
      for (auto& each : nodes) tick(*each);
    }
    now = std::max(now, end);
  }
  void run(Duration span) { run_until(now + span); }

  template <typename Message>
  std::size_t sent() const {
    return static_cast<std::size_t>(std::count_if(log.begin(), log.end(), [](const auto& each) {
      return std::holds_alternative<Message>(std::get<2>(each));
    }));
  }
  Course& course(std::uint64_t number) { return courses.at(talk(number)); }

  SeededRandom random;
  std::vector<std::unique_ptr<Node>> nodes;
  Duration now{0};
  Duration latency{20};
  Duration jitter{0};
  Duration write_time{1};
  Duration handling{60'000};
  std::uint64_t loss_percent = 0, double_percent = 0;
  std::set<std::pair<NodeId, NodeId>> cut;
  bool gossip_off = false;
  std::vector<ServiceClass> classes{chat_class(), email_class()};
  Behaviour behave;
  std::function<bool(const NodeId& from, const NodeId& to, const RoutingMessage&)> drops;
  std::map<ConversationId, Course> courses;
  std::vector<std::tuple<NodeId, NodeId, RoutingMessage>> log;
  std::vector<Alarm> alarms;

 private:
  Epoch next_epoch(std::uint64_t home) { return {1, {++epochs_}, node_of(home)}; }

  void tell_home(const ConversationId& conversation, const NodeId& from,
                 std::function<void(Node&, Course&)> what) {
    auto& course = courses.at(conversation);
    auto& home = node(course.home);
    if (!linked(from, home.self)) {  // waits with the agent's node
      after(1s, [=, this] { tell_home(conversation, from, what); });
      return;
    }
    after(latency, [=, this, &home] {
      what(home, courses.at(conversation));
      settle(home);
    });
  }

  void tick(Node& node) {
    act(node, [&](DeskOutbox& out) { node.router.tick(at(now), out); });
    LeaseOutbox leases;
    node.leases.tick(at(now), leases);
    carry(node, leases);
  }

  template <typename Deed>
  void act(Node& node, Deed deed) {
    DeskOutbox out;
    deed(out);
    handle(node, out);
    settle(node);
  }

  void handle(Node& node, DeskOutbox& out) {
    for (auto& decision : out.decisions) write(node, std::move(decision));
    for (auto& [to, message] : out.messages) send(node.self, to, std::move(message));
    for (auto& event : out.events) {
      if (const auto* requeue = std::get_if<Requeue>(&event)) {
        take_back(requeue->conversation, requeue->epoch);
      } else if (const auto* taken = std::get_if<LeaseTaken>(&event)) {
        node.leases.taken(taken->home, taken->conversation, taken->epoch, taken->term, taken->since,
                          at(now));
      } else if (const auto* dropped = std::get_if<LeaseDropped>(&event)) {
        node.leases.dropped(dropped->conversation, dropped->epoch);
      } else if (const auto* alarm = std::get_if<Alarm>(&event)) {
        alarms.push_back(*alarm);
      }
    }
    for (auto& notice : out.notices) {
      if (const auto* ring = std::get_if<RingNotice>(&notice)) {
        auto& course = courses.at(ring->conversation);
        course.rang.push_back(ring->agent);
        behave(node, *ring);
      }
    }
  }

  void write(Node& node, Decision decision) {
    const auto id = node.self;
    after(write_time, [=, this] {
      auto& course = courses.at(decision.conversation);
      if (course.state != State::waiting) {
        act(this->node(id), [&](DeskOutbox& out) {
          this->node(id).router.refused(decision.conversation, at(now), out);
        });
        return;
      }
      course.state = State::ringing;
      course.epoch = next_epoch(course.home);
      course.agent = decision.agent;
      if (decision.node != course.node && !course.node.is_zero()) ++course.what.site_changes;
      course.node = decision.node;
      course.trace = decision.trace;
      this->node(id).leases.granted({decision.node, decision.conversation, course.epoch,
                                     decision.agent, course.what.service.kind, decision.lease},
                                    at(now));
      act(this->node(id), [&](DeskOutbox& out) {
        this->node(id).router.committed(decision.conversation, course.epoch, {}, at(now), out);
      });
    });
  }

  void take_back(const ConversationId& conversation, const Epoch& epoch) {
    auto& course = courses.at(conversation);
    if (course.epoch != epoch || course.state == State::closed) return;
    course.epoch = next_epoch(course.home);
    course.state = State::waiting;
    course.agent.clear();
    auto& home = node(course.home);
    home.leases.ended(conversation);
    after(write_time, [=, this, &home] {
      act(home, [&](DeskOutbox& out) {
        home.router.enqueue(courses.at(conversation).what, at(now), out);
      });
    });
  }

  Duration delay() {
    const auto most = static_cast<std::uint64_t>(jitter.count()) + 1;
    return latency + Duration{static_cast<std::int64_t>(random.below(most))};
  }

  void send(const NodeId& from, const NodeId& to, RoutingMessage message) {
    log.emplace_back(from, to, message);
    const bool own = from == to;  // looped back, never lost
    if (!own && drops && drops(from, to, message)) return;
    for (int copy = 0; copy < 2; ++copy) {
      if (copy == 1 && (own || random.below(100) >= double_percent)) break;
      if (!own && (random.below(100) < loss_percent || !linked(from, to))) continue;
      after(own ? write_time : delay(), [=, this] {
        auto& there = node(to);
        if (!linked(from, to)) return;
        act(there, [&](DeskOutbox& out) { there.router.receive(from, message, at(now), out); });
      });
    }
  }

  void carry(Node& node, LeaseOutbox& out) {
    const auto from = node.self;
    for (auto& [to, message] : out.messages) {
      if (random.below(100) < loss_percent || !linked(from, to)) continue;
      after(delay(), [=, this, to = to, message = message] {
        if (!linked(from, to)) return;
        LeaseOutbox answer;
        this->node(to).leases.receive(from, message, at(now), answer);
        carry(this->node(to), answer);
      });
    }
    for (auto& event : out.events) {
      if (const auto* lost = std::get_if<LeaseLost>(&event)) {
        act(node, [&](DeskOutbox& desk) { node.router.remove(lost->conversation, at(now), desk); });
        take_back(lost->conversation, lost->epoch);
      } else if (const auto* ended = std::get_if<LeaseEnded>(&event)) {
        release(node, ended->conversation, ended->epoch);
      }
    }
  }

  // Gossip: a record that differs from the one last sent goes to all.
  void settle(Node& node) {
    if (gossip_off) return;
    LoadRecord record = own_load(node.floor, node.router, at(now));
    record.node = node.self;
    record.generation = 1;
    record.version = node.own.version;
    record.drained = node.drained;
    // Free slots are known before anybody asks for them, as after ten minutes of work.
    for (const auto& service : classes) {
      if (record.find(service)) continue;
      const auto free = node.router.is_open() ? node.floor.free_slots(service) : FreeSlots{};
      record.classes.push_back({service, free.primary, free.helper, 0, {}});
      if (const auto fewest = node.floor.fewest_abilities(service); fewest && free.primary > 0) {
        record.classes.back().fewest_abilities = static_cast<std::uint32_t>(*fewest) + 1;
      }
      std::sort(record.classes.begin(), record.classes.end(),
                [](const auto& a, const auto& b) { return a.service < b.service; });
    }
    const auto shape = [](LoadRecord each) {  // growing ages are no change
      for (auto& load : each.classes) load.oldest_ms.clear();
      return each;
    };
    if (node.own.version > 0 && shape(record) == shape(node.own)) return;
    ++record.version;
    node.own = record;
    gossip(node);
  }

  void gossip(Node& node) {
    const auto record = node.own;
    const auto as_of = at(now).steady;
    for (auto& other : nodes) {
      if (other.get() == &node) continue;
      const auto to = other->self;
      after(latency, [=, this] { hear(to, record, as_of); });
    }
  }
  void hear(const NodeId& to, const LoadRecord& record, Instant as_of) {
    if (!linked(to, record.node)) {  // membership fetches it when the link is back
      after(2s, [=, this] { hear(to, record, as_of); });
      return;
    }
    auto& there = node(to);
    auto& known = there.records[record.node];
    if (known.first.version >= record.version) return;
    known = {record, as_of};
    act(there, [&](DeskOutbox& out) { there.router.loads_changed(at(now), out); });
  }

  std::multimap<Duration, std::function<void()>> queue_;
  std::uint64_t epochs_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace crossfloor
