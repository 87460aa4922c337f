// Who is chosen on a floor, against a plain look at every agent: the groups of agents must never
// show in an answer.
#include <doctest/doctest.h>

#include <algorithm>
#include <tuple>

#include "node/desk/floor.h"
#include "protocol/crypto.h"
#include "tests/desk/people.h"

using namespace crossfloor;

namespace {

const NodeId home = node_of(1);

template <typename T>
T one_of(const std::vector<T>& all, Random& random) {
  return all[random.below(all.size())];
}
std::vector<std::string> some_of(const std::vector<std::string>& all, Random& random) {
  std::vector<std::string> out;
  for (const auto& word : all) {
    if (random.below(2)) out.push_back(word);
  }
  return out;
}

// A floor to which random things happen, and what a plain scan of it knows.
class RandomFloor {
 public:
  explicit RandomFloor(std::uint64_t seed) : random(seed) {}

  void step() {
    now += Duration{random.below(400)};
    const auto before = taken();
    act();
    // Who loses work, as opposed to a hold, is idle from then on.
    const auto after = taken();
    for (const auto& [conversation, agent] : before) {
      if (!after.count(conversation)) idle_since_[agent] = at(now).steady;
    }
    for (const auto& view : floor.snapshot()) {
      const bool out = view.presence == Presence::logged_out;
      if (!out && !here_.count(view.name)) idle_since_[view.name] = at(now).steady;
      out ? void(here_.erase(view.name)) : void(here_.insert(view.name));
    }
    floor.take_events();
  }

  Need need() {
    Need need;
    need.conversation = talk(++last_);
    need.service = service();
    if (random.below(4) == 0) need.team = one_of<std::string>({"red", "blue"}, random);
    if (random.below(4) == 0) need.optional_skills = some_of({"cars", "cards"}, random);
    need.helpers = random.below(2);
    if (random.below(6) == 0) need.only_agent = name();
    for (auto count = random.below(4); count > 0; --count) need.excluded.push_back(name());
    return need;
  }
  ServiceClass service() {
    return {
        one_of<std::string>({"acme", "bolt"}, random),
        one_of<ChannelKind>({ChannelKind::chat, ChannelKind::email, ChannelKind::call}, random),
        random.below(2) ? std::vector<std::string>{} : some_of({"cars", "cards", "loans"}, random),
        one_of<std::string>({"", "en", "en-GB", "fi"}, random)};
  }

  struct Chosen {
    std::optional<std::string> best;
    DeclineReason why_not = DeclineReason::nobody;
    Trace trace;
  };
  Chosen plain_choice(const Need& need) const;
  FreeSlots plain_slots(const ServiceClass& service) const;
  std::optional<std::size_t> plain_fewest(const ServiceClass& service) const;

  SeededRandom random;
  Duration now{0};
  Floor floor{{}};

 private:
  std::string name() { return "agent-" + std::to_string(random.below(40)); }
  std::map<ConversationId, std::string> taken() const {
    std::map<ConversationId, std::string> out;
    for (const auto& view : floor.snapshot()) {
      for (const auto& slot : view.slots) {
        if (slot.state == SlotState::held || slot.state == SlotState::ending) continue;
        out[slot.conversation] = view.name;
      }
    }
    return out;
  }
  void act();
  void start_work(bool accepted);
  AgentRecord record();
  bool fits(const AgentRecord& record, const Need& need) const;

  std::uint64_t last_ = 0;
  std::map<std::string, Instant> idle_since_;
  std::set<std::string> here_;
};

AgentRecord RandomFloor::record() {
  AgentRecord record;
  record.name = name();
  record.node = home;
  record.team = one_of<std::string>({"", "red", "blue"}, random);
  record.brands =
      random.below(3) ? std::vector<std::string>{"acme"} : std::vector<std::string>{"acme", "bolt"};
  record.languages = some_of({"en", "fi"}, random);
  record.skills = some_of({"cars", "cards", "loans"}, random);
  record.total_units = 8 + static_cast<std::uint32_t>(random.below(8));
  for (const auto kind : {ChannelKind::chat, ChannelKind::email, ChannelKind::call}) {
    const auto duty = one_of<Duty>({Duty::off, Duty::primary, Duty::primary, Duty::helper}, random);
    record.channels.push_back({kind, duty, 1 + static_cast<std::uint32_t>(random.below(3)),
                               static_cast<std::uint32_t>(random.below(5))});
  }
  record.disabled = random.below(20) == 0;
  return record;
}

void RandomFloor::start_work(bool accepted) {
  const Need wanted = need();
  const auto agent = floor.hold_best(wanted, home, ++last_, at(now + 3s).steady, at(now));
  if (!agent || random.below(4) == 0) return;  // the hold is left to end by itself
  Assignment assignment;
  assignment.conversation = wanted.conversation;
  assignment.epoch = epoch_of(1);
  assignment.nonce = last_;
  assignment.agent = *agent;
  assignment.service = wanted.service;
  assignment.ring_ms = 5'000;
  REQUIRE(floor.ring(home, assignment, at(now)) == Floor::RingOutcome::rings);
  if (accepted) REQUIRE(floor.accept(wanted.conversation, epoch_of(1), *agent, at(now)).ok());
}

void RandomFloor::act() {
  const auto who = name();
  const auto works = taken();
  switch (random.below(12)) {
    case 0:
      floor.set_agent(record(), at(now));
      break;
    case 1:
      if (random.below(4) == 0) floor.remove_agent(who, at(now));
      break;
    case 2:
    case 3:
      (void)floor.log_in(who, at(now)).ok();
      (void)floor.set_presence(who, Presence::ready, "", at(now)).ok();
      break;
    case 4:
      (void)floor.set_presence(who, Presence::not_ready, "tea", at(now)).ok();
      break;
    case 5:
      if (random.below(3) == 0) (void)floor.log_out(who, at(now)).ok();
      break;
    case 6:
      random.below(3) ? floor.connection_back(who, at(now)) : floor.connection_lost(who, at(now));
      break;
    case 7:
      floor.tick(at(now));
      break;
    case 8:
      if (!works.empty()) {
        auto work = works.begin();
        std::advance(work, random.below(works.size()));
        const auto& [conversation, agent] = *work;
        const auto what = random.below(3);
        if (what == 0) {
          (void)floor.wrap_up(conversation, epoch_of(1), at(now + 4s).steady, at(now)).ok();
          floor.hold_behind(floor.work_of(conversation)->nonce, home, ++last_, at(now + 6s).steady,
                            at(now));
        } else if (what == 1) {
          floor.release(conversation, epoch_of(1), at(now));
        } else {
          floor.ends(conversation, agent, at(now));
          if (random.below(4) == 0) floor.goes_on(conversation);
          if (random.below(4) == 0) floor.release(conversation, epoch_of(1), at(now));
        }
      }
      break;
    case 9: {
      std::vector<ChannelKind> kinds{ChannelKind::chat, ChannelKind::email};
      floor.hold_agent(who, kinds, {}, home, ++last_, at(now + 2s).steady, at(now));
      break;
    }
    default:
      start_work(random.below(3));
  }
}

bool RandomFloor::fits(const AgentRecord& record, const Need& need) const {
  if (!need.only_agent.empty() && need.only_agent != record.name) return false;
  if (!need.team.empty() && need.team != record.team) return false;
  const auto channel = std::find_if(
      record.channels.begin(), record.channels.end(),
      [&](const auto& each) { return each.kind == need.service.kind && each.duty != Duty::off; });
  if (channel == record.channels.end()) return false;
  if (channel->duty == Duty::helper && !need.helpers && need.only_agent.empty()) return false;
  return matches({record.brands, record.languages, record.skills}, need.service) &&
         has_all(record.skills, need.optional_skills);
}

RandomFloor::Chosen RandomFloor::plain_choice(const Need& need) const {
  Chosen out;
  using Rank = std::tuple<bool, std::size_t, double, Instant, std::string>;
  std::optional<Rank> best;
  bool excluded_ones = false, others = false;
  for (const auto& view : floor.snapshot()) {  // in order of name
    const auto& record = *floor.agent(view.name);
    if (view.presence == Presence::logged_out || !view.connected || !fits(record, need)) continue;
    const bool excluded = std::count(need.excluded.begin(), need.excluded.end(), view.name) > 0;
    (excluded ? excluded_ones : others) = true;
    const auto channel =
        std::find_if(view.channels.begin(), view.channels.end(),
                     [&](const auto& each) { return each.kind == need.service.kind; });
    const bool helper = channel->duty == Duty::helper;
    const bool ready = view.presence == Presence::ready;
    out.trace.add({home, view.name,
                   std::string(helper ? "helper" : "primary") + ", " +
                       std::to_string(view.units_used) + " of " + std::to_string(view.units_total) +
                       " units used",
                   0,
                   !ready               ? "not ready"
                   : excluded           ? "declined or missed it lately"
                   : channel->free == 0 ? "no free slot"
                                        : "another fits better"});
    if (!ready || excluded || channel->free == 0) continue;
    Rank rank{helper, record.brands.size() + record.languages.size() + record.skills.size(),
              static_cast<double>(view.units_used) / view.units_total, idle_since_.at(view.name),
              view.name};
    if (!best || rank < *best) best = rank;
  }
  if (best) out.best = std::get<4>(*best);
  for (auto& candidate : out.trace.candidates) {
    if (out.best == candidate.agent) candidate.why_not.clear();
  }
  out.why_not = others          ? DeclineReason::full
                : excluded_ones ? DeclineReason::only_excluded
                                : DeclineReason::nobody;
  return out;
}

FreeSlots RandomFloor::plain_slots(const ServiceClass& service) const {
  FreeSlots out;
  for (const auto& view : floor.snapshot()) {
    const auto& record = *floor.agent(view.name);
    const bool ready = view.presence == Presence::ready && view.connected;
    if (!ready || !matches({record.brands, record.languages, record.skills}, service)) continue;
    for (const auto& channel : view.channels) {
      if (channel.kind != service.kind) continue;
      (channel.duty == Duty::primary ? out.primary : out.helper) += channel.free;
    }
  }
  return out;
}

std::optional<std::size_t> RandomFloor::plain_fewest(const ServiceClass& service) const {
  std::optional<std::size_t> fewest;
  for (const auto& view : floor.snapshot()) {
    const auto& record = *floor.agent(view.name);
    const bool ready = view.presence == Presence::ready && view.connected;
    if (!ready || !matches({record.brands, record.languages, record.skills}, service)) continue;
    const auto count = record.brands.size() + record.languages.size() + record.skills.size();
    for (const auto& channel : view.channels) {
      if (channel.kind != service.kind || channel.duty != Duty::primary || channel.free == 0)
        continue;
      fewest = std::min(fewest.value_or(count), count);
    }
  }
  return fewest;
}

}  // namespace

TEST_SUITE("floor's choice") {
  TEST_CASE("whoever comes, goes or works, the choice is that of a look at every agent") {
    std::size_t chosen = 0, full = 0, only_excluded = 0, left_out = 0;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      CAPTURE(seed);
      RandomFloor world(seed);
      for (int step = 0; step < 1500; ++step) {
        CAPTURE(step);
        world.step();
        const Need need = world.need();
        const auto plain = world.plain_choice(need);
        Trace trace;
        REQUIRE(world.floor.best(need, &trace) == plain.best);
        REQUIRE(trace == plain.trace);
        REQUIRE(world.floor.why_not(need) == plain.why_not);
        REQUIRE(world.floor.free_slots(need.service) == world.plain_slots(need.service));
        REQUIRE(world.floor.fewest_abilities(need.service) == world.plain_fewest(need.service));
        chosen += plain.best.has_value();
        full += !plain.best && plain.why_not == DeclineReason::full;
        only_excluded += plain.why_not == DeclineReason::only_excluded;
        left_out += plain.trace.candidates_left_out > 0;

        std::vector<std::string> available;
        std::array<std::uint32_t, channel_kinds> on_duty{};
        for (const auto& view : world.floor.snapshot()) {
          bool free = false;
          for (const auto& channel : view.channels) {
            free = free || (channel.duty != Duty::off && channel.free > 0);
            const bool here = view.connected && view.presence != Presence::logged_out;
            if (here && channel.duty == Duty::primary) ++on_duty[kind_index(channel.kind)];
          }
          if (free && view.connected && view.presence == Presence::ready) {
            available.push_back(view.name);
          }
        }
        REQUIRE(world.floor.available() == available);
        for (std::size_t i = 0; i < channel_kinds; ++i) {
          REQUIRE(world.floor.on_duty(static_cast<ChannelKind>(i)) == on_duty[i]);
        }
      }
    }
    // The floors were neither empty nor idle.
    CHECK(chosen > 500);
    CHECK(full > 500);
    CHECK(only_excluded > 20);
  }

  TEST_CASE("a trace names the first by name, and says how many it leaves out") {
    Floor floor{{}};
    for (int i = 0; i < 50; ++i) {
      auto record = agent_named("agent-" + std::to_string(100 + i));
      if (i % 3) record.skills = {"cars"};
      floor.set_agent(record, at(0s));
      REQUIRE(floor.log_in(record.name, at(0s)).ok());
      REQUIRE(floor.set_presence(record.name, Presence::ready, "", at(0s)).ok());
    }
    Trace trace;
    CHECK(floor.best(need_of(talk(1)), &trace) == "agent-100");
    REQUIRE(trace.candidates.size() == Trace::max_candidates);
    CHECK(trace.candidates_left_out == 50 - Trace::max_candidates);
    for (std::size_t i = 0; i < trace.candidates.size(); ++i) {
      CHECK(trace.candidates[i].agent == "agent-" + std::to_string(100 + i));
    }
  }
}
