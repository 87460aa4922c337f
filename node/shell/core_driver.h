// Drives the core on the event loop: tells it what happened, commits what it writes, carries out
// what it wants done, wakes it at its deadlines, and notices when the loop itself stood still.
//
// Everybody else speaks to the core through call(), so that none of that is forgotten:
//
//   driver.call("intake", [&](NodeCore& core, Now now) { core.intake(id, account, message, now);
//   });
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <functional>

#include "node/core/waker.h"
#include "node/runtime/clock.h"
#include "node/runtime/storage_thread.h"
#include "node/runtime/watchdog.h"

namespace crossfloor {

class CoreDriver {
 public:
  struct Owner {
    // One for each kind of effect; called on the loop while the core is not, and may use call().
    std::function<void(Effect&&)> carry_out;
    std::function<void(const StorageThread::Committed&)> committed;
    std::function<void(const Error&)> failed;  // once: nothing is written any more
    std::function<void()> settled;             // after each call; may be empty
    std::function<void(Duration)> late;        // a deadline of the core was met so late
  };

  // `core` is open. What is referred to must outlive this.
  CoreDriver(NodeCore& core, kj::Timer& timer, Store& store, LoopInbox& inbox, Watchdog& watchdog,
             Owner owner);

  // Begins to tick and to commit.
  void start();

  // `name` is a literal, for the watchdog. Returns what `what` returns.
  template <typename What>
  auto call(const char* name, What&& what) {
    const auto watched = watchdog_.watch(name);
    look_at_clock();  // what waited in a socket may be read before the timer fires
    if constexpr (std::is_void_v<std::invoke_result_t<What&, NodeCore&, Now>>) {
      what(core_, machine_now());
      changed();
    } else {
      auto out = what(core_, machine_now());
      changed();
      return out;
    }
  }

  const NodeCore& core() const { return core_; }
  RequestId next_request() { return next_request_++; }
  // Everything is on the disk and everything that waited for that has left.
  bool idle() const { return core_.idle() && !storage_.busy(); }
  // The disk does not keep up: nothing more should be taken in.
  bool full() const { return storage_.full(); }
  std::uint64_t standstills() const { return standstills_; }

 private:
  void look_at_clock();
  void changed();
  void carry_out();
  void commit();
  void fail(const Error& error);
  kj::Promise<void> keep_time();
  void arm();
  void on_time();

  NodeCore& core_;
  kj::Timer& timer_;
  Watchdog& watchdog_;
  Owner owner_;
  StorageThread storage_;
  RequestId next_request_ = 1;
  bool started_ = false;
  bool failed_ = false;
  bool working_ = false;  // changed() runs
  bool again_ = false;    // and something happened meanwhile
  bool in_time_ = false;  // on_time() runs, inside the promise that must not be replaced
  Waker waker_;
  std::uint64_t standstills_ = 0;
  kj::Promise<void> ticking_ = nullptr;
};

}  // namespace crossfloor
