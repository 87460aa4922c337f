// Promises of the mesh, judged when the world has healed. Each names itself and what broke.
#pragma once

#include <string>
#include <vector>

#include "tools/simulator/world.h"

namespace crossfloor::simulator {

struct Broken {
  std::string promise;
  std::string what;
};

// Every message that was acknowledged is on every live node, exactly once, with that id.
std::vector<Broken> nothing_acknowledged_is_lost(const World& world);
// Nodes with equal vectors have equal rows; after healing all vectors are equal.
std::vector<Broken> all_copies_agree(const World& world);
// Nobody waits for ever: no message is left unanswered.
std::vector<Broken> nobody_waits_for_ever(const World& world);
// No reply reached the provider twice, but one whose sender crashed in between on a repeatable
// account; every reply has an outcome.
std::vector<Broken> every_reply_ends(const World& world);
// No agent has more work than the record allows; nobody's conversation is at two agents who both
// hold its newest epoch. Judged after every event.
std::vector<Broken> one_assignee_and_no_overload(const World& world);

std::vector<Broken> judge_at_the_end(const World& world);

}  // namespace crossfloor::simulator
