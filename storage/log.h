// The log of all streams: appends to the own one, takes over what peers send of the others.
//
// Pure: it reads through a Reader (the store and what is queued for it), writes into a Batch, and
// keeps in memory only the head of each stream. Memory is ahead of the disk by what is queued; if a
// commit fails, the Log is thrown away and opened anew.
//
// Nothing here asks who may write: whether a stream's node is a member that may hold its region is
// the caller's to check before accept() and heard().
#pragma once

#include <functional>

#include "protocol/version_vector.h"
#include "storage/log_read.h"

namespace crossfloor {

// An origin signed two histories. Proof for everybody if both seals are of one sequence; else it
// was found by recomputing, and others find it by what lies under both seals (evidence_of()).
struct Fork {
  Stream stream;
  Sequence common = 0;  // both agree at least up to here
  Seal held;
  Seal other;
  bool operator==(const Fork&) const = default;
};
bool proves_itself(const Crypto& crypto, const MeshId& mesh, const Fork& fork);
// The fork of a stream, by the number that stands for it in this store. Errors: corrupt, io.
Result<std::optional<Fork>> stored_fork(const Reader& reader, const Stream& stream,
                                        std::uint32_t number);

// What lies under the other seal of a fork, from behind the last common entry and without bodies:
// the other history itself may be gone by now, and who holds this one must hear that there was
// another. Nothing if the fork proves itself by its seals alone. Errors: corrupt, io.
Result<std::optional<Range>> evidence_of(const Reader& reader, const Fork& fork);

struct AcceptedEntry {
  Entry entry;
  Head head;  // its sequence and hash
};
struct Accepted {
  std::vector<AcceptedEntry> entries;  // what is new, in order; none if all was held already
  std::optional<Fork> fork;            // then nothing was taken, and nothing will be
};

class Log {
 public:
  static Result<Log> open(const Reader& reader, const Crypto& crypto, const MeshId& mesh);

  // --- the own stream. Its first append creates it. ---

  // Needs a well-formed header and a body of at most Entry::max_body. When needs_seal() says so,
  // seal() comes before the next append; and before every commit.
  Head append(const Stream& own, const Entry& entry, Batch& batch);
  bool has_unsealed(const Stream& own) const;
  bool needs_seal(const Stream& own) const;
  Seal seal(const Stream& own, const SigningKey& key, Batch& batch);

  // --- the streams of others, and the own older ones ---

  // Whether an entry without its body may be taken: only under an erasure or a retention rule.
  using MayLackBody = std::function<bool(const EntryHeader&)>;

  // Takes what is new in `range` into `batch`. A prefix that is held already is compared and
  // skipped. Nothing is taken on an error:
  //   malformed, too_large   not a range; its sender is at fault
  //   stale                  begins behind the held head + 1: ask from there
  //   unauthenticated        the seal is not the origin's
  //   conflict               the seal is the origin's, and the entries do not lead from what is
  //                          held to it: altered on the way, or a fork that lies further back. Ask
  //                          for a range that begins earlier (the same stream from half as far).
  //                          Also: the stream is known to be forked, and not further back
  //   forbidden              a body is missing without leave
  //   corrupt, io            of the store
  Result<Accepted> accept(const Reader& reader, Range range, Batch& batch,
                          const MayLackBody& may_lack_body = {});

  // Puts a peer's entries in the place of damaged ones that verify_stream() found: a range of what
  // is held, from behind a good seal. Errors: malformed, too_large, stale (goes beyond what is
  // held), unauthenticated, conflict (does not lead from the one seal to the other), corrupt, io.
  Status mend(const Reader& reader, const Range& range, Batch& batch) const;

  // A proof that a peer passed on. True if it is the first of its stream. Errors: malformed (it
  // does not prove itself).
  Result<bool> take_fork(const Fork& fork, Batch& batch);

  const std::map<Stream, Fork>& forks() const { return forks_; }
  bool forked(const Stream& stream) const { return forks_.count(stream) == 1; }

  // --- what is held, and what was heard of ---

  // The last entry, sealed or not.
  std::optional<Head> head(const Stream& stream) const;
  std::optional<Head> sealed_head(const Stream& stream) const;
  // What can be passed on: up to the last seal of each stream.
  VersionVector vector() const;
  // The same, visited in order of the streams.
  template <typename Visit>
  void each_sealed(Visit&& visit) const {
    for (const auto& [stream, state] : states_) {
      if (state.sealed.sequence > 0) visit(stream, state.sealed);
    }
  }

  // A peer holds, or held, this of a stream. Kept as long as it is beyond what is held here.
  void heard(const Stream& stream, const Head& head, Batch& batch);
  const Heads& heard_but_missing() const { return heard_; }

 private:
  struct State {
    std::uint32_t number = 0;
    Head head;    // of the last entry
    Head sealed;  // of the last seal
    std::size_t unsealed_cost = 0;
  };

  Log(const Crypto& crypto, const MeshId& mesh) : crypto_(&crypto), mesh_(mesh) {}
  State& state_of(const Stream& stream, Batch& batch);
  Head held_head(const Stream& stream) const;
  void write(const State& state, const AcceptedEntry& entry, Batch& batch) const;
  void note_fork(const Fork& fork, Batch& batch);
  void note_fork(const Fork& fork, Range&& other, Batch& batch);
  void forget_heard(const Stream& stream, Sequence held, Batch& batch);
  Result<std::vector<Head>> chain_of(const Reader& reader, const Range& range) const;
  Result<std::optional<Fork>> contradiction(const Reader& reader, const Range& range,
                                            const std::vector<Head>& chain) const;
  Result<Seal> held_seal_for(const Reader& reader, const Stream& stream, Sequence common,
                             Sequence wanted) const;

  const Crypto* crypto_;
  MeshId mesh_;
  std::map<Stream, State> states_;
  std::map<Stream, Fork> forks_;
  Heads heard_;
  std::uint32_t next_number_ = 1;
};

}  // namespace crossfloor
