// What parses something from outside, each as a function that is given any bytes at all. It may
// refuse them; it must not crash, hang, or keep a promise of its own badly (that aborts).
//
// libFuzzer looks for such bytes (preset `fuzz`, tools/fuzz); what it finds is kept in
// tests/fuzz/findings/<target>/ and run by tests/fuzz/fuzz_test.cc ever after.
#pragma once

#include <vector>

#include "protocol/bytes.h"

namespace crossfloor::fuzz {

struct Target {
  const char* name;
  void (*run)(ByteView input);
  std::vector<Bytes> (*seeds)();  // well-formed input to begin with
};

const std::vector<Target>& targets();

}  // namespace crossfloor::fuzz
