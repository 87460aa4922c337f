// The stages of `crossfloor verify`, in their order.
#pragma once

#include <memory>

#include "node/core/verify_bench.h"

namespace crossfloor {

// A receipt to be proved, and what to call it.
struct ReceiptToProve {
  std::string name;  // "account external_id"
  ReceiptAsked receipt;
};

class VerifyStage {
 public:
  virtual ~VerifyStage() = default;
  virtual const char* name() const = 0;
  // Whenever nothing is under way: asks, waits (wait_until), or judges and returns true: it is
  // over.
  virtual bool step(VerifyBench& bench, Now now) = 0;
};

// Whom the mesh consists of, and who cannot be reached.
std::unique_ptr<VerifyStage> verify_members();
// Every copy reaches what anybody had when the check began; what nobody has is lost.
std::unique_ptr<VerifyStage> verify_heads();
// Copies are equal at the highest entry that all hold.
std::unique_ptr<VerifyStage> verify_hashes();
// Every chain and seal of every copy.
std::unique_ptr<VerifyStage> verify_chains();
// Nodes made the same rows of the same entries.
std::unique_ptr<VerifyStage> verify_rows();
// Who waits, what was handled twice, replies without an end.
std::unique_ptr<VerifyStage> verify_work();
std::unique_ptr<VerifyStage> verify_receipts(std::vector<ReceiptToProve> receipts);

}  // namespace crossfloor
