#include "node/shell/introduction.h"

#include <algorithm>

#include "node/runtime/log.h"
#include "protocol/check.h"

namespace crossfloor {
namespace {

constexpr std::size_t first_pause_s = 1;
constexpr std::size_t longest_pause_s = 60;
constexpr kj::Duration between_visits = 60 * kj::SECONDS;
constexpr int revoked = 403;  // the body is the revocation

}  // namespace

Introduction::Introduction(HttpClient& client, kj::Timer& timer, const Roster& roster,
                           const NodeId& self, Owner owner)
    : client_(client),
      timer_(timer),
      roster_(roster),
      self_(self),
      owner_(std::move(owner)),
      tasks_(*this) {}

void Introduction::begin(WallTime wall) {
  for (const NodeId& node : roster_.members(wall)) {
    if (node != self_) set_out(node);
  }
}

void Introduction::refused_by(const NodeId& peer) {
  const auto last = asked_why_.find(peer);
  if (last != asked_why_.end() && timer_.now() - last->second < between_visits) return;
  asked_why_.insert_or_assign(peer, timer_.now());
  set_out(peer);
}

void Introduction::set_out(const NodeId& peer) {
  const Certificate* certificate = roster_.certificate(peer);
  if (certificate == nullptr || under_way_.contains(peer)) return;
  Visit one;
  one.peer = peer;
  for (const char* scheme : {"https", "http"}) {
    for (auto& address : certificate->addresses_of(scheme)) {
      one.addresses.push_back(std::move(address));
    }
  }
  if (one.addresses.empty()) return;
  under_way_.insert(peer);
  tasks_.add(visit(std::move(one)).then([this, peer] { under_way_.erase(peer); }));
}

kj::Promise<void> Introduction::visit(Visit visit) {
  if (owner_.known(visit.peer)) return kj::READY_NOW;
  HttpCall call;
  call.method = "PUT";
  call.url = visit.addresses[visit.tries % visit.addresses.size()] + "/v1/certificates";
  call.headers = {{"Content-Type", "text/plain"}};
  call.body = roster_.certificate(self_)->text;
  return client_.call(std::move(call))
      .then([this, visit = std::move(visit)](HttpOutcome&& outcome) mutable -> kj::Promise<void> {
        const std::string peer = visit.peer.hex().substr(0, 12);
        if (outcome.end == HttpOutcome::End::answered && outcome.status == 200) {
          log_info("introduced", {{"peer", peer}});
          return kj::READY_NOW;
        }
        if (outcome.end == HttpOutcome::End::answered && outcome.status == revoked) {
          owner_.told(outcome.body);
          return kj::READY_NOW;
        }
        if (visit.tries == 0) {
          log_info("introduction_repeated",
                   {{"peer", peer}, {"status", outcome.status}, {"why", outcome.why}});
        }
        const auto pause =
            std::min(first_pause_s << std::min<std::size_t>(visit.tries, 6), longest_pause_s);
        ++visit.tries;
        return timer_.afterDelay(pause * kj::SECONDS)
            .then(
                [this, next = std::move(visit)]() mutable { return this->visit(std::move(next)); });
      });
}

void Introduction::taskFailed(kj::Exception&& exception) {
  log_error("introduction_failed", {{"why", exception.getDescription().cStr()}});
  invariant_broken("an introduction threw", __FILE__, __LINE__);
}

}  // namespace crossfloor
