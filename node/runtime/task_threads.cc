#include "node/runtime/task_threads.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "node/runtime/thread_name.h"

namespace crossfloor {

struct TaskThreads::Impl {
  // Outlives the threads in notices; loop's thread only.
  struct LoopSide {
    bool closed = false;
    std::size_t open = 0;
  };

  Impl(LoopInbox& inbox_given, Options options_given) : inbox(inbox_given), options(options_given) {
    for (int i = 0; i < options.threads; ++i) {
      threads.emplace_back([this] {
        name_thread(options.name);
        while (auto job = next()) {
          job->work_off();
          inbox.post([side = loop_side, job = std::shared_ptr<Job>(std::move(job))] {
            if (side->closed) return;
            --side->open;
            job->tell();
          });
        }
      });
    }
  }

  ~Impl() { close(); }

  void close() {
    loop_side->closed = true;
    stop.request_stop();
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    for (std::thread& thread : threads) thread.join();
    threads.clear();
  }

  std::unique_ptr<Job> next() {
    std::unique_lock lock(mutex);
    wake.wait(lock, [this] { return stopping || !queue.empty(); });
    if (stopping) return nullptr;
    auto job = std::move(queue.front());
    queue.pop_front();
    return job;
  }

  LoopInbox& inbox;
  const Options options;
  const std::shared_ptr<LoopSide> loop_side = std::make_shared<LoopSide>();
  std::stop_source stop;

  std::mutex mutex;  // guards what follows
  std::condition_variable wake;
  std::deque<std::unique_ptr<Job>> queue;
  bool stopping = false;

  std::vector<std::thread> threads;
};

TaskThreads::TaskThreads(LoopInbox& inbox, Options options)
    : impl_(std::make_unique<Impl>(inbox, options)) {}
TaskThreads::~TaskThreads() = default;

Status TaskThreads::submit(std::unique_ptr<Job> job) {
  if (impl_->loop_side->closed) {
    return Error{ErrorCode::unavailable,
                 std::string("the ") + impl_->options.name + " threads have ended", "", ""};
  }
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->queue.size() >= impl_->options.queue) {
      return Error{ErrorCode::full,
                   std::string("the ") + impl_->options.name + " threads have " +
                       std::to_string(impl_->options.queue) + " jobs waiting",
                   "", "try again in a moment"};
    }
    impl_->queue.push_back(std::move(job));
  }
  ++impl_->loop_side->open;
  impl_->wake.notify_one();
  return {};
}

void TaskThreads::close() {
  impl_->close();
}

std::stop_token TaskThreads::stop_token() const {
  return impl_->stop.get_token();
}
std::size_t TaskThreads::waiting() const {
  return impl_->loop_side->open;
}

}  // namespace crossfloor
