// Keyed ids: the names under which the log speaks of messages, handles and agents without naming a
// person. The key is a secret of the region, so that ids can be compared inside it and guessed
// nowhere. Each part is hashed with its length before it, so no two lists of parts are alike.
#pragma once

#include <initializer_list>

#include "protocol/crypto.h"

namespace crossfloor {

class Subjects {
 public:
  Subjects(const Crypto& crypto, Secret region_secret) : crypto_(crypto), key_(region_secret) {}

  MessageId message(ByteView account, ByteView external_id) const;
  // A customer's name on one kind of channel of a brand.
  HandleId handle(ByteView brand, ByteView channel, ByteView external_id) const;
  // A brand's own stable key of a person, trusted by config: joins the handles that carry it.
  HandleId reference(ByteView brand, ByteView customer_ref) const;
  Subject agent(ByteView name) const;
  Subject account(ByteView name) const;
  // A client's own id of a command, unique per agent.
  CommandId command(ByteView agent, ByteView client_id) const;
  ReplyId reply(const CommandId& command) const;
  // Index keys of projections, so that rows carry no platform's ids in their keys.
  Subject thread(ByteView account, ByteView thread_id, const HandleId& handle) const;
  Subject place(ByteView account, const HandleId& handle, bool is_public) const;
  Subject text(ByteView kind, ByteView text) const;

 private:
  Subject hash(ByteView kind, std::initializer_list<ByteView> parts) const;

  const Crypto& crypto_;
  Secret key_;
};

}  // namespace crossfloor
