// An event loop for one test, and the one way to wait on it: for a condition, with a deadline.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/time.h>

#include <functional>

namespace crossfloor {

class LoopForTests {
 public:
  kj::UnixEventPort& port() { return io_.unixEventPort; }

  // Runs the loop until `condition` holds; false after 20 s without it.
  bool until(const std::function<bool()>& condition) {
    kj::Timer& timer = io_.provider->getTimer();
    const auto deadline = timer.now() + 20 * kj::SECONDS;
    while (!condition()) {
      if (timer.now() > deadline) return false;
      timer.afterDelay(1 * kj::MILLISECONDS).wait(io_.waitScope);
    }
    return true;
  }

 private:
  kj::AsyncIoContext io_ = kj::setupAsyncIo();
};

}  // namespace crossfloor
