// The cells that are measured, the limits they are held against, and what came out.
#pragma once

#include <cmath>
#include <nlohmann/json_fwd.hpp>

#include "tools/bench/routing/runs.h"

namespace crossfloor::bench {

// Quick: a few cells, short; for a look whether something broke. Full: the whole matrix, long
// enough that the excess over the pooled floor is known to within a percent or 0.05 s.
std::vector<Cell> matrix_cells(bool full);
std::vector<Cell> variant_cells(bool full);

struct Row {
  std::string cell;
  std::string what;
  double value = 0;
  double half = 0;        // of the 95 % interval; 0 where none is reckoned
  double limit = 0;       // INFINITY: only told
  bool at_least = false;  // else at most
  std::string unit;
  std::string compare;  // what others reached: pooled, dispatcher
  bool judged() const { return std::isfinite(limit); }
  bool reached() const { return at_least ? value >= limit : value <= limit; }
};

std::vector<Row> rows_of(const CellResult& result);
std::string table_of(const std::vector<Row>& rows);
nlohmann::json json_of(const CellResult& result, const std::vector<Row>& rows);

}  // namespace crossfloor::bench
