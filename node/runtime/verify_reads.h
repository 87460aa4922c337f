// Carries out ReadVerify effects on the readers' threads: one slice of one snapshot at a time, so
// that pages for peers and for people are read in between.
#pragma once

#include <functional>
#include <memory>

#include "node/core/effects.h"
#include "node/core/verify_node.h"
#include "node/runtime/task_threads.h"

namespace crossfloor {

class VerifyReads {
 public:
  // Both outlive this, and this outlives `readers`' last job.
  VerifyReads(TaskThreads& readers, const Crypto& crypto) : readers_(readers), crypto_(crypto) {}

  // For NodeCore::verify_read(); called on the loop, at once if too many reads wait.
  using Then = std::function<void(std::uint64_t ticket, const std::string& json)>;
  // `snapshot` was taken after the effect came out of the core.
  void start(const ReadVerify& wanted, std::shared_ptr<const Reader> snapshot, Then then);

 private:
  struct Job {
    std::uint64_t ticket = 0;
    VerifyReading reading;
    std::shared_ptr<const Reader> snapshot;
    Then then;
  };
  void next(const std::shared_ptr<Job>& job);

  TaskThreads& readers_;
  const Crypto& crypto_;
};

}  // namespace crossfloor
