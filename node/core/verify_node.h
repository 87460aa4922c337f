// One node's side of `crossfloor verify`: answers one question (node/core/verify_questions.h) from
// a snapshot of its store, in slices, on whatever thread reads.
//
// What the store cannot say of itself, because the damage may be that it says too little, comes
// along from memory: how far each stream was written when the question came. The snapshot is taken
// after those writes are durable, so it must reach that far.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "node/core/verify_questions.h"
#include "protocol/version_vector.h"
#include "storage/digest.h"
#include "storage/log_read.h"

namespace crossfloor {

struct VerifyQuestion {
  std::string what;       // "verify.heads", …
  std::string arguments;  // the question as JSON
  // From memory, when the question came:
  MeshId mesh;
  WallTime wall;
  std::map<Region, Secret> secrets;         // of the regions held
  VersionVector held;                       // up to the last seal of each stream
  std::map<Stream, Sequence> forked;        // up to where both histories agree
  Heads heard;                              // and not held
  std::map<std::string, Duration> targets;  // first response, by account
};

class VerifyReading {
 public:
  VerifyReading(const Crypto& crypto, std::shared_ptr<const VerifyQuestion> question);

  // One slice, about 1 MiB; always of the same snapshot. The answer's JSON once it is done.
  std::optional<std::string> step(const Reader& snapshot);

 private:
  using Answer = std::optional<std::string>;
  Answer heads(const Reader& snapshot);
  Answer hashes(const Reader& snapshot);
  Answer chains(const Reader& snapshot);
  Answer digests(const Reader& snapshot);
  Answer work(const Reader& snapshot);
  Answer receipts(const Reader& snapshot);

  const Crypto& crypto_;
  std::shared_ptr<const VerifyQuestion> question_;
  std::size_t slices_ = 0;
  ChainsAnswer chains_;
  std::optional<StreamAt> chain_at_;  // where the next slice goes on
  bool chains_begun_ = false;
  std::optional<DigestReckoner> reckoner_;
  std::vector<std::uint32_t> buckets_;
};

// All slices at once: for tests and for worlds without threads.
std::string answer_verify(const Crypto& crypto, const Reader& snapshot,
                          const VerifyQuestion& question);

// {"error": {code, what, where, mend}}
std::string verify_error(const Error& error);

}  // namespace crossfloor
