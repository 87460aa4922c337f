// A newcomer shows its certificate to the members that it knows of, over HTTP, for their links let
// in only whom they know. Any one of them tells all others. So does a node whose key is refused:
// the other may have forgotten it, or answers with the revocation that this node has not heard of.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <map>
#include <set>

#include "node/gateway/http_client.h"
#include "protocol/roster.h"

namespace crossfloor {

class Introduction final : private kj::TaskSet::ErrorHandler {
 public:
  // Goes on, every few seconds and up to every minute, until a member has taken it or `known` says
  // of that member that it lets this node in already.
  struct Owner {
    std::function<bool(const NodeId& peer)> known;
    std::function<void(const Bytes& document)> told;  // of this node's revocation, as they say
  };
  Introduction(HttpClient& client, kj::Timer& timer, const Roster& roster, const NodeId& self,
               Owner owner);

  // To all members that have an HTTP address; each address in turn.
  void begin(WallTime wall);
  // The peer refused this node's key in the handshake. Says so again at most once a minute.
  void refused_by(const NodeId& peer);

 private:
  struct Visit {
    NodeId peer;
    std::vector<std::string> addresses;
    std::size_t tries = 0;
  };
  void set_out(const NodeId& peer);
  kj::Promise<void> visit(Visit visit);
  void taskFailed(kj::Exception&& exception) override;

  HttpClient& client_;
  kj::Timer& timer_;
  const Roster& roster_;
  NodeId self_;
  Owner owner_;
  std::set<NodeId> under_way_;
  std::map<NodeId, kj::TimePoint> asked_why_;  // when it last set out because of a refusal
  kj::TaskSet tasks_;
};

}  // namespace crossfloor
