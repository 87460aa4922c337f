// The pictures of docs/routing.md, drawn from runs of the models and of the mesh.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/routing/runs.h"

namespace crossfloor::bench {

struct Curve {
  std::string name;
  std::string colour;
  std::vector<std::pair<double, double>> points;  // by x
  double width = 2.5;
};
struct Chart {
  std::string title;
  std::string x_axis, y_axis;
  std::vector<std::string> x_words;  // if not empty: one for each point, at equal distances
  bool logarithmic = false;          // y; each power of ten and its 2 and 5 get a line
  std::vector<Curve> curves;
};

// A picture of 760 x 440 that needs no other file.
std::string svg_of(const Chart& chart);

// wait-by-load.svg and staleness.svg in that folder, which must exist. False: cannot be written.
bool write_plots(const std::string& folder, const RunOptions& options);

}  // namespace crossfloor::bench
