// Invariants. A broken one is a bug of ours: the process says which and stops, before it writes
// anything that rests on it. Never for bad input: that is a Result.
#pragma once

namespace crossfloor {

[[noreturn]] void invariant_broken(const char* what, const char* file, int line);

// Called before the process ends by a broken invariant; null for none. One at a time.
void before_abort(void (*last_act)());

}  // namespace crossfloor

#define XF_CHECK(condition)                                                           \
  do {                                                                                \
    if (!(condition)) ::crossfloor::invariant_broken(#condition, __FILE__, __LINE__); \
  } while (false)
