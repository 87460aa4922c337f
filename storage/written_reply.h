// What a reply says, as it is sent to its customer.
#pragma once

#include "storage/projections.h"

namespace crossfloor {

struct WrittenReply {
  ConversationId conversation;
  Region region;
  ReplyBody body;
};

// As the first that was home of its epoch's term wrote it: any member may sign a text under the
// same name and an earlier time, and an epoch of its own. If none was, as the first at all did, so
// that it can be told what became of it. Nothing if it is not known or cannot be read.
std::optional<WrittenReply> written_reply(const Reader& reader, const ReplyId& reply);

}  // namespace crossfloor
