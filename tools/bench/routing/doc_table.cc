#include "tools/bench/routing/doc_table.h"

#include <algorithm>
#include <cstdio>

namespace crossfloor::bench {
namespace {

std::string number(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string with_unit(double value, int digits, const std::string& unit) {
  return number(value, digits) + (unit.empty() ? "" : " " + unit);
}

std::string figure(const Row& row, int digits) {
  return with_unit(row.value, digits, row.unit) +
         (row.half > 0 ? " ±" + number(row.half, digits) : "");
}

std::string verdict(const Row& row) {
  if (!row.judged()) return "";
  if (row.reached()) return "held";
  const bool chance = std::abs(row.value - row.limit) <= row.half;
  return chance ? "missed, within its interval" : "missed";
}

const Row* find(const std::vector<Row>& rows, const std::string& what) {
  const auto it = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
    return row.what.compare(0, what.size(), what) == 0;
  });
  return it == rows.end() ? nullptr : &*it;
}

std::string missed_in(const std::vector<Row>& rows) {
  std::string out;
  for (const auto& row : rows) {
    if (!row.judged() || row.reached()) continue;
    const auto comma = row.what.find(',');
    out += (out.empty() ? "" : "; ") + row.what.substr(0, comma) + " " + figure(row, 2) +
           ", limit " + number(row.limit, 2);
    if (std::abs(row.value - row.limit) <= row.half) out += " (within its interval)";
  }
  return out.empty() ? "none" : out;
}

}  // namespace

bool compared_with_pooled(const CellResult& result) {
  const auto& cell = result.cell;
  return !cell.cut && cell.returning == 0 && cell.remote_slower == 0;
}

std::string doc_header(bool with_pooled) {
  if (!with_pooled) {
    return "| cell | runs | figure | value | limit | |\n|---|---|---|---|---|---|\n";
  }
  return "| sites × agents at load | runs | pooled | mean wait above it | P95 above it | within "
         "20 s | within 300 s | busiest ÷ best-off site | P99 of a gap | messages | limits "
         "missed |\n|---|---|---|---|---|---|---|---|---|---|---|\n";
}

std::string doc_lines(const CellResult& result, const std::vector<Row>& rows) {
  const auto runs = std::to_string(result.seeds.size());
  std::string out;
  if (!compared_with_pooled(result)) {
    for (const auto& row : rows) {
      out += "| " + row.cell + " | " + runs + " | " + row.what + " | " + figure(row, 2) + " | " +
             (row.judged() ? (row.at_least ? "≥ " : "≤ ") + number(row.limit, 2) : "") + " | " +
             verdict(row) + " |\n";
    }
    return out;
  }
  double pooled = 0;
  for (const auto& seed : result.seeds) pooled += seed.pooled.mean;
  pooled /= static_cast<double>(result.seeds.size());
  out = "| " + result.cell.name + " | " + runs + " | " + number(pooled, 1) + " s";
  for (const auto& [what, digits] : {std::pair{"mean wait, over", 2},
                                     {"P95 wait", 2},
                                     {"answered within 20 s", 2},
                                     {"answered within 300 s", 2},
                                     {"mean wait of the busiest", 3},
                                     {"P99 of one such gap", 0},
                                     {"routing messages", 2}}) {
    const auto* row = find(rows, what);
    out += " | " + (row ? figure(*row, digits) : "");
  }
  return out + " | " + missed_in(rows) + " |\n";
}

}  // namespace crossfloor::bench
