// The WebSocket /v1/agent: carries texts between agents' clients and the sessions (node/core),
// which decide everything; checks passwords and reads pages elsewhere than on the loop.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "node/core/sessions.h"
#include "node/gateway/router.h"

namespace crossfloor {

class AgentApi {
 public:
  struct Surroundings {
    std::function<Now()> now;
    // After each call that may have changed the core: its effects are to be carried out.
    std::function<void()> changed;
    // On the worker; `then` is called on the loop, once, also if it could not be checked (false).
    std::function<void(std::string hash, std::string password, std::function<void(bool)> then)>
        verify_password;
    // On a reader thread, on a snapshot; `then` on the loop, once. Errors: full.
    std::function<Status(std::function<std::string(const Reader&)> work,
                         std::function<void(std::string)> then)>
        run_read;
  };

  // `sessions` and `timer` outlive this, and this outlives the HTTP server.
  AgentApi(Sessions& sessions, kj::Timer& timer, Surroundings surroundings);

  void add_routes(HttpRouter& router);

  // Effects of the node's core.
  void carry_out(const NotifyAgent& notice);
  bool carry_out(const AnswerCommand& answer);  // false: somebody else asked

 private:
  void opened(const HttpRequest& request, std::shared_ptr<WebSocketSession> socket);
  void act();  // does what the sessions want done, then says that the core may have changed
  void does(const SendText& action);
  void does(const EndConnection& action);
  void does(const VerifyPassword& action);
  void does(const ReadForClient& action);
  kj::Promise<void> tick_for_ever();

  Sessions& sessions_;
  kj::Timer& timer_;
  Surroundings around_;
  std::map<ConnectionId, std::shared_ptr<WebSocketSession>> sockets_;
  ConnectionId next_connection_ = 1;
  // What comes back from other threads after this is gone finds nothing.
  std::shared_ptr<AgentApi*> self_;
  kj::Promise<void> ticking_;
};

}  // namespace crossfloor
