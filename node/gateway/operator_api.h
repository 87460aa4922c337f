// POST /v1/operator/<question or act>: JSON arguments in, JSON out. It is what the command line
// speaks, over control.sock or, with a token, over HTTPS.
//
// Questions: Inspector::questions(). Acts: those of node/core/operators.h, and `requeue`, `assign`
// and `close`, which travel to the conversation's home as commands. Every act has `reason`; `by` is
// the name of the token, or over control.sock what the caller says. Refusals are problem documents
// with the cause and the mend.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <functional>
#include <map>
#include <string>

#include "node/core/node_core.h"
#include "node/gateway/router.h"

namespace crossfloor {

// Who may operate this node from elsewhere: lines of "name token". Only hashes are kept.
class OperatorTokens {
 public:
  static constexpr std::size_t shortest_token = 32;  // characters; too many to be guessed

  // Blank lines and lines that begin with '#' are skipped. Errors name the line.
  static Result<OperatorTokens> parse(const Crypto& crypto, const std::string& text);
  std::optional<std::string> owner(const Crypto& crypto, const std::string& token) const;

 private:
  std::map<Hash, std::string> owners_;
};

class OperatorApi {
 public:
  struct Surroundings {
    std::function<Now()> now;
    // After each call into the core: its effects are to be carried out.
    std::function<void()> changed;
    // On the worker; `then` is called on the loop, once. Errors: those of hash_password(); full.
    std::function<void(std::string password, std::function<void(Result<std::string>)> then)>
        hash_password;
  };
  // Request ids from here on are this API's; the agents' sessions count from 1.
  static constexpr RequestId first_request = RequestId{1} << 62;

  // What is named outlives this, and this outlives the HTTP server.
  OperatorApi(NodeCore& core, const Crypto& crypto, Random& random, kj::Timer& timer,
              Surroundings surroundings);

  // The core was opened anew after its store failed: what waits is answered so, too.
  void set_core(NodeCore& core);
  void set_tokens(OperatorTokens tokens) { tokens_ = std::move(tokens); }
  void add_routes(HttpRouter& router);

  // Effects of the node's core. False: somebody else asked.
  bool carry_out(const AnswerInspection& answer);
  bool carry_out(const AnswerCommand& answer);

 private:
  struct Pending {
    kj::Own<kj::PromiseFulfiller<HttpReply>> reply;
    ActBody act;  // of a command: written down when it was done
  };
  kj::Promise<HttpReply> handle(HttpRequest request);
  Result<std::string> who(const HttpRequest& request) const;  // empty: the caller says
  kj::Promise<HttpReply> operate(const std::string& what, std::string arguments);
  kj::Promise<HttpReply> command(const std::string& what, const std::string& arguments);
  kj::Promise<HttpReply> with_password(const std::string& what, std::string arguments,
                                       std::string password);

  NodeCore* core_;
  const Crypto& crypto_;
  Random& random_;
  kj::Timer& timer_;
  Surroundings around_;
  OperatorTokens tokens_;
  std::map<RequestId, Pending> pending_;
  RequestId next_ = first_request;
};

}  // namespace crossfloor
