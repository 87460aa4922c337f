#include "node/shell/core_driver.h"

#include "node/runtime/log.h"
#include "protocol/check.h"

namespace crossfloor {

CoreDriver::CoreDriver(NodeCore& core, kj::Timer& timer, Store& store, LoopInbox& inbox,
                       Watchdog& watchdog, Owner owner)
    : core_(core),
      timer_(timer),
      watchdog_(watchdog),
      owner_(std::move(owner)),
      storage_(store, inbox,
               {[this](const StorageThread::Committed& done) {
                  owner_.committed(done);
                  call("committed", [&](NodeCore& c, Now now) { c.committed(done.up_to, now); });
                },
                [this](const Error& error) { fail(error); }},
               StorageThread::Options{}),
      waker_(core) {}

void CoreDriver::start() {
  started_ = true;
  changed();
}

void CoreDriver::look_at_clock() {
  const auto gap = waker_.look(machine_now());
  if (!gap) return;
  ++standstills_;
  log_warning("standstill", {{"for", *gap}});
}

void CoreDriver::changed() {
  if (!started_ || failed_) return;
  if (working_) {
    again_ = true;
    return;
  }
  working_ = true;
  do {
    again_ = false;
    carry_out();
    commit();
  } while (again_ && !failed_);
  working_ = false;
  if (!failed_ && !core_.failed().ok()) fail(core_.failed().error());
  if (failed_) return;
  arm();
  if (owner_.settled) owner_.settled();
}

void CoreDriver::carry_out() {
  for (auto& effect : core_.take_effects(machine_now())) owner_.carry_out(std::move(effect));
}

void CoreDriver::commit() {
  // Self-addressed messages among the effects may have written.
  if (failed_ || !core_.failed().ok() || !core_.has_writes() || storage_.busy()) return;
  auto next = core_.next_batch(machine_now());
  storage_.submit(next.number, std::move(next.batch));
  carry_out();  // the own live stream leaves while the disk works
}

void CoreDriver::fail(const Error& error) {
  if (failed_) return;
  failed_ = true;
  owner_.failed(error);
}

void CoreDriver::arm() {
  if (!waker_.set(machine_now()) || in_time_) return;
  ticking_ = keep_time().eagerlyEvaluate([](kj::Exception&& e) {
    log_error("clock_failed", {{"why", e.getDescription().cStr()}});
    invariant_broken("the core's timer threw", __FILE__, __LINE__);
  });
}

kj::Promise<void> CoreDriver::keep_time() {
  const auto wait = std::max(*waker_.due() - machine_now().steady, Duration{1});
  return timer_.afterDelay(wait.count() * kj::MILLISECONDS).then([this]() -> kj::Promise<void> {
    on_time();
    if (failed_) return kj::READY_NOW;
    return keep_time();
  });
}

void CoreDriver::on_time() {
  look_at_clock();
  const Now now = machine_now();
  const Duration late = std::max(now.steady - *waker_.due(), Duration{0});
  in_time_ = true;
  {
    const auto watched = watchdog_.watch("tick");
    if (waker_.wake(now)) {
      owner_.late(late);
      changed();
    }
  }
  in_time_ = false;
}

}  // namespace crossfloor
