// Sends the replies of which this node was named the sender: reads them off the conversations,
// lets node/channels/dispatch decide when, and writes what became of them.
#pragma once

#include "node/channels/dispatch.h"
#include "node/core/outlet.h"
#include "node/core/scribe.h"

namespace crossfloor {

class Sender {
 public:
  Sender(Scribe& scribe, const NodeSettings& settings, Outlet& outlet);

  void open(Now now);
  // A conversation changed: its replies that are this node's to send are taken up, those that a
  // higher term made void are dropped.
  void changed(const Conversation& conversation, Now now);
  // The same of one that is not open any more.
  void closed(const ConversationId& conversation, Now now);
  // Who restarted or stood still may not know what was sent, or made void, meanwhile: nothing is
  // begun until it has what its peers have. What the first call finds open is what an earlier start
  // left, so its attempts without an outcome are unknown.
  void allow(bool sending, const std::map<ConversationId, Conversation>& open, Now now);
  void answered(const ReplyId& reply, std::uint32_t attempt, bool lookup,
                const DeliveryResult& result, Now now);
  Status resolve(const ReplyId& reply, Resolution how, const std::string& external_id, Now now);
  Status retry(const ReplyId& reply, Now now);
  void tick(Now now);
  std::optional<Instant> deadline() const { return dispatch_.deadline(); }
  std::vector<DispatchRow> rows() const { return dispatch_.rows(); }
  const Dispatch& dispatch() const { return dispatch_; }

 private:
  void restore(const Conversation& conversation, Now now);
  void take_up(const Conversation& conversation, const ReplyState& reply, Now now,
               DispatchOutbox& out);
  void withdraw(const Conversation& conversation, Now now, DispatchOutbox& out);
  void carry_out(DispatchOutbox&& out, Now now);
  struct Read {
    ConversationId conversation;
    Region region;
    ReplyBody body;
  };
  std::optional<Read> read(const ReplyId& reply) const;

  Scribe& scribe_;
  const NodeSettings& settings_;
  Outlet& outlet_;
  Dispatch dispatch_;
  bool begun_ = false;
};

}  // namespace crossfloor
