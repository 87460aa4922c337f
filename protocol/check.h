// Invariants. A broken one is a bug of ours: the process says which and stops, before it writes
// anything that rests on it. Never for bad input: that is a Result.
#pragma once

namespace crossfloor {

[[noreturn]] void invariant_broken(const char* what, const char* file, int line);

}  // namespace crossfloor

#define XF_CHECK(condition)                                                           \
  do {                                                                                \
    if (!(condition)) ::crossfloor::invariant_broken(#condition, __FILE__, __LINE__); \
  } while (false)
