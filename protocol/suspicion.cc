#include "protocol/suspicion.h"

#include <algorithm>

#include "protocol/membership_options.h"

namespace crossfloor {

bool Suspicion::accuse(const NodeId& suspect, const NodeId& accuser, const SuspicionTerms& terms,
                       Instant now) {
  auto& open = cases_.try_emplace(suspect, Case{now, terms, {}}).first->second;
  const auto enough = static_cast<std::size_t>(open.terms.accusers_wanted) + 1;
  if (open.accusers.size() >= enough) return false;
  return open.accusers.insert(accuser).second;
}

std::optional<Instant> Suspicion::given_up_at(const NodeId& suspect) const {
  const auto found = cases_.find(suspect);
  if (found == cases_.end()) return std::nullopt;
  return found->second.expiry();
}

std::optional<Instant> Suspicion::deadline() const {
  std::optional<Instant> earliest;
  for (const auto& [suspect, open] : cases_) {
    earliest = std::min(earliest.value_or(Instant::max()), open.expiry());
  }
  return earliest;
}

std::vector<NodeId> Suspicion::take_dead(Instant now) {
  std::vector<NodeId> dead;
  for (const auto& [suspect, open] : cases_) {
    if (open.expiry() <= now) dead.push_back(suspect);
  }
  for (const NodeId& suspect : dead) cases_.erase(suspect);
  return dead;
}

void Suspicion::shift(Duration gap) {
  for (auto& [suspect, open] : cases_) open.opened += gap;
}

Instant Suspicion::Case::expiry() const {
  const int further = static_cast<int>(accusers.size()) - 1;
  return opened + patience(terms.patience_min, terms.patience_max, terms.accusers_wanted, further);
}

}  // namespace crossfloor
