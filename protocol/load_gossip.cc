#include "protocol/load_gossip.h"

#include <algorithm>

namespace crossfloor {
namespace {

constexpr std::uint32_t longest_held_ms = 24 * 3'600 * 1'000;
constexpr std::size_t bytes_around_record = 24;

// The same conversations, if every age grew by the time that passed.
bool same_ages(const ClassLoad& before, const ClassLoad& after, Duration passed) {
  if (before.oldest_ms.size() != after.oldest_ms.size()) return false;
  for (std::size_t i = 0; i < before.oldest_ms.size(); ++i) {
    const std::int64_t grown = std::int64_t{after.oldest_ms[i]} - before.oldest_ms[i];
    if (std::abs(grown - passed.count()) > 2) return false;
  }
  return true;
}

bool same_load(const LoadRecord& before, const LoadRecord& after, Duration passed) {
  if (before.drained != after.drained || before.on_duty != after.on_duty ||
      before.classes.size() != after.classes.size()) {
    return false;
  }
  for (std::size_t i = 0; i < before.classes.size(); ++i) {
    if (!same_ages(before.classes[i], after.classes[i], passed)) return false;
    ClassLoad ageless = before.classes[i];
    ageless.oldest_ms = after.classes[i].oldest_ms;
    if (ageless != after.classes[i]) return false;
  }
  return true;
}

// Whether `to` has something where `from` has nothing.
bool leaves_zero(const LoadRecord& from, const LoadRecord& to) {
  static const ClassLoad nothing;
  for (const ClassLoad& load : to.classes) {
    const ClassLoad* other = from.find(load.service);
    const ClassLoad& before = other ? *other : nothing;
    if ((load.free_primary > 0 && before.free_primary == 0) ||
        (load.free_helper > 0 && before.free_helper == 0) ||
        (load.waiting > 0 && before.waiting == 0)) {
      return true;
    }
  }
  return false;
}

bool urgent(const LoadRecord& before, const LoadRecord& after) {
  return before.version == 0 || before.drained != after.drained || leaves_zero(before, after) ||
         leaves_zero(after, before);
}

// Whether the one who waited longest in some class went, and others wait on: whoever asks for it
// meanwhile asks in vain.
bool head_left(const LoadRecord& from, const LoadRecord& to, Duration passed) {
  constexpr std::int64_t rounding_ms = 2;
  return std::any_of(from.classes.begin(), from.classes.end(), [&](const ClassLoad& before) {
    const ClassLoad* after = to.find(before.service);
    if (!after || after->oldest_ms.empty() || before.oldest_ms.empty()) return false;
    return after->oldest_ms.front() + rounding_ms < before.oldest_ms.front() + passed.count();
  });
}

bool newer(const LoadRecord& news, const LoadRecord& known) {
  return news.generation != known.generation || news.version > known.version;
}

}  // namespace

LoadGossip::LoadGossip(Membership& membership, const LoadGossipOptions& options, Random& random)
    : membership_(membership), options_(options), random_(random) {}

void LoadGossip::set_own(LoadRecord record, Now now, LoadOutbox& out) {
  record.node = membership_.self();
  record.generation = membership_.own_mark().generation;
  record.version = sent_.record.version;
  own_.record = fitted(std::move(record));
  own_.as_of = now.steady;
  if (sent_.record.version > 0 && same_load(sent_.record, own_.record, now.steady - sent_.as_of)) {
    if (!owed_) {  // back to what the others know, before they knew otherwise
      publish_at_.reset();
      urgent_ = false;
    }
    return;
  }
  const auto spread =
      static_cast<std::uint64_t>((options_.coalesce_max - options_.coalesce_min).count() + 1);
  if (urgent(sent_.record, own_.record)) {
    urgent_ = true;
    publish_at_ = now.steady;
    if (sent_.record.version > 0) {
      publish_at_ = std::max(now.steady, published_ + options_.urgent_spacing);
    }
  } else if (head_left(sent_.record, own_.record, now.steady - sent_.as_of)) {
    const Instant due = std::max(now.steady, published_ + options_.coalesce_min);
    publish_at_ = std::min(publish_at_.value_or(due), due);
  } else if (!publish_at_) {
    publish_at_ = now.steady + options_.coalesce_min +
                  Duration{static_cast<std::int64_t>(random_.below(spread))};
  }
  if (*publish_at_ <= now.steady) publish(now, out);
}

// What was last set becomes the next version.
void LoadGossip::adopt_current() {
  const std::uint64_t version = sent_.record.version + 1;
  sent_ = own_;
  sent_.record.version = own_.record.version = version;
  membership_.set_load_version(version);
}

void LoadGossip::publish(Now now, LoadOutbox& out) {
  publish_at_.reset();
  owed_ = false;
  published_ = now.steady;
  repeat_at_.reset();
  if (urgent_ && straight()) repeat_at_ = now.steady + options_.repeat_after;
  urgent_ = false;
  adopt_current();
  if (!straight()) {
    spreading_.add(membership_.self());
    next_spread_ = now.steady;
    spread(now, out);
    return;
  }
  for (const NodeId& node : membership_.live()) {
    if (node != membership_.self()) send_records(node, {membership_.self()}, now, out);
  }
}

// Who is free and who waits find each other by this, so a loss must not cost seconds. Nothing free
// and nothing waiting sends nobody anywhere: that is left to the versions in pings.
void LoadGossip::repeat(Now now, LoadOutbox& out) {
  repeat_at_.reset();
  const auto& classes = sent_.record.classes;
  if (std::all_of(classes.begin(), classes.end(), [](const auto& load) { return load.idle(); })) {
    return;
  }
  for (const NodeId& node : membership_.live()) {
    if (node != membership_.self()) send_records(node, {membership_.self()}, now, out);
  }
}

LoadNews LoadGossip::own_news(Now now) {
  // A pending change stays due: those who are not in this conversation have not heard of it.
  if (publish_at_) {
    adopt_current();
    owed_ = true;
  }
  return news_of(membership_.self(), now).value_or(LoadNews{});
}

void LoadGossip::take(const NodeId& from, const LoadNews& news, Now now, LoadOutbox& out) {
  if (news.record.node == from) store(from, news, now, out);
}

void LoadGossip::correct(const NodeId& node, const ServiceClass& service,
                         std::uint32_t free_primary, std::uint32_t free_helper) {
  const auto found = held_.find(node);
  if (found == held_.end()) return;
  if (ClassLoad* load = found->second.view.find(service)) {
    load->free_primary = free_primary;
    load->free_helper = free_helper;
  }
}

void LoadGossip::receive(const NodeId& from, const LoadMessage& message, Now now, LoadOutbox& out) {
  if (!membership_.find(from)) return;
  std::visit([&](const auto& m) { answer(from, m, now, out); }, message);
}

void LoadGossip::answer(const NodeId& from, const LoadUpdate& update, Now now, LoadOutbox& out) {
  const std::size_t count = std::min(update.records.size(), max_load_marks);
  for (std::size_t i = 0; i < count; ++i) store(from, update.records[i], now, out);
}

void LoadGossip::answer(const NodeId& from, const LoadRequest& request, Now now, LoadOutbox& out) {
  std::vector<NodeId> nodes = request.nodes;
  if (nodes.size() > max_load_marks) nodes.resize(max_load_marks);
  send_records(from, nodes, now, out);
}

void LoadGossip::answer(const NodeId& from, const LoadDigest& digest, Now now, LoadOutbox& out) {
  std::vector<NodeId> theirs_old, ours_old;
  const std::size_t count = std::min(digest.marks.size(), max_load_marks);
  for (std::size_t i = 0; i < count; ++i) {
    const LoadMark& theirs = digest.marks[i];
    const LoadMark ours = mark_of(theirs.node);
    const bool comparable = theirs.generation == ours.generation || theirs.version == 0;
    if (ours.version > 0 && (!comparable || ours.version > theirs.version)) {
      theirs_old.push_back(theirs.node);
    }
    const bool known = membership_.find(theirs.node) != nullptr;
    if (known && theirs.version > 0 &&
        (ours.generation != theirs.generation || theirs.version > ours.version)) {
      ours_old.push_back(theirs.node);
    }
  }
  send_records(from, theirs_old, now, out);
  if (!ours_old.empty()) out.messages.emplace_back(from, LoadRequest{std::move(ours_old)});
}

void LoadGossip::store(const NodeId& from, const LoadNews& news, Now now, LoadOutbox& out) {
  const LoadRecord& record = news.record;
  const Member* member = membership_.find(record.node);
  // Another start than the one we know of: its own pings will tell which is the later.
  if (!member || member->mark.generation != record.generation || !check(record).ok()) return;
  const bool followed = membership_.load_marks() == followed_;
  if (from == record.node) membership_.confirm_load(from, record.version);
  const auto found = held_.find(record.node);
  bool changed = false;
  if (found == held_.end() || newer(record, found->second.record)) {
    const Duration held{std::min(news.held_ms, longest_held_ms)};
    held_[record.node] = Held{record, record, now.steady - held};
    ++stored_;
    changed = true;
    if (!straight()) spreading_.add(record.node);
  }
  if (current(*member)) fetches_.erase(record.node);
  if (!followed) {  // tick() looks at all members anyway
    if (changed && usable(record.node)) {
      usable_.insert(record.node);
      out.changed.push_back(record.node);
    }
    return;
  }
  // Nothing else happened than that this member confirmed: nobody else need be looked at.
  followed_ = membership_.load_marks();
  const bool was = usable_.contains(record.node);
  if (usable(record.node)) {
    usable_.insert(record.node);
    if (changed || !was) out.changed.push_back(record.node);
  } else if (was) {
    usable_.erase(record.node);
    out.changed.push_back(record.node);
  }
}

void LoadGossip::tick(Now now, LoadOutbox& out) {
  if (membership_.load_marks() != followed_) follow_membership(now, out);
  if (publish_at_ && *publish_at_ <= now.steady) publish(now, out);
  if (repeat_at_ && *repeat_at_ <= now.steady) repeat(now, out);
  fetch_due(now, out);
  if (!spreading_.empty() && now.steady >= next_spread_) spread(now, out);
  if (!next_compare_) {
    const auto interval = static_cast<std::uint64_t>(options_.compare_interval.count());
    next_compare_ = now.steady + Duration{static_cast<std::int64_t>(random_.below(interval))};
  }
  if (now.steady >= *next_compare_) compare(now, out);
}

std::optional<Instant> LoadGossip::deadline() const {
  if (membership_.load_marks() != followed_ || !next_compare_) return Instant{};
  Instant earliest = *next_compare_;
  if (publish_at_) earliest = std::min(earliest, *publish_at_);
  if (repeat_at_) earliest = std::min(earliest, *repeat_at_);
  for (const auto& [node, fetch] : fetches_) earliest = std::min(earliest, fetch.at);
  if (!spreading_.empty()) earliest = std::min(earliest, next_spread_);
  return earliest;
}

// Whether the held record is what the member says, now and by itself, that it is.
bool LoadGossip::current(const Member& member) const {
  const auto found = held_.find(member.node);
  return current(member, found == held_.end() ? nullptr : &found->second);
}

bool LoadGossip::current(const Member& member, const Held* held) {
  return held && member.load_confirmed && held->record.generation == member.mark.generation &&
         held->record.version >= member.mark.load_version;
}

void LoadGossip::follow_membership(Now now, LoadOutbox& out) {
  followed_ = membership_.load_marks();
  ++stored_;
  const auto& members = membership_.members();
  std::erase_if(held_, [&](const auto& entry) { return !members.contains(entry.first); });
  std::erase_if(fetches_, [&](const auto& entry) { return !members.contains(entry.first); });
  std::set<NodeId> usable_now;
  for (const auto& [node, member] : members) {
    if (usable(node)) usable_now.insert(node);
    const bool has_none = member.load_confirmed && member.mark.load_version == 0;
    if (member.state != MemberState::alive || has_none || current(member)) {
      fetches_.erase(node);
    } else {
      fetches_.try_emplace(node, Fetch{now.steady, 0});
    }
  }
  std::set_symmetric_difference(usable_.begin(), usable_.end(), usable_now.begin(),
                                usable_now.end(), std::back_inserter(out.changed));
  usable_ = std::move(usable_now);
}

void LoadGossip::fetch_due(Now now, LoadOutbox& out) {
  for (auto& [node, fetch] : fetches_) {
    if (fetch.at > now.steady) continue;
    out.messages.emplace_back(node, LoadRequest{{node}});
    const Duration wait = options_.fetch_retry_min * (1 << fetch.tries);
    fetch.at = now.steady + std::min(wait, options_.fetch_retry_max);
    fetch.tries = std::min(fetch.tries + 1, 10);
  }
}

void LoadGossip::spread(Now now, LoadOutbox& out) {
  next_spread_ = now.steady + options_.spread_interval;
  MembershipOptions like_news;
  like_news.retransmit_factor = options_.spread_factor;
  const int limit = retransmit_limit(like_news, static_cast<int>(membership_.live_count()));
  for (const NodeId& node : random_peers(static_cast<std::size_t>(options_.spread_nodes))) {
    send_records(node, spreading_.take(3, limit, node), now, out);
  }
  spreading_.end_round(limit);
}

// A window of the members, moving on each time, so that the cost does not grow with their number.
void LoadGossip::compare(Now now, LoadOutbox& out) {
  next_compare_ = now.steady + options_.compare_interval;
  const auto peers = random_peers(1);
  if (peers.empty()) return;
  LoadDigest digest;
  digest.marks.push_back(mark_of(membership_.self()));
  const auto& members = membership_.members();
  auto at = members.upper_bound(compare_from_);
  for (std::size_t i = 0; i < members.size() && digest.marks.size() + 1 < max_load_marks; ++i) {
    if (at == members.end()) at = members.begin();
    compare_from_ = at->first;
    if (at->second.live() && at->first != peers[0]) digest.marks.push_back(mark_of(at->first));
    ++at;
  }
  digest.marks.push_back(mark_of(peers[0]));
  out.messages.emplace_back(peers[0], std::move(digest));
}

void LoadGossip::send_records(const NodeId& to, const std::vector<NodeId>& nodes, Now now,
                              LoadOutbox& out) {
  LoadUpdate update;
  std::size_t bytes = 0;
  const auto flush = [&] {
    if (!update.records.empty()) out.messages.emplace_back(to, std::move(update));
    update = {};
    bytes = 0;
  };
  for (const NodeId& node : nodes) {
    auto news = news_of(node, now);
    if (!news) continue;
    const std::size_t more = encoded_size(news->record) + bytes_around_record;
    if (bytes + more > max_update_bytes) flush();
    bytes += more;
    update.records.push_back(std::move(*news));
  }
  flush();
}

std::optional<LoadNews> LoadGossip::news_of(const NodeId& node, Now now) const {
  const Held* held = nullptr;
  if (node == membership_.self()) {
    if (sent_.record.version > 0) held = &sent_;
  } else if (const auto found = held_.find(node); found != held_.end()) {
    held = &found->second;
  }
  if (!held) return std::nullopt;
  const auto since =
      std::clamp<std::int64_t>((now.steady - held->as_of).count(), 0, longest_held_ms);
  return LoadNews{held->record, static_cast<std::uint32_t>(since)};
}

LoadMark LoadGossip::mark_of(const NodeId& node) const {
  if (node == membership_.self()) {
    return {node, membership_.own_mark().generation, sent_.record.version};
  }
  const auto found = held_.find(node);
  if (found == held_.end()) return {node, 0, 0};
  return {node, found->second.record.generation, found->second.record.version};
}

std::vector<NodeId> LoadGossip::random_peers(std::size_t count) {
  std::vector<NodeId> peers = membership_.live();
  std::erase(peers, membership_.self());
  count = std::min(count, peers.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(peers[i], peers[i + random_.below(peers.size() - i)]);
  }
  peers.resize(count);
  return peers;
}

const LoadRecord* LoadGossip::usable(const NodeId& node) const {
  if (node == membership_.self()) return own_.record.generation != 0 ? &own_.record : nullptr;
  const Member* member = membership_.find(node);
  if (!member || member->state != MemberState::alive || !current(*member)) return nullptr;
  return &held_.at(node).view;
}

// Both are in id order, so one walk along both finds each record's member.
const std::vector<const LoadGossip::Held*>& LoadGossip::usable_held() const {
  const auto state = std::make_pair(membership_.load_marks(), stored_);
  if (listed_ == state) return list_;
  listed_ = state;
  list_.clear();
  auto member = membership_.members().begin();
  const auto end = membership_.members().end();
  for (const auto& [node, held] : held_) {
    while (member != end && member->first < node) ++member;
    if (member == end) break;
    if (member->first != node || member->second.state != MemberState::alive) continue;
    if (current(member->second, &held)) list_.push_back(&held);
  }
  return list_;
}

std::vector<LoadGossip::Usable> LoadGossip::all_usable(Now now) const {
  std::vector<Usable> records;
  const auto& list = usable_held();
  records.reserve(list.size());
  for (const Held* held : list) {
    records.push_back({&held->view, std::max(Duration{0}, now.steady - held->as_of)});
  }
  return records;
}

Duration LoadGossip::age(const NodeId& node, Now now) const {
  const Held* held = &own_;
  if (node != membership_.self()) {
    const auto found = held_.find(node);
    if (found == held_.end()) return Duration{0};
    held = &found->second;
  }
  return std::max(Duration{0}, now.steady - held->as_of);
}

bool LoadGossip::drained(const NodeId& node) const {
  if (node == membership_.self()) return own_.record.drained;
  const Member* member = membership_.find(node);
  const auto found = held_.find(node);
  return member && found != held_.end() && found->second.record.drained &&
         found->second.record.generation == member->mark.generation;
}

}  // namespace crossfloor
