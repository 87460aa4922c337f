#include "node/runtime/loop_inbox.h"

#include <kj/async-unix.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <mutex>
#include <vector>

#include "node/runtime/files.h"
#include "protocol/check.h"

namespace crossfloor {

struct LoopInbox::Impl {
  explicit Impl(kj::UnixEventPort& port)
      : bell(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        observer(port, bell.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ),
        listening(nullptr) {
    listening = listen().eagerlyEvaluate([](kj::Exception&&) {
      invariant_broken("a notice to the loop threw", __FILE__, __LINE__);
    });
  }

  kj::Promise<void> listen() {
    return observer.whenBecomesReadable().then([this]() {
      deliver();
      return listen();
    });
  }

  void deliver() {
    // The bell is read before the notices are taken: a ring in between only wakes the loop once
    // more.
    std::uint64_t rings = 0;
    while (::read(bell.get(), &rings, sizeof rings) > 0) {
    }
    std::vector<std::function<void()>> taken;
    {
      const std::lock_guard lock(mutex);
      taken.swap(notices);
    }
    for (auto& notice : taken) notice();
  }

  OwnFd bell;
  kj::UnixEventPort::FdObserver observer;
  std::mutex mutex;
  std::vector<std::function<void()>> notices;
  kj::Promise<void> listening;
};

LoopInbox::LoopInbox(kj::UnixEventPort& port) : impl_(std::make_unique<Impl>(port)) {}
LoopInbox::~LoopInbox() = default;

void LoopInbox::post(std::function<void()> notice) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->notices.push_back(std::move(notice));
  }
  const std::uint64_t ring = 1;
  // Can only fail when the counter is full, and then the loop is awake already.
  [[maybe_unused]] const auto written = ::write(impl_->bell.get(), &ring, sizeof ring);
}

}  // namespace crossfloor
