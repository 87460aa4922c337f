// A line that was weighed when a slot got free, in words for a trace.
#pragma once

#include "protocol/routing_messages.h"
#include "protocol/trace.h"

namespace crossfloor {

TraceCandidate candidate_of(const WeighedLine& line);

}  // namespace crossfloor
