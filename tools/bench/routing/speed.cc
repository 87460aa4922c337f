#include "tools/bench/routing/speed.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

#include "node/desk/own_load.h"
#include "protocol/check.h"
#include "protocol/crypto.h"
#include "protocol/identity.h"

namespace crossfloor::bench {
namespace {

// Of this thread alone: what else the machine does must not count.
double cpu_us() {
  timespec time{};
  XF_CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

// What the decisions are compared with: libsodium checking an entry's seal.
class Signatures {
 public:
  void check_one() const { XF_CHECK(crypto_.verify(key_.node(), said_, signature_)); }

 private:
  SodiumCrypto crypto_;
  SeededRandom random_{1};
  const SigningKey key_ = make_signing_key(random_);
  const std::string said_ = std::string(64, 'x');
  const Signature signature_ = crypto_.sign(key_, said_);
};

// 5 brands x 5 skills x 2 languages, as far as they are wanted.
std::vector<ServiceClass> services_of(std::size_t count) {
  std::vector<ServiceClass> services;
  for (std::size_t i = 0; i < count; ++i) {
    ServiceClass service{"brand-" + std::to_string(i / 10), ChannelKind::chat, {}, "en"};
    service.skills = {"skill-" + std::to_string(i % 5)};
    if (i % 10 >= 5) service.language = "fi";
    services.push_back(std::move(service));
  }
  return services;
}

// A node without links: what it sends to itself comes back, what it sends to others is lost.
class OneNode final : public PeerLoads {
 public:
  explicit OneNode(const SpeedOptions& options)
      : services_(services_of(options.classes)), router_(self_, {}, floor_, *this, random_) {
    for (std::size_t i = 0; i < options.agents; ++i) add_agent(i, (options.classes + 9) / 10);
    std::erase_if(services_,
                  [&](const auto& service) { return floor_.free_slots(service) == FreeSlots{}; });
    while (floor_.anybody_available()) {
      const auto profile = floor_.profile(floor_.available().front());
      const auto fits = [&](const auto& each) { return matches(profile->abilities, each); };
      comes(*std::find_if(services_.begin(), services_.end(), fits));
    }
    while (router_.line().size() < options.waiting) comes();
    for (std::size_t i = 0; i < options.peers; ++i) add_peer();  // last: nobody begins with a pull
  }

  // One agent is done with what the agent has, and the next customer has come.
  void one_agent_gets_free() {
    now_.steady += Duration{1};
    now_.wall += Duration{1};
    std::swap(at_work_[random_.below(at_work_.size())], at_work_.back());
    const auto ended = at_work_.back();
    at_work_.pop_back();
    DeskOutbox out;
    floor_.release(ended, newest(), now_);
    router_.slots_changed(now_, out);
    if (const auto due = router_.deadline(); due && *due <= now_.steady) router_.tick(now_, out);
    settle(std::move(out));
  }
  void comes() { comes(services_[random_.below(services_.size())]); }
  void comes(const ServiceClass& service) {
    WaitingConversation what;
    what.conversation = random_.id<ConversationId>();
    what.service = service;
    what.region = "eu";
    what.waiting_since = now_.wall;
    what.priority = static_cast<std::uint32_t>(random_.below(4));
    what.auto_accept = true;
    DeskOutbox out;
    router_.enqueue(what, now_, out);
    settle(std::move(out));
  }
  void asked_in_vain() {
    Pull pull;
    pull.nonce = random_.next() | 1;
    pull.agent.name = "of-another-brand";
    pull.agent.abilities.brands = {"another"};
    pull.agent.channels = {{ChannelKind::chat, Duty::primary}};
    DeskOutbox out;
    router_.receive(peers_.front().node, pull, now_, out);
    XF_CHECK(out.messages.size() == 1);
  }
  std::size_t waiting() const { return router_.line().size(); }
  LoadRecord load() const { return own_load(floor_, router_, now_); }
  std::uint64_t decisions() const { return decisions_; }

  std::vector<PeerLoad> usable(Now) const override {
    std::vector<PeerLoad> all;
    for (const auto& record : peers_) all.push_back({&record, Duration{100}, false});
    return all;
  }
  bool may_see(const NodeId&, const Region&) const override { return true; }

 private:
  Epoch newest() const { return {1, {epochs_}, self_}; }

  void add_agent(std::size_t number, std::size_t brands) {
    AgentRecord record;
    record.name = "agent-" + std::to_string(number);
    record.node = self_;
    record.brands = {"brand-" + std::to_string(number % brands)};
    const auto skill = random_.below(4);
    record.skills = {"skill-" + std::to_string(skill), "skill-" + std::to_string(skill + 1)};
    record.languages = {"en"};
    if (number / brands % 2 == 0) record.languages.push_back("fi");
    record.channels = {{ChannelKind::chat, Duty::primary, 3, 4}};
    floor_.set_agent(record, now_);
    XF_CHECK(floor_.log_in(record.name, now_).ok());
    XF_CHECK(floor_.set_presence(record.name, Presence::ready, "", now_).ok());
    DeskOutbox out;
    router_.slots_changed(now_, out);
    settle(std::move(out));
  }
  // As busy as this one: some wait in every third class, less urgent than those here.
  void add_peer() {
    LoadRecord record;
    record.node = random_.id<NodeId>();
    record.generation = 1;
    record.version = 1;
    record.on_duty = {{ChannelKind::chat, 100}};
    for (std::size_t i = 0; i < services_.size(); ++i) {
      ClassLoad load;
      load.service = services_[i];
      load.waiting = i % 3 == 0 ? 5 : 0;
      if (load.waiting > 0) load.oldest_ms = {1, 1};
      load.target_ms = 86'400'000;
      record.classes.push_back(std::move(load));
    }
    std::sort(record.classes.begin(), record.classes.end(),
              [](const auto& a, const auto& b) { return a.service < b.service; });
    peers_.push_back(std::move(record));
  }

  void settle(DeskOutbox out) {
    while (!out.decisions.empty() || !out.messages.empty() || !out.notices.empty()) {
      DeskOutbox next;
      for (const auto& decision : out.decisions) {
        ++decisions_;
        ++epochs_;
        router_.committed(decision.conversation, newest(), {}, now_, next);
      }
      for (const auto& [to, message] : out.messages) {
        if (to == self_) router_.receive(self_, message, now_, next);
      }
      for (const auto& notice : out.notices) {
        const auto* ring = std::get_if<RingNotice>(&notice);
        if (!ring) continue;
        XF_CHECK(router_.agent_accepts(ring->conversation, ring->epoch, ring->agent, now_).ok());
        XF_CHECK(router_.accepted(ring->conversation, ring->epoch));
        at_work_.push_back(ring->conversation);
      }
      out = std::move(next);
    }
  }

  SeededRandom random_{1};
  const NodeId self_ = random_.id<NodeId>();
  Now now_{Instant{} + std::chrono::hours(24), wall_from_ms(1'700'000'000'000)};
  std::vector<ServiceClass> services_;  // those that somebody here serves
  std::vector<LoadRecord> peers_;
  Floor floor_{{}};
  Router router_;
  std::vector<ConversationId> at_work_;
  std::uint64_t epochs_ = 0;
  std::uint64_t decisions_ = 0;
};

}  // namespace

Speed measure_speed(const SpeedOptions& options) {
  OneNode node(options);
  const Signatures signatures;
  std::vector<double> costs;
  double decided_us = 0, verified_us = 0;
  std::uint64_t verified = 0;
  constexpr std::size_t in_turns = 32;
  const auto before = node.decisions();
  while (decided_us < options.seconds * 1e6) {
    const double begin = cpu_us();
    node.one_agent_gets_free();
    node.comes();
    const double end = cpu_us();
    costs.push_back(end - begin);
    decided_us += end - begin;
    if (costs.size() % in_turns != 0) continue;
    signatures.check_one();
    verified_us += cpu_us() - end;
    ++verified;
  }
  Speed speed;
  speed.options = options;
  speed.waiting = node.waiting();
  const double decision_us = decided_us / static_cast<double>(node.decisions() - before);
  speed.decisions_per_second = 1e6 / decision_us;
  speed.per_verification = verified_us / static_cast<double>(verified) / decision_us;
  const auto at = [&](double share) {
    const auto place = static_cast<std::size_t>(share * static_cast<double>(costs.size() - 1));
    std::nth_element(costs.begin(), costs.begin() + static_cast<std::ptrdiff_t>(place),
                     costs.end());
    return costs[place];
  };
  speed.median_us = at(0.5);
  speed.p99_us = at(0.99);
  constexpr int repeated = 200;
  const double load_begin = cpu_us();
  for (int i = 0; i < repeated; ++i) XF_CHECK(!node.load().classes.empty());
  speed.load_record_us = (cpu_us() - load_begin) / repeated;
  const double denied_begin = cpu_us();
  for (int i = 0; i < repeated; ++i) node.asked_in_vain();
  speed.denied_us = (cpu_us() - denied_begin) / repeated;
  return speed;
}

std::vector<Growth> measure_growth(const SpeedOptions& options) {
  std::vector<Growth> all;
  const auto measure = [&](std::size_t SpeedOptions::*size, std::size_t from) {
    Growth growth;
    for (auto n = from; n <= options.*size; n *= 10) {
      SpeedOptions each = options;
      each.*size = n;
      growth.speeds.push_back(measure_speed(each));
      const double cost = growth.speeds.back().median_us / growth.speeds.front().median_us;
      growth.ratios.push_back(cost);
      growth.limits.push_back(std::log(static_cast<double>(n)) /
                              std::log(static_cast<double>(from)));
    }
    all.push_back(std::move(growth));
  };
  measure(&SpeedOptions::waiting, 100);
  measure(&SpeedOptions::agents, 10);
  return all;
}

}  // namespace crossfloor::bench
