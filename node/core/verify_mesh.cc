#include "node/core/verify_mesh.h"

namespace crossfloor {

VerifyMesh::VerifyMesh(VerifyOptions options, std::vector<ReceiptToProve> receipts)
    : bench_(options) {
  stages_.push_back(verify_members());
  stages_.push_back(verify_heads());
  stages_.push_back(verify_hashes());
  stages_.push_back(verify_chains());
  stages_.push_back(verify_rows());
  if (!receipts.empty()) stages_.push_back(verify_receipts(std::move(receipts)));
  stages_.push_back(verify_work());
}

std::vector<VerifyAsk> VerifyMesh::take_questions(Now now) {
  if (!started_) started_ = now.steady;
  // A stage that asks nothing (nobody answers any more) has had its say after a few steps.
  constexpr int most_idle_steps = 4;
  int idle_steps = 0;
  while (!done() && bench_.idle()) {
    if (bench_.failed) {
      at_ = stages_.size();
      break;
    }
    if (bench_.again_at() && now.steady < *bench_.again_at()) break;
    bench_.go_on();
    const bool over = stages_[at_]->step(bench_, now);
    const bool stuck = bench_.idle() && !bench_.again_at() && ++idle_steps > most_idle_steps;
    if (!over && !stuck) continue;
    ++at_;
    idle_steps = 0;
    bench_.steps = bench_.steps_of = 0;
  }
  if (done()) {
    report_ = bench_.report();
    report_.took_ms = (now.steady - *started_).count();
  }
  return bench_.take_questions();
}

VerifyMesh::Progress VerifyMesh::progress() const {
  if (done()) return {"done", stages_.size(), stages_.size(), 0, 0};
  return {stages_[at_]->name(), at_, stages_.size(), bench_.steps, bench_.steps_of};
}

}  // namespace crossfloor
