#include "protocol/check.h"

#include <cstdio>
#include <cstdlib>

namespace crossfloor {

void invariant_broken(const char* what, const char* file, int line) {
  std::fprintf(stderr, "invariant broken: %s at %s:%d\n", what, file, line);
  std::abort();
}

}  // namespace crossfloor
