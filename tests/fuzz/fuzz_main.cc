// One program for all targets: CROSSFLOOR_FUZZ_TARGET names the one that libFuzzer feeds.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/fuzz/targets.h"

namespace {
const crossfloor::fuzz::Target* chosen = nullptr;
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* name = std::getenv("CROSSFLOOR_FUZZ_TARGET");
  for (const auto& target : crossfloor::fuzz::targets()) {
    if (name != nullptr && std::string_view(target.name) == name) chosen = &target;
  }
  if (chosen != nullptr) return 0;
  std::fprintf(stderr, "CROSSFLOOR_FUZZ_TARGET must be one of:");
  for (const auto& target : crossfloor::fuzz::targets()) std::fprintf(stderr, " %s", target.name);
  std::fprintf(stderr, "\n");
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  chosen->run(crossfloor::ByteView(reinterpret_cast<const char*>(data), size));
  return 0;
}
