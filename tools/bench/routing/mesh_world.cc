#include "tools/bench/routing/mesh_world.h"

#include <algorithm>

#include "node/desk/own_load.h"
#include "protocol/check.h"

namespace crossfloor::bench {
namespace {

constexpr Duration longest_run{7 * 24 * 3'600'000};
constexpr std::size_t bytes_around_message = 96;  // frame and encryption
constexpr std::size_t bytes_around_record = 24;

template <typename IdType>
IdType id_of(std::uint64_t number) {
  IdType id;
  for (std::size_t i = 0; i < 8; ++i) {
    id.raw[i] = static_cast<unsigned char>((number + 1) >> (56 - 8 * i));
  }
  return id;
}

template <typename IdType>
std::size_t number_of(const IdType& id) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = number << 8 | id.raw[i];
  return number - 1;
}

int worker_of(const std::string& agent) {
  return std::stoi(agent.substr(agent.find('-') + 1));
}

// While nothing can be lost and nobody falls silent, membership has nothing to find out: it only
// greets, which spares a long run most of its events.
MembershipOptions membership_for(const Cell& cell) {
  MembershipOptions options = MembershipOptions::lan();
  if (!cell.cut && cell.gossip_loss == 0) {
    options.probe_interval = Duration{60'000};
    options.isolation_after = Duration{600'000};
  }
  return options;
}

std::size_t bytes_of(const LoadMessage& message) {
  std::size_t bytes = bytes_around_message;
  if (const auto* update = std::get_if<LoadUpdate>(&message)) {
    for (const auto& news : update->records) {
      bytes += encoded_size(news.record) + bytes_around_record;
    }
  } else if (const auto* digest = std::get_if<LoadDigest>(&message)) {
    bytes += digest->marks.size() * 56;
  }
  return bytes;
}

}  // namespace

struct MeshWorld::Node final : PeerLoads {
  Node(std::size_t place, const Cell& cell, const RouterOptions& options, Random& random)
      : number(place),
        self(id_of<NodeId>(place)),
        membership({self, place + 1, {}}, membership_for(cell), random),
        loads(membership, {}, random),
        router(self, options, floor, *this, random),
        leases(self, {}, random) {}

  std::vector<PeerLoad> usable(Now now) const override {
    std::vector<PeerLoad> all;
    for (const auto& [record, age] : loads.all_usable(now)) all.push_back({record, age, false});
    return all;
  }
  bool may_see(const NodeId&, const Region&) const override { return true; }

  const std::size_t number;
  const NodeId self;
  Membership membership;
  LoadGossip loads;
  Floor floor{{}};
  Router router;
  LeaseLedger leases;
  bool drained = false;
  std::optional<Instant> timer;
  std::vector<std::uint32_t> waiting, free;  // by class, as last measured
};

MeshWorld::MeshWorld(const Cell& cell, const Workload& workload, std::uint64_t seed,
                     const RouterOptions& options)
    : cell_(cell),
      workload_(workload),
      random_(seed),
      courses_(workload.arrivals.size()),
      open_(workload.arrivals.size()),
      running_(workload.workers.size()),
      waiting_(workload.services.size()),
      free_(workload.services.size()) {
  for (int i = 0; i < cell.sites; ++i) {
    auto& made = nodes_.emplace_back(
        std::make_unique<Node>(static_cast<std::size_t>(i), cell, options, random_));
    made->waiting.resize(workload.services.size());
    made->free.resize(workload.services.size());
  }
  for (auto& node : nodes_) {
    for (auto& other : nodes_) {
      if (node != other) {
        node->membership.add_member(other->self, "site-" + std::to_string(other->number), "eu");
      }
    }
  }
  outcome_.cases.resize(workload.arrivals.size());
}

MeshWorld::~MeshWorld() = default;

Now MeshWorld::now() const {
  return {Instant{} + now_, wall_from_ms(1'700'000'000'000) + now_};
}

MeshWorld::Node& MeshWorld::node(const NodeId& id) {
  return *nodes_.at(number_of(id));
}

MeshWorld::Course& MeshWorld::course(const ConversationId& id) {
  return courses_.at(number_of(id));
}

void MeshWorld::after(Duration delay, std::function<void()> what) {
  events_.push({now_ + delay, ++event_number_, std::move(what)});
}

bool MeshWorld::linked(const Node& one, const Node& other) const {
  if (!cell_.cut || now_ < cell_.cut->from || now_ >= cell_.cut->to) return true;
  const auto away = static_cast<std::size_t>(cell_.cut->site);
  return (one.number == away) == (other.number == away);
}

// ---- Time -------------------------------------------------------------------------------------

Outcome MeshWorld::run() {
  on_duty();
  if (cell_.drain) {
    const auto set = [this](bool drained) {
      auto& site = *nodes_.at(static_cast<std::size_t>(cell_.drain->site));
      site.drained = drained;
      act(site, [&](DeskOutbox& out) { site.router.set_open(!drained, now(), out); });
      publish(site);
    };
    after(cell_.drain->from, [=] { set(true); });
    after(cell_.drain->to, [=] { set(false); });
  }
  if (cell_.cut) after(cell_.cut->from, [this] { note_open(); });
  std::size_t next = 0;
  const auto& arrivals = workload_.arrivals;
  while (open_ > 0 && now_ < cell_.length + longest_run) {
    std::optional<Duration> at;
    if (!timers_.empty()) at = std::max(timers_.begin()->first - Instant{}, now_);
    const bool timer = at && (events_.empty() || *at <= events_.top().at) &&
                       (next == arrivals.size() || *at <= arrivals[next].at);
    if (timer) {
      now_ = *at;
      tick(*nodes_[timers_.begin()->second]);
    } else if (!events_.empty() &&
               (next == arrivals.size() || events_.top().at <= arrivals[next].at)) {
      now_ = events_.top().at;
      const auto what = std::move(const_cast<Event&>(events_.top()).what);
      events_.pop();
      what();
    } else {
      now_ = arrivals[next].at;
      arrives(static_cast<int>(next++));
    }
  }
  outcome_.observed = cell_.length - cell_.warm_up;
  return std::move(outcome_);
}

void MeshWorld::on_duty() {
  for (std::size_t i = 0; i < workload_.workers.size(); ++i) {
    auto& site = *nodes_[static_cast<std::size_t>(workload_.workers[i].site)];
    auto record = record_of(cell_, workload_, static_cast<int>(i));
    record.node = site.self;
    site.floor.set_agent(record, now());
    XF_CHECK(site.floor.log_in(record.name, now()).ok());
    XF_CHECK(site.floor.set_presence(record.name, Presence::ready, "", now()).ok());
  }
  for (auto& each : nodes_) {
    act(*each, [&](DeskOutbox& out) { each->router.slots_changed(now(), out); });
    publish(*each);
  }
}

void MeshWorld::tick(Node& node) {
  act(node, [&](DeskOutbox& out) {
    const auto due = node.router.deadline();
    if (due && *due <= now().steady) node.router.tick(now(), out);
    MembershipOutbox members;
    node.membership.tick(now(), members);
    handle(node, members);
    LoadOutbox loads;
    node.loads.tick(now(), loads);
    handle(node, loads);
    if (!loads.changed.empty()) node.router.loads_changed(now(), out);
    LeaseOutbox leases;
    node.leases.tick(now(), leases);
    handle(node, leases);
  });
}

template <typename Deed>
void MeshWorld::act(Node& node, Deed deed) {
  DeskOutbox out;
  deed(out);
  const bool moved = !out.decisions.empty() || !out.messages.empty() || !out.events.empty() ||
                     !out.notices.empty();
  handle(node, out);
  if (moved) publish(node);
  set_timer(node);
}

// The own load is reckoned after every move of the desk, as a node does.
void MeshWorld::publish(Node& node) {
  auto own = own_load(node.floor, node.router, now());
  own.drained = node.drained;
  measure(node, own);
  LoadOutbox loads;
  node.loads.set_own(std::move(own), now(), loads);
  handle(node, loads);
  set_timer(node);
}

void MeshWorld::set_timer(Node& node) {
  std::optional<Instant> due;
  for (const auto at : {node.router.deadline(), node.membership.deadline(), node.loads.deadline(),
                        node.leases.deadline()}) {
    if (at && (!due || *at < *due)) due = at;
  }
  if (due == node.timer) return;
  if (node.timer) timers_.erase({*node.timer, node.number});
  node.timer = due;
  if (due) timers_.insert({*due, node.number});
}

// ---- What the cores want done -----------------------------------------------------------------

void MeshWorld::handle(Node& node, DeskOutbox& out) {
  for (auto& decision : out.decisions) write(node, std::move(decision));
  for (auto& [to, message] : out.messages) {
    const bool own = to == node.self;
    if (!own) {
      ++outcome_.unicasts;
      count_offers(message);
      outcome_.pulls += std::holds_alternative<Pull>(message);
      outcome_.denials += std::holds_alternative<Deny>(message);
    }
    auto* there = &this->node(to);
    if (!linked(node, *there)) continue;
    after(own ? Duration{0} : cell_.link, [this, there, from = &node, message = message] {
      if (!linked(*from, *there)) return;
      act(*there,
          [&](DeskOutbox& more) { there->router.receive(from->self, message, now(), more); });
    });
  }
  for (auto& event : out.events) {
    if (const auto* requeue = std::get_if<Requeue>(&event)) {
      take_back(node, requeue->conversation, requeue->epoch);
    } else if (const auto* taken = std::get_if<LeaseTaken>(&event)) {
      node.leases.taken(taken->home, taken->conversation, taken->epoch, taken->term, taken->since,
                        now());
    } else if (const auto* dropped = std::get_if<LeaseDropped>(&event)) {
      node.leases.dropped(dropped->conversation, dropped->epoch);
    }
  }
  for (auto& notice : out.notices) {
    if (const auto* rings = std::get_if<RingNotice>(&notice)) ring(node, *rings);
  }
}

// Who asks for one agent knows that this one may be busy: no news were wrong if so.
void MeshWorld::count_offers(const RoutingMessage& message) {
  if (const auto* offer = std::get_if<Offer>(&message)) {
    const bool for_one = !offer->need.only_agent.empty();
    if (for_one) asked_last_.insert(offer->nonce);
    ++(for_one ? outcome_.asked_last : outcome_.offers);
  } else if (const auto* decline = std::get_if<Decline>(&message)) {
    ++(asked_last_.count(decline->nonce) ? outcome_.last_busy : outcome_.declines);
  }
}

void MeshWorld::handle(Node& node, LeaseOutbox& out) {
  for (auto& [to, message] : out.messages) {
    auto* there = &this->node(to);
    if (!linked(node, *there)) continue;
    after(cell_.link, [this, there, from = &node, message = message] {
      if (!linked(*from, *there)) return;
      LeaseOutbox answer;
      there->leases.receive(from->self, message, now(), answer);
      handle(*there, answer);
      set_timer(*there);
    });
  }
  for (auto& event : out.events) {
    if (const auto* lost = std::get_if<LeaseLost>(&event)) {
      take_back(node, lost->conversation, lost->epoch);
    } else if (const auto* ended = std::get_if<LeaseEnded>(&event)) {
      release(node, ended->conversation, ended->epoch);
    }
  }
}

void MeshWorld::handle(Node& node, MembershipOutbox& out) {
  for (auto& [to, message] : out.messages) {
    outcome_.gossip_bytes += bytes_around_message + 128;
    auto* there = &this->node(to);
    if (!linked(node, *there) || random_.unit() < cell_.gossip_loss) continue;
    after(cell_.link, [this, there, from = &node, message = message] {
      if (!linked(*from, *there)) return;
      MembershipOutbox answer;
      there->membership.receive(from->self, message, now(), answer);
      handle(*there, answer);
      set_timer(*there);
    });
  }
  for (const auto& event : out.events) {
    act(node, [&](DeskOutbox& desk) {
      if (event.kind == MemberEventKind::died || event.kind == MemberEventKind::left) {
        node.router.node_lost(event.node, now(), desk);
        LeaseOutbox leases;
        node.leases.node_lost(event.node, leases);
        handle(node, leases);
      } else if (event.kind == MemberEventKind::joined || event.kind == MemberEventKind::alive) {
        node.router.healed(event.node, now());
      }
    });
  }
}

void MeshWorld::handle(Node& node, LoadOutbox& out) {
  for (auto& [to, message] : out.messages) {
    outcome_.gossip_bytes += bytes_of(message);
    auto* there = &this->node(to);
    if (!linked(node, *there) || random_.unit() < cell_.gossip_loss) continue;
    after(cell_.link + cell_.gossip_delay, [this, there, from = &node, message = message] {
      if (!linked(*from, *there)) return;
      LoadOutbox answer;
      there->loads.receive(from->self, message, now(), answer);
      handle(*there, answer);
      if (answer.changed.empty()) {
        set_timer(*there);
      } else {
        act(*there, [&](DeskOutbox& desk) { there->router.loads_changed(now(), desk); });
      }
    });
  }
}

// ---- The course of a conversation -------------------------------------------------------------

WaitingConversation MeshWorld::waiting(int number) const {
  const auto& arrival = workload_.arrivals[static_cast<std::size_t>(number)];
  WaitingConversation what;
  what.conversation = id_of<ConversationId>(static_cast<std::uint64_t>(number));
  what.service = workload_.services[static_cast<std::size_t>(arrival.service)];
  what.region = "eu";
  what.waiting_since = wall_from_ms(1'700'000'000'000) + arrival.at;
  what.priority = arrival.priority;
  what.mood = arrival.mood;
  what.auto_accept = true;
  what.site_changes = courses_[static_cast<std::size_t>(number)].site_changes;
  if (cell_.last_agent && arrival.returns_of >= 0) {
    const int last = outcome_.cases[static_cast<std::size_t>(arrival.returns_of)].worker;
    if (last >= 0) {
      const auto site = workload_.workers[static_cast<std::size_t>(last)].site;
      what.preferred_agent = "agent-" + std::to_string(last);
      what.preferred_node = id_of<NodeId>(static_cast<std::uint64_t>(site));
    }
  }
  return what;
}

void MeshWorld::arrives(int number) {
  const auto& arrival = workload_.arrivals[static_cast<std::size_t>(number)];
  auto& home = *nodes_[static_cast<std::size_t>(arrival.site)];
  auto& own = courses_[static_cast<std::size_t>(number)];
  own.left = arrival.handling;
  own.epoch = {1, {++epochs_}, home.self};
  if (cell_.patience > Duration{0}) after(cell_.patience, [=, this] { leaves(number); });
  act(home, [&](DeskOutbox& out) { home.router.enqueue(waiting(number), now(), out); });
  publish(home);
}

void MeshWorld::leaves(int number) {
  auto& own = courses_[static_cast<std::size_t>(number)];
  if (own.state != State::waiting || own.taken_up > Duration{0}) return;
  own.state = State::closed;
  --open_;
  const auto site = workload_.arrivals[static_cast<std::size_t>(number)].site;
  auto& home = *nodes_[static_cast<std::size_t>(site)];
  const auto id = id_of<ConversationId>(static_cast<std::uint64_t>(number));
  act(home, [&](DeskOutbox& out) { home.router.remove(id, now(), out); });
  publish(home);
}

// The router hears that its decision is durable when the disk says so, and speaks only then.
void MeshWorld::write(Node& home, Decision decision) {
  after(cell_.write_time, [this, &home, decision = std::move(decision)] {
    auto& own = course(decision.conversation);
    if (own.state != State::waiting) {
      act(home, [&](DeskOutbox& out) { home.router.refused(decision.conversation, now(), out); });
      return;
    }
    own.state = State::ringing;
    own.epoch = {1, {++epochs_}, home.self};
    if (!own.lessee.is_zero() && own.lessee != decision.node) ++own.site_changes;
    own.lessee = decision.node;
    if (decision.node != home.self) {
      home.leases.granted({decision.node, decision.conversation, own.epoch, decision.agent,
                           ChannelKind::chat, decision.lease},
                          now());
    }
    act(home, [&](DeskOutbox& out) {
      home.router.committed(decision.conversation, own.epoch, {}, now(), out);
    });
  });
}

void MeshWorld::take_back(Node& home, const ConversationId& id, const Epoch& epoch) {
  auto& own = course(id);
  if (own.epoch != epoch || own.state == State::closed) return;
  if (own.state == State::active) {
    ++outcome_.requeued;
    own.left = std::max(own.left - (now_ - own.taken_up), Duration{1});
  }
  own.epoch = {1, {++epochs_}, home.self};
  own.state = State::waiting;
  home.leases.ended(id);
  after(cell_.write_time, [this, &home, id] {
    act(home, [&](DeskOutbox& out) {
      home.router.enqueue(waiting(static_cast<int>(number_of(id))), now(), out);
    });
    publish(home);
  });
}

void MeshWorld::ring(Node& lessee, const RingNotice& notice) {
  const auto id = notice.conversation;
  const auto epoch = notice.epoch;
  const int worker = worker_of(notice.agent);
  if (!lessee.router.agent_accepts(id, epoch, notice.agent, now()).ok()) return;
  auto& one = outcome_.cases[number_of(id)];
  auto& own = course(id);
  if (own.epoch == epoch && own.state == State::ringing) {
    own.taken_up = now_;
    if (one.started < Duration{0}) {
      one = {now_, worker};
      --open_;
    }
  }
  if (++running_[static_cast<std::size_t>(worker)] > cell_.capacity) ++outcome_.overloads;
  auto takes = own.left;
  if (notice.home != lessee.self) {
    takes = Duration{
        static_cast<std::int64_t>(static_cast<double>(takes.count()) * (1 + cell_.remote_slower))};
  }
  if (own.epoch == epoch) {
    own.worker = worker;
    own.takes = takes;
  }
  tell_home(lessee, id, [this, id, epoch, there = &lessee, takes](Node& home) {
    auto& now_known = course(id);
    const bool valid = now_known.epoch == epoch && now_known.state == State::ringing;
    if (valid) {
      now_known.state = State::active;
      home.router.accepted(id, epoch);
      home.leases.accepted(id, epoch);
    } else {
      after(cell_.link, [=, this] { release(*there, id, epoch); });
      return;
    }
    const auto since = now_ - now_known.taken_up;
    after(std::max(takes - since, Duration{0}), [=, this] { finish(*there, id, epoch); });
  });
}

// The agent's slot is free at once if home is elsewhere; else when home has written it.
void MeshWorld::finish(Node& lessee, const ConversationId& id, const Epoch& epoch) {
  const auto* work = lessee.floor.work_of(id);
  if (!work || work->epoch != epoch) return;
  if (work->home != lessee.self) {
    work_is_over(lessee, *work);
    const auto agent = work->agent;
    act(lessee,
        [&](DeskOutbox& out) { XF_CHECK(lessee.router.agent_ends(id, agent, now(), out)); });
    publish(lessee);
  }
  tell_home(lessee, id, [this, id, epoch, there = &lessee](Node& home) {
    auto& own = course(id);
    if (own.epoch == epoch && own.state == State::active) {
      own.state = State::closed;
      home.leases.ended(id);
    }
    const auto back = &home == there ? Duration{0} : cell_.link;
    after(cell_.write_time + back, [=, this] { release(*there, id, epoch); });
  });
}

// Commands wait with the agent's node while home cannot be reached.
void MeshWorld::tell_home(Node& from, const ConversationId& id,
                          std::function<void(Node& home)> what) {
  const auto site = workload_.arrivals[number_of(id)].site;
  auto* home = nodes_[static_cast<std::size_t>(site)].get();
  if (home != &from && !linked(from, *home)) {
    after(Duration{1'000},
          [this, there = &from, id, what = std::move(what)] { tell_home(*there, id, what); });
    return;
  }
  after(home == &from ? Duration{0} : cell_.link, [this, home, what = std::move(what)] {
    what(*home);
    set_timer(*home);
  });
}

void MeshWorld::release(Node& there, const ConversationId& id, const Epoch& epoch) {
  if (const auto* work = there.floor.work_of(id)) {
    if (work->state == SlotState::busy && work->epoch <= epoch) work_is_over(there, *work);
  }
  there.floor.release(id, epoch, now());
  there.leases.dropped(id, epoch);
  act(there, [&](DeskOutbox& out) { there.router.slots_changed(now(), out); });
  publish(there);
}

void MeshWorld::work_is_over(Node& there, const Work& work) {
  --running_[static_cast<std::size_t>(worker_of(work.agent))];
  there.router.handled(work.home, ChannelKind::chat, now().steady - work.held_since);
}

// What only rings counts as waiting.
void MeshWorld::note_open() {
  for (std::size_t i = 0; i < courses_.size() && workload_.arrivals[i].at < now_; ++i) {
    const auto& course = courses_[i];
    const int number = static_cast<int>(i);
    if (course.state == State::active) {
      const auto left = std::max(course.taken_up + course.takes - now_, Duration{1});
      outcome_.open_at_cut.push_back({number, course.worker, left});
    } else if (course.state != State::closed) {
      outcome_.open_at_cut.push_back({number, -1, course.left});
    }
  }
}

// ---- Gaps -------------------------------------------------------------------------------------

// Someone waits with nothing under way, and a slot that fits is neither held nor at work.
void MeshWorld::measure(Node& node, const LoadRecord& own) {
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    const auto* load = own.find(workload_.services[i]);
    const auto waits = load ? load->waiting : 0;
    const auto free = load           ? load->free_primary
                      : node.drained ? 0
                                     : node.floor.free_slots(workload_.services[i]).primary;
    waiting_[i] += waits;
    waiting_[i] -= node.waiting[i];
    free_[i] += free;
    free_[i] -= node.free[i];
    node.waiting[i] = waits;
    node.free[i] = free;
  }
  bool gap = false;
  for (std::size_t i = 0; i < waiting_.size(); ++i) gap = gap || (waiting_[i] > 0 && free_[i] > 0);
  if (gap == gap_since_.has_value()) return;
  if (gap) {
    gap_since_ = now_;
    return;
  }
  const bool counted = now_ >= cell_.warm_up && *gap_since_ < cell_.length;
  if (counted && now_ > *gap_since_) outcome_.gaps.push_back(now_ - *gap_since_);
  gap_since_.reset();
}

}  // namespace crossfloor::bench
