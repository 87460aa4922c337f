#include "tools/simulator/campaign.h"

#include <chrono>
#include <ctime>
#include <deque>
#include <ostream>

#include "tools/simulator/dossier.h"
#include "tools/simulator/scenario.h"

namespace crossfloor::simulator {
namespace {

using Machine = std::chrono::steady_clock;

// Of the machine's time, what this thread got: a figure that does not depend on what else runs.
double seconds_worked() {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
}

// Says how far it is every few seconds of the machine.
class Reporter final : public World::Watcher {
 public:
  Reporter(Judge& judge, Marks& marks, std::ostream* out)
      : judge_(judge), marks_(marks), out_(out) {}

  void called(const World& world, const Node& node) override {
    judge_.called(world, node);
    leases_.called(node, marks_);
  }
  void each_second(const World& world) override {
    judge_.each_second(world);
    if (++seconds_ % (1 + world.nodes().size() / 8) == 0) mark_passing(world, marks_);
    if (out_ == nullptr || Machine::now() - told_ < std::chrono::seconds(10)) return;
    told_ = Machine::now();
    const double spent = seconds_worked() - begun_;
    const double passed = static_cast<double>(world.passed().count()) / 1'000;
    *out_ << "  " << duration_text(Duration{world.passed().count() / 1'000 * 1'000}) << " of "
          << duration_text(world.whole_length()) << ", " << static_cast<long>(passed / spent)
          << " x real time, " << world.facts().acknowledged.size() << " acknowledged\n"
          << std::flush;
  }
  bool seen_enough() const override { return judge_.seen_enough(); }

 private:
  Judge& judge_;
  Marks& marks_;
  LeaseMarks leases_;
  std::ostream* out_;
  std::size_t seconds_ = 0;
  double begun_ = seconds_worked();
  Machine::time_point told_ = Machine::now();
};

std::string summary_of(const World& world) {
  const Facts& facts = world.facts();
  std::uint64_t takeovers = 0;
  std::uint64_t twice = 0;
  for (const auto& node : world.nodes().all()) {
    if (!node->up) continue;
    takeovers += node->core->home().takeovers();
    const Bytes prefix = "C";
    (void)node->core->scribe()
        .glance()
        .scan(prefix, after_prefix(prefix),
              [&](ByteView, ByteView value) {
                const auto row = decode_row<Conversation>(value);
                if (row.ok() && row.value().home() == node->id) twice += row.value().handled_twice;
                return true;
              })
        .ok();
  }
  std::string out =
      "written " + std::to_string(world.customers().written()) + ", acknowledged " +
      std::to_string(facts.acknowledged.size()) + ", offers " + std::to_string(facts.offered) +
      " (remote " + std::to_string(facts.remote_offers) + "), accepted " +
      std::to_string(facts.accepted) + ", replies " + std::to_string(facts.handed.size()) +
      ", refused commands " + std::to_string(facts.refused_commands) + ", takeovers " +
      std::to_string(takeovers) + ", handled twice " + std::to_string(twice) + ", starts again " +
      std::to_string(facts.restarts) + ", frames " +
      std::to_string(world.paths().counters().frames) + " (lost " +
      std::to_string(world.paths().counters().lost) + ")";
  std::map<std::string, std::uint64_t> struck;
  for (const auto& [what, times] : facts.vices) struck[what.substr(0, what.find(':'))] += times;
  std::uint64_t all = 0;
  for (const auto& [what, times] : struck) all += times;
  return out + ", strokes of bad luck " + std::to_string(all);
}

// The first tenth is left out: it begins with nobody at work.
WaitFigures waits_of(const World& world) {
  const Instant begun = world.now() - world.passed();
  const Duration length = world.options().shape.length;
  return world.facts().waits.figures(begun + length / 10, begun + length);
}

bool breaks_alike(const Outcome& one, const std::string& promise) {
  for (const auto& broken : one.broken) {
    if (broken.promise == promise) return true;
  }
  return false;
}

}  // namespace

Outcome run_world(const Options& options, std::ostream* progress) {
  const double begun = seconds_worked();
  World world(options);
  Judge judge;
  Outcome out;
  Reporter reporter(judge, out.marks, progress);
  world.watch(reporter);
  world.run();
  judge.at_end(world);
  out.options = options;
  out.broken = judge.broken();
  out.trace = world.trace().hash();
  out.steps = world.steps();
  out.virtual_time = world.passed();
  out.summary = summary_of(world);
  out.waits = waits_of(world);
  mark_lasting(world, out.marks);
  out.seconds = seconds_worked() - begun;
  return out;
}

void tell_story(const Outcome& failed, std::ostream& out, std::size_t most_lines) {
  if (failed.broken.empty()) return;
  const std::string about = failed.broken.front().about;
  std::deque<std::string> lines;
  World world(failed.options);
  Judge judge;
  world.watch(judge);
  world.trace().listen([&](Instant at, const std::string& line) {
    const bool matters = about.empty() || line.find(about) != std::string::npos ||
                         line.find(" -> ") == std::string::npos;
    // What agents, webhooks and providers do with others is no part of this story.
    const bool of_another =
        !about.empty() && line.find(about) == std::string::npos &&
        (line.find("agent-") == 0 || line.find("webhook") == 0 ||
         line.find(" tells ") != std::string::npos || line.find(" answers ") != std::string::npos ||
         line.find(" sends reply ") != std::string::npos ||
         line.find(" acknowledges ") != std::string::npos);
    // Entries that travel are seen by what comes of them.
    const bool of_copies = line.find(" replication ") != std::string::npos;
    if (!matters || of_another || of_copies) return;
    lines.push_back(std::to_string((at - Instant{Duration{1'000}}).count()) + " ms  " +
                    line.substr(0, 700));
    if (lines.size() > most_lines) lines.pop_front();
  });
  world.run();
  out << "  the trace that matters" << (about.empty() ? "" : " (" + about + ")") << ", its last "
      << lines.size() << " lines:\n";
  for (const auto& line : lines) out << "    " << line << "\n";
  write_dossier(world, about, out);
}

Options minimise(const Outcome& failed, std::ostream& progress) {
  Options best = failed.options;
  if (failed.held()) return best;
  const std::string promise = failed.broken.front().promise;
  const auto still_breaks = [&](const Options& tried) {
    return breaks_alike(run_world(tried), promise);
  };
  const auto smaller = [&](const std::string& name, const std::string& value) {
    if (best.get(name) == value) return;
    Options tried = best;
    if (!tried.set(name, value).ok() || !still_breaks(tried)) return;
    best = tried;
    progress << "  still broken with " << name << "=" << value << "\n" << std::flush;
  };
  for (const auto& vice : Options::vices()) smaller(vice, "0");
  for (const auto nodes : {2, 3, 4}) {
    if (nodes < best.shape.nodes) smaller("shape.nodes", std::to_string(nodes));
  }
  for (const auto customers : {1, 2, 4}) {
    if (customers < best.people.customers) smaller("people.customers", std::to_string(customers));
  }
  smaller("shape.agents", "1");
  while (best.shape.length > Duration{20'000}) {
    const Duration before = best.shape.length;
    smaller("shape.length", duration_text(Duration{before.count() / 2'000 * 1'000}));
    if (best.shape.length == before) break;
  }
  return best;
}

std::string replay_command(const Options& options) {
  Options base;
  std::string out = "mesh-sim";
  if (!options.scenario.empty()) {
    if (auto read = read_scenario(options.scenario); read.ok()) {
      base = read.value();
      out += " --scenario " + options.scenario;
    }
  }
  out += " --seed " + std::to_string(options.seed);
  for (const auto& [name, value] : options.differing_from(base)) {
    out += " --set " + name + "=" + value;
  }
  return out;
}

void write_failure(const Outcome& failed, std::ostream& out) {
  std::map<std::string, std::size_t> shown;
  for (const auto& one : failed.broken) {
    if (++shown[one.promise] > 6) continue;
    out << "  BROKEN at " << duration_text(one.at) << ", " << one.promise << ": " << one.what
        << "\n";
  }
  for (const auto& [promise, times] : shown) {
    if (times > 6) out << "  … " << promise << ": " << times - 6 << " more\n";
  }
  out << "  again: " << replay_command(failed.options) << "\n";
}

}  // namespace crossfloor::simulator
