// The one way by which other threads speak to the event loop: notices, run there in the order in
// which they were posted.
#pragma once

#include <functional>
#include <memory>

namespace kj {
class UnixEventPort;
}

namespace crossfloor {

class LoopInbox {
 public:
  // On the loop's thread. Outlives every thread that posts.
  explicit LoopInbox(kj::UnixEventPort& port);
  ~LoopInbox();
  LoopInbox(const LoopInbox&) = delete;
  LoopInbox& operator=(const LoopInbox&) = delete;

  // From any thread. A notice must not throw: errors are values here.
  void post(std::function<void()> notice);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crossfloor
