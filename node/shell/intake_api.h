// POST /v1/channels/<account>/messages: how customers' messages come in. What is refused is
// answered with a problem document, counted, and stored nowhere.
#pragma once

#include <map>
#include <optional>

#include "node/channels/webhook_signature.h"
#include "node/gateway/router.h"
#include "node/runtime/config.h"
#include "node/runtime/metrics.h"
#include "node/shell/core_driver.h"

namespace crossfloor {

class IntakeApi {
 public:
  IntakeApi(CoreDriver& driver, const Config& config, Metrics& metrics);

  void add_to(HttpRouter& router);
  void answer(AnswerIntake&& answer);
  // From now on everything is refused with `why`. What waits goes on, as it does when a node stops,
  // or is answered so, too, because its outcome will never be known here.
  void close(Error why) { closed_ = std::move(why); }
  void close_and_answer(const Error& why);

 private:
  struct Account {
    const AccountConfig* config = nullptr;
    WebhookSecrets secrets;
  };
  struct Waiting {
    kj::Own<kj::PromiseFulfiller<HttpReply>> answer;
    std::chrono::nanoseconds since;
  };

  kj::Promise<HttpReply> take(HttpRequest request);
  Result<IncomingMessage> check(const HttpRequest& request, const Account& account) const;
  HttpReply refuse(const Error& error);
  void count(const char* outcome);

  CoreDriver& driver_;
  Metrics& metrics_;
  Histogram& seconds_;
  std::map<std::string, Account> accounts_;
  std::map<RequestId, Waiting> waiting_;
  std::optional<Error> closed_;
};

}  // namespace crossfloor
