#include "tools/bench/routing/matrix.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace crossfloor::bench {
namespace {

constexpr Duration minute{60'000};
constexpr Duration hour{3'600'000};

// The nearer to full and the smaller, the longer a floor remembers: waits of one hour say little.
Cell plain(int sites, int agents, int load_percent, bool full) {
  Cell cell;
  cell.name = std::to_string(sites) + "x" + std::to_string(agents) + " at " +
              std::to_string(load_percent) + " %";
  cell.sites = sites;
  cell.agents = agents;
  cell.load = load_percent / 100.0;
  const double wanted = full ? (load_percent >= 97 ? 60'000 : 40'000) : 4'000;
  const double per_hour = cell.load * sites * agents * 12;
  const auto length = Duration{static_cast<std::int64_t>(wanted / per_hour * 3'600'000)};
  cell.length = std::max(length, full ? 8 * hour : hour);
  cell.warm_up = cell.length / 10;
  return cell;
}

std::string number(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

template <typename Of>
std::vector<double> each(const CellResult& result, Of of) {
  std::vector<double> values;
  for (const auto& seed : result.seeds) values.push_back(of(seed));
  return values;
}

class Rows {
 public:
  explicit Rows(const CellResult& result) : result_(result) {}

  // Above the pooled floor: in per cent if that limit is the larger one, else in seconds.
  void above(const std::string& what, double Waits::*figure, double percent, double at_least_s,
             const Waits SeedResult::*base = &SeedResult::pooled) {
    const auto mesh = each(result_, [&](const auto& seed) { return seed.mesh.*figure; });
    const auto pooled = each(result_, [&](const auto& seed) { return (seed.*base).*figure; });
    const auto central = each(result_, [&](const auto& seed) { return seed.dispatcher.*figure; });
    const double pooled_mean = estimate(pooled).mean;
    const auto compare = "pooled " + number(pooled_mean, 2) + " s, dispatcher " +
                         number(estimate(central).mean, 2) + " s";
    if (pooled_mean * percent / 100 >= at_least_s) {
      const auto over = excess(mesh, pooled);
      add({"", what + ", over pooled", over.mean * 100, over.half * 100, percent, false, "%",
           compare});
    } else {
      // A ratio to next to nothing would be known far worse than the seconds are.
      std::vector<double> beyond;
      for (std::size_t i = 0; i < mesh.size(); ++i) beyond.push_back(mesh[i] - pooled[i]);
      const auto seconds = estimate(beyond);
      add({"", what + ", over pooled", seconds.mean, seconds.half, at_least_s, false, "s",
           compare});
    }
  }

  void not_worse_than_dispatcher() {
    const auto mesh = each(result_, [](const auto& seed) { return seed.mesh.mean; });
    const auto pooled = each(result_, [](const auto& seed) { return seed.pooled.mean; });
    const auto central = each(result_, [](const auto& seed) { return seed.dispatcher.mean; });
    const auto ours = excess(mesh, pooled), theirs = excess(central, pooled);
    std::vector<double> difference;
    for (std::size_t i = 0; i < mesh.size(); ++i) difference.push_back(mesh[i] - central[i]);
    const double scale = 100 / std::max(estimate(pooled).mean, 1e-9);
    add({"", "mean wait, beyond the dispatcher's", (ours.mean - theirs.mean) * 100,
         estimate(difference).half * scale, 0.3, false, "points of pooled",
         "dispatcher +" + number(theirs.mean * 100, 2) + " %"});
  }

  void share_within(const std::string& what, double Waits::*figure, double points) {
    const auto below = each(
        result_, [&](const auto& seed) { return 100 * (seed.mesh.*figure - seed.pooled.*figure); });
    const auto pooled =
        each(result_, [&](const auto& seed) { return 100 * (seed.pooled.*figure); });
    const auto found = estimate(below);
    add({"", what + ", over pooled", found.mean, found.half, -points, true, "points",
         "pooled " + number(estimate(pooled).mean, 1) + " %"});
  }

  // Where hardly anybody waits, the ratio would compare some milliseconds with some others.
  void fair() {
    constexpr double short_wait_s = 0.5, noticed_s = 0.05;
    std::vector<Waits> mesh, pooled;
    for (const auto& seed : result_.seeds) {
      mesh.push_back(seed.mesh);
      pooled.push_back(seed.pooled);
    }
    const auto found = fairness(mesh, pooled);
    const auto mean =
        estimate(each(result_, [](const auto& seed) { return seed.pooled.mean; })).mean;
    const bool felt = mean >= short_wait_s || found.apart_s > noticed_s;
    add({"", "mean wait of the busiest site / best-off site", found.ratio.mean, found.ratio.half,
         felt ? 1.05 : INFINITY, false, "",
         number(found.apart_s, 2) + " s apart" + (felt ? "" : ": too little to judge")});
  }

  void costs() {
    const auto mean = [&](auto of) { return estimate(each(result_, of)); };
    const auto share = mean([](const auto& seed) { return 100 * seed.costs.gap_share; });
    std::vector<double> gaps;
    for (const auto& seed : result_.seeds) {
      gaps.insert(gaps.end(), seed.costs.gaps_ms.begin(), seed.costs.gaps_ms.end());
    }
    add({"", "waits while a fitting agent is free", share.mean, share.half, 0.1, false, "% of time",
         ""});
    add({"", "P99 of one such gap", quantile(gaps, 0.99), 0, 300, false, "ms",
         std::to_string(gaps.size()) + " gaps"});
    const auto unicasts = mean([](const auto& seed) { return seed.costs.unicasts; });
    const auto remote = mean([](const auto& seed) { return 100 * seed.mesh.remote; });
    add({"", "routing messages per conversation", unicasts.mean, unicasts.half, 2.0, false, "",
         "served elsewhere " + number(remote.mean, 0) + " %"});
    const auto declined = mean([](const auto& seed) { return 100 * seed.costs.declined; });
    const auto denied = mean([](const auto& seed) { return 100 * seed.costs.denied; });
    add({"", "declined offers", declined.mean, declined.half, 3.0, false, "%",
         "denied pulls " + number(denied.mean, 1) + " %"});
    const auto gossip = mean([](const auto& seed) { return seed.costs.gossip / 1000; });
    add({"", "gossip per site", gossip.mean, gossip.half, 20, false, "kB/s", ""});
    const auto overloads =
        mean([](const auto& seed) { return static_cast<double>(seed.costs.overloads); });
    add({"", "agents over their capacity", overloads.mean, 0, 0, false, "times", ""});
  }

  // Of those who came to the cut site meanwhile, of all runs but `without`.
  std::vector<double> in_cut(std::vector<double> CutFigures::*model, std::size_t without) const {
    std::vector<double> all;
    for (std::size_t i = 0; i < result_.seeds.size(); ++i) {
      if (i == without) continue;
      const auto& waits = result_.seeds[i].cut.*model;
      all.insert(all.end(), waits.begin(), waits.end());
    }
    return all;
  }

  void waits_in_cut() {
    const auto runs = result_.seeds.size();
    const auto p95 = [&](auto model, std::size_t without) {
      return quantile(in_cut(model, without), 0.95);
    };
    const auto mean = [&](auto model, std::size_t without) {
      return estimate(in_cut(model, without)).mean;
    };
    const auto told = [&](auto figure) {
      return "alone " + number(figure(&CutFigures::alone, runs), 1) + " s, " +
             number(figure(&CutFigures::undisturbed, runs), 1) + " s if nothing came back";
    };
    const auto compare = [&](const std::string& what, auto figure, const std::string& words) {
      const auto ratio = [&](std::size_t without) {
        return figure(&CutFigures::waits, without) / figure(&CutFigures::alone, without);
      };
      std::vector<double> each_left_out;
      for (std::size_t i = 0; i < runs; ++i) each_left_out.push_back(ratio(i));
      const auto found = jackknife(ratio(runs), each_left_out);
      add({"", what, found.mean, found.half, 1.02, false, "", words});
    };
    const auto customers = in_cut(&CutFigures::waits, runs).size();
    compare("mean wait of the cut site's customers / alone", mean,
            told(mean) + "; " + std::to_string(customers) + " customers");
    compare("P95 of the cut site's customers / alone", p95, told(p95));
  }

  void after_cut() {
    std::vector<double> again, gone, least;
    for (const auto& seed : result_.seeds) {
      if (seed.cut.much_to_share) again.push_back(seed.cut.sharing_again_s);
      gone.push_back(seed.cut.backlog_gone_s);
      least.push_back(seed.cut.least_backlog_s);
    }
    waits_in_cut();
    add({"", "sharing resumes after healing (P95 of runs)", quantile(again, 0.95), 0, 3, false, "s",
         "mean " + number(estimate(again).mean, 2) + " s of the " + std::to_string(again.size()) +
             " runs where a perfect queue shared three within 3 s"});
    // Where so much waits that even a perfect queue needs longer, nothing else can be asked for.
    const double perfect = quantile(least, 0.95);
    add({"", "backlog back to its share (P95 of runs)", quantile(gone, 0.95), 0,
         std::max(60.0, 1.1 * perfect), false, "s",
         "mean " + number(estimate(gone).mean, 1) + " s; a perfect queue's " + number(perfect, 1) +
             " s, mean " + number(estimate(least).mean, 1) + " s"});
  }

  void like_local_first() {
    for (const auto& [what, figure] :
         {std::pair{"mean wait / local-first's", &Waits::mean},
          std::pair{"the last tenth's / local-first's", &Waits::late_mean}}) {
      const auto mesh = each(result_, [&](const auto& seed) { return seed.mesh.*figure; });
      const auto local = each(result_, [&](const auto& seed) { return seed.local_first.*figure; });
      const auto pooled = each(result_, [&](const auto& seed) { return seed.pooled.*figure; });
      const auto over = excess(mesh, local);
      add({"", what, 1 + over.mean, over.half, 1.1, false, "",
           "local-first " + number(estimate(local).mean, 1) + " s, oldest-first " +
               number(estimate(pooled).mean, 1) + " s"});
    }
  }

  void returning() {
    const auto met = each(result_, [](const auto& seed) { return 100 * seed.mesh.same_agent; });
    const auto else_met =
        each(result_, [](const auto& seed) { return 100 * seed.without_last_agent.same_agent; });
    const auto found = estimate(met);
    add({"", "returning customers who meet the same agent", found.mean, found.half, -INFINITY, true,
         "%", "without the rule " + number(estimate(else_met).mean, 1) + " %"});
    const auto asked = estimate(each(result_, [](const auto& s) { return s.costs.asked_last; }));
    const auto busy =
        estimate(each(result_, [](const auto& s) { return 100 * s.costs.last_busy; }));
    add({"", "asked for the last agent, per conversation", asked.mean, asked.half, INFINITY, false,
         "", number(busy.mean, 0) + " % were busy"});
    const auto with = each(result_, [](const auto& seed) { return seed.mesh.mean; });
    const auto without =
        each(result_, [](const auto& seed) { return seed.without_last_agent.mean; });
    add({"", "mean wait", estimate(with).mean, estimate(with).half, INFINITY, false, "s",
         "without the rule " + number(estimate(without).mean, 2) + " s"});
  }

  std::vector<Row> take() {
    for (auto& row : rows_) row.cell = result_.cell.name;
    return std::move(rows_);
  }

 private:
  void add(Row row) { rows_.push_back(std::move(row)); }
  const CellResult& result_;
  std::vector<Row> rows_;
};

}  // namespace

std::vector<Cell> matrix_cells(bool full) {
  std::vector<Cell> cells;
  if (!full) return {plain(3, 10, 85, false), plain(10, 10, 92, false), plain(30, 10, 97, false)};
  for (const auto& [sites, agents] :
       {std::pair{3, 10}, {3, 30}, {10, 10}, {10, 30}, {30, 10}, {30, 30}}) {
    for (const int load : {85, 92, 97}) cells.push_back(plain(sites, agents, load, true));
  }
  return cells;
}

std::vector<Cell> variant_cells(bool full) {
  std::vector<Cell> cells;
  const auto variant = [&](int sites, int agents, int load, const std::string& name, auto change) {
    auto cell = plain(sites, agents, load, full);
    change(cell);
    cell.name = name + ", " + cell.name;
    cells.push_back(cell);
  };
  for (const int load : {85, 92, 97}) {
    if (!full && load != 92) continue;
    variant(10, 10, load, "3 skills", [](Cell& cell) { cell.skills = 3; });
    variant(10, 10, load, "languages", [](Cell& cell) { cell.languages = true; });
    variant(10, 10, load, "3 chats each", [](Cell& cell) { cell.capacity = 3; });
    variant(10, 10, load, "lognormal", [](Cell& cell) { cell.handling = Handling::lognormal; });
    variant(10, 10, load, "patience 300 s", [](Cell& cell) { cell.patience = Duration{300'000}; });
    variant(10, 10, load, "gossip lost 5 %", [](Cell& cell) { cell.gossip_loss = 0.05; });
  }
  variant(3, 30, 92, "3 skills", [](Cell& cell) { cell.skills = 3; });
  variant(10, 10, 85, "a site drained", [](Cell& cell) {
    cell.drain = Span{1, cell.length / 4, cell.length / 2};
  });
  for (const int load : {85, 92}) {
    variant(10, 10, load, "a third returns", [](Cell& cell) { cell.returning = 1.0 / 3; });
  }
  // Nodes that start know nothing of their handling times; after a day they do.
  for (const auto& [known_for, words] :
       {std::pair{0 * hour, ""}, {24 * hour, ", known for a day"}}) {
    for (const int percent : {5, 10}) {
      const auto name = "remote work " + std::to_string(percent) + " % slower" + words;
      variant(10, 10, 97, name, [&](Cell& cell) {
        cell.remote_slower = percent / 100.0;
        cell.length = known_for + 8 * hour;
        cell.warm_up = known_for;
      });
    }
  }
  for (const int load : {85, 92}) {
    variant(10, 10, load, "cut for 10 min", [](Cell& cell) {
      cell.length = 8 * hour;  // so that the mesh knows its handling times before
      cell.warm_up = 20 * minute;
      cell.cut = Span{0, 7 * hour, 7 * hour + 10 * minute};
    });
  }
  return cells;
}

std::vector<Row> rows_of(const CellResult& result) {
  const auto& cell = result.cell;
  Rows rows(result);
  if (cell.cut) {
    rows.after_cut();
    return rows.take();
  }
  if (cell.returning > 0) {
    rows.returning();
    rows.costs();
    return rows.take();
  }
  if (cell.remote_slower > 0) {
    rows.like_local_first();
    return rows.take();
  }
  if (cell.skills > 0 || cell.languages) {
    rows.above("mean wait", &Waits::mean, 6, 0.7);
  } else {
    const bool small = cell.sites <= 10 && cell.load <= 0.92;
    rows.above("mean wait", &Waits::mean, small ? 1.5 : 2.5, 0.20);
    rows.not_worse_than_dispatcher();
  }
  rows.above("P95 wait", &Waits::p95, 2, 0.7);
  rows.share_within("answered within 20 s", &Waits::within_20, 0.6);
  rows.share_within("answered within 300 s", &Waits::within_300, 0.3);
  rows.fair();
  rows.costs();
  return rows.take();
}

std::string table_of(const std::vector<Row>& rows) {
  std::string out;
  std::string cell;
  for (const auto& row : rows) {
    if (row.cell != cell) {
      cell = row.cell;
      out += "\n" + cell + "\n";
    }
    char line[256];
    const auto half = row.half > 0 ? "±" + number(row.half, 2) : std::string();
    std::snprintf(line, sizeof line, "  %-46s %10s %-8s %s %-6s %-17s %-8s %s\n", row.what.c_str(),
                  number(row.value, 3).c_str(), half.c_str(),
                  !row.judged()  ? "  "
                  : row.at_least ? ">="
                                 : "<=",
                  row.judged() ? number(row.limit, 2).c_str() : "", row.unit.c_str(),
                  !row.judged()   ? ""
                  : row.reached() ? "reached"
                                  : "MISSED",
                  row.compare.c_str());
    out += line;
  }
  const auto judged =
      std::count_if(rows.begin(), rows.end(), [](const auto& row) { return row.judged(); });
  const auto missed =
      std::count_if(rows.begin(), rows.end(), [](const auto& row) { return !row.reached(); });
  return out + "\n" + std::to_string(judged) + " limits, " + std::to_string(missed) + " missed\n";
}

namespace {

nlohmann::json json_of(const Waits& waits) {
  nlohmann::json sites = nlohmann::json::array();
  for (std::size_t i = 0; i < waits.site_sums.size(); ++i) {
    sites.push_back(waits.site_counts[i] > 0 ? waits.site_sums[i] / waits.site_counts[i] : 0);
  }
  return {{"mean_s", waits.mean},
          {"p95_s", waits.p95},
          {"within_20", waits.within_20},
          {"within_300", waits.within_300},
          {"last_tenth_s", waits.late_mean},
          {"left", waits.gone},
          {"served_elsewhere", waits.remote},
          {"same_agent", waits.same_agent},
          {"site_means_s", std::move(sites)}};
}

nlohmann::json json_of(const CutFigures& cut) {
  return {{"mean_s", estimate(cut.waits).mean},   {"alone_mean_s", estimate(cut.alone).mean},
          {"much_to_share", cut.much_to_share},   {"sharing_again_s", cut.sharing_again_s},
          {"backlog_gone_s", cut.backlog_gone_s}, {"least_backlog_s", cut.least_backlog_s}};
}

nlohmann::json json_of(const SeedResult& seed) {
  nlohmann::json out{{"seed", seed.seed},
                     {"conversations", seed.conversations},
                     {"pooled", json_of(seed.pooled)},
                     {"dispatcher", json_of(seed.dispatcher)},
                     {"isolated", json_of(seed.isolated)},
                     {"local_first", json_of(seed.local_first)},
                     {"mesh", json_of(seed.mesh)},
                     {"unicasts", seed.costs.unicasts},
                     {"declined", seed.costs.declined},
                     {"denied", seed.costs.denied},
                     {"gossip_bytes_per_s", seed.costs.gossip},
                     {"gap_share", seed.costs.gap_share},
                     {"gap_p99_ms", quantile(seed.costs.gaps_ms, 0.99)}};
  if (!seed.cut.waits.empty()) out["cut"] = json_of(seed.cut);
  return out;
}

}  // namespace

nlohmann::json json_of(const CellResult& result, const std::vector<Row>& rows) {
  nlohmann::json out{{"cell", result.cell.name},     {"sites", result.cell.sites},
                     {"agents", result.cell.agents}, {"load", result.cell.load},
                     {"seeds", result.seeds.size()}, {"rows", nlohmann::json::array()}};
  for (const auto& row : rows) {
    if (row.cell != result.cell.name) continue;
    out["rows"].push_back({{"what", row.what},
                           {"value", row.value},
                           {"interval", row.half},
                           {"limit", row.limit},
                           {"at_least", row.at_least},
                           {"unit", row.unit},
                           {"reached", row.reached()}});
  }
  std::size_t conversations = 0;
  for (const auto& seed : result.seeds) conversations += seed.conversations;
  out["conversations"] = conversations;
  const auto mean = [&](const Waits SeedResult::*model) {
    return estimate(each(result, [&](const auto& seed) { return (seed.*model).mean; })).mean;
  };
  out["by_seed"] = nlohmann::json::array();
  for (const auto& seed : result.seeds) out["by_seed"].push_back(json_of(seed));
  out["mean_wait_s"] = {{"pooled", mean(&SeedResult::pooled)},
                        {"dispatcher", mean(&SeedResult::dispatcher)},
                        {"mesh", mean(&SeedResult::mesh)},
                        {"isolated", mean(&SeedResult::isolated)}};
  return out;
}

}  // namespace crossfloor::bench
