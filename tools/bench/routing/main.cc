// bench-routing: how near does a mesh of sites come to one pooled floor?
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "tools/bench/routing/doc_table.h"
#include "tools/bench/routing/matrix.h"
#include "tools/bench/routing/plots.h"
#include "tools/bench/routing/speed.h"

namespace {

using namespace crossfloor::bench;

bool named(const Cell& cell, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return true;
  for (const auto& part : wanted) {
    if (cell.name.find(part) != std::string::npos) return true;
  }
  return false;
}

// A table begins where the kind of cell changes, and at the head of a new file.
bool write_doc(const std::string& path, const std::vector<CellResult>& results) {
  const bool begun = std::ifstream(path).peek() != std::ifstream::traits_type::eof();
  std::ofstream file(path, std::ios::app);
  std::optional<bool> kind;
  if (begun) kind = compared_with_pooled(results.front());
  for (const auto& result : results) {
    const bool own = compared_with_pooled(result);
    if (kind != own) file << (kind ? "\n" : "") << doc_header(own);
    kind = own;
    file << doc_lines(result, rows_of(result));
  }
  return file.good();
}

std::string verdict(double per_verification) {
  char text[32];
  std::snprintf(text, sizeof text, " (>= %.2f: %s)", least_per_verification,
                per_verification >= least_per_verification ? "reached" : "MISSED");
  return text;
}

// What a core can decide at all, next to what is asked of it, and how that grows with the floor.
void report_speed() {
  const SpeedOptions options;
  std::printf(
      "%zu classes, %zu other nodes, one core; a decision: an agent gets free, and the next "
      "conversation rings there\n",
      options.classes, options.peers);
  for (const auto& growth : measure_growth(options)) {
    for (std::size_t i = 0; i < growth.speeds.size(); ++i) {
      const auto& speed = growth.speeds[i];
      const bool last = i + 1 == growth.speeds.size();
      std::printf(
          "  %6zu waiting, %5zu agents: %7.0f decisions/s, %.2f x signatures checked%s; one: "
          "median %.1f us, P99 %.1f us; "
          "%.2f x the first (log: %.2f)%s; load record %.0f us; asked in vain %.1f us\n",
          speed.waiting, speed.options.agents, speed.decisions_per_second, speed.per_verification,
          last ? verdict(speed.per_verification).c_str() : "", speed.median_us, speed.p99_us,
          growth.ratios[i], growth.limits[i], growth.ratios[i] <= growth.limits[i] ? "" : " MISSED",
          speed.load_record_us, speed.denied_us);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Measures the routing of real nodes against a perfect pooled queue and a central dispatcher "
      "one link away, with the same customers. Without --full a short check."};
  bool full = false, variants = false, quiet = false, list = false, speed = false;
  std::string json, plots, doc;
  std::vector<std::string> only;
  std::optional<int> warm_up_percent;
  RunOptions options;
  app.add_flag("--full", full,
               "the whole matrix, long enough for the intervals that are asked for");
  app.add_flag("--variants", variants, "skills, languages, cuts and so on instead of plain cells");
  app.add_option("--cell", only, "only cells whose name contains this");
  app.add_option("--seeds", options.seeds, "runs of each cell")->check(CLI::Range(1, 1000));
  app.add_option("--seed", options.first_seed, "the first one's seed");
  app.add_option("--jobs", options.jobs, "runs at a time")->check(CLI::Range(1, 64));
  app.add_option("--warm-up-percent", warm_up_percent,
                 "leave out so much of each run's beginning, in place of what the cell does")
      ->check(CLI::Range(1, 99));
  app.add_option("--json", json, "write the figures to this file");
  app.add_option("--doc", doc, "add the lines of docs/routing.md's tables to this file");
  app.add_option("--pull-margin-percent", options.router.pull_delta_percent,
                 "try another rule: how much older, of its own age, a remote one must be");
  app.add_option_function<std::int64_t>(
      "--pull-margin-at-most-ms",
      [&](std::int64_t ms) { options.router.pull_delta.fill(crossfloor::Duration{ms}); },
      "and how much at most");
  app.add_option("--pull-in-vain-percent", options.router.pull_in_vain_percent,
                 "how much less urgent than others elsewhere one may be who is given to who asks");
  app.add_option("--full-percent", options.router.slow_help.full_percent,
                 "how many agents must be at work before slow help is held back");
  app.add_option_function<std::int64_t>(
      "--full-minutes",
      [&](std::int64_t n) {
        options.router.slow_help.fullness_over = crossfloor::Duration{n * 60'000};
      },
      "on average over so long");
  app.add_option("--plots", plots,
                 "draw wait-by-load.svg and staleness.svg in this folder instead");
  app.add_option("--plot-conversations", options.plot_conversations, "in each run of a plot")
      ->check(CLI::Range(1'000, 1'000'000));
  app.add_flag("--quiet", quiet, "no progress");
  app.add_flag("--speed", speed, "decisions per second on one core instead");
  app.add_flag("--list", list, "names of the cells, and nothing else");
  CLI11_PARSE(app, argc, argv);

  if (speed) {
    report_speed();
    return 0;
  }
  std::vector<Cell> cells;
  for (auto& cell : variants ? variant_cells(full) : matrix_cells(full)) {
    if (!named(cell, only)) continue;
    if (warm_up_percent) cell.warm_up = cell.length * *warm_up_percent / 100;
    cells.push_back(std::move(cell));
  }
  if (list) {
    for (const auto& cell : cells) std::cout << cell.name << "\n";
    return 0;
  }
  if (cells.empty()) {
    std::cerr << "no cell has such a name; --list shows them\n";
    return 2;
  }
  if (!quiet) options.progress = [](const auto& line) { std::cerr << line << std::endl; };
  if (!plots.empty()) {
    if (write_plots(plots, options)) return 0;
    std::cerr << "cannot write to " << plots << "\n";
    return 2;
  }
  std::vector<Row> rows;
  auto report = nlohmann::json::array();
  const auto results = run_cells(cells, options);
  for (const auto& result : results) {
    const auto own = rows_of(result);
    report.push_back(json_of(result, own));
    rows.insert(rows.end(), own.begin(), own.end());
  }
  std::cout << table_of(rows);
  if (!doc.empty() && !write_doc(doc, results)) {
    std::cerr << "cannot write " << doc << "\n";
    return 2;
  }
  if (!json.empty()) {
    std::ofstream file(json);
    file << report.dump(2) << "\n";
    if (!file) {
      std::cerr << "cannot write " << json << "\n";
      return 2;
    }
  }
  return 0;
}
