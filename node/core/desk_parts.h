// What the parts of the desk share.
#pragma once

#include "node/core/desk.h"

namespace crossfloor {

inline constexpr Duration wrap_up_time{60'000};  // then the conversation is closed by itself

inline ChannelKind kind_of(const Conversation& c) {
  return from_word<ChannelKind>(c.channel).value_or(ChannelKind::other);
}

}  // namespace crossfloor
