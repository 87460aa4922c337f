// The load record of this node: what its floor has free and what waits in its line.
#pragma once

#include "node/desk/router.h"
#include "protocol/load_record.h"

namespace crossfloor {

// Node, generation, version and drain flag are left to whoever sends it. A router that is closed
// has nothing free for others. Costs classes x agents.
LoadRecord own_load(const Floor& floor, const Router& router, Now now);

}  // namespace crossfloor
