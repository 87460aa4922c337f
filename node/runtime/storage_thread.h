// The one thread that commits.
//
// A sync takes the disk as long for one entry as for a thousand. So everything that was submitted
// while the last sync ran goes into one synced write (group commit), and the loop is told once up
// to which number all is durable. A commit that fails is the end: what is on the disk is unknown,
// nothing is tried again, everything behind it is dropped, and the owner opens the store afresh.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "node/runtime/loop_inbox.h"
#include "storage/store.h"

namespace crossfloor {

class StorageThread {
 public:
  struct Options {
    std::size_t group_bytes = 4 << 20;   // of one synced write; a larger single batch goes alone
    std::size_t queue_bytes = 64 << 20;  // over this full() asks the loop to take nothing more in
  };
  struct Committed {
    std::uint64_t up_to = 0;  // every batch with this number or a lower one is durable
    std::size_t batches = 0;  // in this synced write
    std::size_t bytes = 0;
    std::chrono::microseconds took{};
  };
  struct Owner {  // called on the loop
    std::function<void(const Committed&)> on_committed;
    std::function<void(const Error&)> on_failed;  // once; nothing is told after it
  };

  // On the loop's thread. Store and inbox outlive this. Only this thread commits to the store.
  StorageThread(Store& store, LoopInbox& inbox, Owner owner, Options options);
  // Waits for the commit that runs; what waits behind it is dropped; the owner is told no more. To
  // end without loss, destroy when busy() is false.
  ~StorageThread();
  StorageThread(const StorageThread&) = delete;
  StorageThread& operator=(const StorageThread&) = delete;

  // Everything below on the loop's thread.
  // Numbers ascend. An empty batch is no write, but its number is told in its turn. After a failure
  // this does nothing.
  void submit(std::uint64_t number, Batch batch);
  bool busy() const;                  // something was submitted and its outcome is not told yet
  std::size_t waiting_bytes() const;  // of what busy() says
  bool full() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crossfloor
