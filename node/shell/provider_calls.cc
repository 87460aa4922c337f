#include "node/shell/provider_calls.h"

#include "node/channels/generic_callback.h"
#include "node/runtime/log.h"
#include "protocol/check.h"

namespace crossfloor {
namespace {

std::string url_text(const Url& url) {
  return (url.tls ? "https://" : "http://") + url.address.text() + url.target;
}

CallbackReply callback_of(const CallProvider& call) {
  CallbackReply out;
  out.reply_id = call.reply;
  out.conversation_id = call.conversation;
  out.to = call.body.to;
  out.thread_id = call.body.thread_id;
  out.parent_id = call.body.parent_id;
  out.language = call.body.language;
  out.is_public = call.body.is_public;
  out.text = call.body.text;
  out.signature = call.body.signature;
  return out;
}

}  // namespace

ProviderCalls::ProviderCalls(CoreDriver& driver, HttpClient& client, const Config& config,
                             Metrics& metrics)
    : driver_(driver), client_(client), metrics_(metrics), tasks_(*this) {
  for (const auto& account : config.accounts) {
    auto secrets = WebhookSecrets::of(account.secrets);
    XF_CHECK(secrets.ok());  // the config was read under the same limits
    accounts_[account.name] = {url_text(account.callback), std::move(secrets).value()};
  }
}

void ProviderCalls::call(CallProvider&& call) {
  const auto at = accounts_.find(call.body.account);
  // The core has the account from the same config, or it would not be the sender.
  XF_CHECK(at != accounts_.end());
  const Account& account = at->second;
  const WallTime wall = machine_now().wall;
  HttpCall http = call.lookup
                      ? build_lookup(account.callback, call.reply, account.secrets, wall)
                      : build_callback(account.callback, callback_of(call), account.secrets, wall);
  // Moved into the promise: KJ would keep a reference to what it is given by name.
  auto told = [this, reply = call.reply, attempt = call.attempt,
               lookup = call.lookup](HttpOutcome&& outcome) {
    const WallTime now_wall = machine_now().wall;
    const DeliveryResult result =
        lookup ? read_lookup(outcome, now_wall) : read_callback(outcome, now_wall);
    metrics_
        .counter("crossfloor_provider_calls_total", "Calls to the callbacks of channels",
                 {{"call", lookup ? "lookup" : "reply"}, {"outcome", word_of(result.kind)}})
        .add();
    driver_.call("provider_answered", [&](NodeCore& core, Now now) {
      core.provider_answered(reply, attempt, lookup, result, now);
    });
  };
  tasks_.add(client_.call(std::move(http)).then(std::move(told)));
}

void ProviderCalls::taskFailed(kj::Exception&& exception) {
  log_error("provider_call_failed", {{"why", exception.getDescription().cStr()}});
  invariant_broken("a call to a provider threw", __FILE__, __LINE__);
}

}  // namespace crossfloor
