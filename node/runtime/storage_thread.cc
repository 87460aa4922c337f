#include "node/runtime/storage_thread.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "node/runtime/thread_name.h"
#include "protocol/check.h"

namespace crossfloor {

struct StorageThread::Impl {
  struct Waiting {
    std::uint64_t number = 0;
    Batch batch;
  };

  // What the notices in the inbox refer to; it may outlive the thread. Loop's thread only.
  struct LoopSide {
    Owner owner;
    bool told_failure = false;
    bool closed = false;
    std::uint64_t submitted = 0;  // highest number
    std::uint64_t committed = 0;
    std::size_t waiting_bytes = 0;
  };

  Impl(Store& store_given, LoopInbox& inbox_given, Owner owner, Options options_given)
      : store(store_given), inbox(inbox_given), options(options_given) {
    loop_side->owner = std::move(owner);
    thread = std::thread([this] {
      name_thread("storage");
      run();
    });
  }

  ~Impl() {
    loop_side->closed = true;
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_one();
    thread.join();
  }

  // What fits into one synced write, oldest first; empty only when it is time to stop.
  std::deque<Waiting> take_group() {
    std::deque<Waiting> group;
    std::unique_lock lock(mutex);
    wake.wait(lock, [this] { return stopping || !queue.empty(); });
    if (stopping) return group;
    std::size_t bytes = 0;
    while (!queue.empty()) {
      const std::size_t next = queue.front().batch.bytes();
      if (!group.empty() && bytes + next > options.group_bytes) break;
      bytes += next;
      group.push_back(std::move(queue.front()));
      queue.pop_front();
    }
    return group;
  }

  Status commit(const Batch& batch) {
    if (batch.empty()) return {};
    try {
      return store.commit(batch);
    } catch (const std::exception& exception) {
      return Error{ErrorCode::io, std::string("the store threw: ") + exception.what(), "", ""};
    }
  }

  void run() {
    for (auto group = take_group(); !group.empty(); group = take_group()) {
      Committed done;
      done.up_to = group.back().number;
      done.batches = group.size();
      Batch whole = std::move(group.front().batch);
      for (std::size_t i = 1; i < group.size(); ++i) whole.append(std::move(group[i].batch));
      done.bytes = whole.bytes();
      const auto began = std::chrono::steady_clock::now();
      const Status status = commit(whole);
      done.took = std::chrono::duration_cast<std::chrono::microseconds>(
          std::chrono::steady_clock::now() - began);
      if (!status.ok()) return fail(status.error());
      inbox.post([side = loop_side, done] {
        if (side->closed) return;
        side->committed = done.up_to;
        side->waiting_bytes -= done.bytes;
        side->owner.on_committed(done);
      });
    }
  }

  void fail(const Error& error) {
    {
      const std::lock_guard lock(mutex);
      failed = true;
      queue.clear();
    }
    inbox.post([side = loop_side, error] {
      if (side->closed) return;
      side->told_failure = true;
      side->waiting_bytes = 0;
      side->owner.on_failed(error);
    });
  }

  Store& store;
  LoopInbox& inbox;
  const Options options;
  const std::shared_ptr<LoopSide> loop_side = std::make_shared<LoopSide>();

  std::mutex mutex;  // guards what follows
  std::condition_variable wake;
  std::deque<Waiting> queue;
  bool stopping = false;
  bool failed = false;

  std::thread thread;
};

StorageThread::StorageThread(Store& store, LoopInbox& inbox, Owner owner, Options options)
    : impl_(std::make_unique<Impl>(store, inbox, std::move(owner), options)) {}
StorageThread::~StorageThread() = default;

void StorageThread::submit(std::uint64_t number, Batch batch) {
  Impl::LoopSide& side = *impl_->loop_side;
  XF_CHECK(number > side.submitted);
  side.submitted = number;
  if (side.told_failure) return;
  const std::size_t bytes = batch.bytes();
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->failed) return;
    impl_->queue.push_back({number, std::move(batch)});
  }
  side.waiting_bytes += bytes;
  impl_->wake.notify_one();
}

bool StorageThread::busy() const {
  const Impl::LoopSide& side = *impl_->loop_side;
  return !side.told_failure && side.committed != side.submitted;
}

std::size_t StorageThread::waiting_bytes() const {
  return impl_->loop_side->waiting_bytes;
}

bool StorageThread::full() const {
  return waiting_bytes() > impl_->options.queue_bytes;
}

}  // namespace crossfloor
