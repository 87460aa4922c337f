#include "node/core/lockout.h"

#include <algorithm>

namespace crossfloor {

std::optional<Duration> Lockout::locked(const std::string& key, Instant now) const {
  const auto at = keys_.find(key);
  if (at == keys_.end() || !at->second.until || *at->second.until <= now) return std::nullopt;
  return *at->second.until - now;
}

std::optional<Duration> Lockout::locked(const std::string& name, const std::string& address,
                                        Instant now) const {
  const auto by_name = locked("n" + name, now);
  const auto by_address = locked("a" + address, now);
  if (by_name && by_address) return std::max(*by_name, *by_address);
  return by_name ? by_name : by_address;
}

void Lockout::wrong(const std::string& name, const std::string& address, Instant now) {
  count("n" + name, options_.wrong_per_name, now);
  count("a" + address, options_.wrong_per_address, now);
}

void Lockout::count(const std::string& key, std::size_t limit, Instant now) {
  if (!keys_.contains(key)) make_room(now);
  Guesses& guesses = keys_[key];
  guesses.latest = now;
  guesses.wrong.push_back(now);
  while (now - guesses.wrong.front() >= options_.within) guesses.wrong.pop_front();
  if (guesses.wrong.size() < limit) return;
  guesses.until = now + options_.lasts;
  guesses.wrong.clear();
}

void Lockout::make_room(Instant now) {
  if (keys_.size() < options_.max_keys) return;
  std::erase_if(keys_, [&](const auto& entry) {
    const Guesses& guesses = entry.second;
    const bool locked = guesses.until && *guesses.until > now;
    return !locked && now - guesses.latest >= options_.within;
  });
  if (keys_.size() < options_.max_keys) return;
  keys_.erase(std::min_element(keys_.begin(), keys_.end(), [](const auto& a, const auto& b) {
    return a.second.latest < b.second.latest;
  }));
}

}  // namespace crossfloor
