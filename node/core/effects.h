// What a core wants done in the world. The runtime and the simulator do the very same effects.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "node/channels/dispatch.h"
#include "protocol/entry.h"
#include "protocol/peer_messages.h"

namespace crossfloor {

// A question from outside (an HTTP request, a command of an agent's client), answered once.
using RequestId = std::uint64_t;

// What a channel gets for a message: a promise that can be proved later.
struct Receipt {
  MessageId message;
  Stream stream;
  Sequence sequence = 0;
  Hash hash;
  bool duplicate = false;  // it was here already
  bool mesh = false;       // on the disks of two nodes; otherwise on this one's
};

struct SendMessage {
  NodeId to;
  LinkKind link = LinkKind::pulse;
  PeerMessage message;
};
struct AnswerIntake {
  RequestId request = 0;
  Result<Receipt> receipt;
};
struct AnswerCommand {
  RequestId request = 0;
  CommandAnswer answer;
};
// To the session of an agent logged in here: `what` says which push; the gateway's session core
// fills in what it shows.
struct NotifyAgent {
  enum class What { ring, ring_over, conversation, slots, session_over };
  What what = What::conversation;
  std::string agent;
  ConversationId conversation;
  Epoch epoch;
  Instant until{};       // of a ring
  std::string reason;    // of an end
  bool complete = true;  // ring: the history is all there
};
// Hand a reply to the provider, or ask what became of it; answered by provider_answered().
struct CallProvider {
  ReplyId reply;
  std::uint32_t attempt = 0;
  bool lookup = false;
  ConversationId conversation;
  ReplyBody body;
};
// Read part of a stream for a peer; answered by range_read().
struct ReadRange {
  NodeId to;
  Stream stream;
  Sequence from = 0;
  std::uint32_t max_bytes = 0;
};
// Answer a question of `crossfloor verify` from a snapshot, in slices, off the loop
// (VerifyReading); answered by verify_read().
struct VerifyQuestion;
struct ReadVerify {
  std::uint64_t ticket = 0;
  std::shared_ptr<const VerifyQuestion> question;
};
// Close and dial anew: nothing came for too long.
struct Redial {
  NodeId peer;
};
// The certificates or revocations changed: links to those no longer admitted end.
struct RosterChanged {};
struct AnswerInspection {
  RequestId request = 0;
  std::string json;
};

using Effect = std::variant<SendMessage, AnswerIntake, AnswerCommand, NotifyAgent, CallProvider,
                            ReadRange, Redial, RosterChanged, AnswerInspection, ReadVerify>;

}  // namespace crossfloor
