// mesh-sim: runs the mesh in one thread under all the bad luck that its options ask for, and judges
// its promises. The same seed and options give the same run.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cmath>
#include <iostream>
#include <mutex>
#include <sstream>
#include <thread>

#include "tools/simulator/arrivals.h"
#include "tools/simulator/campaign.h"
#include "tools/simulator/gossip_report.h"
#include "tools/simulator/scenario.h"

namespace {

using namespace crossfloor;
using namespace crossfloor::simulator;

struct Wishes {
  std::string scenario;
  std::vector<std::string> settings;
  std::uint64_t seed = 1;
  std::string seeds;
  double hours = 0;
  std::int64_t nodes = 0;
  int jobs = 1;
  bool real_crypto = false;
  bool cheap_crypto = false;
  bool minimise = false;
  bool story = false;
  bool twice = false;
  bool quiet = false;
  bool waits = false;
  double least_speed = 0;          // times real time; 0: any
  double most_memory = 0;          // MiB; 0: any
  std::vector<std::string> reach;  // marks
};

using MarkedSeeds = std::map<std::string, std::pair<std::uint64_t, std::uint64_t>>;  // and a first

// Of the whole process, in MiB.
double peak_memory() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_maxrss) / 1'024;
}

// A figure, its limit and how far it is from it; true if there is no limit or it was reached.
bool reached(const char* what, const char* unit, double figure, double limit, bool at_most) {
  if (limit == 0) return true;
  const bool good = at_most ? figure <= limit : figure >= limit;
  std::cout << what << " " << static_cast<long>(figure) << " " << unit << ", limit "
            << static_cast<long>(limit) << ", " << static_cast<long>(100 * figure / limit)
            << " % of it: " << (good ? "reached" : "missed") << "\n";
  return good;
}

int wrong(const Error& error) {
  std::cerr << "mesh-sim: " << error.what << (error.where.empty() ? "" : " (" + error.where + ")")
            << (error.mend.empty() ? "" : "; " + error.mend) << "\n";
  return 2;
}

Result<Options> options_of(const Wishes& wishes) {
  Options options;
  if (!wishes.scenario.empty()) {
    auto read = read_scenario(wishes.scenario);
    if (!read.ok()) return read.error();
    options = read.value();
  }
  if (wishes.nodes > 0) options.shape.nodes = wishes.nodes;
  if (wishes.hours > 0) {
    options.shape.length = Duration{static_cast<std::int64_t>(wishes.hours * 3'600'000)};
  }
  if (wishes.real_crypto) options.shape.real_crypto = true;
  if (wishes.cheap_crypto) options.shape.real_crypto = false;
  for (const auto& one : wishes.settings) {
    const auto equals = one.find('=');
    if (equals == std::string::npos) {
      return Error{ErrorCode::malformed, "\"" + one + "\" sets nothing", "--set",
                   "write --set network.loss=0.1"};
    }
    if (auto status = options.set(one.substr(0, equals), one.substr(equals + 1)); !status.ok()) {
      return status.error();
    }
  }
  if (!options.people.arrivals_from.empty()) {
    if (auto read = read_arrivals(options.people.arrivals_from); !read.ok()) return read.error();
  }
  options.seed = wishes.seed;
  return options;
}

// "7..20", or one number.
Result<std::pair<std::uint64_t, std::uint64_t>> seeds_of(const Wishes& wishes) {
  if (wishes.seeds.empty()) return std::make_pair(wishes.seed, wishes.seed);
  std::istringstream in(wishes.seeds);
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  char dot = 0;
  if (in >> first && in >> dot && dot == '.' && in >> dot && dot == '.' && in >> last && in.eof() &&
      first <= last) {
    return std::make_pair(first, last);
  }
  return Error{ErrorCode::malformed, "\"" + wishes.seeds + "\" are no seeds", "--seeds",
               "write --seeds 1..1000"};
}

// One seed; its whole report, and whether every promise held.
bool run_one(const Options& options, const Wishes& wishes, Outcome& outcome, std::ostream& out) {
  const bool alone = wishes.seeds.empty();
  if (alone && !wishes.quiet) out << options.text() << "\n" << std::flush;
  outcome = run_world(options, alone && !wishes.quiet ? &out : nullptr);
  if (!wishes.quiet || !outcome.held()) {
    out << "seed " << options.seed << ": " << outcome.summary << "; " << outcome.steps << " steps, "
        << static_cast<long>(outcome.seconds * 1'000) << " ms, "
        << static_cast<long>(static_cast<double>(outcome.virtual_time.count()) / 1'000 /
                             outcome.seconds)
        << " x real time, trace " << std::hex << outcome.trace << std::dec << "\n";
  }
  bool held = outcome.held();
  if (wishes.twice && held) {
    if (run_world(options).trace != outcome.trace) {
      out << "  BROKEN two runs of seed " << options.seed << " differ\n";
      held = false;
    }
  }
  if (outcome.held()) return held;
  write_failure(outcome, out);
  if (wishes.minimise) {
    const Options least = minimise(outcome, out);
    outcome = run_world(least);
    out << "  smallest: " << replay_command(least) << "\n";
    write_failure(outcome, out);
  }
  if (wishes.story || wishes.minimise) tell_story(outcome, out);
  return false;
}

// Whether some seed reached each mark that had to be.
bool all_reached(const Wishes& wishes, const MarkedSeeds& marks) {
  bool good = true;
  for (const auto& mark : wishes.reach) {
    const auto at = marks.find(mark);
    if (at != marks.end() && at->second.first > 0) continue;
    good = false;
    std::cout << "mark not reached: " << mark
              << (at == marks.end() ? "; there is no such mark" : "") << "\n";
  }
  return good;
}

void write_waits(const std::map<std::uint64_t, WaitFigures>& by_seed) {
  std::vector<WaitFigures> runs;
  for (const auto& [seed, figures] : by_seed) runs.push_back(figures);
  std::cout << wait_line(runs) << "\n";
}

int run_all(const Options& base, std::uint64_t first, std::uint64_t last, const Wishes& wishes) {
  std::atomic<std::uint64_t> next{first};
  std::mutex mutex;
  std::uint64_t failed = 0;
  Duration virtual_time{0};
  double seconds = 0;
  MarkedSeeds marks;
  std::map<std::uint64_t, WaitFigures> waits;  // by seed, whichever ends first
  const auto work = [&] {
    for (;;) {
      const std::uint64_t seed = next.fetch_add(1);
      if (seed > last) return;
      Options options = base;
      options.seed = seed;
      std::ostringstream text;
      Outcome outcome;
      const bool held = run_one(options, wishes, outcome, first == last ? std::cout : text);
      const std::lock_guard lock(mutex);
      std::cout << text.str() << std::flush;
      failed += held ? 0 : 1;
      if (held) waits[seed] = outcome.waits;
      virtual_time += outcome.virtual_time;
      seconds += outcome.seconds;
      for (const auto& [mark, times] : outcome.marks) {
        auto& [seeds, example] = marks[mark];
        if (times > 0 && seeds++ == 0) example = seed;
      }
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < wishes.jobs; ++i) others.emplace_back(work);
  work();
  for (auto& other : others) other.join();
  const std::uint64_t count = last - first + 1;
  if (count > 1) {
    for (const auto& [mark, reached] : marks) {
      std::cout << "  mark: " << mark << ": "
                << (reached.first == 0 ? "never reached"
                                       : std::to_string(reached.first) + " seeds, as " +
                                             std::to_string(reached.second))
                << "\n";
    }
    std::cout << count << " seeds, " << virtual_time.count() / 36'000 / 100.0 << " virtual hours, "
              << failed << " failed\n";
  }
  if (wishes.waits) write_waits(waits);
  std::cout << (failed == 0 ? "every promise held\n" : "broken\n");
  const double speed = static_cast<double>(virtual_time.count()) / 1'000 / seconds;
  const bool fast = reached("speed", "x real time", speed, wishes.least_speed, false);
  const bool small = reached("memory", "MiB", peak_memory(), wishes.most_memory, true);
  const bool marked = all_reached(wishes, marks);
  return failed == 0 && fast && small && marked ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Wishes wishes;
  bool list = false;
  CLI::App app{
      "Simulates a mesh and judges its promises. The same seed and options give the same run.\n\n"
      "Examples:\n"
      "  mesh-sim --scenario wan-cut --nodes 30 --hours 8 --seed 7\n"
      "  mesh-sim --scenario everything --seeds 1..1000 --jobs 2 --quiet\n"
      "  mesh-sim --seed 3 --set network.cuts_every=30s --minimise\n"
      "  mesh-sim --scenario busy --seeds 1..8 --quiet --waits"};
  app.add_option("--scenario", wishes.scenario, "a file of configs/scenarios, or a path");
  app.add_option("--nodes", wishes.nodes, "nodes, one per site")->check(CLI::Range(1, 100));
  app.add_option("--hours", wishes.hours, "virtual hours of bad luck");
  app.add_option("--seed", wishes.seed, "the seed of one run");
  app.add_option("--seeds", wishes.seeds, "many runs, A..B; reports one line each");
  app.add_option("--jobs", wishes.jobs, "runs at the same time")->check(CLI::Range(1, 64));
  app.add_option("--set", wishes.settings, "an option, as network.loss=0.1; may be repeated")
      ->take_all();
  app.add_flag("--real-crypto", wishes.real_crypto, "libsodium's signatures");
  app.add_flag("--cheap-crypto", wishes.cheap_crypto, "the keyed stand-in of long runs");
  app.add_flag("--minimise", wishes.minimise, "shrinks a failing run");
  app.add_flag("--story", wishes.story, "of a failing run, the trace that matters");
  app.add_flag("--twice", wishes.twice, "runs each seed twice: both runs must be the same");
  app.add_flag("--quiet", wishes.quiet, "only what broke");
  app.add_flag("--waits", wishes.waits,
               "how long customers waited, against one perfect queue with the same work (meant for "
               "worlds where nothing goes wrong and everybody accepts)");
  app.add_option("--least-speed", wishes.least_speed,
                 "times real time, by the processor's time of one thread; fails if it is slower");
  app.add_option("--most-memory", wishes.most_memory, "MiB; fails if the process needed more");
  app.add_option("--reach", wishes.reach,
                 "a rare branch that some seed must reach; may be repeated")
      ->take_all();
  app.add_flag("--options", list, "lists all options with their values, and ends");
  GossipTable table;
  std::string profile = "both";
  double watch_minutes = 2;
  bool json = false;
  CLI::App* gossip = app.add_subcommand(
      "gossip", "membership alone: the table of detection times and false alarms (docs/gossip.md)");
  gossip->add_option("--nodes", table.nodes, "sizes of the mesh (8 64 256 1000)")
      ->check(CLI::Range(2, 4'096));
  gossip->add_option("--profile", profile, "lan, wan or both")
      ->check(CLI::IsMember({"lan", "wan", "both"}));
  gossip->add_option("--loss", table.losses, "shares of datagrams lost (0 0.1 0.25 0.4)")
      ->check(CLI::Range(0.0, 0.99));
  gossip->add_option("--slow", table.slow, "how many nodes stand still again and again (1 4 16)")
      ->check(CLI::Range(0, 4'096));
  gossip->add_option("--runs", table.runs, "seeds of each cell (by size: 200, 40, 24, 6)")
      ->check(CLI::Range(1, 10'000));
  gossip->add_option("--seed", table.first_seed, "the seed of each cell's first run (1)");
  gossip->add_option("--minutes", watch_minutes, "for which false alarms are counted (2)")
      ->check(CLI::Range(0.1, 1'440.0));
  gossip->add_option("--jobs", table.jobs, "runs at the same time")->check(CLI::Range(1, 64));
  gossip->add_flag("--json", json, "rows as JSON instead of Markdown");
  CLI11_PARSE(app, argc, argv);
  if (gossip->parsed()) {
    table.lan = profile != "wan";
    table.wan = profile != "lan";
    table.watch = Duration{std::llround(watch_minutes * 60'000)};
    write_gossip_table(table, json, std::cout, std::cerr);
    return 0;
  }
  auto options = options_of(wishes);
  if (!options.ok()) return wrong(options.error());
  auto seeds = seeds_of(wishes);
  if (!seeds.ok()) return wrong(seeds.error());
  if (list) {
    for (const auto& name : Options::names()) {
      std::cout << name << " = " << options.value().get(name) << "\n";
    }
    return 0;
  }
  return run_all(options.value(), seeds.value().first, seeds.value().second, wishes);
}
