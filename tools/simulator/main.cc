// mesh-sim: runs the mesh in one thread under all the bad luck that its options ask for, and judges
// its promises. The same seed and options give the same run.
#include <CLI/CLI.hpp>
#include <iostream>

#include "tools/simulator/checkers.h"

namespace {

using crossfloor::Duration;
using crossfloor::simulator::Broken;
using crossfloor::simulator::Options;
using crossfloor::simulator::World;

// True if every promise held.
bool run_one(const Options& options, bool quiet, std::uint64_t& trace) {
  World world(options);
  std::vector<Broken> broken;
  world.after_event = [&](const World& now) {
    if (!broken.empty() || now.events() % 16 != 0) return;
    broken = crossfloor::simulator::one_assignee_and_no_overload(now);
  };
  world.run();
  for (auto& one : crossfloor::simulator::judge_at_the_end(world)) broken.push_back(one);
  if (!quiet || !broken.empty()) {
    std::cout << options.text() << "\n  events " << world.events() << ", acknowledged "
              << world.acknowledged().size() << ", offers " << world.offered() << " (remote "
              << world.remote_rings() << "), replies " << world.provider().taken.size()
              << ", trace " << std::hex << world.trace_hash() << std::dec << "\n";
  }
  trace = world.trace_hash();
  for (std::size_t i = 0; i < broken.size() && i < 12; ++i) {
    std::cout << "  BROKEN " << broken[i].promise << ": " << broken[i].what << "\n";
  }
  if (broken.size() > 12) std::cout << "  … and " << broken.size() - 12 << " more\n";
  return broken.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::uint64_t seeds = 1;
  long seconds = 120;
  long cuts = 0;
  long crashes = 0;
  long pauses = 0;
  long down = 20;
  bool twice = false;
  long arrivals_ms = 2'000;
  bool quiet = false;
  bool social = false;
  CLI::App app{
      "Simulates a mesh and judges its promises.\n\nExample:\n"
      "  mesh-sim --nodes 3 --seconds 300 --cuts 30 --crashes 60 --seed 7 --seeds 20"};
  app.add_option("--seed", options.seed, "first seed");
  app.add_option("--seeds", seeds, "how many seeds, one after another");
  app.add_option("--nodes", options.nodes, "nodes, one per site")->check(CLI::Range(1, 100));
  app.add_option("--agents", options.agents_per_node, "agents per node");
  app.add_option("--customers", options.customers, "customers");
  app.add_option("--seconds", seconds, "virtual seconds of bad luck");
  app.add_option("--arrivals-ms", arrivals_ms, "mean time between customers' messages");
  app.add_option("--pulse-loss", options.pulse_loss, "share of lost frames of the pulse");
  app.add_option("--cuts", cuts, "mean seconds between cuts of a node; 0: none");
  app.add_option("--crashes", crashes, "mean seconds between crashes; 0: none");
  app.add_option("--down", down, "a crashed node stays down for at most so many seconds");
  app.add_flag("--twice", twice, "runs each seed twice: both runs must be the same");
  app.add_option("--pauses", pauses, "mean seconds between standstills; 0: none");
  app.add_flag("--social", social, "public threads instead of chats");
  app.add_flag("--quiet", quiet, "only what broke");
  CLI11_PARSE(app, argc, argv);
  options.length = Duration{seconds * 1'000};
  options.arrivals_every = Duration{arrivals_ms};
  options.cuts_every = Duration{cuts * 1'000};
  options.crashes_every = Duration{crashes * 1'000};
  options.down_max = Duration{down * 1'000};
  options.pauses_every = Duration{pauses * 1'000};
  options.chat = !social;
  bool held = true;
  for (std::uint64_t i = 0; i < seeds; ++i) {
    std::uint64_t first = 0;
    held = run_one(options, quiet, first) && held;
    if (twice) {
      std::uint64_t second = 0;
      held = run_one(options, true, second) && held;
      if (first != second) {
        std::cout << options.text() << "\n  BROKEN two runs of one seed differ\n";
        held = false;
      }
    }
    ++options.seed;
  }
  std::cout << (held ? "every promise held\n" : "broken\n");
  return held ? 0 : 1;
}
