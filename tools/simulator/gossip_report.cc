#include "tools/simulator/gossip_report.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <ostream>
#include <sstream>

namespace crossfloor::simulator {
namespace {

std::string fixed(double value, int digits) {
  std::ostringstream text;
  text.precision(digits);
  text << std::fixed << value;
  return text.str();
}

// Three digits that matter, so that rare and frequent can stand in one column.
std::string rate(double value) {
  if (value == 0) return "0";
  if (value >= 100) return fixed(value, 0);
  return fixed(value, value >= 10 ? 1 : value >= 0.1 ? 2 : 3);
}

long percent(double share) {
  return std::lround(share * 100);
}

// How often a minute each healthy node was suspected, in the eyes of each other one.
double suspected(const GossipCell& cell, const GossipSums& sums, double minutes) {
  const double healthy = cell.nodes - cell.slow;
  const double pairs = healthy * std::max(1.0, healthy - 1);
  return static_cast<double>(sums.suspicions) / sums.runs / minutes / pairs;
}

std::string name_of(const GossipCell& cell) {
  std::ostringstream text;
  text << cell.nodes << " nodes, " << (cell.wan ? "WAN" : "LAN") << ", loss " << percent(cell.loss)
       << " %, " << cell.slow << " slow";
  return text.str();
}

double seconds_since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

}  // namespace

void GossipReport::row(const GossipTable& table, const GossipCell& cell, const GossipSums& sums) {
  const double minutes = static_cast<double>(table.watch.count()) / 60'000;
  if (json_) {
    object(table, cell, sums, minutes);
  } else {
    if (rows_ == 0 || wan_ != cell.wan) head(cell.wan);
    markdown(cell, sums, minutes);
  }
  wan_ = cell.wan;
  ++rows_;
  out_ << std::flush;
}

void GossipReport::end() {
  if (json_) out_ << (rows_ == 0 ? "[]\n" : "\n]\n");
}

void GossipReport::head(bool wan) {
  out_ << (rows_ == 0 ? "" : "\n") << "## " << (wan ? "WAN" : "LAN") << " profile, delays of "
       << (wan ? "40 to 150" : "1 to 3") << " ms\n\n"
       << "| nodes | loss | slow | runs | first, s | all, s | worst, s | memberlist, s | false "
          "deaths (95 %) | believed by | at slow | of slow | suspected | messages/s | bytes/s |\n"
       << "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
}

void GossipReport::markdown(const GossipCell& cell, const GossipSums& sums, double minutes) {
  const double runs = sums.runs;
  const Interval deaths = poisson_interval(sums.false_deaths);
  const auto each = [runs](std::int64_t count) { return static_cast<double>(count) / runs; };
  out_ << "| " << cell.nodes << " | " << percent(cell.loss) << " % | " << cell.slow << " | "
       << sums.runs << (sums.not_whole > 0 ? " (not whole)" : "") << " | "
       << fixed(sums.first / runs, 1) << " | " << fixed(sums.all / runs, 1) << " | "
       << fixed(sums.worst, 1) << (sums.undetected > 0 ? " (not by all)" : "") << " | "
       << fixed(static_cast<double>(memberlist_detects(cell.wan, cell.nodes).count()) / 1'000, 1)
       << " | " << rate(each(sums.false_deaths)) << " (" << rate(deaths.low / runs) << "–"
       << rate(deaths.high / runs) << ") | "
       << (sums.false_deaths == 0
               ? "–"
               : rate(static_cast<double>(sums.believers) / static_cast<double>(sums.false_deaths)))
       << " | " << (cell.slow == 0 ? "–" : rate(each(sums.deaths_at_slow))) << " | "
       << (cell.slow == 0 ? "–" : rate(each(sums.deaths_of_slow))) << " | "
       << rate(suspected(cell, sums, minutes)) << " | " << fixed(sums.messages / runs, 1) << " | "
       << fixed(sums.bytes / runs, 0) << " |\n";
}

// Numbers and fixed words only, so nothing needs quoting.
void GossipReport::object(const GossipTable& table, const GossipCell& cell, const GossipSums& sums,
                          double minutes) {
  const double runs = sums.runs;
  const Interval deaths = poisson_interval(sums.false_deaths);
  out_ << (rows_ == 0 ? "[\n" : ",\n");
  const auto field = [&](const char* key, auto value) { out_ << ", \"" << key << "\": " << value; };
  out_ << "{\"profile\": \"" << (cell.wan ? "wan" : "lan") << "\"";
  field("nodes", cell.nodes);
  field("loss", cell.loss);
  field("slow", cell.slow);
  field("runs", sums.runs);
  field("first_seed", table.first_seed);
  field("watched_s", static_cast<double>(table.watch.count()) / 1'000);
  field("not_whole", sums.not_whole);
  field("undetected", sums.undetected);
  field("first_s", sums.first / runs);
  field("all_s", sums.all / runs);
  field("worst_s", sums.worst);
  field("memberlist_s",
        static_cast<double>(memberlist_detects(cell.wan, cell.nodes).count()) / 1'000);
  field("false_deaths", sums.false_deaths);
  field("false_deaths_a_run_low", deaths.low / runs);
  field("false_deaths_a_run_high", deaths.high / runs);
  field("believers", sums.believers);
  field("deaths_at_slow", sums.deaths_at_slow);
  field("deaths_of_slow", sums.deaths_of_slow);
  field("suspected_a_minute", suspected(cell, sums, minutes));
  field("messages_per_s", sums.messages / runs);
  field("bytes_per_s", sums.bytes / runs);
  out_ << "}";
}

void write_gossip_table(const GossipTable& table, bool json, std::ostream& out,
                        std::ostream& progress) {
  GossipReport report(out, json);
  const auto cells = cells_of(table);
  const auto begun = std::chrono::steady_clock::now();
  const std::clock_t processor_begun = std::clock();
  int runs = 0;
  double lasted = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const GossipCell& cell = cells[i];
    const auto cell_begun = std::chrono::steady_clock::now();
    progress << "row " << i + 1 << " of " << cells.size() << ": " << name_of(cell) << ", "
             << cell.runs << " runs " << std::flush;
    const int each_dot = std::max(1, cell.runs / 10);
    const auto sums = measure(table, cell, [&](int done) {
      if (done % each_dot == 0) progress << "." << std::flush;
    });
    progress << " " << fixed(seconds_since(cell_begun), 1) << " s\n";
    report.row(table, cell, sums);
    runs += sums.runs;
    lasted += sums.lasted;
  }
  report.end();
  const double took = seconds_since(begun);
  const double processor = static_cast<double>(std::clock() - processor_begun) / CLOCKS_PER_SEC;
  progress << cells.size() << " rows, " << runs << " runs, " << fixed(lasted, 0)
           << " virtual seconds in " << fixed(took, 1) << " s, " << fixed(processor, 1)
           << " s of them on a processor: " << fixed(lasted / processor, 0) << " x real time\n";
}

}  // namespace crossfloor::simulator
