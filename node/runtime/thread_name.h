#pragma once

#include <pthread.h>

namespace crossfloor {

// What top and a debugger show; at most 15 letters.
inline void name_thread(const char* name) {
  ::pthread_setname_np(::pthread_self(), name);
}

}  // namespace crossfloor
