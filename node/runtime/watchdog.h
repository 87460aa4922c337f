// Counts and names what holds the event loop up. Everything that a node does on its loop delays
// gossip and leases, so nothing may take longer than 5 ms; this says what did.
//
//   const auto watched = watchdog.watch("http_request");
//
// Scopes nest; each is judged with all that runs inside it. On the loop's thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string_view>

namespace crossfloor {

class Watchdog {
 public:
  using Clock = std::function<std::chrono::nanoseconds()>;  // monotonic

  struct Offence {
    const char* name = "";
    std::chrono::nanoseconds took{};
    std::uint64_t times = 0;  // since the last telling, this one included
  };
  struct Count {
    std::uint64_t times = 0;
    std::chrono::nanoseconds longest{};
    std::chrono::nanoseconds total{};
  };
  struct Options {
    std::chrono::nanoseconds limit = std::chrono::milliseconds(5);
    // For each name; one at least twice as long as the last told is told at once.
    std::chrono::nanoseconds tell_every = std::chrono::seconds(10);
    std::function<void(const Offence&)> on_offence;  // may be empty; called as the scope ends
  };

  Watchdog(Clock clock, Options options);

  class [[nodiscard]] Scope {
   public:
    Scope(Watchdog& dog, const char* name) : dog_(dog), name_(name), began_(dog.clock_()) {}
    ~Scope() { dog_.judge(name_, began_, dog_.clock_()); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Watchdog& dog_;
    const char* name_;
    std::chrono::nanoseconds began_;
  };

  // `name` is a literal: it lives as long as the program, and there are few.
  Scope watch(const char* name) { return Scope(*this, name); }

  // By name, what was too long. Names that never were do not appear.
  const std::map<std::string_view, Count>& offences() const { return offences_; }
  std::uint64_t total() const { return total_; }

 private:
  struct Told {
    std::chrono::nanoseconds at{};
    std::uint64_t times = 0;  // of Count::times at that moment
    std::chrono::nanoseconds took{};
  };
  void judge(const char* name, std::chrono::nanoseconds began, std::chrono::nanoseconds now);

  Clock clock_;
  Options options_;
  std::map<std::string_view, Count> offences_;
  std::map<std::string_view, Told> told_;
  std::uint64_t total_ = 0;
};

}  // namespace crossfloor
