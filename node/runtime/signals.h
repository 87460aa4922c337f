// SIGTERM, SIGINT and SIGHUP as events of the loop.
#pragma once

#include <functional>
#include <memory>

namespace kj {
class UnixEventPort;
}

namespace crossfloor {

// First thing in main(), before any thread starts, so that every thread inherits the mask and no
// signal kills the process half-way. Also ignores SIGPIPE.
void capture_signals();

// Tells of each captured signal on the loop, also of one that came before this existed.
class Signals {
 public:
  Signals(kj::UnixEventPort& port, std::function<void(int signal)> on_signal);
  ~Signals();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crossfloor
