#include "protocol/suspicion.h"

#include <algorithm>

#include "protocol/membership_options.h"

namespace crossfloor {

bool Suspicion::accuse(const NodeId& suspect, const NodeId& accuser, const SuspicionTerms& terms,
                       Instant now) {
  auto& open = cases_.try_emplace(suspect, Case{now, terms, {}, {}}).first->second;
  const auto enough = static_cast<std::size_t>(open.terms.accusers_wanted) + 1;
  if (open.accusers.size() >= enough) return false;
  if (std::find(open.accusers.begin(), open.accusers.end(), accuser) != open.accusers.end()) {
    return false;
  }
  open.accusers.push_back(accuser);
  plan(suspect, open);
  return true;
}

void Suspicion::close(const NodeId& suspect) {
  const auto found = cases_.find(suspect);
  if (found == cases_.end()) return;
  by_expiry_.erase({found->second.expires, suspect});
  cases_.erase(found);
}

void Suspicion::plan(const NodeId& suspect, Case& open) {
  by_expiry_.erase({open.expires, suspect});
  open.expires = expiry(open);
  by_expiry_.emplace(open.expires, suspect);
}

std::optional<Instant> Suspicion::given_up_at(const NodeId& suspect) const {
  const auto found = cases_.find(suspect);
  if (found == cases_.end()) return std::nullopt;
  return found->second.expires;
}

std::optional<Instant> Suspicion::deadline() const {
  if (by_expiry_.empty()) return std::nullopt;
  return by_expiry_.begin()->first;
}

std::vector<NodeId> Suspicion::take_dead(Instant now) {
  std::vector<NodeId> dead;
  while (!by_expiry_.empty() && by_expiry_.begin()->first <= now) {
    dead.push_back(by_expiry_.begin()->second);
    close(dead.back());
  }
  std::sort(dead.begin(), dead.end());
  return dead;
}

void Suspicion::shift(Duration gap) {
  for (const auto& [expires, suspect] : std::exchange(by_expiry_, {})) {
    Case& open = cases_.at(suspect);
    open.opened += gap;
    plan(suspect, open);
  }
}

Instant Suspicion::expiry(const Case& open) {
  const int further = static_cast<int>(open.accusers.size()) - 1;
  return open.opened + patience(open.terms.patience_min, open.terms.patience_max,
                                open.terms.accusers_wanted, further);
}

}  // namespace crossfloor
