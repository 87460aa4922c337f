// What this node measured of its agents' handling times, kept on disk: the guard against slow help
// needs thousands of cases, and would have to gather them anew after each start. Where all nodes
// get a new version within an hour, nobody else would remember them either.
#pragma once

#include "node/desk/handling_guard.h"
#include "storage/workspace.h"

namespace crossfloor {

void keep_handling_times(Workspace& workspace, ChannelKind kind, const HandlingTimes& times);

// Nothing where nothing was kept, or cannot be read: it is measured anew.
HandlingTimes kept_handling_times(const Reader& reader, ChannelKind kind);

}  // namespace crossfloor
