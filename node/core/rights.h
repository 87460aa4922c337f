// What a member may say. Its certificate names the regions that its node may hold and the rights
// that it has; whoever hears it checks both, and what is not permitted has no effect. So a node
// that is a member, but misbehaves, can do what its certificate allows, in its regions, and no
// more.
//
// What that leaves to it is said in docs/admin.md, "What a member can do". Entries are judged
// elsewhere and otherwise: whether one counts follows from the log alone, because all nodes must
// come to the same rows (storage/conversation.h).
#pragma once

#include "protocol/peer_messages.h"
#include "protocol/roster.h"

namespace crossfloor {

// The right of the sender's certificate that a message needs; nullptr: being a member is enough.
// Every kind of message stands here: one that is added does not compile until it does.
const char* right_needed(const PeerMessage& message);

// Errors: unauthenticated (not a member), forbidden (the right is named).
Status may_say(const Roster& roster, const NodeId& from, const PeerMessage& message, WallTime wall);

}  // namespace crossfloor
