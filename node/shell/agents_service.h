// The agents' side of a node: sessions over the core, passwords on the worker, pages on the
// readers.
#pragma once

#include "node/core/node_agent_desk.h"
#include "node/gateway/agent_api.h"
#include "node/runtime/loop_inbox.h"
#include "node/runtime/metrics.h"
#include "node/runtime/task_threads.h"
#include "node/shell/core_driver.h"

namespace crossfloor {

class AgentsService {
 public:
  struct Parts {
    NodeCore& core;
    CoreDriver& driver;
    const Store& store;
    Random& random;
    kj::Timer& timer;
    LoopInbox& inbox;
    TaskThreads& readers;
    TaskThreads& worker;
  };
  // All of it outlives this, and this outlives the HTTP server.
  explicit AgentsService(const Parts& parts);

  void add_routes(HttpRouter& router) { api_.add_routes(router); }
  void carry_out(const NotifyAgent& notice) { api_.carry_out(notice); }
  // False: somebody else asked.
  bool carry_out(const AnswerCommand& answer) { return api_.carry_out(answer); }
  void figures(Metrics& metrics) const;

 private:
  AgentApi::Surroundings surroundings();
  void verify(std::string hash, std::string password, std::function<void(bool)> then);
  Status read(std::function<std::string(const Reader&)> work,
              std::function<void(std::string)> then);

  Parts parts_;
  NodeAgentDesk desk_;
  Sessions sessions_;
  AgentApi api_;
};

}  // namespace crossfloor
