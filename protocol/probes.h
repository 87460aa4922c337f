// The questions that are out: probes of the own node, and those that it carries out for others.
//
// A probe is a ping; without an answer in time it is sent again and some others are asked to try as
// well; at its end it has failed. Numbers tell answers apart; they mean nothing to anybody else.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "protocol/ids.h"
#include "protocol/time.h"

namespace crossfloor {

struct Probe {
  std::uint64_t number = 0;
  NodeId target;
  bool in_turn = false;  // of the round, not a check out of turn
  Instant started{};
  Instant help_at{};  // when to ask again, the target and its helpers; never at or after the end
  Duration again{0};  // from one such time to the next; zero: once only
  Instant ends{};
  bool helped = false;
  std::vector<NodeId> helpers;
  std::set<NodeId>
      silent_helpers;  // were asked and have neither answered nor said that they cannot
};

// A ping on behalf of `asker`.
struct Relay {
  std::uint64_t number = 0;
  NodeId asker;
  std::uint64_t asker_number = 0;
  NodeId target;
  Instant nack_at{};
  Instant ends{};
  bool nacked = false;
};

class Probes {
 public:
  static constexpr std::size_t max_relays = 256;

  explicit Probes(std::uint64_t first_number) : next_number_(first_number) {}

  std::uint64_t next_number() { return next_number_++; }
  void start(const Probe& probe) { probes_[probe.number] = probe; }
  bool probing(const NodeId& target) const;
  bool in_turn_running() const;

  // The target answered: ends the probe and returns it. Nothing if the number is not of a probe of
  // that target.
  std::optional<Probe> answered(std::uint64_t number, const NodeId& target);
  void nack(std::uint64_t number, const NodeId& helper);
  // Probes whose helpers are to be asked now; each then counts as helped, until its next turn.
  std::vector<std::uint64_t> take_needing_help(Instant now);
  void helpers_asked(std::uint64_t number, const std::vector<NodeId>& helpers);
  const Probe* find(std::uint64_t number) const;
  std::vector<Probe> take_failed(Instant now);

  bool start_relay(const Relay& relay);  // false: too many are out already
  std::optional<Relay> relay_answered(std::uint64_t number, const NodeId& target);
  std::vector<Relay> take_unanswered_relays(Instant now);

  void forget(const NodeId& node);
  std::optional<Instant> deadline() const;
  void shift(Duration gap);

 private:
  std::uint64_t next_number_;
  std::map<std::uint64_t, Probe> probes_;
  std::map<std::uint64_t, Relay> relays_;
};

}  // namespace crossfloor
