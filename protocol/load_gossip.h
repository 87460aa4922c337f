// Every node's load, known at every node, at no cost while nothing changes.
//
// Silence means unchanged: a record holds as long as its node is alive, not suspect, and the record
// is of the version last heard in that node's pings and answers. If a newer version was heard of,
// or the node was suspected and has not spoken since, its record counts as nothing until it is
// fetched or confirmed. An own change is sent after 50 to 100 ms together with what else changes;
// at once when free slots or waiting conversations of a class leave or reach zero, because that is
// when others start or stop asking; and once more 100 ms later, while somebody is free or waits.
// When who waited longest has gone, it is sent as soon as 50 ms have passed since the last one:
// until then others ask for that one in vain. Up to 64 live nodes it goes straight to all of them;
// beyond that to a few, who pass it on like any news. Losses are mended by the versions in pings,
// and by comparing with one random peer every 30 s.
//
// The state of members and the versions heard come from Membership, which this reads; call tick()
// after a call of Membership whenever deadline() is due, as for any core.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "protocol/broadcast_queue.h"
#include "protocol/load_messages.h"
#include "protocol/membership.h"

namespace crossfloor {

struct LoadGossipOptions {
  Duration coalesce_min{50};
  Duration coalesce_max{100};
  Duration urgent_spacing{10};      // even what is sent at once is not sent faster than this
  Duration repeat_after{100};       // what is sent at once is sent once more, if it still holds
  std::size_t straight_up_to = 64;  // live nodes
  Duration spread_interval{100};    // beyond that: the pace of passing on, to so many
  int spread_nodes = 4;
  int spread_factor = 3;  // each at most spread_factor * ceil(log10(n + 1)) times
  Duration fetch_retry_min{500};
  Duration fetch_retry_max{8'000};
  Duration compare_interval{30'000};
};

struct LoadOutbox {
  std::vector<std::pair<NodeId, LoadMessage>> messages;
  std::vector<NodeId> changed;  // whose usable record is another than before, or none any more
};

class LoadGossip {
 public:
  // Both must outlive this.
  LoadGossip(Membership& membership, const LoadGossipOptions& options, Random& random);

  // The own load as it is now; node, generation and version are filled in. Cheap to call after
  // every event: nothing is sent unless something changed (ages that just grew are no change).
  void set_own(LoadRecord record, Now now, LoadOutbox& out);
  // The own record for a routing message, with whatever changed since it was last sent.
  LoadNews own_news(Now now);
  // A record that came with a routing message from its own node.
  void take(const NodeId& from, const LoadNews& news, Now now, LoadOutbox& out);
  // What a peer's answer told of one class, or the slot just asked for: corrects the own copy until
  // that node's next record. Nobody else sees it.
  void correct(const NodeId& node, const ServiceClass& service, std::uint32_t free_primary,
               std::uint32_t free_helper);

  void receive(const NodeId& from, const LoadMessage& message, Now now, LoadOutbox& out);
  void tick(Now now, LoadOutbox& out);
  std::optional<Instant> deadline() const;

  // Null: counts as nothing free, nothing waiting. The own node's: as last set.
  const LoadRecord* usable(const NodeId& node) const;
  struct Usable {
    const LoadRecord* record = nullptr;
    Duration age{0};
  };
  std::vector<Usable> all_usable(Now now) const;  // of others, in id order
  // How long ago the record's ages were true: age now = oldest_ms + this. Zero if none is held.
  Duration age(const NodeId& node, Now now) const;
  // As the node said last in its present start, whether or not that record is still usable: a node
  // that drains does not become a candidate again for being suspected. False if it said nothing.
  bool drained(const NodeId& node) const;
  std::uint64_t own_version() const { return sent_.record.version; }

 private:
  struct Held {
    LoadRecord record;  // as it was sent
    LoadRecord view;    // with own corrections
    Instant as_of{};
  };
  struct Fetch {
    Instant at{};
    int tries = 0;
  };

  // The records that all_usable() tells: found anew only when some record or member changed, for
  // the router asks after each event.
  const std::vector<const Held*>& usable_held() const;
  bool current(const Member& member) const;
  static bool current(const Member& member, const Held* held);
  void follow_membership(Now now, LoadOutbox& out);
  void publish(Now now, LoadOutbox& out);
  void repeat(Now now, LoadOutbox& out);
  void adopt_current();
  void store(const NodeId& from, const LoadNews& news, Now now, LoadOutbox& out);
  void answer(const NodeId& from, const LoadUpdate& update, Now now, LoadOutbox& out);
  void answer(const NodeId& from, const LoadRequest& request, Now now, LoadOutbox& out);
  void answer(const NodeId& from, const LoadDigest& digest, Now now, LoadOutbox& out);
  void send_records(const NodeId& to, const std::vector<NodeId>& nodes, Now now, LoadOutbox& out);
  std::optional<LoadNews> news_of(const NodeId& node, Now now) const;
  LoadMark mark_of(const NodeId& node) const;
  void fetch_due(Now now, LoadOutbox& out);
  void spread(Now now, LoadOutbox& out);
  void compare(Now now, LoadOutbox& out);
  std::vector<NodeId> random_peers(std::size_t count);
  bool straight() const { return membership_.live_count() <= options_.straight_up_to; }

  Membership& membership_;
  const LoadGossipOptions options_;
  Random& random_;

  Held own_;   // as last set
  Held sent_;  // as last sent; version 0: never
  std::optional<Instant> publish_at_;
  bool urgent_ = false;  // what is to be published
  std::optional<Instant> repeat_at_;
  bool owed_ = false;  // a version went out with a routing message that most have not seen
  Instant published_ = Instant::min();

  std::map<NodeId, Held> held_;
  std::uint64_t stored_ = 0;  // rises when a record comes or goes
  mutable std::vector<const Held*> list_;
  mutable std::optional<std::pair<std::uint64_t, std::uint64_t>> listed_;  // when that was
  std::set<NodeId> usable_;  // as last told in `changed`
  std::map<NodeId, Fetch> fetches_;
  BroadcastQueue spreading_;
  Instant next_spread_{};
  std::optional<Instant> next_compare_;
  NodeId compare_from_{};
  std::uint64_t followed_ = UINT64_MAX;  // Membership's load_marks() last looked at
};

}  // namespace crossfloor
