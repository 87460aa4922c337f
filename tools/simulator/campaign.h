// Running worlds: one, many seeds, and a failing one again, smaller and with its story told.
#pragma once

#include <iosfwd>

#include "tools/simulator/checker.h"
#include "tools/simulator/coverage.h"

namespace crossfloor::simulator {

struct Outcome {
  Options options;
  std::vector<Broken> broken;
  std::uint64_t trace = 0;
  std::uint64_t steps = 0;
  Duration virtual_time{0};
  double seconds = 0;  // of the processor
  std::string summary;
  WaitFigures waits;  // without the first tenth of the run, until it heals
  Marks marks;        // rare branches that the run reached

  bool held() const { return broken.empty(); }
};

// `progress`: told now and then; may be null.
Outcome run_world(const Options& options, std::ostream* progress = nullptr);

// Runs it again and writes the lines of its trace that speak of what broke, and all that struck.
void tell_story(const Outcome& failed, std::ostream& out, std::size_t most_lines = 120);

// Switches vices off one by one, then makes the world smaller, as long as the same promise breaks.
Options minimise(const Outcome& failed, std::ostream& progress);

// The command that runs the same world again.
std::string replay_command(const Options& options);

void write_failure(const Outcome& failed, std::ostream& out);

}  // namespace crossfloor::simulator
