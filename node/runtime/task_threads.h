// Threads for what would hold up the event loop: long reads on snapshots (two of them), password
// hashing, backup and scrub (one, so that they never take more than one core and one job's memory).
//
// A job is two functions: `work` runs on a thread and returns a Result, `then` gets it on the loop.
// They share nothing else.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "node/runtime/loop_inbox.h"
#include "protocol/result.h"

namespace crossfloor {

class TaskThreads {
 public:
  struct Options {
    const char* name = "worker";  // at most 15 letters; in errors, top and debuggers
    int threads = 1;
    std::size_t queue = 256;  // jobs that wait; one more is refused
  };

  // On the loop's thread. The inbox outlives this.
  TaskThreads(LoopInbox& inbox, Options options);
  ~TaskThreads();  // closes it
  TaskThreads(const TaskThreads&) = delete;
  TaskThreads& operator=(const TaskThreads&) = delete;

  // work: Result<T>(); then: void(Result<T>). Both may be move-only. What `work` throws becomes
  // an error of code io. Errors: full, unavailable (closed). On the loop's thread.
  template <typename Work, typename Then>
  Status run(Work work, Then then) {
    return submit(std::make_unique<JobOf<Work, Then>>(std::move(work), std::move(then)));
  }

  // Waits for the jobs that run (see stop_token); those that wait are dropped; no `then` runs
  // after. For who goes on with what the jobs shared, a file for example.
  void close();

  // Asked to stop when this is closed: a long job looks at it between slices.
  std::stop_token stop_token() const;
  std::size_t waiting() const;  // jobs that wait or run, or whose `then` has not run

 private:
  struct Job {
    virtual ~Job() = default;
    virtual void work_off() = 0;  // on a thread
    virtual void tell() = 0;      // on the loop
  };

  template <typename Work, typename Then>
  struct JobOf final : Job {
    using Outcome = std::invoke_result_t<Work&>;
    JobOf(Work work_given, Then then_given)
        : work(std::move(work_given)), then(std::move(then_given)) {}
    void work_off() override {
      try {
        outcome.emplace(work());
      } catch (const std::exception& exception) {
        outcome.emplace(
            Error{ErrorCode::io, std::string("a job threw: ") + exception.what(), "", ""});
      }
    }
    void tell() override { then(std::move(*outcome)); }

    Work work;
    Then then;
    std::optional<Outcome> outcome;
  };

  Status submit(std::unique_ptr<Job> job);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crossfloor
