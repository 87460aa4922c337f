// The one pen of a node: writes its entries, and takes in those of others. Each goes into the log
// and the rows in one batch; who keeps open things in memory hears of it through `news`.
#pragma once

#include "node/core/settings.h"
#include "protocol/hybrid_time.h"
#include "storage/log.h"
#include "storage/projections.h"
#include "storage/watched_reader.h"
#include "storage/workspace.h"

namespace crossfloor {

class Scribe {
 public:
  struct Identity {
    SigningKey key;
    MeshId mesh;
    Generation generation = 0;
  };
  Scribe(const Crypto& crypto, Random& random, const Identity& identity,
         const NodeSettings& settings, const Reader& store);

  // Loads the heads. Errors: corrupt, io.
  Status open();

  struct Written {
    Position at;
    Hash hash;
    Stream stream;
  };
  // Appends to the own stream of a region that this node holds.
  template <typename Body>
  Written write(const Region& region, EntryKind kind, const Subject& subject, const Body& body,
                Now now) {
    return write_encoded(region, kind, subject, encode_body(body, random_), now);
  }
  Written write_encoded(const Region& region, EntryKind kind, const Subject& subject, Bytes body,
                        Now now);
  Written write_message(const Region& region, const MessageId& id, RecentMessages::Known body,
                        Now now);
  // The hybrid time that the next entry will at least have: for an epoch that names it.
  HybridTime next_time(Now now) { return clock_.next(wall(now)); }
  // What is added to this machine's wall clock, which its peers found wrong.
  void correct_clock(Duration by) { clock_correction_ = by; }
  WallTime wall(Now now) const { return now.wall + clock_correction_; }

  // Takes a peer's range. Errors: as Log::accept, and those of the store.
  Result<Sequence> accept(const Range& range, Now now);

  // A seal of the stream that this life writes, from a peer. If it is genuine and not an own one,
  // another process signs with this node's key, which ends this life.
  void hear_own(const Stream& stream, const Seal& seal);

  bool dirty() const { return workspace_.dirty(); }
  // Seals what was written, hands out the batch, and the sealed ranges of the own streams for the
  // live push. Its number is last_write().
  struct Closed {
    Batch batch;
    std::uint64_t number = 0;
    std::vector<Range> live;
  };
  Closed close();
  void committed(std::uint64_t number);
  std::uint64_t last_write() const { return workspace_.last_write(); }

  // For what this node decides. What cannot be read here cannot be decided: failed() then says so.
  const Reader& view() const { return view_; }
  // For who only looks, and is told of errors.
  const Reader& glance() const { return workspace_; }
  // Null: its body is erased or cannot be read. Errors: corrupt, io.
  Result<RecentMessages::Known> message_at(const Region& region, const Position& at) const {
    return projections_.message_at(view_, region, at);
  }
  std::uint64_t items_folded_again() const { return projections_.items_folded_again(); }
  Workspace& workspace() { return workspace_; }
  const Log& log() const { return *log_; }
  // A peer says that it holds this of a stream.
  void heard(const Stream& stream, const Head& head);
  bool forked(const Stream& stream) const { return log_->forked(stream); }
  // A peer's proof that an origin signed two histories. True if it is new. Errors: malformed.
  Result<bool> take_fork(const Fork& fork, Now now);
  const Subjects* subjects(const Region& region) const;
  NodeId self() const { return identity_.key.node(); }
  Generation generation() const { return identity_.generation; }
  Random& random() { return random_; }
  const Crypto& crypto() const { return crypto_; }
  FoldNews take_news() { return std::exchange(news_, {}); }
  // Entries stored although their time lies over 60 s ahead of this clock.
  std::uint64_t entries_from_the_future() const { return from_the_future_; }
  // The first error of the store; after it nothing may be written.
  const Status& failed() const { return failed_.ok() ? view_.failed() : failed_; }
  // Something was decided without what could not be read: nothing of it may leave.
  bool misread() const { return !view_.failed().ok(); }

 private:
  Stream own(const Region& region) const { return {{self(), identity_.generation}, region}; }
  void seal(const Region& region);
  void begin_stream(const Region& region, Now now);
  void forked(const Fork& fork, Now now);
  void another_signs(const Stream& stream);
  void salvage(const Fork& fork, Now now);
  // `known`: the message that `body` is, or null.
  void append(const Region& region, EntryHeader header, Bytes body, RecentMessages::Known known,
              Written& written);

  const Crypto& crypto_;
  Random& random_;
  Identity identity_;
  const NodeSettings& settings_;
  std::map<Region, Subjects> subjects_;
  Workspace workspace_;
  WatchedReader view_;
  std::optional<Log> log_;
  Projections projections_;
  HybridClock clock_;
  Duration clock_correction_{0};
  FoldNews news_;
  std::map<Region, Range> unsealed_;  // what was written since the last seal
  std::vector<Range> sealed_;         // to be pushed with the open batch
  std::uint64_t from_the_future_ = 0;
  Status failed_;
  std::optional<std::uint64_t> open_anew_after_;  // this write
};

}  // namespace crossfloor
