// Keeps the streams of a region equal on all its nodes.
//
// What this node writes is pushed live, sealed, to every peer that may hold the region. Whatever
// was missed (a cut, a restart, an origin that is gone) is found by comparing version vectors,
// first by one hash, and fetched from whoever has it, one request under way per peer, so that a
// slow peer costs bounded memory. Any node may pass on any range: nobody can forge one.
//
// An origin that signed two histories (its machine was copied while it ran) is found when the
// entries of one do not fit behind those of the other. The proof goes to all; the stream takes
// nothing more; the origin begins a new generation.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "node/core/outlet.h"
#include "node/core/scribe.h"
#include "protocol/roster.h"

namespace crossfloor {

class Replication {
 public:
  struct Options {
    Duration compare_every{2'000};  // vectors, with one connected peer in turn
    Duration answer_within{5'000};  // of a request for a range; then somebody else is asked
    Duration quarantine{60'000};    // of a stream at a peer that sent something unfit
    std::uint32_t slice_bytes = 128 * 1024;
  };
  struct Heard {
    std::vector<Bytes> documents;  // certificates and revocations to be added to the roster
    bool stored = false;           // receipts may be ready
    // The sender has these on its disk: what it says of itself waits for that.
    std::vector<std::pair<Stream, Sequence>> held;
  };

  Replication(Scribe& scribe, const Roster& roster, Outlet& outlet, Options options);

  void link_up(const NodeId& peer, Now now);
  void link_down(const NodeId& peer, Now now);
  void receive(const NodeId& from, const ReplicationMessage& message, Now now, Heard& heard);
  // Asks every connected peer anew what it has; caught_up() is false until all have answered.
  void compare_all(Now now);
  // Tells peers how far the own streams are on this disk: their proof that two disks have an entry.
  void announce_durable(Now now);
  // What was just sealed goes to all peers at once.
  void push(const std::vector<Range>& ranges, Now now);
  // This peer has these entries, and somebody waits for them: they are asked for before all else.
  void fetch(const NodeId& from, const Stream& stream, Sequence up_to, Now now);
  // Documents that are new here, to all peers.
  void spread(const std::vector<Bytes>& documents);
  // The answer to a ReadRange effect.
  void range_read(const NodeId& to, const Result<Range>& range, Now now);
  void tick(Now now);
  std::optional<Instant> deadline() const;

  // True once all is here that each connected peer had when it was asked; what they wrote since
  // then comes live. Who is connected and says nothing for 3 s is not in reach. With nobody
  // connected: after the first 2 s. `heard`: other nodes that live, as gossip has it; their links
  // are on the way, and are waited for in the first 10 s.
  bool caught_up(const std::vector<NodeId>& heard, Now now) const;
  // Nobody of the region is connected.
  bool alone(const Region& region, Now now) const;
  const std::set<NodeId>& connected() const { return connected_; }

  struct Lag {
    NodeId peer;
    std::uint64_t entries = 0;  // that the peer is known to hold and this node not
    Instant compared{};
  };
  std::vector<Lag> lags() const;
  std::uint64_t refused_ranges() const { return refused_; }
  // Highest sequence that a peer is known to have on its disk, by stream (of the own ones).
  const std::map<NodeId, std::map<Stream, Sequence>>& stored() const { return stored_; }

 private:
  struct Doubt {
    Sequence next = 0;
    int steps = 0;  // back; who sends what fits nowhere is left alone for a while
  };
  struct Peer {
    bool compared = false;
    bool heard = false;  // its vector, since it was last asked by compare_all()
    std::vector<std::pair<Stream, Sequence>> goal;  // what it had then and we had not
    Instant compare_asked{};
    Instant compared_at{};
    std::uint64_t missing = 0;
    std::deque<std::pair<Stream, Sequence>> todo;  // to fetch, and up to where it has them
    std::optional<Stream> fetching;
    Instant asked{};
    // Streams whose entries do not fit to ours, and from where they are compared next.
    std::map<Stream, Doubt> doubted;

    void first_of_all(const Stream& stream, Sequence up_to);
  };

  void on(const NodeId& from, const Documents& message, Now now, Heard& heard);
  void on(const NodeId& from, const VectorHash& message, Now now, Heard& heard);
  void on(const NodeId& from, const Vector& message, Now now, Heard& heard);
  void on(const NodeId& from, const Want& message, Now now, Heard& heard);
  void on(const NodeId& from, const RangeIs& message, Now now, Heard& heard);
  void on(const NodeId& from, const Stored& message, Now now, Heard& heard);
  void on(const NodeId& from, const ForkIs& message, Now now, Heard& heard);

  bool share(const NodeId& peer, const Region& region, Now now) const;
  // Streams of which this peer may hold what this node holds, and up to where it does.
  template <typename Visit>
  void each_shared(const NodeId& peer, Now now, Visit&& visit) const;
  std::vector<StreamMark> marks_for(const NodeId& peer, Now now) const;
  Hash hash_for(const NodeId& peer, Now now) const;
  void compare(const NodeId& peer, Now now);
  void fetch_next(const NodeId& peer, Now now);
  void ask_others(Now now);
  void send(const NodeId& to, LinkKind link, ReplicationMessage message);
  Sequence held(const Stream& stream) const;
  bool own(const Stream& stream) const;
  bool wanted(const NodeId& from, const Stream& stream) const;
  bool look_earlier(Peer& peer, const Range& range);
  std::optional<Fork> fork_of(const Stream& stream) const;
  void prove_fork(const NodeId& to, const Fork& fork);
  void tell_fork_to_all(const Stream& stream, Now now);
  bool caught_up_with(const NodeId& node, const Peer& peer, Now now) const;

  Scribe& scribe_;
  const Roster& roster_;
  Outlet& outlet_;
  Options options_;
  std::set<NodeId> connected_;
  std::map<NodeId, Peer> peers_;
  std::set<Stream> fetching_;
  std::map<std::pair<NodeId, Stream>, Instant> quarantined_;
  std::map<NodeId, std::map<Stream, Sequence>> stored_;
  std::map<Stream, Sequence> announced_;
  // Own streams, up to the last seal that was pushed over a message: how far this disk is, too,
  // only the receipts of other hosts that got the same message wait for.
  std::map<Stream, Sequence> pushed_;
  std::optional<Instant> started_;
  Instant next_compare_{};
  std::optional<NodeId> last_compared_;
  std::uint64_t refused_ = 0;
};

}  // namespace crossfloor
