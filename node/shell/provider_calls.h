// Hands replies to the providers' callbacks, and asks what became of them.
#pragma once

#include <kj/async.h>

#include <map>

#include "node/channels/webhook_signature.h"
#include "node/gateway/http_client.h"
#include "node/runtime/config.h"
#include "node/runtime/metrics.h"
#include "node/shell/core_driver.h"

namespace crossfloor {

class ProviderCalls final : private kj::TaskSet::ErrorHandler {
 public:
  ProviderCalls(CoreDriver& driver, HttpClient& client, const Config& config, Metrics& metrics);

  void call(CallProvider&& call);

 private:
  struct Account {
    std::string callback;
    WebhookSecrets secrets;
  };
  void taskFailed(kj::Exception&& exception) override;

  CoreDriver& driver_;
  HttpClient& client_;
  Metrics& metrics_;
  std::map<std::string, Account> accounts_;
  kj::TaskSet tasks_;
};

}  // namespace crossfloor
