// Push: offering a conversation that waits at home to a node that seems to have a free slot.
#include <algorithm>
#include <string_view>

#include "node/desk/router.h"

namespace crossfloor {
namespace {

struct Choice {
  NodeId node;
  std::uint32_t free = 0;     // slots
  std::size_t abilities = 0;  // of its free agent who has the fewest

  // The square, for the only free slot is soon somebody else's: then the offer is declined.
  std::uint64_t weight() const {
    const auto slots = std::min<std::uint64_t>(free, 1'000);  // what a peer tells has no limit
    return slots * slots;
  }
};

// What was known of a node, and why it is not asked; nothing if it may be.
struct Judged {
  NodeId node;
  FreeSlots free;
  std::uint32_t waiting = 0;
  Duration age{0};
  std::string_view why_not;
};

TraceCandidate candidate(const Judged& judged) {
  return {judged.node,
          {},
          "free " + std::to_string(judged.free.primary) + " primary " +
              std::to_string(judged.free.helper) + " helper, waiting " +
              std::to_string(judged.waiting),
          static_cast<std::uint64_t>(judged.age.count()),
          std::string(judged.why_not)};
}

// Of those with the fewest abilities, who are chosen first on one floor, too: at random, so that
// homes with the same news do not all ask the same node.
const Choice* draw(const std::vector<Choice>& choices, Random& random) {
  std::size_t fewest = SIZE_MAX;
  for (const auto& choice : choices) fewest = std::min(fewest, choice.abilities);
  std::uint64_t total = 0;
  for (const auto& choice : choices) total += choice.abilities == fewest ? choice.weight() : 0;
  if (total == 0) return nullptr;
  auto at = random.below(total);
  for (const auto& choice : choices) {
    if (choice.abilities != fewest) continue;
    if (at < choice.weight()) return &choice;
    at -= choice.weight();
  }
  return nullptr;
}

// Of the free agent there who has the fewest; more than any has if it was not told.
std::size_t abilities_at(const LoadRecord& record, const ServiceClass& service) {
  const auto* load = record.find(service);
  return load && load->fewest_abilities > 0 ? load->fewest_abilities - 1 : SIZE_MAX - 1;
}

std::uint32_t count_after(const std::vector<Instant>& ends, Instant now) {
  return static_cast<std::uint32_t>(
      std::count_if(ends.begin(), ends.end(), [&](Instant end) { return end > now; }));
}

}  // namespace

// To agents with fewer abilities than `abilities_below`, or to any.
void Router::push(Task& task, const Need& need, std::size_t abilities_below, Now now,
                  DeskOutbox& out) {
  if (task.reserved) {
    push_to_preferred(task, need, now, out);
    return;
  }
  const auto& what = task.what;
  if (!line_.leads_its_lane(what.conversation) || home_only(task, need)) return;
  // All own fitting agents are on the list: somebody elsewhere may not be, so every node is asked
  // once, whatever it seems to have free.
  const bool survey =
      !need.excluded.empty() && (!open_ || floor_.why_not(need) != DeclineReason::full);

  const bool sparing = abilities_below != any_abilities;
  std::array<std::vector<Choice>, 5> groups;  // same site before others, primaries before helpers
  std::vector<Judged> all;                    // for the trace, should there be an offer
  for (const auto& peer : peers_.usable(now)) {
    const auto& record = *peer.record;
    const auto free = free_at(record, what.service, now.steady);
    const auto* load = record.find(what.service);
    const std::uint32_t waiting = load ? load->waiting : 0;
    const auto abilities = abilities_at(record, what.service);
    const std::size_t far = peer.same_site ? 0 : 2;
    std::string_view why_not;
    if (record.drained) {
      why_not = "drained";
    } else if (!peers_.may_see(record.node, what.region)) {
      why_not = "may not see this region's customers";
    } else if (avoided(record.node, now.steady)) {
      why_not = "did not answer a moment ago";
    } else if (task.said_so.count(record.node)) {
      why_not = "its only fitting agents had it already";
    } else if (const auto asked = task.asked.find(record.node); asked != task.asked.end()) {
      why_not = asked->second;
    } else if (sparing && abilities >= abilities_below) {
      why_not = "no free agent who can do less than the one here";
    } else if (free.primary > 0 && waiting == 0) {
      groups[far].push_back({record.node, free.primary, abilities});
    } else if (need.helpers && free.helper > 0 && waiting == 0 && !sparing) {
      groups[far + 1].push_back({record.node, free.helper, 0});
    } else if (survey && record.agents_on_duty(what.service.kind) > 0) {
      groups[4].push_back({record.node, 1, 0});
    } else {
      why_not = waiting > 0 ? "has waiting ones of its own" : "no free slot";
    }
    all.push_back({record.node, free, waiting, peer.age, why_not});
  }
  std::uint64_t free = 0;  // slots
  for (const auto& group : groups) {
    for (const auto& choice : group) free += choice.free;
  }
  if (free > 0 && !survey && gives_way(task, need, free, now)) return;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (i < 4 && task.offers >= options_.max_offers) continue;
    const auto* choice = draw(groups[i], random_);
    if (!choice) continue;
    if (i < 4) ++task.offers;
    task.trace = {};
    start_trace(task.trace, 7, task, now);
    if (open_) floor_.best(need, &task.trace);
    for (auto& own : task.trace.candidates) {
      if (own.why_not.empty()) own.why_not = "kept free for what few others could do";
    }
    for (const auto& judged : all) task.trace.add(candidate(judged));
    auto& own = correct(choice->node, what.service, now);
    own.free_taken.push_back(own.until);
    offer_to(task, choice->node, need, Duration{0}, now, out);
    return;
  }
}

// Slots that are known to be free elsewhere are left to those elsewhere who are more urgent: their
// homes see the same, and of all who are offered to one slot at once all but one are declined. But
// not for long, for who waits there may be unable to take it.
bool Router::gives_way(Task& task, const Need& need, std::uint64_t free, Now now) {
  const auto urgency = lane_of(task, need).urgency(now.steady - task.since);
  std::uint64_t before_it = 0;
  for (const auto& peer : peers_.usable(now)) {
    const auto* load = peer.record->find(task.what.service);
    if (load) before_it += more_urgent(*load, peer.age, urgency);
  }
  if (before_it < free) return false;
  if (now.steady >= task.gave_way_at + options_.gives_way_again) task.gave_way_at = now.steady;
  const Instant until = task.gave_way_at + options_.gives_way_for;
  if (now.steady >= until) return false;
  task.no_offer_before = until;
  offer_look_ = std::min(offer_look_.value_or(until), until);
  return true;
}

// How many of those there; the record has the ages of up to 8 of them.
std::uint32_t Router::more_urgent(const ClassLoad& load, Duration record_age,
                                  double urgency) const {
  const auto& ages = load.oldest_ms;
  const auto found = std::count_if(ages.begin(), ages.end(), [&](std::uint32_t age) {
    return urgency_of(load, Duration{age} + record_age) > urgency;
  });
  const bool all = static_cast<std::size_t>(found) == ages.size();
  return all ? load.waiting : static_cast<std::uint32_t>(found);
}

void Router::offer_to(Task& task, const NodeId& node, const Need& need, Duration wait, Now now,
                      DeskOutbox& out) {
  line_.remove(task.what.conversation);
  task.stage = Stage::offered;
  offered_.insert(task.what.conversation);
  task.node = node;
  task.agent.clear();
  task.nonce = fresh_nonce();
  task.asked[node] = "asked already";
  set_timer(task, now.steady + patience(node));
  out.send(node, Offer{task.nonce, need, static_cast<std::uint64_t>(wait.count())});
}

// An own agent who can do much is left free for what only few others could do, if another site
// shows one who can do less: on one floor that one would be taken, too. Where many are free nobody
// needs to be spared, and where nearly all are at work the nearest is the quickest.
bool Router::push_to_spare(const std::string& agent, Task& task, const Need& need, Now now,
                           DeskOutbox& out) {
  const auto profile = floor_.profile(agent);
  if (!profile || task.reserved || !need.excluded.empty()) return false;
  if (asked_classes_.size() < 2) return false;  // there is no other work
  const auto abilities = profile->abilities.count();
  if (slow_help_.mesh_full(need.service.kind)) return false;
  const auto peers = peers_.usable(now);
  const bool fewer = std::any_of(peers.begin(), peers.end(), [&](const PeerLoad& peer) {
    return abilities_at(*peer.record, need.service) < abilities;
  });
  if (!fewer || !wanted_for_more(*profile, need.service, peers, now)) return false;
  push(task, need, abilities, now, out);
  return task.stage != Stage::waiting;
}

// Whether there is other work that this agent could do, and few free slots for it anywhere.
bool Router::wanted_for_more(const AgentProfile& agent, const ServiceClass& service,
                             const std::vector<PeerLoad>& peers, Now now) const {
  for (const auto& [other, until] : asked_classes_) {
    const bool can = matches(agent.abilities, other) &&
                     std::any_of(agent.channels.begin(), agent.channels.end(),
                                 [&](const auto& channel) { return channel.kind == other.kind; });
    if (until <= now.steady || other == service || !can) continue;
    std::uint64_t free = floor_.free_slots(other).primary;
    for (const auto& peer : peers) free += free_at(*peer.record, other, now.steady).primary;
    if (free < options_.spare_below) return true;
  }
  return false;
}

// What is offered to a node that asks by itself at the same moment waits again: the slot that it
// asks for may be the very one, and then it would decline the offer.
std::vector<ConversationId> Router::recall_offers(const NodeId& from, Now now, DeskOutbox& out) {
  std::vector<ConversationId> recalled;
  std::erase_if(offered_, [&](const ConversationId& conversation) {
    return tasks_.at(conversation).stage != Stage::offered;
  });
  for (const auto& conversation : offered_) {
    auto& task = tasks_.at(conversation);
    if (task.node != from || task.reserved) continue;
    out.send(from, Release{task.nonce});
    set_timer(task, std::nullopt);
    task.stage = Stage::waiting;
    task.node = {};
    task.asked.erase(from);
    task.offers = std::max(task.offers - 1, 0);
    put_in_line(task, need_of(task, now));
    recalled.push_back(conversation);
  }
  return recalled;
}

// `answer`: for the trace of whatever is decided in the end.
void Router::offer_failed(Tasks::iterator it, const std::string& answer, Now now, DeskOutbox& out) {
  auto& task = it->second;
  if (const auto asked = task.asked.find(task.node); asked != task.asked.end()) {
    asked->second = "asked, " + answer;
  }
  set_timer(task, std::nullopt);
  task.stage = Stage::waiting;
  task.node = {};
  place(it->first, now, out);
}

// Everybody who could take it has said no within five minutes: then it is offered anew to all,
// rather than to nobody.
bool Router::forget_exclusions(Task& task, Now now) {
  if (!excluded_.count(task.what.conversation)) return false;
  const Need need = need_of(task, now);
  if (need.excluded.empty()) return false;
  Instant last_no = Instant::min();
  for (const auto& [agent, until] : excluded_.at(task.what.conversation)) {
    last_no = std::max(last_no, until - options_.excluded_for);
  }
  if (now.steady < last_no + options_.forget_after) return false;
  if (open_ && floor_.why_not(need) == DeclineReason::full) return false;
  const auto& service = task.what.service;
  const bool others_may = !home_only(task, need);
  for (const auto& peer : peers_.usable(now)) {
    const auto& record = *peer.record;
    if (!others_may || record.drained || !peers_.may_see(record.node, task.what.region)) continue;
    const auto free = free_at(record, service, now.steady);
    const bool could = record.agents_on_duty(service.kind) > 0 || free.primary > 0 ||
                       (need.helpers && free.helper > 0);
    if (could && !task.said_so.count(record.node)) return false;
  }
  excluded_.erase(task.what.conversation);
  forgiven_[task.what.conversation] = now.steady;
  task.said_so.clear();
  task.asked.clear();
  task.offers = 0;
  return true;
}

// ---- Free elsewhere, and not asking -----------------------------------------------------------

// Who gets a slot free asks for what waits elsewhere; but where the news of both crossed or got
// lost, it does not know that anybody waits. So who waits is offered to whoever shows a free slot.
bool Router::somebody_free(const WaitingConversation& what, Duration age,
                           const std::vector<PeerLoad>& peers, Now now) const {
  const bool helpers = helpers_may(what.service.kind, helper_after(what), age, now);
  return std::any_of(peers.begin(), peers.end(), [&](const PeerLoad& peer) {
    const auto& record = *peer.record;
    const auto* load = record.find(what.service);
    if (!load || load->waiting > 0 || load->free_primary + load->free_helper == 0) return false;
    if (record.drained || avoided(record.node, now.steady)) return false;
    if (!peers_.may_see(record.node, what.region)) return false;
    const auto free = free_at(record, what.service, now.steady);
    return free.primary > 0 || (helpers && free.helper > 0);
  });
}

void Router::offer_to_free(Now now, DeskOutbox& out) {
  offer_look_.reset();
  if (line_.size() == 0) return;
  const auto peers = peers_.usable(now);
  std::vector<ConversationId> due;
  for (const auto& service : line_.classes()) {
    const bool shown = std::any_of(peers.begin(), peers.end(), [&](const PeerLoad& peer) {
      const auto* load = peer.record->find(service);
      return load && load->waiting == 0 && load->free_primary + load->free_helper > 0;
    });
    if (!shown) continue;
    for (const auto& conversation : line_.leaders(service)) {
      const auto& task = tasks_.at(conversation);
      if (!somebody_free(task.what, now.steady - task.since, peers, now)) continue;
      const auto at = std::max(task.no_offer_before, no_pull_before_);
      if (at <= now.steady) {
        due.push_back(conversation);
      } else if (!offer_look_ || at < *offer_look_) {
        offer_look_ = at;
      }
    }
  }
  for (const auto& conversation : due) {
    const auto it = tasks_.find(conversation);
    if (it == tasks_.end() || it->second.stage != Stage::waiting) continue;
    it->second.offers = 0;
    it->second.asked.clear();
    place(conversation, now, out);
    const auto after = tasks_.find(conversation);
    if (after == tasks_.end() || after->second.no_offer_before > now.steady) continue;  // gives way
    auto& task = after->second;
    task.offer_pause =
        std::clamp(task.offer_pause * 2, options_.offer_again, options_.offer_again_at_last);
    task.no_offer_before = now.steady + task.offer_pause;
  }
}

// ---- Own corrections to gossip ----------------------------------------------------------------

const Router::Correction* Router::correction(const LoadRecord& record, const ServiceClass& service,
                                             Instant now) const {
  const auto it = corrections_.find({record.node, service});
  if (it == corrections_.end() || it->second.until <= now) return nullptr;
  if (it->second.version != Version{record.generation, record.version}) return nullptr;
  return &it->second;
}

Router::Correction& Router::correct(const NodeId& node, const ServiceClass& service, Now now) {
  Version version{};
  for (const auto& peer : peers_.usable(now)) {
    if (peer.record->node == node) version = {peer.record->generation, peer.record->version};
  }
  constexpr std::size_t most = 1024;
  if (corrections_.size() >= most) {
    std::erase_if(corrections_, [&](const auto& each) { return each.second.until <= now.steady; });
  }
  auto& found = corrections_[{node, service}];
  if (found.version != version) found = Correction{version, {}, {}, {}, {}};
  const auto over = [&](Instant until) { return until <= now.steady; };
  std::erase_if(found.free_taken, over);
  std::erase_if(found.waiting_taken, over);
  found.until = now.steady + options_.corrections_hold;
  return found;
}

FreeSlots Router::free_at(const LoadRecord& record, const ServiceClass& service,
                          Instant now) const {
  FreeSlots free;
  if (const auto* load = record.find(service)) free = {load->free_primary, load->free_helper};
  if (const auto* own = correction(record, service, now)) {
    if (own->fresh && own->fresh->second > now) free = own->fresh->first;
    const auto taken = count_after(own->free_taken, now);
    const auto from_primary = std::min(free.primary, taken);
    free.primary -= from_primary;
    free.helper -= std::min(free.helper, taken - from_primary);
  }
  return free;
}

std::uint32_t Router::waiting_taken(const LoadRecord& record, const ServiceClass& service,
                                    Instant now) const {
  const auto* own = correction(record, service, now);
  return own ? count_after(own->waiting_taken, now) : 0;
}

bool Router::avoided(const NodeId& node, Instant now) const {
  const auto it = avoided_.find(node);
  return it != avoided_.end() && it->second > now;
}

}  // namespace crossfloor
