#include "tools/crossfloor/customers.h"

#include <algorithm>

#include "node/channels/generic_intake.h"
#include "node/runtime/clock.h"
#include "tools/crossfloor/receipts_file.h"

namespace crossfloor::cli {
namespace {

constexpr kj::Duration late_after = 100 * kj::MILLISECONDS;

std::int64_t share(std::vector<std::int64_t> sorted, double part) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1) + 0.5);
  return sorted[std::min(at, sorted.size() - 1)];
}

std::vector<std::int64_t> sorted_waits(const CallbackDesk& desk) {
  std::vector<std::int64_t> out(desk.waits().begin(), desk.waits().end());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

CallbackServer::CallbackServer(kj::Timer& timer, CallbackDesk& desk, const ChannelTargets& targets,
                               Options options)
    : timer_(timer), desk_(desk), targets_(targets), options_(std::move(options)) {
  router_.add("POST", "/replies/{account}", [this](HttpRequest request) -> kj::Promise<HttpReply> {
    const auto account = judge(request);
    if (!account.ok()) return HttpReply::problem(account.error());
    const auto made = desk_.reply(account.value(), request.body, machine_now().wall);
    if (made.fresh && options_.on_reply) options_.on_reply(desk_.log_line());
    return answer(made);
  });
  router_.add("GET", "/replies/{account}/{reply}",
              [this](HttpRequest request) -> kj::Promise<HttpReply> {
                const auto account = judge(request);
                if (!account.ok()) return HttpReply::problem(account.error());
                return answer(desk_.lookup(account.value(), request.parameter("reply")));
              });
}

// The account whose secret signed the request.
Result<std::string> CallbackServer::judge(const HttpRequest& request) {
  const std::string account = request.parameter("account");
  const ChannelTarget* target = targets_.of_account(account);
  if (target == nullptr) return Error{ErrorCode::not_found, "no such account", account, ""};
  const auto genuine =
      verify_webhook(target->secrets,
                     {request.header("webhook-id"), request.header("webhook-timestamp"),
                      request.header("webhook-signature")},
                     request.body, machine_now().wall);
  if (!genuine.ok()) {
    desk_.forged();
    return genuine.error();
  }
  return account;
}

kj::Promise<HttpReply> CallbackServer::answer(CallbackAnswer answer) {
  HttpReply reply =
      answer.status == 0 ? HttpReply::none() : HttpReply::json(answer.body, answer.status);
  if (answer.after.count() == 0) return reply;
  return timer_.afterDelay(answer.after.count() * kj::MILLISECONDS)
      .then([reply = std::move(reply)]() mutable { return std::move(reply); });
}

Result<std::unique_ptr<CallbackServer>> CallbackServer::start(
    kj::Network& network, kj::Timer& timer, kj::WaitScope& scope, CallbackDesk& desk,
    const ChannelTargets& targets, Options options) {
  HttpServerOptions http;
  http.address = options.address;
  http.tls_certificate = options.tls_certificate;
  http.tls_key = options.tls_key;
  std::unique_ptr<CallbackServer> out(new CallbackServer(timer, desk, targets, std::move(options)));
  auto made = HttpServer::start(network, timer, out->router_, std::move(http)).wait(scope);
  if (!made.ok()) return made.error();
  out->server_ = std::move(made).value();
  return out;
}

std::string CallbackServer::url(const std::string& account) const {
  const std::string& address = options_.address;
  const std::string host = address.substr(0, address.rfind(':'));
  return std::string(server_->secure() ? "https://" : "http://") + host + ":" +
         std::to_string(server_->port()) + "/replies/" + account;
}

CustomerWriter::CustomerWriter(kj::Timer& timer, IntakeClient& client, CustomerFlow& flow,
                               CallbackDesk& desk, const std::vector<ChannelTarget>& accounts,
                               Options options)
    : timer_(timer),
      client_(client),
      flow_(flow),
      desk_(desk),
      accounts_(accounts),
      options_(std::move(options)),
      under_way_(*this) {}

kj::Promise<void> CustomerWriter::run() {
  auto ends = kj::newPromiseAndFulfiller<void>();
  done_ = kj::mv(ends.fulfiller);
  began_ = timer_.now();
  next_ = flow_.next();
  pump();
  return kj::mv(ends.promise);
}

void CustomerWriter::stop() {
  if (ended_ || !done_) return;
  ended_ = true;
  pump();
}

void CustomerWriter::pump() {
  while (!ended_) {
    if (!next_ || (options_.most > 0 && figures_.written >= options_.most) ||
        (options_.lasts.count() > 0 && next_->at >= options_.lasts)) {
      ended_ = true;
      break;
    }
    if (running_ >= options_.at_once) return;
    const kj::TimePoint due = began_ + next_->at.count() * kj::MILLISECONDS;
    if (due > timer_.now()) {
      if (!armed_) {
        armed_ = true;
        under_way_.add(timer_.atTime(due).then([this] {
          armed_ = false;
          pump();
        }));
      }
      return;
    }
    if (timer_.now() - due > late_after) ++figures_.late;
    send(*next_);
    next_ = flow_.next();
  }
  if (running_ == 0 && done_->isWaiting()) done_->fulfill();
}

void CustomerWriter::send(const FlowMessage& what) {
  const ChannelTarget& target = accounts_[what.account];
  ++figures_.written;
  const std::string body = write_generic_message(what.message);
  desk_.wrote(target.account, what.message.customer.external_id, machine_now().wall);
  auto message_id = std::make_shared<std::string>();  // shared by the deliveries
  const std::size_t hosts = std::min(options_.hosts, target.hosts.size());
  for (std::size_t host = 0; host < hosts; ++host) {
    ++running_;
    auto sending = client_.send(target, host, body);
    under_way_.add(sending.then(
        [this, &target, message_id, id = what.message.external_id](IntakeResult&& result) {
          --running_;
          if (result.end == IntakeResult::End::taken) {
            const std::string name = text_member(result.receipt, "message_id");
            ++(message_id->empty() ? figures_.accepted : figures_.duplicates);
            if (!message_id->empty() && *message_id != name) ++figures_.contradictions;
            *message_id = name;
            if (options_.on_receipt)
              options_.on_receipt(receipt_line(target.account, id, result.host, result.receipt));
          } else {
            ++(result.end == IntakeResult::End::refused ? figures_.refused : figures_.given_up);
            figures_.last_reason = result.reason;
          }
          pump();
        }));
  }
}

// The client's promises do not fail, so this is a fault of ours.
void CustomerWriter::taskFailed(kj::Exception&& e) {
  if (done_->isWaiting()) done_->reject(kj::mv(e));
}

JsonValue figures_json(const CallbackDesk& desk, const WriterFigures& written) {
  JsonValue out = JsonValue::empty_object();
  const auto count = [&out](const char* name, std::size_t number) {
    out.add(name, JsonValue::of_natural(number));
  };
  const CallbackFigures& got = desk.figures();
  count("written", written.written);
  count("accepted", written.accepted);
  count("duplicates", written.duplicates);
  count("refused", written.refused);
  count("given_up", written.given_up);
  count("contradictions", written.contradictions);
  count("late", written.late);
  count("replies", got.replies);
  count("repetitions", got.repetitions);
  count("different", got.different);
  count("unsound", got.unsound);
  count("forged", got.forged);
  count("failed_by_chance", got.failed);
  count("refused_by_chance", got.refused);
  count("dropped_by_chance", got.dropped);
  count("lookups", got.lookups);
  count("answered", got.answered);
  count("waiting", desk.waiting());
  const auto waits = sorted_waits(desk);
  out.add("wait_p50_ms", JsonValue::of_integer(share(waits, 0.5)));
  out.add("wait_p99_ms", JsonValue::of_integer(share(waits, 0.99)));
  if (!written.last_reason.empty()) out.add("reason", JsonValue::of_text(written.last_reason));
  return out;
}

std::string figures_text(const CallbackDesk& desk, const WriterFigures& written) {
  const CallbackFigures& got = desk.figures();
  const auto waits = sorted_waits(desk);
  std::string out = "written " + std::to_string(written.written) + ", accepted " +
                    std::to_string(written.accepted) + ", refused " +
                    std::to_string(written.refused) + ", given up " +
                    std::to_string(written.given_up) + "; replies " + std::to_string(got.replies) +
                    ", repetitions " + std::to_string(got.repetitions) + "; waiting " +
                    std::to_string(desk.waiting()) + ", waited " +
                    std::to_string(share(waits, 0.5)) + " ms (median), " +
                    std::to_string(share(waits, 0.99)) + " ms (p99)";
  if (got.forged + got.unsound + got.different + written.contradictions > 0) {
    out += "; WRONG: " + std::to_string(got.forged) + " forged, " + std::to_string(got.unsound) +
           " unsound, " + std::to_string(got.different) + " repeated differently, " +
           std::to_string(written.contradictions) + " contradictions";
  }
  if (!written.last_reason.empty()) out += "; last: " + written.last_reason;
  return out;
}

}  // namespace crossfloor::cli
