// Drives `crossfloor verify`: what is to be asked of whom, and what the answers prove.
//
// It runs under full traffic, so nodes are never compared at one instant. Streams are compared by
// their hash at the highest entry that all hold, which is at least what anybody had when the check
// began: copies have `patience` to get that far. Digests of rows are asked again, bucket by bucket,
// until the nodes once agreed; rows that differ although the entries were the same are broken at
// once. What could not be compared is "not proved".
//
// Pure: hand each of take_questions() to its node, say what came with answered(), and go on at
// deadline() until done(). The command line and the simulator do just that.
#pragma once

#include "node/core/verify_stages.h"

namespace crossfloor {

class VerifyMesh {
 public:
  explicit VerifyMesh(VerifyOptions options = {}, std::vector<ReceiptToProve> receipts = {});

  std::vector<VerifyAsk> take_questions(Now now);
  void answered(std::uint64_t number, const Result<std::string>& json) {
    bench_.answered(number, json);
  }
  // When take_questions() has more although nothing is under way.
  const std::optional<Instant>& deadline() const { return bench_.again_at(); }
  bool done() const { return at_ == stages_.size(); }

  struct Progress {
    const char* what = "";
    std::size_t stage = 0, stages = 0;
    std::uint64_t answers = 0, of = 0;  // within the stage; `of` 0: unknown
  };
  Progress progress() const;
  // The node that is connected to did not answer the first question: nothing was compared.
  const std::optional<Error>& failed() const { return bench_.failed; }
  const VerifyReport& report() const { return report_; }  // when done

 private:
  VerifyBench bench_;
  std::vector<std::unique_ptr<VerifyStage>> stages_;
  std::size_t at_ = 0;
  std::optional<Instant> started_;
  VerifyReport report_;
};

}  // namespace crossfloor
