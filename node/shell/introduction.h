// A newcomer shows its certificate to the members that it knows of, over HTTP, for their links let
// in only whom they know. Any one of them tells all others.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include "node/gateway/http_client.h"
#include "protocol/roster.h"

namespace crossfloor {

class Introduction final : private kj::TaskSet::ErrorHandler {
 public:
  // Goes on, every few seconds and up to every minute, until a member has taken it or `known` says
  // of that member that it lets this node in already.
  using Known = std::function<bool(const NodeId& peer)>;
  Introduction(HttpClient& client, kj::Timer& timer, const Roster& roster, const NodeId& self,
               Known known);

  // To all members that have an HTTP address; each address in turn.
  void begin(WallTime wall);

 private:
  struct Visit {
    NodeId peer;
    std::vector<std::string> addresses;
    std::size_t tries = 0;
  };
  kj::Promise<void> visit(Visit visit);
  void taskFailed(kj::Exception&& exception) override;

  HttpClient& client_;
  kj::Timer& timer_;
  const Roster& roster_;
  NodeId self_;
  Known known_;
  kj::TaskSet tasks_;
};

}  // namespace crossfloor
