// Whom to try next of those that are lost.
//
// A mesh that was cut must be whole again after any time with nobody's help, so the lost are tried
// for ever: each with backoff, all of them in turn and not faster than a fixed pace, so that many
// lost members cost no more than few.
#pragma once

#include <optional>
#include <set>
#include <utility>

#include "protocol/membership_options.h"
#include "protocol/node_hash.h"
#include "protocol/time.h"

namespace crossfloor {

class LostMembers {
 public:
  explicit LostMembers(const MembershipOptions& options) : options_(options) {}

  void add(const NodeId& node, Instant first_try);
  void remove(const NodeId& node);
  // One of the lost came back, so others may be back as well: each is tried by `latest`.
  void hurry(Instant latest);
  // The member to try now, if one is due and the pace allows it; its next turn is set.
  std::optional<NodeId> take(Instant now);
  std::optional<Instant> deadline() const;

 private:
  struct Turn {
    Instant at{};
    int tries = 0;
  };
  void set_turn(const NodeId& node, Turn& turn, Instant at);

  MembershipOptions options_;
  ByNode<Turn> turns_;
  std::set<std::pair<Instant, NodeId>> order_;
  Instant not_before_{};
};

}  // namespace crossfloor
