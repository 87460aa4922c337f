#include "tools/bench/routing/plots.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

namespace crossfloor::bench {
namespace {

constexpr double width = 760, height = 440;
constexpr double left = 70, right = 170, top = 50, bottom = 60;

std::string text_of(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string at(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

// Steps of 1, 2 or 5 times a power of ten, about six of them.
double step_for(double span) {
  const double rough = span / 6;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power) return factor * power;
  }
  return 10 * power;
}

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(chart) {
    x_low_ = y_low_ = INFINITY;
    x_high_ = y_high_ = -INFINITY;
    for (const auto& curve : chart.curves) {
      for (const auto& [x, y] : curve.points) {
        x_low_ = std::min(x_low_, x);
        x_high_ = std::max(x_high_, x);
        y_low_ = std::min(y_low_, y);
        y_high_ = std::max(y_high_, y);
      }
    }
    if (chart.logarithmic) {
      y_low_ = std::max(y_low_, 0.01);
    } else {
      y_low_ = std::min(y_low_, 0.0);
      y_high_ = step_for(y_high_ - y_low_) * std::ceil(y_high_ / step_for(y_high_ - y_low_));
    }
  }

  std::string svg() {
    out_ =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 440\" "
        "font-family=\"sans-serif\" font-size=\"13\">\n"
        "<rect width=\"760\" height=\"440\" fill=\"#ffffff\"/>\n";
    text(left, 26, chart_.title, "start\" font-size=\"16");
    for (const double y : lines()) {
      line(left, py(y), width - right, py(y), "#dddddd");
      text(left - 8, py(y) + 4, text_of(y), "end");
    }
    x_marks();
    line(left, height - bottom, width - right, height - bottom, "#444444");
    text((left + width - right) / 2, height - 16, chart_.x_axis, "middle");
    out_ += "<text transform=\"translate(18 " + at((top + height - bottom) / 2) +
            ") rotate(-90)\" text-anchor=\"middle\" fill=\"#222222\">" + chart_.y_axis +
            "</text>\n";
    double name_at = top + 8;
    for (const auto& curve : chart_.curves) {
      draw(curve);
      line(width - right + 14, name_at, width - right + 38, name_at, curve.colour, 3);
      text(width - right + 44, name_at + 4, curve.name, "start");
      name_at += 22;
    }
    return out_ + "</svg>\n";
  }

 private:
  double px(double x) const {
    return left + (x - x_low_) / std::max(x_high_ - x_low_, 1e-9) * (width - left - right);
  }
  double py(double y) const {
    const auto scaled = [&](double value) {
      return chart_.logarithmic ? std::log10(value) : value;
    };
    const double share = (scaled(std::max(y, y_low_)) - scaled(y_low_)) /
                         std::max(scaled(y_high_) - scaled(y_low_), 1e-9);
    return height - bottom - share * (height - top - bottom);
  }
  std::vector<double> lines() const {
    std::vector<double> found;
    if (chart_.logarithmic) {
      for (double power = std::pow(10, std::floor(std::log10(y_low_))); power <= y_high_;
           power *= 10) {
        for (const double factor : {1.0, 2.0, 5.0}) {
          const double y = factor * power;
          if (y >= y_low_ && y <= y_high_) found.push_back(y);
        }
      }
    } else {
      const double step = step_for(y_high_ - y_low_);
      for (double y = 0; y <= y_high_ + step / 2; y += step) found.push_back(y);
    }
    return found;
  }
  void x_marks() {
    const auto mark = [&](double x, const std::string& words) {
      line(px(x), height - bottom, px(x), height - bottom + 5, "#444444");
      text(px(x), height - bottom + 20, words, "middle");
    };
    for (std::size_t i = 0; i < chart_.x_words.size(); ++i) {
      mark(static_cast<double>(i), chart_.x_words[i]);
    }
    if (!chart_.x_words.empty()) return;
    const double step = step_for(x_high_ - x_low_);
    for (double x = std::ceil(x_low_ / step) * step; x <= x_high_ + 1e-9; x += step) {
      mark(x, text_of(x));
    }
  }
  void draw(const Curve& curve) {
    std::string points;
    for (const auto& [x, y] : curve.points) points += at(px(x)) + "," + at(py(y)) + " ";
    if (!points.empty()) points.pop_back();
    out_ += "<polyline fill=\"none\" stroke=\"" + curve.colour + "\" stroke-width=\"" +
            at(curve.width) + "\" points=\"" + points + "\"/>\n";
    for (const auto& [x, y] : curve.points) {
      out_ += "<circle cx=\"" + at(px(x)) + "\" cy=\"" + at(py(y)) + "\" r=\"3.5\" fill=\"" +
              curve.colour + "\"/>\n";
    }
  }
  void line(double x1, double y1, double x2, double y2, const std::string& colour, int wide = 1) {
    out_ += "<line x1=\"" + at(x1) + "\" y1=\"" + at(y1) + "\" x2=\"" + at(x2) + "\" y2=\"" +
            at(y2) + "\" stroke=\"" + colour + "\" stroke-width=\"" + std::to_string(wide) +
            "\"/>\n";
  }
  void text(double x, double y, const std::string& words, const std::string& anchor) {
    out_ += "<text x=\"" + at(x) + "\" y=\"" + at(y) + "\" text-anchor=\"" + anchor +
            "\" fill=\"#222222\">" + words + "</text>\n";
  }

  const Chart& chart_;
  double x_low_, x_high_, y_low_, y_high_;
  std::string out_;
};

Cell ten_by_ten(double load, const RunOptions& options) {
  Cell cell;
  cell.name = "10x10 at " + text_of(load * 100) + " %";
  cell.sites = 10;
  cell.agents = 10;
  cell.load = load;
  const double per_hour = load * 1'200;
  cell.length =
      Duration{static_cast<std::int64_t>(options.plot_conversations / per_hour * 3'600'000)};
  cell.warm_up = cell.length / 10;
  return cell;
}

double mean_of(const CellResult& result, const Waits SeedResult::*model) {
  std::vector<double> means;
  for (const auto& seed : result.seeds) means.push_back((seed.*model).mean);
  return estimate(means).mean;
}

// All sites alike, so that a site alone has a mean at all.
Chart wait_by_load(const RunOptions& options) {
  Chart chart{"Ten sites of ten agents: mean wait by load",
              "load of the floor, %",
              "mean wait, seconds",
              {},
              true,
              // The pooled floor broad, so that it is seen where Crossfloor runs over it.
              {{"each site alone", "#c44e52", {}},
               {"one pooled floor", "#b0b0b0", {}, 8},
               {"Crossfloor", "#2a6fbb", {}}}};
  std::vector<Cell> cells;
  for (const double load : {0.75, 0.80, 0.85, 0.90, 0.92, 0.95, 0.97}) {
    cells.push_back(ten_by_ten(load, options));
    cells.back().hot = 0;
  }
  for (const auto& result : run_cells(cells, options)) {
    const double x = result.cell.load * 100;
    chart.curves[0].points.push_back({x, mean_of(result, &SeedResult::isolated)});
    chart.curves[1].points.push_back({x, mean_of(result, &SeedResult::pooled)});
    chart.curves[2].points.push_back({x, mean_of(result, &SeedResult::mesh)});
  }
  return chart;
}

Chart staleness(const RunOptions& options) {
  Chart chart{
      "What late news costs: 10 sites of 10 agents, one at 130 %",
      "gossip arrives late by",
      "mean wait above one pooled floor, %",
      {"0", "0.2 s", "1 s", "5 s"},
      false,
      {{"85 % load", "#5aa469", {}}, {"92 % load", "#dd8452", {}}, {"97 % load", "#8172b3", {}}}};
  std::vector<Cell> cells;
  for (const double load : {0.85, 0.92, 0.97}) {
    for (const int late_ms : {0, 200, 1'000, 5'000}) {
      cells.push_back(ten_by_ten(load, options));
      cells.back().gossip_delay = Duration{late_ms};
    }
  }
  const auto results = run_cells(cells, options);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const double pooled = mean_of(results[i], &SeedResult::pooled);
    const double mesh = mean_of(results[i], &SeedResult::mesh);
    chart.curves[i / 4].points.push_back({static_cast<double>(i % 4), 100 * (mesh / pooled - 1)});
  }
  return chart;
}

}  // namespace

std::string svg_of(const Chart& chart) {
  return Drawing(chart).svg();
}

bool write_plots(const std::string& folder, const RunOptions& options) {
  const auto write = [&](const std::string& name, const Chart& chart) {
    std::ofstream file(folder + "/" + name);
    file << svg_of(chart);
    return static_cast<bool>(file.flush());
  };
  return write("wait-by-load.svg", wait_by_load(options)) &&
         write("staleness.svg", staleness(options));
}

}  // namespace crossfloor::bench
