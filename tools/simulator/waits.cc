#include "tools/simulator/waits.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iterator>
#include <numeric>
#include <queue>

namespace crossfloor::simulator {
namespace {

double seconds(Duration span) {
  return static_cast<double>(span.count()) / 1'000;
}

double mean_of(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double p95_of(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(values.size() * 95 / 100);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// When the perfect queue begins each piece; `work` is in the order of its coming.
std::vector<Instant> replayed(const std::vector<PieceOfWork>& work, std::size_t slots) {
  std::priority_queue<Instant, std::vector<Instant>, std::greater<>> free_from;
  for (std::size_t i = 0; i < slots; ++i) free_from.push(Instant::min());
  std::vector<Instant> begun;
  for (const PieceOfWork& piece : work) {
    begun.push_back(std::max(piece.came, free_from.top()));
    free_from.pop();
    free_from.push(begun.back() + (piece.freed - piece.rang));
  }
  return begun;
}

}  // namespace

WaitFigures Waits::figures(Instant from, Instant to) const {
  WaitFigures out;
  out.slots = slots_;
  if (slots_ == 0 || to <= from) return out;
  auto work = pieces_;
  std::sort(work.begin(), work.end(), [](const PieceOfWork& a, const PieceOfWork& b) {
    return a.came != b.came ? a.came < b.came : a.rang < b.rang;
  });
  const auto begun = replayed(work, slots_);
  std::vector<double> mesh;
  std::vector<double> perfect;
  std::vector<double> at_once;
  Duration kept{0};
  for (std::size_t i = 0; i < work.size(); ++i) {
    const PieceOfWork& piece = work[i];
    kept += std::max(Duration{0}, std::min(piece.freed, to) - std::max(piece.rang, from));
    if (piece.came < from || piece.came >= to) continue;
    mesh.push_back(seconds(piece.rang - piece.came));
    perfect.push_back(seconds(begun[i] - piece.came));
    if (begun[i] == piece.came) at_once.push_back(mesh.back());
  }
  out.pieces = mesh.size();
  out.busy = seconds(kept) / seconds(to - from) / static_cast<double>(slots_);
  out.mean = mean_of(mesh);
  out.p95 = p95_of(std::move(mesh));
  out.perfect_mean = mean_of(perfect);
  out.perfect_p95 = p95_of(std::move(perfect));
  out.at_once = mean_of(at_once);
  return out;
}

namespace {

// Two-sided 95 % points of Student's t for 1, 2, … degrees of freedom.
double student_t(std::size_t freedom) {
  constexpr double points[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365,
                               2.306,  2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
                               2.131,  2.120, 2.110, 2.101, 2.093, 2.086};
  return freedom <= std::size(points) ? points[freedom - 1] : 2.0;
}

double squares_about(double middle, const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += (value - middle) * (value - middle);
  return sum;
}

// "12.3 s ±0.4"; without an interval of one run.
std::string figure(double mean, double half, std::size_t runs, int digits, const char* unit) {
  char text[64];
  if (runs < 2) {
    std::snprintf(text, sizeof(text), "%.*f%s", digits, mean, unit);
  } else {
    std::snprintf(text, sizeof(text), "%.*f%s ±%.*f", digits, mean, unit, digits, half);
  }
  return text;
}

std::string mean_figure(const std::vector<WaitFigures>& runs, double WaitFigures::*field,
                        double scale, int digits, const char* unit) {
  std::vector<double> values;
  for (const auto& run : runs) values.push_back(run.*field * scale);
  const auto n = static_cast<double>(values.size());
  const double mean = mean_of(values);
  const double half =
      n < 2 ? 0
            : student_t(values.size() - 1) * std::sqrt(squares_about(mean, values) / (n - 1) / n);
  return figure(mean, half, runs.size(), digits, unit);
}

// Of all waits together, which are some minutes in one run and none in another.
std::string ratio_figure(const std::vector<WaitFigures>& runs) {
  const auto ratio = [&](std::size_t without) {
    double mesh = 0;
    double perfect = 0;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (i == without) continue;
      mesh += runs[i].mean * static_cast<double>(runs[i].pieces);
      perfect += runs[i].perfect_mean * static_cast<double>(runs[i].pieces);
    }
    return perfect > 0 ? mesh / perfect : NAN;
  };
  const double all = ratio(runs.size());
  if (std::isnan(all)) return "no ratio, for there nobody waits";
  std::vector<double> without;
  for (std::size_t i = 0; i < runs.size(); ++i) without.push_back(ratio(i));
  const auto n = static_cast<double>(without.size());
  const double half = n < 2 ? 0
                            : student_t(without.size() - 1) *
                                  std::sqrt(squares_about(mean_of(without), without) * (n - 1) / n);
  return figure(all, half, runs.size(), 3, " x as long");
}

}  // namespace

std::string wait_line(const std::vector<WaitFigures>& runs) {
  if (runs.empty()) return "waits: no run to compare";
  std::size_t pieces = 0;
  for (const auto& run : runs) pieces += run.pieces;
  if (pieces == 0) return "waits: no work to compare";
  const auto of = [&](double WaitFigures::*field) { return mean_figure(runs, field, 1, 2, " s"); };
  return "waits: " + std::to_string(pieces) + " pieces of work, " +
         std::to_string(runs.front().slots) + " slots " +
         mean_figure(runs, &WaitFigures::busy, 100, 1, " %") + " busy; mean " +
         of(&WaitFigures::mean) + ", P95 " + of(&WaitFigures::p95) + "; a perfect queue's " +
         of(&WaitFigures::perfect_mean) + ", " + of(&WaitFigures::perfect_p95) + "; " +
         ratio_figure(runs) + "; where that has a free slot " + of(&WaitFigures::at_once);
}

}  // namespace crossfloor::simulator
