// Customers and their provider in one: the server that receives replies, and those who write.
#pragma once

#include <kj/async-io.h>

#include <functional>
#include <memory>
#include <string>

#include "node/gateway/http_server.h"
#include "tools/crossfloor/callback_desk.h"
#include "tools/crossfloor/customer_flow.h"
#include "tools/crossfloor/intake_client.h"

namespace crossfloor::cli {

// Receives callbacks at POST /replies/<account> and look-ups at GET /replies/<account>/<reply id>.
class CallbackServer {
 public:
  struct Options {
    std::string address = "127.0.0.1:0";
    std::string tls_certificate;
    std::string tls_key;
    std::function<void(const std::string& line)> on_reply;  // the log's line of each fresh reply
  };
  // `targets`: whose secrets verify. All that is given outlives the server.
  static Result<std::unique_ptr<CallbackServer>> start(kj::Network& network, kj::Timer& timer,
                                                       kj::WaitScope& scope, CallbackDesk& desk,
                                                       const ChannelTargets& targets,
                                                       Options options);
  std::string url(const std::string& account) const;  // for that account's callback setting
  unsigned port() const { return server_->port(); }

 private:
  CallbackServer(kj::Timer& timer, CallbackDesk& desk, const ChannelTargets& targets,
                 Options options);
  Result<std::string> judge(const HttpRequest& request);
  kj::Promise<HttpReply> answer(CallbackAnswer answer);

  kj::Timer& timer_;
  CallbackDesk& desk_;
  const ChannelTargets& targets_;
  Options options_;
  HttpRouter router_;
  std::unique_ptr<HttpServer> server_;
};

struct WriterFigures {
  std::size_t written = 0;
  std::size_t accepted = 0;
  std::size_t duplicates = 0;  // further receipts of one message, from its further hosts
  std::size_t refused = 0;
  std::size_t given_up = 0;
  std::size_t contradictions = 0;  // one message got two ids
  std::size_t late = 0;            // waited for a place among those under way
  std::string last_reason;         // of a refusal or of giving up
};

// Sends what a flow says, when it says so, to `hosts` hosts of the account at the same instant.
class CustomerWriter : private kj::TaskSet::ErrorHandler {
 public:
  struct Options {
    std::size_t hosts = 1;
    std::size_t at_once = 256;
    std::size_t most = 0;  // messages; 0: no end
    Duration lasts{};      // 0: no end
    std::function<void(const std::string& line)> on_receipt;
  };
  CustomerWriter(kj::Timer& timer, IntakeClient& client, CustomerFlow& flow, CallbackDesk& desk,
                 const std::vector<ChannelTarget>& accounts, Options options);

  // Resolves when the flow, `most` or `lasts` is at its end, and all under way has ended.
  kj::Promise<void> run();
  void stop();
  const WriterFigures& figures() const { return figures_; }

 private:
  void pump();
  void send(const FlowMessage& what);
  void taskFailed(kj::Exception&& e) override;

  kj::Timer& timer_;
  IntakeClient& client_;
  CustomerFlow& flow_;
  CallbackDesk& desk_;
  const std::vector<ChannelTarget>& accounts_;
  Options options_;
  WriterFigures figures_;
  std::optional<FlowMessage> next_;
  std::size_t running_ = 0;
  bool ended_ = false;
  kj::TimePoint began_ = kj::origin<kj::TimePoint>();
  kj::Own<kj::PromiseFulfiller<void>> done_;
  bool armed_ = false;  // pump() will be called at the next one's time
  kj::TaskSet under_way_;
};

JsonValue figures_json(const CallbackDesk& desk, const WriterFigures& written);
std::string figures_text(const CallbackDesk& desk, const WriterFigures& written);

}  // namespace crossfloor::cli
