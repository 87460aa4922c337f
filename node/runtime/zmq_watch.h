// Tells when a ZeroMQ socket wants to be looked at, on the KJ event loop.
//
// ZMQ_FD is edge-triggered, and KJ drops an edge that nobody waits for. So the next wait begins
// before the callback runs: an edge that falls into the callback calls it once more. The callback
// only takes a note; looking at sockets (and closing them) is done elsewhere, where no promise of
// this watch is on the stack.
#pragma once

#include <kj/async-unix.h>

#include <functional>

namespace crossfloor {

class ZmqWatch {
 public:
  ZmqWatch(kj::UnixEventPort& port, int fd, std::function<void()> edge)
      : observer_(port, fd, kj::UnixEventPort::FdObserver::OBSERVE_READ),
        edge_(std::move(edge)),
        task_(wait().eagerlyEvaluate(nullptr)) {}

 private:
  kj::Promise<void> wait() {
    return observer_.whenBecomesReadable().then([this]() -> kj::Promise<void> {
      auto next = wait();
      edge_();
      return next;
    });
  }

  kj::UnixEventPort::FdObserver observer_;
  std::function<void()> edge_;
  kj::Promise<void> task_;
};

}  // namespace crossfloor
