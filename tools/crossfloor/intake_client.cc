#include "tools/crossfloor/intake_client.h"

#include <algorithm>
#include <cctype>

#include "node/runtime/clock.h"
#include "protocol/ids.h"

namespace crossfloor::cli {
namespace {

std::string percent(std::string_view segment) {
  std::string out;
  for (const char c : segment) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.') {
      out += c;
    } else {
      out += "%" + to_hex(ByteView(&c, 1));
    }
  }
  return out;
}

bool try_again(const HttpOutcome& outcome) {
  if (outcome.end != HttpOutcome::End::answered) return true;
  const int status = outcome.status;
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

// "400 customer.external_id: is missing", from the problem document if there is one.
std::string reason_of(const HttpOutcome& outcome) {
  if (outcome.end != HttpOutcome::End::answered) {
    return (outcome.end == HttpOutcome::End::not_sent ? "no connection: " : "no answer: ") +
           outcome.why;
  }
  std::string out = std::to_string(outcome.status);
  const auto problem = parse_json(outcome.body);
  if (!problem.ok()) return out;
  const std::string field = text_member(problem.value(), "field");
  const std::string detail = text_member(problem.value(), "detail");
  if (!field.empty()) out += " " + field + (detail.empty() ? "" : ":");
  if (!detail.empty()) out += " " + detail;
  return out;
}

}  // namespace

std::string text_member(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.find(name);
  return value != nullptr && value->kind == JsonValue::Kind::text ? value->text : "";
}

bool flag_member(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.find(name);
  return value != nullptr && value->kind == JsonValue::Kind::boolean && value->boolean;
}

struct IntakeClient::Run {
  const ChannelTarget* target = nullptr;
  std::size_t host = 0;
  std::string body;
  std::string id;  // of this delivery
  Instant since{};
  Duration pause{};
  IntakeResult result;
};

kj::Promise<IntakeResult> IntakeClient::send(const ChannelTarget& target, std::size_t first_host,
                                             std::string body) {
  auto run = kj::heap<Run>();
  Run& r = *run;
  r.target = &target;
  r.host = first_host;
  r.body = std::move(body);
  r.id = random_.id<MessageId>().hex();
  r.since = machine_now().steady;
  r.pause = options_.first_pause;
  return attempt(r).then([&r] { return std::move(r.result); }).attach(kj::mv(run));
}

kj::Promise<void> IntakeClient::attempt(Run& run) {
  ++run.result.attempts;
  run.result.host = run.target->hosts[run.host % run.target->hosts.size()];
  HttpCall call{"POST",
                run.result.host + "/v1/channels/" + percent(run.target->account) + "/messages",
                {{"content-type", "application/json"}},
                run.body};
  const auto headers = sign_webhook(run.target->secrets, run.id, call.body, machine_now().wall);
  call.headers.emplace_back("webhook-id", headers.id);
  call.headers.emplace_back("webhook-timestamp", headers.timestamp);
  call.headers.emplace_back("webhook-signature", headers.signature);
  return http_.call(std::move(call)).then([this, &run](HttpOutcome&& outcome) -> kj::Promise<void> {
    if (!judge(run, outcome)) return kj::READY_NOW;
    // Half to all of the pause, so that many who failed together do not come back together.
    const auto half = run.pause.count() / 2;
    const auto pause =
        half + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(half) + 1));
    run.pause = std::min(run.pause * 2, options_.longest_pause);
    ++run.host;
    return timer_.afterDelay(pause * kj::MILLISECONDS).then([this, &run] { return attempt(run); });
  });
}

// Whether another attempt shall follow.
bool IntakeClient::judge(Run& run, const HttpOutcome& outcome) const {
  IntakeResult& result = run.result;
  result.status = outcome.end == HttpOutcome::End::answered ? outcome.status : 0;
  if (result.status >= 200 && result.status < 300) {
    auto receipt = parse_json(outcome.body);
    if (receipt.ok() && receipt.value().kind == JsonValue::Kind::object) {
      result.end = IntakeResult::End::taken;
      result.receipt = std::move(receipt).value();
    } else {
      result.end = IntakeResult::End::refused;
      result.reason = std::to_string(result.status) + " without a receipt";
    }
    return false;
  }
  result.reason = reason_of(outcome);
  if (!try_again(outcome)) {
    result.end = IntakeResult::End::refused;
    return false;
  }
  result.end = IntakeResult::End::given_up;
  return machine_now().steady - run.since + run.pause < options_.patience;
}

}  // namespace crossfloor::cli
