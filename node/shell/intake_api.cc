#include "node/shell/intake_api.h"

#include <algorithm>

#include "node/channels/generic_intake.h"
#include "node/channels/generic_receipt.h"
#include "protocol/check.h"
#include "protocol/json_codec.h"

namespace crossfloor {
namespace {

// Requests whose receipt waits for a disk, here or at a peer. Each holds a connection.
constexpr std::size_t max_waiting = 8192;

std::string receipt_json(const Receipt& receipt) {
  GenericReceipt out;
  out.message_id = receipt.message;
  out.stream = stream_text(receipt.stream);
  out.sequence = receipt.sequence;
  out.hash = receipt.hash;
  out.durable = receipt.mesh ? Durable::mesh : Durable::site;
  out.duplicate = receipt.duplicate;
  return json_text(out);
}

}  // namespace

IntakeApi::IntakeApi(CoreDriver& driver, const Config& config, Metrics& metrics)
    : driver_(driver),
      metrics_(metrics),
      seconds_(metrics.histogram("crossfloor_intake_seconds",
                                 "From a message's arrival to its receipt", Metrics::seconds())) {
  for (const auto& account : config.accounts) {
    auto secrets = WebhookSecrets::of(account.secrets);
    XF_CHECK(secrets.ok());  // the config was read under the same limits
    accounts_[account.name] = {&account, std::move(secrets).value()};
  }
}

void IntakeApi::add_to(HttpRouter& router) {
  router.add(
      "POST", "/v1/channels/{account}/messages",
      [this](HttpRequest request) { return take(std::move(request)); }, max_intake_body);
}

void IntakeApi::count(const char* outcome) {
  metrics_
      .counter("crossfloor_intakes_total", "Messages handed in by channels", {{"outcome", outcome}})
      .add();
}

void IntakeApi::close_and_answer(const Error& why) {
  closed_ = why;
  for (auto& [request, waiting] : std::exchange(waiting_, {})) {
    waiting.answer->fulfill(refuse(why));
  }
}

HttpReply IntakeApi::refuse(const Error& error) {
  count(name_of(error.code));
  HttpReply reply = HttpReply::problem(error);
  if (reply.status == 503) reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

kj::Promise<HttpReply> IntakeApi::take(HttpRequest request) {
  const auto at = accounts_.find(request.parameter("account"));
  if (at == accounts_.end()) {
    return refuse({ErrorCode::not_found, "this node has no such channel account", "account",
                   "send it to one of the account's hosts, or add it to site.toml"});
  }
  if (closed_) return refuse(*closed_);
  if (driver_.full() || waiting_.size() >= max_waiting) {
    return refuse({ErrorCode::full, "this node has too much to do", "",
                   "send it again later, or to another host"});
  }
  auto message = check(request, at->second);
  if (!message.ok()) return refuse(message.error());
  const RequestId id = driver_.next_request();
  auto paf = kj::newPromiseAndFulfiller<HttpReply>();
  waiting_.emplace(id, Waiting{kj::mv(paf.fulfiller), monotonic_now()});
  driver_.call("intake",
               [&](NodeCore& core, Now now) { core.intake(id, at->first, message.value(), now); });
  return kj::mv(paf.promise);
}

Result<IncomingMessage> IntakeApi::check(const HttpRequest& request, const Account& account) const {
  const WebhookHeaders headers{request.header("webhook-id"), request.header("webhook-timestamp"),
                               request.header("webhook-signature")};
  if (auto genuine = verify_webhook(account.secrets, headers, request.body, machine_now().wall);
      !genuine.ok()) {
    return genuine.error();
  }
  auto message = read_generic_message(request.body);
  if (!message.ok()) return message;
  IncomingMessage& read = message.value();
  if (read.language.empty()) read.language = account.config->language;
  for (const auto& skill : account.config->skills) {
    if (std::find(read.skills.begin(), read.skills.end(), skill) == read.skills.end()) {
      read.skills.push_back(skill);
    }
  }
  return message;
}

void IntakeApi::answer(AnswerIntake&& answer) {
  const auto at = waiting_.find(answer.request);
  if (at == waiting_.end()) return;
  Waiting waiting = std::move(at->second);
  waiting_.erase(at);
  if (!answer.receipt.ok()) {
    waiting.answer->fulfill(refuse(answer.receipt.error()));
    return;
  }
  const Receipt& receipt = answer.receipt.value();
  count(receipt.duplicate ? "duplicate" : "accepted");
  seconds_.observe(std::chrono::duration<double>(monotonic_now() - waiting.since).count());
  waiting.answer->fulfill(HttpReply::json(receipt_json(receipt), receipt.duplicate ? 200 : 201));
}

}  // namespace crossfloor
