#include "tools/simulator/checker.h"

namespace crossfloor::simulator {
namespace {

constexpr std::size_t enough = 200;  // of one promise; a broken world breaks it everywhere

}  // namespace

std::vector<std::unique_ptr<Checker>> all_checkers() {
  std::vector<std::unique_ptr<Checker>> all;
  for (const auto make :
       {nothing_acknowledged_is_lost, chains_verify, equal_vectors_mean_equal_rows, one_assignee,
        no_agent_is_overloaded, every_reply_ends_once, nobody_waits_for_ever, age_never_resets,
        members_agree, regions_keep_their_data, nothing_grows_without_limit}) {
    all.push_back(make());
  }
  return all;
}

void Checker::breaks(const World& world, std::string what, std::string about) {
  if (broken_.size() >= enough) return;
  broken_.push_back({promise(), std::move(what), std::move(about), world.passed()});
}

Judge::Judge() : Judge(all_checkers()) {}

Judge::Judge(std::vector<std::unique_ptr<Checker>> checkers) : checkers_(std::move(checkers)) {}

void Judge::called(const World& world, const Node& node) {
  for (const auto& checker : checkers_) checker->called(world, node);
}

void Judge::each_second(const World& world) {
  for (const auto& checker : checkers_) checker->each_second(world);
}

bool Judge::seen_enough() const {
  for (const auto& checker : checkers_) {
    if (!checker->broken().empty()) return true;
  }
  return false;
}

void Judge::at_end(const World& world) {
  if (seen_enough()) return;
  for (const auto& checker : checkers_) checker->at_end(world);
}

std::vector<Broken> Judge::broken() const {
  std::vector<Broken> all;
  for (const auto& checker : checkers_) {
    all.insert(all.end(), checker->broken().begin(), checker->broken().end());
  }
  return all;
}

bool Judge::breaks(const std::string& promise) const {
  for (const auto& one : broken()) {
    if (one.promise == promise) return true;
  }
  return false;
}

}  // namespace crossfloor::simulator
