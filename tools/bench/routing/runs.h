// Runs cells over seeds, some at a time, each seed through every model.
#pragma once

#include <functional>

#include "tools/bench/routing/central_queue.h"
#include "tools/bench/routing/figures.h"
#include "tools/bench/routing/mesh_world.h"

namespace crossfloor::bench {

struct MeshCosts {
  double unicasts = 0;    // per conversation
  double declined = 0;    // share of offers
  double denied = 0;      // share of pulls
  double asked_last = 0;  // offers to the last agent alone, per conversation
  double last_busy = 0;   // share of these that were declined
  double gossip = 0;      // bytes per second and site
  double gap_share = 0;
  std::vector<double> gaps_ms;
  std::uint64_t requeued = 0;
  std::uint64_t overloads = 0;
};
struct CutFigures {
  // Of those who asked there meanwhile: of the mesh; of a perfect queue of that site alone, from
  // where the mesh stood when the cut began, which gets back what was elsewhere when the leases
  // end; and if that were never to come back.
  std::vector<double> waits, alone, undisturbed;
  bool much_to_share = false;  // after the healing, by that queue
  double sharing_again_s = 0;  // from the healing
  double backlog_gone_s = 0;
  double least_backlog_s = 0;  // of that perfect floor
};

struct SeedResult {
  std::uint64_t seed = 0;
  std::size_t conversations = 0;
  Waits pooled, dispatcher, isolated, local_first, mesh;
  Waits without_last_agent;  // the mesh without rule 6, if somebody returns
  MeshCosts costs;
  CutFigures cut;
  double seconds = 0;  // of computing
};
struct CellResult {
  Cell cell;
  std::vector<SeedResult> seeds;
};

struct RunOptions {
  int seeds = 4;
  std::uint64_t first_seed = 1;
  int jobs = 1;
  double plot_conversations = 20'000;  // in each run of a plot
  RouterOptions router;
  std::function<void(const std::string&)> progress;
};

SeedResult run_seed(const Cell& cell, std::uint64_t seed, const RouterOptions& router);
std::vector<CellResult> run_cells(const std::vector<Cell>& cells, const RunOptions& options);

}  // namespace crossfloor::bench
