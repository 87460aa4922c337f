// Guessing passwords does not pay: five wrong ones for a name, or twenty-five from an address,
// within five minutes, and that name or address is not heard for five minutes.
//
// An address may be that of a whole site behind one router, so it gets more than a name; a right
// password clears its name, not its address. Pure; keys beyond the limit push out the oldest.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "protocol/time.h"

namespace crossfloor {

class Lockout {
 public:
  struct Options {
    std::size_t wrong_per_name = 5;
    std::size_t wrong_per_address = 25;
    Duration within{300'000};
    Duration lasts{300'000};
    std::size_t max_keys = 10'000;
  };
  explicit Lockout(Options options) : options_(options) {}

  // How long this name or this address must still wait; nothing if it may try.
  std::optional<Duration> locked(const std::string& name, const std::string& address,
                                 Instant now) const;
  void wrong(const std::string& name, const std::string& address, Instant now);
  void right(const std::string& name) { keys_.erase("n" + name); }

  std::size_t size() const { return keys_.size(); }

 private:
  struct Guesses {
    std::deque<Instant> wrong;
    std::optional<Instant> until;
    Instant latest;
  };
  std::optional<Duration> locked(const std::string& key, Instant now) const;
  void count(const std::string& key, std::size_t limit, Instant now);
  void make_room(Instant now);

  Options options_;
  std::map<std::string, Guesses> keys_;
};

}  // namespace crossfloor
