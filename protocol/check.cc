#include "protocol/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace crossfloor {
namespace {

std::atomic<void (*)()> last_act_before_abort = nullptr;

}  // namespace

void before_abort(void (*last_act)()) {
  last_act_before_abort = last_act;
}

void invariant_broken(const char* what, const char* file, int line) {
  // Once: the act itself may break one.
  if (const auto act = last_act_before_abort.exchange(nullptr)) act();
  std::fprintf(stderr, "invariant broken: %s at %s:%d\n", what, file, line);
  std::abort();
}

}  // namespace crossfloor
