// The operators' side of a node: their questions and acts over HTTP, passwords of new agents on the
// worker.
#pragma once

#include "node/gateway/operator_api.h"
#include "node/runtime/task_threads.h"
#include "node/shell/core_driver.h"

namespace crossfloor {

class OperatorsService {
 public:
  struct Parts {
    NodeCore& core;
    CoreDriver& driver;
    const Crypto& crypto;
    Random& random;
    kj::Timer& timer;
    TaskThreads& worker;
  };
  // All of it outlives this, and this outlives the HTTP servers.
  explicit OperatorsService(const Parts& parts);

  // The tokens of operators on other machines; an empty path: there are none.
  Status read_tokens(const std::string& path);

  void add_routes(HttpRouter& router) { api_.add_routes(router); }
  // The core is about to be thrown away: what waits for it is answered so.
  void answer_waiting() { api_.set_core(parts_.core); }
  // False: somebody else asked.
  bool carry_out(const AnswerCommand& answer) { return api_.carry_out(answer); }
  void carry_out(const AnswerInspection& answer) { api_.carry_out(answer); }

 private:
  OperatorApi::Surroundings surroundings();

  Parts parts_;
  OperatorApi api_;
};

}  // namespace crossfloor
