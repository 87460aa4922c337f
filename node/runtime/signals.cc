#include "node/runtime/signals.h"

#include <kj/async-unix.h>
#include <signal.h>

#include <vector>

#include "protocol/check.h"

namespace crossfloor {
namespace {

constexpr int kCaptured[] = {SIGTERM, SIGINT, SIGHUP};

}  // namespace

void capture_signals() {
  for (const int signal : kCaptured) kj::UnixEventPort::captureSignal(signal);
  ::signal(SIGPIPE, SIG_IGN);
}

struct Signals::Impl {
  Impl(kj::UnixEventPort& port_given, std::function<void(int)> on_signal_given)
      : port(port_given), on_signal(std::move(on_signal_given)) {
    for (const int signal : kCaptured) {
      listening.push_back(listen(signal).eagerlyEvaluate([](kj::Exception&&) {
        invariant_broken("a signal's handler threw", __FILE__, __LINE__);
      }));
    }
  }

  kj::Promise<void> listen(int signal) {
    return port.onSignal(signal).then([this, signal](siginfo_t&&) {
      on_signal(signal);
      return listen(signal);
    });
  }

  kj::UnixEventPort& port;
  std::function<void(int)> on_signal;
  std::vector<kj::Promise<void>> listening;
};

Signals::Signals(kj::UnixEventPort& port, std::function<void(int signal)> on_signal)
    : impl_(std::make_unique<Impl>(port, std::move(on_signal))) {}
Signals::~Signals() = default;

}  // namespace crossfloor
